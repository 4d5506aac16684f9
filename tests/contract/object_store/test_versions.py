from __future__ import annotations

import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest

from services.errors import InvalidInput, ObjectNotFound
from services.models import ByteRange, ObjectAttributes
from services.ports import AuditableStore, ObjectStore, PresigningStore, SelfServingStore
from tests.contract.object_store.conftest import JPEG, PART, Case, content

BODY = bytes(range(256)) * 1000


def unknown_version(case: Case) -> str:
    return "0" * 32 if case.server is None else str(uuid.uuid4())


def pause(case: Case) -> None:
    """versitygw lists versions and markers apart with times in whole seconds: keep theirs apart."""
    if case.server is not None:
        time.sleep(1.1)


def test_implements_the_ports(case: Case) -> None:
    store: ObjectStore = case.store
    assert isinstance(store, AuditableStore)
    assert isinstance(store, PresigningStore)
    assert isinstance(store, SelfServingStore) == (case.server is None)


def test_a_version_reads_back(case: Case, key: str) -> None:
    version_id = case.put(key, BODY[:1000], BODY[1000:])

    assert case.get(key, version_id) == BODY


def test_an_empty_object_is_an_object(case: Case, key: str) -> None:
    version_id = case.put(key)

    assert case.get(key, version_id) == b""
    assert [v.size for v in case.versions(key)] == [0]


