"""Totals: read from summary rows, which the triggers of the first migration keep."""

from __future__ import annotations

from datetime import date, timedelta

from sqlalchemy import Connection, func, select

from services.metadata.tables import daily_totals
from services.models import DayTotal, Totals

_EPOCH = date(1970, 1, 1)

_PER_DAY = (
    select(
        daily_totals.c.day,
        func.sum(daily_totals.c.images),
        func.sum(daily_totals.c.size),
        func.sum(daily_totals.c.deleted),
    )
    .group_by(daily_totals.c.day)
    .order_by(daily_totals.c.day)
)


def read_totals(connection: Connection, *, days: int, today: date) -> Totals:
    """What is stored; ``days`` counts ``today`` (UTC). A few rows for each day that ever had an upload are read."""
    images = size = deleted = 0
    recent = []
    for day, of_images, of_size, of_deleted in connection.execute(_PER_DAY):
        # PostgreSQL sums 64-bit integers to a decimal.
        images, size, deleted = images + int(of_images), size + int(of_size), deleted + int(of_deleted)
        if of_images and (today - _EPOCH).days - day < days:
            recent.append(DayTotal(_EPOCH + timedelta(days=day), int(of_images), int(of_size)))
    return Totals(images, size, deleted, tuple(recent))
