from __future__ import annotations

import pytest

from services.errors import ServiceError
from tests.contract.object_store.conftest import JPEG, PART, Case


@pytest.mark.parametrize("size", [0, 1, PART, PART + 1, 2 * PART + 1])
def test_an_abort_at_any_stage_leaves_nothing(case: Case, key: str, size: int) -> None:
    writer = case.store.writer(key, JPEG)
    for start in range(0, size, 1_000_000):
        writer.write(b"x" * min(1_000_000, size - start))

    writer.abort()
    writer.abort()

    case.assert_empty(key)


def test_a_writer_that_began_is_listed_until_it_ends(case: Case, key: str) -> None:
    writer = case.store.writer(key, JPEG)
    writer.write(b"x" * (PART + 1))

    assert list(case.store.list_unfinished(key)) == [key]

    writer.abort()
    case.assert_empty(key)


def test_commit_after_abort_is_refused_and_leaves_nothing(case: Case, key: str) -> None:
    writer = case.store.writer(key, JPEG)
    writer.write(b"abc")
    writer.abort()

    with pytest.raises(ServiceError):
        writer.commit()
    case.assert_empty(key)


@pytest.mark.parametrize("size", [1000, 2 * PART + 1])
def test_an_abort_does_not_touch_a_concurrent_write_of_the_same_key(case: Case, key: str, size: int) -> None:
    aborted, committed = case.store.writer(key, JPEG), case.store.writer(key, JPEG)
    for writer, byte in ((aborted, b"a"), (committed, b"c")):
        writer.write(byte * size)

    aborted.abort()
    version_id = committed.commit()

    assert [v.version_id for v in case.versions(key)] == [version_id]
    assert case.get(key, version_id) == b"c" * size
    assert list(case.store.list_unfinished(key)) == []


def test_an_abort_leaves_the_earlier_version_current(case: Case, key: str) -> None:
    version_id = case.put(key, b"earlier")
    writer = case.store.writer(key, JPEG)
    writer.write(b"x" * (PART + 1))

    writer.abort()

    assert [(v.version_id, v.is_latest) for v in case.versions(key)] == [(version_id, True)]
