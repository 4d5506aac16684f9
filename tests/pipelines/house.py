"""A repository of its own with the sources that the pipeline's commands read, and a history that a test may change."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.pipelines.runner import ROOT

COPIED = ("scripts", "services/metadata", "CHANGELOG.md", ".github")
VERSIONS = "services/metadata/migrations/versions"


class House:
    """The repository, as a job has it after checking out: ``.venv``, ``origin/main``, an event."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for name in COPIED:
            source, target = ROOT / name, folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            if source.is_dir():
                shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy(source, target)
        (folder / ".gitignore").write_text(".venv\n*.pyc\n/event.json\n/deployment-state.json\n/notes.md\n")
        (folder / ".venv").symlink_to(sys.prefix)
        self.git("init", "--quiet", "--initial-branch=main")
        self.commit("first")

    def git(self, *arguments: str) -> str:
        """Run git here; returns what it printed."""
        identity = ("-c", "user.name=Test", "-c", "user.email=test@example.org", "-c", "commit.gpgsign=false")
        done = subprocess.run(
            ["git", *identity, *arguments], cwd=self.folder, check=True, capture_output=True, text=True, timeout=60
        )
        return done.stdout.strip()

    def commit(self, message: str, *, on_main: bool = True) -> str:
        """Commit everything, as merged unless told otherwise; returns the commit."""
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message", message)
        commit = self.git("rev-parse", "HEAD")
        if on_main:
            self.git("update-ref", "refs/remotes/origin/main", commit)
        return commit

    def migration(self, name: str, body: str) -> None:
        """Write a migration whose ``upgrade`` has this body."""
        text = (
            f'"""A migration."""\n\nimport sqlalchemy as sa\nfrom alembic import op\n\n\ndef upgrade():\n    {body}\n'
        )
        (self.folder / VERSIONS / name).write_text(text)

    def event(self, *, name: str = "push", ref: str, commit: str, fork: bool = False, **more: Any) -> dict[str, str]:
        """GitHub's variables for a run, with the event in a file."""
        payload = {"repository": {"full_name": "acme/image-service", "fork": fork}, **more}
        path = self.folder / "event.json"
        path.write_text(json.dumps(payload))
        return {
            "GITHUB_EVENT_NAME": name,
            "GITHUB_EVENT_PATH": str(path),
            "GITHUB_REPOSITORY": "acme/image-service",
            "GITHUB_REF": ref,
            "GITHUB_REF_NAME": ref.removeprefix("refs/tags/").removeprefix("refs/heads/"),
            "GITHUB_SHA": commit,
        }
