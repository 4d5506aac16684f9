"""Keeps one comment of a pull request up to date, instead of adding one for every push.

    python3 -m scripts.pipeline.comment <number> <file with Markdown> --marker terraform

Reads GITHUB_API_URL, GITHUB_REPOSITORY and GH_TOKEN.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from scripts.pipeline.errors import PipelineError, run

AUTHOR = "github-actions[bot]"
LIMIT = 65_000
"""Characters; GitHub refuses a comment of more than 65,536."""

PAGE = 100


class Comments:
    """The comments of one pull request, through GitHub's REST API (version 2022-11-28)."""

    def __init__(self, environ: Mapping[str, str], number: int) -> None:
        self._api = environ.get("GITHUB_API_URL", "https://api.github.com")
        self._repository = environ.get("GITHUB_REPOSITORY", "")
        self._token = environ.get("GH_TOKEN", "")
        self._number = number

    def keep(self, marker: str, text: str) -> str:
        """Write ``text`` into the comment with ``marker``, or make it; returns ``created`` or ``updated``.

        :raises PipelineError: when GitHub refuses.
        """
        hidden = f"<!-- {marker} -->"
        body = {"body": f"{hidden}\n{shortened(text)}"}
        found = self._find(hidden)
        if found is None:
            self._ask("POST", f"issues/{self._number}/comments", body)
            return "created"
        self._ask("PATCH", f"issues/comments/{found}", body)
        return "updated"

    def _find(self, hidden: str) -> int | None:
        page = 1
        while True:
            some = self._ask("GET", f"issues/{self._number}/comments?per_page={PAGE}&page={page}")
            for comment in some:
                # Somebody else's comment may quote ours, marker included.
                if comment["user"]["login"] == AUTHOR and comment["body"].startswith(hidden):
                    return int(comment["id"])
            if len(some) < PAGE:
                return None
            page += 1

    def _ask(self, method: str, path: str, body: Mapping[str, str] | None = None) -> Any:
        url = f"{self._api}/repos/{self._repository}/{path}"
        headers = {
            "Accept": "application/vnd.github+json",
            "Authorization": f"Bearer {self._token}",
            "Content-Type": "application/json",
            "X-GitHub-Api-Version": "2022-11-28",
        }
        content = json.dumps(body).encode() if body else None
        asked = urllib.request.Request(url, content, headers, method=method)  # noqa: S310 - GitHub's own address
        try:
            with urllib.request.urlopen(asked, timeout=30) as answer:  # noqa: S310 - the same
                return json.load(answer)
        except (urllib.error.URLError, ValueError) as error:
            raise PipelineError(f"{method} {path}: {error}") from error


def shortened(text: str) -> str:
    """``text`` as far as a comment holds it."""
    if len(text) <= LIMIT:
        return text
    return text[:LIMIT].rsplit("\n", 1)[0] + "\n```\n\nThe rest is in the run's summary."


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    parser = argparse.ArgumentParser(prog="comment", description=__doc__)
    parser.add_argument("number", type=int)
    parser.add_argument("file", type=Path)
    parser.add_argument("--marker", required=True)
    chosen = parser.parse_args(arguments)

    def command() -> None:
        text = chosen.file.read_text(encoding="utf-8")
        print(Comments(os.environ, chosen.number).keep(chosen.marker, text))

    return run(command)


if __name__ == "__main__":
    sys.exit(main())
