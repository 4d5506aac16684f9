from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.metadata import dynamo_keys as keys
from services.metadata.dynamo_client import MAX_ACTIONS, DynamoTable
from services.metadata.dynamo_filing import Filing, write_new
from services.metadata.dynamo_items import image_item
from services.metadata.dynamo_writes import Changes, write_counters
from services.models import Image, Position
from services.names import MAX_OWNER, MAX_TAG
from tests.contract.image_repository.samples import CREATED, a_marker, a_version, an_image

MAX_PARTITION_KEY, MAX_SORT_KEY = 2048, 1024  # bytes, DynamoDB's service quotas

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=80)
times = st.datetimes(timezones=st.just(UTC))


@given(one=texts, other=texts)
def test_tokens_are_different_for_different_texts(one: str, other: str) -> None:
    assert (keys.token(one) == keys.token(other)) == (one == other)


@given(owner=texts, label=texts, other_owner=texts, other_label=texts)
def test_no_owner_and_tag_make_the_partition_of_another_pair(
    owner: str, label: str, other_owner: str, other_label: str
) -> None:
    one = keys.owner_pk(owner, keys.single(("T", label), paired=True))
    other = keys.owner_pk(other_owner, keys.single(("T", other_label), paired=True))
    assert (one == other) == ((owner, label) == (other_owner, other_label))


@pytest.mark.parametrize("text", ["#", "a#b", "A#T#cat", "%23", "=", "", "x" * 64, "x" * 65, "😀" * 200])
def test_a_token_has_no_separator_and_is_short(text: str) -> None:
    assert "#" not in keys.token(text)
    assert len(keys.token(text)) <= 64


def test_a_lone_surrogate_has_no_token() -> None:
    with pytest.raises(UnicodeEncodeError):
        keys.token("\ud800")


def test_keys_are_within_what_dynamodb_takes() -> None:
    owner, tag = "😀" * MAX_OWNER, "😀" * MAX_TAG
    assert len(keys.owner_pk(owner, keys.pair((("T", tag), ("W", tag + "x")))).encode()) <= MAX_PARTITION_KEY
    assert len(keys.version_sk("v" * 5000).encode()) <= MAX_SORT_KEY
    assert len(keys.image_pk("i" * 5000).encode()) <= MAX_PARTITION_KEY


@given(one=times, other=times)
def test_sort_keys_sort_as_time_does(one: datetime, other: datetime) -> None:
    assert (keys.moment(one) < keys.moment(other)) == (one < other)


@given(when=times, image_id=st.uuids().map(str))
def test_a_sort_key_tells_its_place(when: datetime, image_id: str) -> None:
    assert keys.position(keys.entry(when, image_id)) == Position(when, image_id)


@given(when=times, one=st.uuids().map(str), other=st.uuids().map(str))
def test_the_end_of_a_page_excludes_its_last_image_and_no_other(when: datetime, one: str, other: str) -> None:
    end = keys.place(when, one)
    assert end < keys.entry(when, one)
    assert (keys.entry(when, other) <= end) == (other < one)
    assert keys.entry(when, one) < keys.moment(when + timedelta(microseconds=1) if when.year < 9999 else when) + "~"


def test_the_labels_of_an_image_with_few_tags_and_words() -> None:
    labels = keys.value_labels(("sleep", "cat", "cat"), "A red cat")
    assert len(labels) == 5 + 10
    assert {"T#cat", "T#sleep", "W#a", "W#red", "W#cat"} <= set(labels)
    assert {"P#Tcat#Tsleep", "P#Tcat#Wcat", "P#Tsleep#Wred", "P#Wcat#Wred"} <= set(labels)


@given(one=texts, two=texts, three=texts)
def test_pairs_are_the_same_in_either_order_and_different_otherwise(one: str, two: str, three: str) -> None:
    def label(*both: tuple[str, str]) -> str:
        return keys.pair(both)

    assert label(("T", one), ("W", two)) == label(("W", two), ("T", one))
    if one != two:
        assert label(("T", one), ("W", two)) != label(("T", two), ("W", one))
    assert (label(("T", one), ("W", two)) == label(("T", one), ("W", three))) == (two == three)


