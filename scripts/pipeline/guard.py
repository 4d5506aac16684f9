"""Refuses to build or deploy from anywhere but where builds and deployments come from.

    python3 -m scripts.pipeline.guard branch     # a push to main of the repository itself
    python3 -m scripts.pipeline.guard release    # a tag vX.Y.Z of the repository itself, on a commit of main

Runs before any step that has credentials. The roles' trust policies and the environments' rules refuse the same; this
is the line that says why. Needs nothing but Python and git.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from scripts.pipeline.errors import PipelineError, run
from scripts.pipeline.outputs import output

MAIN = "main"
TAG = re.compile(r"refs/tags/v((?:0|[1-9]\d*)\.(?:0|[1-9]\d*)\.(?:0|[1-9]\d*))")

OnMain = Callable[[str], bool]
"""Whether a commit is part of the main branch."""


def check_origin(environ: Mapping[str, str], event: Mapping[str, Any]) -> None:
    """Refuse forks, pull requests and everything else that outsiders can start.

    :param environ: GitHub's variables.
    :param event: the webhook's payload.
    :raises PipelineError: when the run is not the repository's own.
    """
    name = environ.get("GITHUB_EVENT_NAME", "")
    if name not in {"push", "workflow_dispatch"}:
        raise PipelineError(f"a run started by {name or 'nothing'} never gets credentials; push, or start it by hand")
    repository = event.get("repository") or {}
    if repository.get("fork", True):
        raise PipelineError("this is a fork: builds and deployments belong to the repository that it was forked from")
    if repository.get("full_name") != environ.get("GITHUB_REPOSITORY"):
        raise PipelineError("the event is another repository's")


def check_branch(environ: Mapping[str, str]) -> None:
    """Let the main branch pass.

    :raises PipelineError: for every other branch, and for tags.
    """
    ref = environ.get("GITHUB_REF", "")
    if ref != f"refs/heads/{MAIN}":
        raise PipelineError(f"images are built from refs/heads/{MAIN}, not from {ref or 'nowhere'}")


def check_release(environ: Mapping[str, str], on_main: OnMain) -> str:
    """Let a release's tag pass; returns its version, ``1.2.3``.

    :raises PipelineError: for branches, other tags, and tags on commits that never reached the main branch.
    """
    ref, commit = environ.get("GITHUB_REF", ""), environ.get("GITHUB_SHA", "")
    found = TAG.fullmatch(ref)
    if not found:
        raise PipelineError(f"deployments come from tags such as v1.2.3, not from {ref or 'nowhere'}")
    if not re.fullmatch("[0-9a-f]{40}", commit) or not on_main(commit):
        raise PipelineError(f"{ref} is not on {MAIN}: only what was reviewed and built there is deployed")
    return found[1]


def is_on_main(commit: str) -> bool:
    """Whether ``origin/main`` contains ``commit``; needs the whole history (``fetch-depth: 0``)."""
    command = ["git", "merge-base", "--is-ancestor", commit, f"origin/{MAIN}"]
    done = subprocess.run(command, check=False, capture_output=True)  # noqa: S603 - the commit is 40 hexadecimal digits
    return done.returncode == 0


def guard(kind: str, environ: Mapping[str, str]) -> None:
    """Refuse or pass; a release's version becomes the output ``version``.

    :raises PipelineError: when refused.
    """
    try:
        event = json.loads(Path(environ["GITHUB_EVENT_PATH"]).read_text(encoding="utf-8"))
    except (KeyError, OSError, ValueError) as error:
        raise PipelineError("there is no event to look at (GITHUB_EVENT_PATH)") from error
    check_origin(environ, event)
    if kind == "branch":
        check_branch(environ)
    else:
        output("version", check_release(environ, is_on_main))


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    parser = argparse.ArgumentParser(prog="guard", description=__doc__)
    parser.add_argument("kind", choices=["branch", "release"])
    kind = parser.parse_args(arguments).kind
    return run(lambda: guard(kind, os.environ))


if __name__ == "__main__":
    sys.exit(main())
