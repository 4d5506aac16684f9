"""What a step leaves behind on GitHub: outputs for later steps, lines in the run's summary."""

from __future__ import annotations

import os
from pathlib import Path


def output(name: str, value: str) -> None:
    """Make ``value`` (one line) the step's output ``name``, and show it; outside GitHub it is only shown.

    :raises ValueError: when the value has several lines, which could smuggle in another output.
    """
    if "\n" in value or "\r" in value:
        raise ValueError(f"the output {name} is not one line")
    print(f"{name}: {value}")
    _append("GITHUB_OUTPUT", f"{name}={value}\n")


def summary(text: str) -> None:
    """Add Markdown to the run's summary, and show it."""
    print(text)
    _append("GITHUB_STEP_SUMMARY", text.rstrip() + "\n\n")


def _append(variable: str, text: str) -> None:
    if path := os.environ.get(variable):
        with Path(path).open("a", encoding="utf-8") as file:
            file.write(text)
