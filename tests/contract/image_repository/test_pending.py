from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest

from services.errors import DuplicateImage, VersionConflict
from services.models import REJECTED, Image, ImageQuery, PendingUpload, UploadFields
from services.ports import Repository
from tests.contract.image_repository.samples import CREATED, EXPIRES, a_pending, an_image

SECOND = timedelta(seconds=1)


def become(upload: PendingUpload) -> Image:
    return an_image(image_id=upload.image_id, owner=upload.owner, object_key=f"images/{upload.image_id}/cat.jpg")


def ids(uploads: list[PendingUpload]) -> list[str]:
    return [each.image_id for each in uploads]


@pytest.mark.parametrize(
    "fields",
    [
        UploadFields(),
        UploadFields("", "", (), "private"),
        UploadFields("Ein 'Titel' \u202e😀", "two\nlines", ("a", "b", "a"), "public"),
        UploadFields(tags=("only",)),
    ],
)
def test_an_announced_upload_is_read_back_equal(repository: Repository, fields: UploadFields) -> None:
    upload = a_pending(fields=fields, max_size=5 * 1024**4)
    repository.add_pending(upload)
    assert repository.get_pending(upload.image_id) == upload
    assert repository.get(upload.image_id) is None
    assert repository.search(ImageQuery(), limit=5).images == ()
    assert repository.totals(days=1_000_000).images == 0


@pytest.mark.parametrize("name", ["", "%", "unknown", "a\0b", "\ud800", "x" * 100_000])
def test_unknown_ids_find_nothing(repository: Repository, name: str) -> None:
    repository.add_pending(a_pending())
    assert repository.get_pending(name) is None
    assert repository.pending_of(name, limit=5) == []


def test_an_id_is_announced_once(repository: Repository) -> None:
    upload = a_pending()
    repository.add_pending(upload)
    with pytest.raises(DuplicateImage):
        repository.add_pending(replace(upload, owner="grace"))
    assert repository.get_pending(upload.image_id) == upload


def test_an_owners_uploads_newest_first(repository: Repository) -> None:
    uploads = [a_pending(created_at=CREATED + number * SECOND) for number in range(4)]
    for upload in uploads:
        repository.add_pending(upload)
    other = a_pending(owner="grace", created_at=CREATED + 9 * SECOND)
    repository.add_pending(other)
    newest_first = uploads[::-1]
    assert repository.pending_of("ada", limit=10) == newest_first
    assert repository.pending_of("ada", limit=3) == newest_first[:3]
    assert repository.pending_of(None, limit=10) == [other, *newest_first]
    assert repository.pending_of("ad", limit=10) == []
    repository.reject(uploads[3].image_id, code="x", reason="y", expires_at=EXPIRES)
    repository.promote(become(uploads[2]))
    repository.remove_pending(uploads[1].image_id)
    assert repository.pending_of("ada", limit=10) == [uploads[0]]
    assert repository.pending_of(None, limit=10) == [other, uploads[0]]


def test_a_promoted_upload_is_an_image_and_no_upload(repository: Repository) -> None:
    upload = a_pending()
    repository.add_pending(upload)
    image = become(upload)
    repository.promote(image)
    assert repository.get_pending(upload.image_id) is None
    assert repository.get(upload.image_id) == image
    assert repository.versions(upload.image_id) == [image.current]
    assert repository.search(ImageQuery(owner="ada", tags=image.tags, words=("cat",)), limit=5).images == (image,)
    found = repository.totals(days=1)
    assert (found.images, found.size) == (1, image.current.size)
    assert repository.expired(EXPIRES + timedelta(days=999), limit=5) == []
    with pytest.raises(VersionConflict):
        repository.promote(image)
    with pytest.raises(VersionConflict):
        repository.reject(upload.image_id, code="x", reason="y", expires_at=EXPIRES)


