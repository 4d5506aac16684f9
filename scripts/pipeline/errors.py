"""The one error of the pipeline's commands, and how a command ends with it."""

from __future__ import annotations

import sys
from collections.abc import Callable


class PipelineError(Exception):
    """The pipeline must not go on; the message says what was found and what to do."""


def run(command: Callable[[], None]) -> int:
    """Run ``command``; returns the exit code: 0, or 1 with the refusal on stderr as GitHub marks errors."""
    try:
        command()
    except PipelineError as error:
        print(f"::error::{str(error).replace(chr(10), '%0A')}", file=sys.stderr)
        return 1
    return 0
