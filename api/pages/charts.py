"""Uploads per day as bars, in numbers that a template writes into an SVG."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from services.models import DayTotal

HEIGHT = 100.0
STEP = 10.0
GAP = 2.5


@dataclass(frozen=True, slots=True)
class Bar:
    """One day: what was uploaded, and its rectangle in units of the chart's view box."""

    day: date
    images: int
    size: int
    x: float
    y: float
    height: float


@dataclass(frozen=True, slots=True)
class Chart:
    """Bars from the oldest day to today. ``top`` is the value at the upper edge, ``images`` the sum of all days."""

    bars: tuple[Bar, ...]
    top: int
    images: int
    width: float
    height: float = HEIGHT
    bar_width: float = STEP - GAP


def per_day(totals: Sequence[DayTotal], *, today: date, days: int) -> Chart:
    """The last ``days`` days up to ``today``, those without uploads included."""
    by_day = {total.day: total for total in totals}
    shown = [today - timedelta(days=back) for back in reversed(range(days))]
    counts = [by_day[day].images if day in by_day else 0 for day in shown]
    top = _round_up(max(counts, default=0))
    bars = []
    for place, (day, images) in enumerate(zip(shown, counts, strict=True)):
        height = round(HEIGHT * images / top, 2)
        size = by_day[day].size if day in by_day else 0
        bars.append(Bar(day, images, size, place * STEP + GAP / 2, round(HEIGHT - height, 2), height))
    return Chart(tuple(bars), top, sum(counts), len(shown) * STEP)


def _round_up(value: int) -> int:
    """The next of 2, 4, 10, 20, 40, 100, ...: values that have a whole half, for the middle line."""
    scale = 1
    while True:
        for factor in (2, 4, 10):
            if value <= factor * scale:
                return factor * scale
        scale *= 10