def test_an_image_with_many_tags_and_words_has_no_pairs() -> None:
    tags = tuple(f"t{number}" for number in range(20))
    title = " ".join(f"w{number}" for number in range(keys.PAIRED_VALUES - 20))
    assert len(keys.value_labels(tags, title)) == 24 + 276
    assert keys.value_labels(tags, title + " more") == [
        *(f"t#{tag}" for tag in tags), *(f"w#{word}" for word in [*title.split(), "more"])
    ]  # fmt: skip


def test_a_deleted_image_is_in_one_listing() -> None:
    deleted = an_image(a_marker())
    changes = Changes()
    write_new(changes, deleted)
    written = [action["Put"]["Item"] for action in changes.actions if "Put" in action]
    assert [item["g1pk"]["S"] for item in written if "g1pk" in item] == ["D"]


CHANGES = [(0, 0), (1, 3), (5, 6), (9, 4), (9, 5), (20, 4), (20, 5), (20, 120)]
"""Images by how many tags and words they have, on both sides of each limit."""


@pytest.mark.parametrize("before", [None, *CHANGES])
@pytest.mark.parametrize("after", CHANGES)
@pytest.mark.parametrize("unfiled", [False, True])
def test_any_change_of_any_image_fits_its_transactions(
    before: tuple[int, int] | None, after: tuple[int, int], unfiled: bool
) -> None:
    """The most that one step can change: every tag and word, the owner, the bytes."""
    old = _valued("a", *before, owner="ada") if before else None
    new = _valued("b", *after, owner="grace")
    older = {"older": {"L": [{"M": {"owner": {"S": "eve"}, "title": {"S": "gone with it"}}}]}} if unfiled else {}
    for image in (new, replace(new, current=a_marker())):
        changes = Changes()
        item = image_item(image, revision=2)
        filing = Filing(old, older, image, item)
        filing.add_to(changes)
        write_counters(changes, old, image)
        the_image_its_version_and_the_upload = 5
        assert len(changes.actions) + the_image_its_version_and_the_upload <= MAX_ACTIONS
        transactions = Recorder(changes.actions)
        filing.finish(cast(DynamoTable, transactions), 2)
        for actions in transactions.seen:
            assert len(actions) <= MAX_ACTIONS
            touched = [str(action[kind].get("Key") or _keys_of(action[kind])) for action in actions for kind in action]
            assert len(set(touched)) == len(touched), "a transaction may name an item once"
        labels = keys.value_labels(image.tags, image.title) if not image.deleted else []
        assert transactions.copies() == {keys.owner_pk("grace", each) for each in (keys.whole_list(image), *labels)}


class Recorder:
    """Takes transactions in the place of a table."""

    def __init__(self, first: list[dict]) -> None:
        self.seen = [first]

    def transact(self, actions: list[dict]) -> None:
        self.seen.append(actions)

    def copies(self) -> set[str]:
        """The partitions of the copies that are there in the end."""
        there = set()
        for action in (action for actions in self.seen for action in actions):
            if "Put" in action:
                there.add(action["Put"]["Item"]["pk"]["S"])
            if "Delete" in action:
                there.discard(action["Delete"]["Key"]["pk"]["S"])
        return there


def _valued(prefix: str, tags: int, words: int, owner: str) -> Image:
    image = an_image(tags=_names(prefix, tags), title=" ".join(_names(prefix, words)), owner=owner)
    return replace(image, current=a_version("v2", size=1))


def _names(prefix: str, count: int) -> tuple[str, ...]:
    return tuple(f"{prefix}{number}" for number in range(count))


def _keys_of(put: dict) -> dict:
    return {name: put["Item"][name] for name in ("pk", "sk")}


def test_the_days_of_the_counters_are_utc() -> None:
    changes = Changes()
    write_counters(changes, None, an_image(created_at=CREATED))
    assert {action["Update"]["Key"]["sk"]["S"] for action in changes.actions} == {"2026-02-28", "all"}