def test_a_rejected_upload_says_why_and_stays_rejected(repository: Repository) -> None:
    upload = a_pending()
    repository.add_pending(upload)
    later = upload.expires_at + 9 * SECOND
    repository.reject(upload.image_id, code="not_an_image", reason='It\'s no "image".', expires_at=later)
    rejected = replace(
        upload, status=REJECTED, reason_code="not_an_image", reason='It\'s no "image".', expires_at=later
    )
    assert repository.get_pending(upload.image_id) == rejected
    with pytest.raises(VersionConflict):
        repository.promote(become(upload))
    with pytest.raises(VersionConflict):
        repository.reject(upload.image_id, code="other", reason="other", expires_at=EXPIRES)
    assert repository.get_pending(upload.image_id) == rejected
    assert repository.get(upload.image_id) is None


def test_what_is_not_there_is_neither_promoted_nor_rejected(repository: Repository) -> None:
    image = an_image()
    with pytest.raises(VersionConflict):
        repository.promote(image)
    with pytest.raises(VersionConflict):
        repository.reject(image.image_id, code="x", reason="y", expires_at=EXPIRES)
    assert repository.get(image.image_id) is None
    assert repository.get_pending(image.image_id) is None
    repository.remove_pending(image.image_id)


def test_a_removed_upload_is_gone(repository: Repository) -> None:
    upload, other = a_pending(), a_pending()
    repository.add_pending(upload)
    repository.add_pending(other)
    repository.remove_pending(upload.image_id)
    assert repository.get_pending(upload.image_id) is None
    assert repository.get_pending(other.image_id) == other
    assert ids(repository.pending_of("ada", limit=5)) == [other.image_id]
    assert ids(repository.expired(EXPIRES + timedelta(days=999), limit=5)) == [other.image_id]


def test_expired_ones_come_oldest_first_whatever_their_status(repository: Repository) -> None:
    uploads = [a_pending(expires_at=EXPIRES + number * SECOND, owner=f"o{number}") for number in (3, 1, 2, 0, 4)]
    for upload in uploads:
        repository.add_pending(upload)
    third, second, middle, first, last = uploads
    assert ids(repository.expired(EXPIRES, limit=9)) == [], "the moment itself is not before it"
    assert repository.expired(EXPIRES + 3 * SECOND, limit=9) == [first, second, middle]
    assert repository.expired(EXPIRES + 3 * SECOND, limit=2) == [first, second]
    repository.reject(first.image_id, code="x", reason="y", expires_at=EXPIRES + 2.5 * SECOND)
    expected = [second.image_id, middle.image_id, first.image_id, third.image_id]
    assert ids(repository.expired(last.expires_at, limit=9)) == expected


def test_of_racers_for_one_upload_one_wins(repository: Repository) -> None:
    """Promote, reject and promote again, at the same time: what the row says is what the one winner did."""

    def promote(upload: PendingUpload, start: threading.Barrier) -> str:
        start.wait()
        repository.promote(become(upload))
        return "promoted"

    def reject(upload: PendingUpload, start: threading.Barrier) -> str:
        start.wait()
        repository.reject(upload.image_id, code="x", reason="y", expires_at=upload.expires_at)
        return "rejected"

    racers: list[Callable[[PendingUpload, threading.Barrier], str]] = [promote, reject, promote, reject]
    with ThreadPoolExecutor(len(racers)) as pool:
        for _ in range(5):
            upload = a_pending()
            repository.add_pending(upload)
            start = threading.Barrier(len(racers))
            results = [pool.submit(racer, upload, start) for racer in racers]
            errors = [type(each.exception()) for each in results if each.exception()]
            assert errors == [VersionConflict] * 3
            (winner,) = (each.result() for each in results if not each.exception())
            left = repository.get_pending(upload.image_id)
            if winner == "promoted":
                assert left is None
                assert repository.get(upload.image_id) == become(upload)
            else:
                assert left is not None
                assert left.status == REJECTED
                assert repository.get(upload.image_id) is None
