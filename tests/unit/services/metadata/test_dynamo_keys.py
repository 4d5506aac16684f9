from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.metadata import dynamo_keys as keys
from services.metadata.dynamo_client import MAX_ACTIONS
from services.metadata.dynamo_items import image_item
from services.metadata.dynamo_writes import Changes, write_counters, write_listings
from services.models import Position
from services.names import MAX_OWNER, MAX_TAG, MAX_TAGS
from services.words import MAX_WORDS, words_of
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
    one = keys.owner_pk(owner, keys.single("T", label))
    other = keys.owner_pk(other_owner, keys.single("T", other_label))
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
    assert len(keys.owner_pk(owner, keys.pair("T", (tag, tag + "x"))).encode()) <= MAX_PARTITION_KEY
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
    image = an_image(title="A red cat", tags=("sleep", "cat", "cat"))
    assert sorted(keys.labels_of(image)) == sorted(
        [
            "A",
            "T#cat", "T#sleep", "TT#cat#sleep",
            "W#a", "W#red", "W#cat", "WW#a#red", "WW#a#cat", "WW#cat#red",
        ]
    )  # fmt: skip


def test_an_image_with_many_tags_has_no_pairs_of_them() -> None:
    tags = tuple(f"t{number}" for number in range(keys.PAIRED_TAGS + 1))
    labels = keys.labels_of(an_image(title="", tags=tags))
    assert labels == ["A", *(f"t#{tag}" for tag in tags)]


def test_a_deleted_image_is_in_one_listing() -> None:
    assert keys.labels_of(an_image(a_marker())) == ["D"]


@pytest.mark.parametrize("tags", range(MAX_TAGS + 1))
@pytest.mark.parametrize("words", [0, 1, 5, 6, 7, 8, MAX_WORDS])
def test_any_change_of_any_image_fits_one_transaction(tags: int, words: int) -> None:
    """The most that one step can change: every tag and word, the owner, the bytes."""
    before = an_image(tags=_names("a", tags), title=" ".join(_names("a", words)), owner="ada")
    full = an_image(tags=_names("b", MAX_TAGS), title=" ".join(_names("b", MAX_WORDS)))
    after = replace(before, tags=full.tags, title=full.title, owner="grace", current=a_version("v2", size=1))
    assert len(words_of(after.title)) == MAX_WORDS
    for old, new in ((before, after), (after, before), (None, after), (after, replace(after, current=a_marker()))):
        changes = Changes()
        write_listings(changes, old, new, image_item(new, revision=2))
        write_counters(changes, old, new)
        image_version_and_upload = 5  # the image, its version, and the three items of a promoted upload
        if old is not None:
            image_version_and_upload = 2
        assert len(changes.actions) + image_version_and_upload <= MAX_ACTIONS
        touched = [
            str(action[kind].get("Key") or _keys_of(action[kind])) for action in changes.actions for kind in action
        ]
        assert len(set(touched)) == len(touched), "a transaction may name an item once"


def _names(prefix: str, count: int) -> tuple[str, ...]:
    return tuple(f"{prefix}{number}" for number in range(count))


def _keys_of(put: dict) -> dict:
    return {name: put["Item"][name] for name in ("pk", "sk")}


def test_the_days_of_the_counters_are_utc() -> None:
    changes = Changes()
    write_counters(changes, None, an_image(created_at=CREATED))
    assert {action["Update"]["Key"]["sk"]["S"] for action in changes.actions} == {"2026-02-28", "all"}
