"""What the service does with its bucket, step by step, by the product's own store: a permission less, and one fails."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

import pytest

from services.errors import BackendMisconfigured, ServiceError
from services.models import ObjectAttributes
from services.storage import s3_purge
from services.storage.s3 import S3Options, S3Store
from services.storage.s3_clients import S3Clients
from tests.infra.enforcers import REGION, Enforcer, Keys

JPEG = ObjectAttributes("image/jpeg", "somebody", "photo.jpg")
PART = 5 * 1024 * 1024


@dataclass(frozen=True)
class Site:
    """A server, its versioned bucket, one that keeps no versions, and the user that the service runs as there."""

    enforcer: Enforcer
    bucket: str
    unversioned: str
    keys: Keys

    @property
    def options(self) -> S3Options:
        return S3Options(self.bucket, region=REGION, endpoint=self.enforcer.url, part_size=PART)


@contextmanager
def credentials(keys: Keys) -> Iterator[None]:
    """The keys as the SDKs' chain finds them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ACCESS_KEY_ID", keys.access)
        patch.setenv("AWS_SECRET_ACCESS_KEY", keys.secret)
        patch.setenv("AWS_EC2_METADATA_DISABLED", "true")
        patch.setenv("NO_PROXY", "127.0.0.1,localhost")
        yield


class Steps:
    """The steps. ``_begin`` gives each two objects, which the first user, who may do everything, puts there."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.store = S3Store(site.options)
        self.careless = S3Store(replace(site.options, bucket=site.unversioned))
        self.admin = site.enforcer.client()

    def _begin(self) -> None:
        self.name = uuid.uuid4().hex
        self.kept = f"images/{self.name}/photo.jpg"
        self.pending = f"pending/{self.name}/photo.jpg"
        self.kept_id = self._given(self.kept)
        self.pending_id = self._given(self.pending)

    def _given(self, key: str) -> str:
        return self.admin.put_object(Bucket=self.site.bucket, Key=key, Body=b"abc")["VersionId"]

    def _put(self, key: str, size: int) -> str:
        writer = self.store.writer(key, JPEG)
        try:
            writer.write(bytes(size))
            return writer.commit()
        finally:
            writer.abort()

    def the_bucket_is_looked_at(self) -> None:
        self.store.check()

    def a_bucket_without_versions_is_noticed(self) -> None:
        with pytest.raises(BackendMisconfigured) as error:
            self.careless.check()
        assert "versioning of bucket" in error.value.detail

    def an_image_is_kept(self) -> None:
        self._put(self.kept, 10)

    def an_upload_that_ends_early_is_aborted(self) -> None:
        key = f"images/{self.name}/large.jpg"
        writer = self.store.writer(key, JPEG)
        writer.write(bytes(PART + 1))
        with _no_warnings():
            writer.abort()
        left = self.admin.list_multipart_uploads(Bucket=self.site.bucket, Prefix=key)
        assert not left.get("Uploads")

    def unfinished_uploads_are_listed(self) -> None:
        assert list(self.store.list_unfinished(self.kept)) == []

    def an_image_is_read(self) -> None:
        assert b"".join(self.store.read(self.kept, self.kept_id)) == b"abc"

    def an_image_is_described(self) -> None:
        self.store.describe(self.kept, self.kept_id)

    def versions_are_listed(self) -> None:
        assert [each.version_id for each in self.store.list_versions(self.kept)] == [self.kept_id]

    def what_is_pending_is_listed(self) -> None:
        assert [each.version_id for each in self.store.list_versions(self.pending)] == [self.pending_id]

    def an_image_is_deleted(self) -> None:
        self.store.mark_deleted(self.kept)

    def a_write_is_undone(self) -> None:
        extra = self._given(self.kept)
        self.store.remove_version(self.kept, extra)

    def an_earlier_version_is_restored(self) -> None:
        self.store.copy_version(self.kept, self.kept_id, JPEG)

    def a_browser_uploads(self) -> None:
        self._put(self.pending, 10)

    def an_arrival_is_looked_at(self) -> None:
        newest = self.store.newest(self.pending)
        assert newest is not None
        assert newest.version_id == self.pending_id

    def what_has_not_arrived_is_not_there(self) -> None:
        assert self.store.newest(f"pending/{self.name}/other.jpg") is None

    def an_arrival_is_read(self) -> None:
        assert b"".join(self.store.read(self.pending, self.pending_id)) == b"abc"

    def an_arrival_becomes_an_image(self) -> None:
        self.store.copy_version(self.pending, self.pending_id, JPEG, target=f"images/{self.name}/kept.jpg")

    def an_arrival_is_cleared_away(self) -> None:
        self.store.purge(self.pending)

    def several_arrivals_are_cleared_away(self) -> None:
        self._given(self.pending)
        s3_purge.purge(S3Clients(self.site.options), self.pending)


STEPS = [name for name in vars(Steps) if not name.startswith("_")]


def failing(steps: Steps) -> set[str]:
    """The names of the steps that fail as the site's user."""
    failed = set()
    for name in STEPS:
        steps._begin()
        step: Callable[[], None] = getattr(steps, name)
        try:
            step()
        except (ServiceError, AssertionError, pytest.fail.Exception):
            failed.add(name)
    return failed


@contextmanager
def _no_warnings() -> Iterator[None]:
    """What an upload's clean-up could not do is logged, not raised."""
    said: list[str] = []
    handler = logging.Handler(logging.WARNING)
    handler.emit = lambda record: said.append(record.getMessage())  # type: ignore[method-assign]
    logging.getLogger("services.storage").addHandler(handler)
    try:
        yield
    finally:
        logging.getLogger("services.storage").removeHandler(handler)
    assert said == []
