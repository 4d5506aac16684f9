"""The section of CHANGELOG.md that describes one release.

    python3 -m scripts.pipeline.changelog 1.2.3 > notes.md

A release that the changelog does not describe is refused.
"""

from __future__ import annotations

import argparse
import re
import sys
from datetime import date
from pathlib import Path

from scripts.pipeline.errors import PipelineError, run

CHANGELOG = Path(__file__).resolve().parents[2] / "CHANGELOG.md"
_HEADING = re.compile(r"^## \[(?P<version>[^\]]+)\](?: - (?P<date>\S+))?[ \t]*$", re.MULTILINE)


def section(text: str, version: str) -> str:
    """What stands below the heading ``## [version] - YYYY-MM-DD``, without the heading.

    :raises PipelineError: when there is no such heading or more than one, its date is none, or nothing stands below it.
    """
    headings = list(_HEADING.finditer(text))
    found = [place for place, heading in enumerate(headings) if heading["version"] == version]
    if len(found) != 1:
        raise PipelineError(
            f"CHANGELOG.md has {len(found) or 'no'} headings '## [{version}] - YYYY-MM-DD': write exactly one, then tag"
        )
    heading = headings[found[0]]
    try:
        date.fromisoformat(heading["date"] or "")
    except ValueError as error:
        raise PipelineError(f"CHANGELOG.md: write the date of {version} as ## [{version}] - YYYY-MM-DD") from error
    following = headings[found[0] + 1 :]
    body = text[heading.end() : following[0].start() if following else len(text)]
    if not re.search(r"^[-*] \S", body, re.MULTILINE):
        raise PipelineError(f"CHANGELOG.md says nothing about {version}: write at least one line, '- …'")
    return body.strip() + "\n"


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    parser = argparse.ArgumentParser(prog="changelog", description=__doc__)
    parser.add_argument("version")
    version = parser.parse_args(arguments).version
    return run(lambda: print(section(CHANGELOG.read_text(encoding="utf-8"), version), end=""))


if __name__ == "__main__":
    sys.exit(main())
