"""A measured figure with its bound, and the report of one run: Markdown on stdout, JSON in ``bench/results``."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parent / "results"


@dataclass(frozen=True, slots=True)
class Figure:
    """One number. ``at_least`` or ``at_most`` is its bound; without either it is shown for information only."""

    name: str
    value: float
    unit: str
    at_least: float | None = None
    at_most: float | None = None
    note: str = ""

    @property
    def passed(self) -> bool | None:
        """Whether the bound holds; None without one."""
        if self.at_least is not None:
            return self.value >= self.at_least
        if self.at_most is not None:
            return self.value < self.at_most
        return None

    @property
    def bound(self) -> str:
        """The bound as text."""
        if self.at_least is not None:
            return f"≥ {self.at_least:g}"
        return "" if self.at_most is None else f"< {self.at_most:g}"


@dataclass(slots=True)
class Table:
    """A table of raw measurements, shown above the figures that were drawn from it."""

    title: str
    columns: tuple[str, ...]
    rows: list[tuple[str, ...]] = field(default_factory=list)


@dataclass(slots=True)
class Report:
    """What one run found; filled section by section."""

    s3: str
    arguments: str
    quick: bool = False
    figures: list[Figure] = field(default_factory=list)
    tables: list[Table] = field(default_factory=list)
    raw: dict[str, Any] = field(default_factory=dict)
    started: datetime = field(default_factory=lambda: datetime.now(UTC))
    load_before: float = field(default_factory=lambda: os.getloadavg()[0])

    @property
    def missed(self) -> list[Figure]:
        """The figures whose bound does not hold."""
        return [figure for figure in self.figures if figure.passed is False]

    def markdown(self) -> str:
        """The whole report."""
        lines = [self._heading(), ""]
        for table in self.tables:
            lines += [f"{table.title}:", "", *_markdown_table(table.columns, table.rows), ""]
        verdict = {True: "pass", False: "**MISS**", None: ""}
        rows = [
            (each.name, f"{_short(each.value)} {each.unit}".strip(), each.bound, verdict[each.passed], each.note)
            for each in self.figures
        ]
        lines += _markdown_table(("figure", "measured", "bound", "", "note"), rows)
        return "\n".join(lines)

    def save(self) -> Path:
        """Write everything, also the single rounds, as JSON; returns the file."""
        RESULTS.mkdir(exist_ok=True)
        path = RESULTS / f"{self.started:%Y%m%dT%H%M%S}-{self.s3.split()[0]}.json"
        figures = [
            {"name": each.name, "value": each.value, "unit": each.unit, "bound": each.bound, "passed": each.passed}
            for each in self.figures
        ]
        machine = {"cpu": cpu_model(), "cores": os.cpu_count(), "python": platform.python_version()}
        content = {
            "started": self.started.isoformat(), "arguments": self.arguments, "s3": self.s3, "quick": self.quick,
            "machine": machine, "load_before": self.load_before, "figures": figures, "raw": self.raw,
        }  # fmt: skip
        path.write_text(json.dumps(content, indent=1))
        return path

    def _heading(self) -> str:
        load = f"load average {self.load_before:.2f} before, {os.getloadavg()[0]:.2f} after"
        return (
            f"`python -m bench {self.arguments}`".replace(" `", "`")
            + f" on {self.started:%Y-%m-%d %H:%M} UTC, S3 server {self.s3}, {os.cpu_count()} cores {cpu_model()}, "
            + f"Python {platform.python_version()}, {load}" + (", quick: numbers are noise" if self.quick else "")
        )  # fmt: skip


def cpu_model() -> str:
    """The processor's name as Linux tells it."""
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.machine()


def _markdown_table(columns: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> list[str]:
    return [
        "| " + " | ".join(columns) + " |",
        "|" + " --- |" * len(columns),
        *("| " + " | ".join(row) + " |" for row in rows),
    ]


def _short(value: float) -> str:
    if value >= 100:
        return f"{value:.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"
