"""How fast files are inspected: what one core reads of each format, in the pieces that uploads come in."""

from __future__ import annotations

import time
from statistics import median

from bench import images
from bench.report import Report, Table
from services.inspection import Inspector

PIECE = 256 * 1024


def inspection(report: Report, *, rounds: int) -> None:
    """Inspect one noisy picture of each format, again and again."""
    table = Table("Inspection, one core", ("format", "file, MB", "MB/s", "ms for the file"))
    rates = {}
    for name in images.FORMATS:
        data = images.sample(name, 500_000 if name == "GIF" else 2_000_000)
        pieces = [data[at : at + PIECE] for at in range(0, len(data), PIECE)]
        seconds = median(_once(pieces) for _ in range(rounds))
        rates[name] = len(data) / 1e6 / seconds
        table.rows.append((name, f"{len(data) / 1e6:.1f}", f"{rates[name]:.0f}", f"{1000 * seconds:.2f}"))
    report.tables.append(table)
    report.raw["inspection_mb_per_second"] = rates


def _once(pieces: list[bytes]) -> float:
    started = time.perf_counter()
    inspector = Inspector(max_pixels=50_000_000)
    for piece in pieces:
        inspector.feed(piece)
    inspector.finish()
    return time.perf_counter() - started
