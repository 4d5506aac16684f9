from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.dialects import sqlite

from services.metadata.tables import StringTuple, UtcMicroseconds

DIALECT = sqlite.dialect()
ZONES = st.integers(-23 * 60, 23 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
TIMES = st.datetimes(datetime(1, 1, 3), datetime(9999, 12, 29), timezones=ZONES)  # noqa: DTZ001 - the zone is drawn


def stored(when: datetime) -> int:
    number = UtcMicroseconds().process_bind_param(when, DIALECT)
    assert number is not None
    return number


@given(TIMES)
def test_a_time_round_trips(when: datetime) -> None:
    back = UtcMicroseconds().process_result_value(stored(when), DIALECT)
    assert back == when
    assert back is not None
    assert back.tzinfo is UTC


@given(TIMES, TIMES)
def test_stored_times_sort_as_the_times_do(one: datetime, other: datetime) -> None:
    assert (stored(one) < stored(other)) == (one < other)


def test_the_epoch_and_the_second_before_it() -> None:
    assert stored(datetime(1970, 1, 1, tzinfo=UTC)) == 0
    assert stored(datetime(1969, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC)) == -1


def test_a_naive_time_is_refused() -> None:
    with pytest.raises(ValueError, match="naive"):
        stored(datetime(2026, 1, 1))  # noqa: DTZ001 - what is tested


@given(st.lists(st.text()).map(tuple))
def test_strings_round_trip_in_order(tags: tuple[str, ...]) -> None:
    text = StringTuple().process_bind_param(tags, DIALECT)
    assert StringTuple().process_result_value(text, DIALECT) == tags


def test_strings_are_stored_readable() -> None:
    assert StringTuple().process_bind_param(("café", "😀"), DIALECT) == '["café", "😀"]'
