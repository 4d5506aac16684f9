"""Cursors are opaque, signed, and good for one query."""

from __future__ import annotations

import base64
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.cursors import Cursors
from services.errors import InvalidInput
from services.models import ImageQuery, Position

CURSORS = Cursors("secret")
NOON = datetime(2026, 2, 28, 12, 0, 0, 123456, tzinfo=UTC)
HERE = Position(NOON, "7f2c7e0e-6b0e-4b8e-9d0a-0c1f2f3a4b5c")
QUERY = ImageQuery("ada", ("red", "blue"), ("sea", "sun"), NOON, NOON + timedelta(days=1))


@given(
    st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30), timezones=st.just(UTC)),  # noqa: DTZ001 - the zone is drawn
    st.text(st.characters(exclude_categories=["Cs"]), max_size=40),
)
def test_a_place_comes_back(when: datetime, image_id: str) -> None:
    place = Position(when, image_id)
    assert CURSORS.read(QUERY, CURSORS.write(QUERY, place)) == place


def test_a_cursor_is_short_and_safe_in_a_url() -> None:
    cursor = CURSORS.write(QUERY, HERE)
    assert re.fullmatch(r"[A-Za-z0-9_.-]{1,200}", cursor)


@pytest.mark.parametrize(
    "other",
    [
        replace(QUERY, owner="grace"),
        replace(QUERY, owner=None),
        replace(QUERY, tags=("red",)),
        replace(QUERY, tags=("red,blue",)),
        replace(QUERY, tags=("sea", "sun"), words=("red", "blue")),
        replace(QUERY, words=()),
        replace(QUERY, since=None),
        replace(QUERY, since=None, until=NOON),
        replace(QUERY, until=NOON),
        replace(QUERY, deleted=True),
        ImageQuery(),
    ],
)
def test_it_is_of_no_use_for_another_query(other: ImageQuery) -> None:
    with pytest.raises(InvalidInput) as caught:
        CURSORS.read(other, CURSORS.write(QUERY, HERE))
    assert caught.value.code == "invalid_cursor"
    assert "another query" in str(caught.value)


def test_the_order_of_tags_and_their_repeats_do_not_make_another_query() -> None:
    same = replace(QUERY, tags=("blue", "red", "blue"), words=("sun", "sea"))
    assert CURSORS.read(same, CURSORS.write(QUERY, HERE)) == HERE


def test_every_altered_character_is_noticed() -> None:
    cursor = CURSORS.write(QUERY, HERE)
    for number, character in enumerate(cursor):
        altered = cursor[:number] + ("A" if character != "A" else "B") + cursor[number + 1 :]
        # The last character of base64 may carry bits that mean nothing; then it is the same cursor.
        try:
            assert CURSORS.read(QUERY, altered) == HERE
            assert number in (len(cursor) - 1, cursor.index(".") - 1)
        except InvalidInput as error:
            assert error.code == "invalid_cursor"


@pytest.mark.parametrize(
    "cursor",
    [
        "",
        ".",
        "x",
        "é",
        "a\0b",
        "\ud800",
        "x" * 100_000,
        "null",
        '{"image_id": "1"}',
        base64.urlsafe_b64encode(b'["0123456789abcdef", 0, "id"]').decode(),
    ],
)
def test_what_was_not_made_here_is_refused(cursor: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        CURSORS.read(QUERY, cursor)
    assert caught.value.code == "invalid_cursor"


def test_another_secret_made_another_cursor() -> None:
    with pytest.raises(InvalidInput):
        CURSORS.read(QUERY, Cursors("other").write(QUERY, HERE))


def test_processes_with_one_secret_share_cursors() -> None:
    assert Cursors("secret").read(QUERY, CURSORS.write(QUERY, HERE)) == HERE
