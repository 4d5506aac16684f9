"""The embedded object store: versions as immutable files below one folder, for one machine without S3.

It keeps the contract of the S3 store: versions, delete markers, presigned URLs (served by this service), nothing left
of an aborted write. A version is acknowledged when its file and every new folder entry are synced to the disk. Several
processes may share the folder; it must be a local file system with ``flock``, hard links and atomic rename.
"""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from services.errors import BackendUnavailable, ObjectNotFound
from services.models import ByteRange, ObjectAttributes, ObjectVersion
from services.ports import AccessGrant, ObjectReader, ObjectWriter
from services.storage import file_staging
from services.storage.file_errors import translated
from services.storage.file_layout import (
    STAGING,
    VersionIds,
    attributes_file,
    bytes_file,
    is_version_id,
    locked_folder,
    marker_file,
    versions_in,
)
from services.storage.file_staging import StagedFile
from services.storage.file_streams import CHUNK, FileReader, FileWriter
from services.storage.file_tokens import Tokens
from services.storage.keys import checked_key, is_key

_NO_HARD_LINKS = {errno.EXDEV, errno.EPERM, errno.EMLINK, errno.ENOTSUP}
_PROBE = ""  # no key: no listing shows it
URL_PREFIX = "/objects/"


class FileStore:
    """Implements ``ObjectStore``, ``AuditableStore``, ``PresigningStore`` and ``SelfServingStore`` on a folder."""

    def __init__(self, root: Path, *, secret: str, clock: Callable[[], datetime]) -> None:
        self._root = root
        self._ids = VersionIds(clock)
        self._tokens = Tokens(secret, clock)

    def sweep(self) -> int:
        """Remove what killed processes left half-written; safe beside living ones. Returns how many files went."""
        with translated("sweeping the staging folder"):
            return file_staging.sweep(self._root)

    def writer(self, key: str, attributes: ObjectAttributes) -> ObjectWriter:
        """Begin a new version of ``key``; raises ``InvalidInput`` for a key that is not safe."""
        return self._writer(key, attributes)

    def _writer(self, key: str, attributes: ObjectAttributes) -> FileWriter:
        folder = self._folder(key)
        with translated("staging a version"):
            staged = StagedFile(self._root / STAGING, key, attributes)
        return FileWriter(staged, lambda file: file.publish(folder, self._root, self._ids))

    def read(self, key: str, version_id: str, byte_range: ByteRange | None = None) -> ObjectReader:
        """Open one version; raises ``ObjectNotFound``, and ``InvalidInput`` for a range behind its end."""
        return FileReader(self._file(key, version_id), byte_range)

    def size_of(self, key: str, version_id: str) -> int:
        """The size in bytes of one version; raises ``ObjectNotFound``."""
        with translated("sizing a version"):
            try:
                return self._file(key, version_id).stat().st_size
            except FileNotFoundError as error:
                raise ObjectNotFound(detail=str(error)) from error

    def describe(self, key: str, version_id: str) -> ObjectAttributes:
        """The attributes that were stored with one version; raises ``ObjectNotFound``."""
        self.size_of(key, version_id)
        path = attributes_file(self._folder(key), version_id)
        try:
            with translated("reading attributes"):
                stored = json.loads(path.read_bytes())
            return ObjectAttributes(stored["content_type"], stored["owner"], stored["filename"])
        except (ValueError, KeyError) as error:
            raise BackendUnavailable(detail=f"attributes in {path} are damaged: {error}") from error

    def copy_version(
        self, key: str, version_id: str, attributes: ObjectAttributes, *, target: str | None = None
    ) -> str:
        """Make one version's bytes the newest of ``target``, by hard link where the file system has them."""
        source = self._file(key, version_id)
        target = target or key
        folder = self._folder(target)
        with translated("copying a version"):
            staged = StagedFile(self._root / STAGING, target, attributes)
            try:
                return self._publish_copy(staged, source, folder)
            except FileNotFoundError as error:
                raise ObjectNotFound(detail=str(error)) from error
            finally:
                staged.discard()

    def _publish_copy(self, staged: StagedFile, source: Path, folder: Path) -> str:
        try:
            return staged.publish(folder, self._root, self._ids, source)
        except OSError as error:
            if error.errno not in _NO_HARD_LINKS:
                raise
        with source.open("rb") as original:
            while chunk := original.read(CHUNK):
                staged.write(chunk)
        return staged.publish(folder, self._root, self._ids)

    def newest(self, key: str) -> ObjectVersion | None:
        """The newest version of ``key`` as it is now; None when there is none, or a delete marker hides it."""
        folder = self._folder(key)
        with translated("looking for the newest version"):
            version = next(self._versions(key, folder), None)
        return None if version is None or version.deleted else version

    def purge(self, key: str) -> None:
        """Remove every version and delete marker of ``key`` for good."""
        folder = self._folder(key)
        with translated("purging an object"):
            if not folder.is_dir():
                return
            with locked_folder(folder, self._root) as descriptor:
                for file in folder.glob("@*"):
                    file.unlink(missing_ok=True)
                os.fsync(descriptor)

    def mark_deleted(self, key: str) -> str:
        """Put a delete marker on top of ``key`` and return its id; raises ``ObjectNotFound`` if there is nothing."""
        folder = self._folder(key)
        with translated("marking an object deleted"), locked_folder(folder, self._root) as descriptor:
            versions = versions_in(folder)
            if not versions:
                raise ObjectNotFound(detail=f"there is no {key} to mark deleted")
            version_id = self._ids.after(versions[0][0])
            marker = marker_file(folder, version_id)
            marker.touch(mode=0o600, exist_ok=False)
            try:
                os.fsync(descriptor)
            except OSError:
                marker.unlink()
                raise
        return version_id

    def remove_version(self, key: str, version_id: str) -> None:
        """Remove one version or marker for good; one that is not there is no error."""
        folder = self._folder(key)
        with translated("removing a version"):
            if not is_version_id(version_id) or not folder.is_dir():
                return
            with locked_folder(folder, self._root) as descriptor:
                for name in (bytes_file, marker_file, attributes_file):
                    name(folder, version_id).unlink(missing_ok=True)
                os.fsync(descriptor)

    def check(self) -> None:
        """Write, sync and remove a probe; raises the backend error that a write would raise."""
        with translated(f"probing {self._root}"):
            probe = StagedFile(self._root / STAGING, _PROBE, ObjectAttributes("application/octet-stream"))
            try:
                probe.write(b"probe")
            finally:
                probe.discard()

    def list_versions(self, prefix: str) -> Iterator[ObjectVersion]:
        """Every version and marker whose key begins with ``prefix``, newest first within a key."""
        above = prefix.rpartition("/")[0]
        if above and not is_key(above):
            return
        with translated("listing versions"):
            for folder in _folders(self._root / above):
                key = folder.relative_to(self._root).as_posix()
                if key.startswith(prefix):
                    yield from self._versions(key, folder)

    def _versions(self, key: str, folder: Path) -> Iterator[ObjectVersion]:
        latest = True
        for version_id, deleted in versions_in(folder):
            with suppress(FileNotFoundError):  # removed since the folder was read
                size = 0 if deleted else bytes_file(folder, version_id).stat().st_size
                yield ObjectVersion(key, version_id, size, deleted, latest)
                latest = False

    def list_unfinished(self, prefix: str) -> Iterator[str]:
        """The key of every half-written file whose key begins with ``prefix``."""
        with translated("listing unfinished writes"):
            yield from file_staging.unfinished(self._root, prefix)

    def presign_get(self, key: str, version_id: str, *, expires_in: int, content_type: str, disposition: str) -> str:
        """A relative URL, ``/objects/<token>``, that fetches one version for ``expires_in`` seconds."""
        token = self._tokens.sign(
            "GET",
            checked_key(key),
            version_id,
            expires_in=expires_in,
            content_type=content_type,
            disposition=disposition,
            max_size=0,
        )
        return URL_PREFIX + token

    def presign_put(self, key: str, *, expires_in: int, content_type: str, max_size: int) -> str:
        """A relative URL that takes a PUT of exactly ``content_type`` and at most ``max_size`` bytes."""
        token = self._tokens.sign(
            "PUT",
            checked_key(key),
            "",
            expires_in=expires_in,
            content_type=content_type,
            disposition="",
            max_size=max_size,
        )
        return URL_PREFIX + token

    def redeem(self, token: str, method: str) -> AccessGrant:
        """What the token of a presigned URL allows; raises ``AccessDenied`` with the reason."""
        return self._tokens.redeem(token, method)

    def _folder(self, key: str) -> Path:
        return self._root / checked_key(key)

    def _file(self, key: str, version_id: str) -> Path:
        folder = self._folder(key)
        if not is_version_id(version_id):
            raise ObjectNotFound(detail=f"no version {version_id[:100]!r} of {key}")
        return bytes_file(folder, version_id)


def _folders(folder: Path) -> Iterator[Path]:
    """``folder`` and every object folder below it, in order of name."""
    if not folder.is_dir():
        return
    yield folder
    below: list[str] = []
    # The folder may be gone by now: an empty one is removed with the last version in it.
    with suppress(FileNotFoundError), os.scandir(folder) as entries:
        below = sorted(entry.name for entry in entries if entry.is_dir(follow_symlinks=False) and entry.name[0] != "@")
    for name in below:
        yield from _folders(folder / name)
