from __future__ import annotations

from datetime import date, timedelta

import pytest

from api.pages.charts import HEIGHT, per_day
from services.models import DayTotal

TODAY = date(2026, 11, 21)


def test_days_without_uploads_are_there_too() -> None:
    chart = per_day([DayTotal(TODAY - timedelta(days=2), 3, 900)], today=TODAY, days=4)
    assert [(bar.day.day, bar.images, bar.size) for bar in chart.bars] == [
        (18, 0, 0),
        (19, 3, 900),
        (20, 0, 0),
        (21, 0, 0),
    ]
    assert (chart.top, chart.images) == (4, 3)


def test_bars_stand_on_the_lower_line_and_in_their_place() -> None:
    chart = per_day([DayTotal(TODAY, 10, 1), DayTotal(TODAY - timedelta(days=1), 5, 1)], today=TODAY, days=2)
    assert [bar.height for bar in chart.bars] == [HEIGHT / 2, HEIGHT]
    assert all(bar.y + bar.height == HEIGHT for bar in chart.bars)
    assert chart.bars[-1].x + chart.bar_width < chart.width
    assert chart.bars[0].x + chart.bar_width < chart.bars[1].x


def test_days_out_of_sight_are_left_out() -> None:
    chart = per_day([DayTotal(TODAY - timedelta(days=4), 7, 1)], today=TODAY, days=4)
    assert chart.images == 0


@pytest.mark.parametrize(
    ("most", "top"),
    [(0, 2), (1, 2), (2, 2), (3, 4), (5, 10), (11, 20), (21, 40), (41, 100), (101, 200), (99_999, 10**5)],
)
def test_the_upper_line_has_a_whole_half(most: int, top: int) -> None:
    assert per_day([DayTotal(TODAY, most, 1)], today=TODAY, days=1).top == top