@pytest.mark.parametrize("size", [1, PART - 1, PART, PART + 1, 2 * PART, 2 * PART + 1, 3 * PART + 12345])
def test_sizes_around_a_part_in_chunks_that_fit_no_part(case: Case, key: str, size: int) -> None:
    body = (BODY * (size // len(BODY) + 1))[:size]
    chunk = 1_000_003

    version_id = case.put(key, *(body[start : start + chunk] for start in range(0, size, chunk)))

    assert case.get(key, version_id) == body
    assert [(v.version_id, v.size, v.is_latest) for v in case.versions(key)] == [(version_id, size, True)]
    assert list(case.store.list_unfinished(key)) == []


def test_one_chunk_of_several_parts(case: Case, key: str) -> None:
    body = BODY * 90

    assert case.get(key, case.put(key, b"x", body)) == b"x" + body


def test_the_writer_keeps_its_bytes_when_the_caller_reuses_nothing(case: Case, key: str) -> None:
    writer = case.store.writer(key, JPEG)
    assert case.versions(key) == []
    writer.write(b"abc")
    assert case.versions(key) == [], "visible before commit"

    version_id = writer.commit()

    assert writer.commit() == version_id, "a second commit is the same commit"
    writer.abort()
    writer.abort()
    assert case.get(key, version_id) == b"abc", "abort after commit is harmless"


@pytest.mark.parametrize(("start", "stop"), [(0, 1), (0, 255), (10, 200_000), (255_999, 256_000), (9, 10**9)])
def test_ranges(case: Case, key: str, start: int, stop: int) -> None:
    version_id = case.put(key, BODY)

    assert content(case.store.read(key, version_id, ByteRange(start, stop))) == BODY[start:stop]


def test_a_range_behind_the_end_is_refused_at_opening(case: Case, key: str) -> None:
    version_id = case.put(key, b"abc")

    with pytest.raises(InvalidInput) as refusal:
        case.store.read(key, version_id, ByteRange(3, 9))
    assert refusal.value.code == "invalid_range"


def test_a_reader_closed_half_way_gives_no_more_bytes(case: Case, key: str) -> None:
    reader = case.store.read(key, case.put(key, BODY * 10))
    chunks = iter(reader)
    first = next(chunks)

    reader.close()
    reader.close()

    assert (BODY * 10).startswith(first)
    assert list(chunks) == []


@pytest.mark.parametrize("version_id", ["", "null", "zzz", "../x", "unknown"])
def test_unknown_versions_are_not_found_at_opening(case: Case, key: str, version_id: str) -> None:
    case.put(key, b"abc")
    wanted = unknown_version(case) if version_id == "unknown" else version_id

    with pytest.raises(ObjectNotFound):
        case.store.read(key, wanted)
    with pytest.raises(ObjectNotFound):
        case.store.copy_version(key, wanted, JPEG)
    assert len(case.versions(key)) == 1, "a failed copy left something"
    assert list(case.store.list_unfinished(key)) == []


def test_unknown_keys_are_not_found(case: Case, key: str) -> None:
    other = case.put(key + ".other", b"abc")

    with pytest.raises(ObjectNotFound):
        case.store.read(key, other)


def test_versions_stay_and_are_listed_newest_first(case: Case, key: str) -> None:
    ids = [case.put(key, b"%d" % n) for n in range(5)]

    assert [v.version_id for v in case.versions(key)] == ids[::-1]
    assert [v.is_latest for v in case.versions(key)] == [True, False, False, False, False]
    assert [case.get(key, version_id) for version_id in ids] == [b"0", b"1", b"2", b"3", b"4"]


def test_copy_makes_an_earlier_version_the_newest(case: Case, key: str) -> None:
    first, second = case.put(key, b"first"), case.put(key, b"second")

    copy = case.store.copy_version(key, first, ObjectAttributes("image/png", "somebody", "new.png"))

    assert [v.version_id for v in case.versions(key)] == [copy, second, first]
    assert case.get(key, copy) == case.get(key, first) == b"first"
    assert case.store.describe(key, copy) == ObjectAttributes("image/png", "somebody", "new.png")
    assert case.store.describe(key, first) == JPEG
    case.store.remove_version(key, first)
    assert case.get(key, copy) == b"first", "the copy does not depend on its source"


def test_copying_the_newest_version_makes_another_one(case: Case, key: str) -> None:
    only = case.put(key, b"only")

    copy = case.store.copy_version(key, only, JPEG)

    assert copy != only
    assert sorted(v.version_id for v in case.versions(key)) == sorted([copy, only])
    case.store.remove_version(key, copy)
    assert case.get(key, only) == b"only", "undoing the copy leaves its source"


def test_a_marker_hides_nothing_that_is_read_by_version(case: Case, key: str) -> None:
    version_id = case.put(key, b"abc")
    pause(case)

    marker = case.store.mark_deleted(key)

    listed = [(v.version_id, v.deleted, v.is_latest, v.size) for v in case.versions(key)]
    assert listed == [(marker, True, True, 0), (version_id, False, False, 3)]
    assert case.get(key, version_id) == b"abc"
    with pytest.raises(ObjectNotFound):
        case.store.read(key, marker)


def test_removing_the_marker_undoes_the_delete(case: Case, key: str) -> None:
    version_id = case.put(key, b"abc")
    marker = case.store.mark_deleted(key)

    case.store.remove_version(key, marker)

    assert [(v.version_id, v.is_latest) for v in case.versions(key)] == [(version_id, True)]


def test_restoring_over_a_marker(case: Case, key: str) -> None:
    version_id = case.put(key, b"abc")
    pause(case)
    marker = case.store.mark_deleted(key)
    pause(case)

    copy = case.store.copy_version(key, version_id, JPEG)

    assert [v.version_id for v in case.versions(key)] == [copy, marker, version_id]


def test_marking_nothing_makes_nothing_but_a_marker_that_can_be_removed(case: Case, key: str) -> None:
    """AWS makes a marker, the others say that there is no object."""
    with suppress(ObjectNotFound):
        marker = case.store.mark_deleted(key)
        case.store.remove_version(key, marker)

    case.assert_empty(key)


def test_removing_the_newest_makes_the_one_before_the_latest(case: Case, key: str) -> None:
    first, second = case.put(key, b"first"), case.put(key, b"second")

    case.store.remove_version(key, second)

    assert [(v.version_id, v.is_latest) for v in case.versions(key)] == [(first, True)]
    with pytest.raises(ObjectNotFound):
        case.store.read(key, second)


@pytest.mark.parametrize("version_id", ["", "null", "zzz", "unknown", "twice"])
def test_removing_what_is_not_there_is_no_error(case: Case, key: str, version_id: str) -> None:
    kept, removed = case.put(key, b"kept"), case.put(key, b"removed")
    case.store.remove_version(key, removed)

    case.store.remove_version(key, {"unknown": unknown_version(case), "twice": removed}.get(version_id, version_id))

    assert [(v.version_id, v.deleted) for v in case.versions(key)] == [(kept, False)]


def test_prefixes_are_exact(case: Case) -> None:
    root = f"images/{uuid.uuid4()}"
    keys = [f"{root}/a/1.jpg", f"{root}/ab/1.jpg", f"{root}/a/1.jpg2", f"{root}/b"]
    for key in keys:
        case.put(key, b"x")

    def listed(prefix: str) -> set[str]:
        return {v.key for v in case.versions(prefix)}

    assert listed(f"{root}/a/") == {keys[0], keys[2]}
    assert listed(f"{root}/a") == {keys[0], keys[1], keys[2]}
    assert listed(f"{root}/a/1.jpg") == {keys[0], keys[2]}
    assert listed(f"{root}/") == set(keys)
    assert listed(f"{root}/c") == listed(f"{root}/a/1.jpg/") == set()


@pytest.mark.parametrize("bad", ["", "/a", "a/", "a//b", "a/../b", "..", "./a", "a b", "ä", "a\n", "a/@x", "a" * 1025])
def test_unsafe_keys_are_refused_by_every_method(case: Case, bad: str) -> None:
    store = case.store
    calls = [
        lambda: store.writer(bad, JPEG),
        lambda: store.read(bad, "0" * 32),
        lambda: store.copy_version(bad, "0" * 32, JPEG),
        lambda: store.mark_deleted(bad),
        lambda: store.remove_version(bad, "0" * 32),
        lambda: store.presign_get(bad, "0" * 32, expires_in=60, content_type="image/png", disposition="inline"),
        lambda: store.presign_put(bad, expires_in=60, content_type="image/png", max_size=1),
    ]
    for call in calls:
        with pytest.raises(InvalidInput):
            call()


@pytest.mark.parametrize("name", ["größe 100 % «ok».jpg", "写真.jpg", "a+b&c=d;e,f.jpg", "emoji 😀.jpg", ""])
def test_attributes_of_any_script_come_back(case: Case, key: str, name: str) -> None:
    attributes = ObjectAttributes("image/avif", "Jürgen / 山田", name)

    version_id = case.put(key, b"abc", attributes=attributes)

    assert case.store.describe(key, version_id) == attributes


def test_long_attributes_of_a_multipart_object(case: Case, key: str) -> None:
    attributes = ObjectAttributes("image/tiff", "ö" * 64, "写" * 80 + ".tiff")

    version_id = case.put(key, b"x" * (PART + 1), attributes=attributes)

    assert case.store.describe(key, version_id) == attributes


@pytest.mark.parametrize("size", [3, PART + 1], ids=["single put", "multipart"])
@pytest.mark.parametrize("owner", ["somebody", "😀" * 128], ids=["short owner", "long owner"])
@pytest.mark.parametrize("name", ["写" * 251, "😀" * 200], ids=["251 CJK", "200 emoji"])
def test_a_long_file_name_is_cut_where_the_store_must(case: Case, key: str, name: str, owner: str, size: int) -> None:
    """S3 takes 2 KB of user metadata; the row has the whole name."""
    version_id = case.put(key, b"x" * size, attributes=ObjectAttributes("image/png", owner, name))

    stored = case.store.describe(key, version_id)
    assert (stored.content_type, stored.owner) == ("image/png", owner)
    assert stored.filename
    assert name.startswith(stored.filename)


def test_concurrent_writers_of_one_key_all_win(case: Case, key: str) -> None:
    bodies = [b"%d" % n * 1000 for n in range(8)]

    with ThreadPoolExecutor(8) as pool:
        ids = list(pool.map(lambda body: case.put(key, body), bodies))

    assert len(set(ids)) == 8
    assert {v.version_id for v in case.versions(key)} == set(ids)
    assert [case.get(key, version_id) for version_id in ids] == bodies


def test_check_is_content_with_a_good_store(case: Case) -> None:
    case.store.check()

    assert list(case.store.list_unfinished("")) == []
