"""Files being written by the embedded file store.

Each write holds ``@staging/<token>.part`` by ``flock`` and keeps its key and attributes in ``@staging/<token>.json``.
The kernel drops the lock with the process, so a ``.part`` that can be locked belongs to nobody and is swept.
"""

from __future__ import annotations

import fcntl
import json
import os
import secrets
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path

from services.models import ObjectAttributes
from services.storage.file_layout import (
    STAGING,
    VersionIds,
    attributes_file,
    bytes_file,
    is_version_id,
    locked_folder,
    make_folders,
    remove_empty_folders,
    versions_in,
)

_PART = ".part"


class StagedFile:
    """One file being written: created and locked on construction, then either published or discarded."""

    def __init__(self, staging: Path, key: str, attributes: ObjectAttributes) -> None:
        make_folders(staging)
        self._part, self._descriptor = _create_locked(staging)
        self._attributes = self._part.with_suffix(".json")
        try:
            self._write_attributes(json.dumps({"key": key, **asdict(attributes)}).encode())
        except OSError:
            self.discard()
            raise

    def _write_attributes(self, content: bytes) -> None:
        descriptor = os.open(self._attributes, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            _write_all(descriptor, content)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def write(self, data: bytes) -> None:
        """Append ``data``."""
        _write_all(self._descriptor, data)

    def publish(self, folder: Path, root: Path, ids: VersionIds, source: Path | None = None) -> str:
        """Make the written bytes (or those of the file ``source``, by hard link) the newest version in ``folder``.

        Returns the version id once file and folder are synced. On an error nothing of it stays in ``folder``.
        """
        if source is None:
            os.fsync(self._descriptor)
        with locked_folder(folder, root) as descriptor:
            versions = versions_in(folder)
            version_id = ids.after(versions[0][0] if versions else "")
            target, attributes = bytes_file(folder, version_id), attributes_file(folder, version_id)
            try:
                os.link(self._attributes, attributes)
                if source is None:
                    self._part.rename(target)
                else:
                    os.link(source, target)
                os.fsync(descriptor)
            except OSError:
                target.unlink(missing_ok=True)
                attributes.unlink(missing_ok=True)
                raise
        self.discard()
        return version_id

    def discard(self) -> None:
        """Remove what is still staged and release the lock; harmless twice."""
        if self._descriptor < 0:
            return
        self._attributes.unlink(missing_ok=True)
        self._part.unlink(missing_ok=True)
        os.close(self._descriptor)
        self._descriptor = -1


def _create_locked(staging: Path) -> tuple[Path, int]:
    while True:
        part = staging / f"{secrets.token_hex(16)}{_PART}"
        descriptor = os.open(part, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        if os.fstat(descriptor).st_nlink:
            return part, descriptor
        os.close(descriptor)  # a sweep saw the file in the moment before it was locked


def _write_all(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


def sweep(root: Path) -> int:
    """Remove what killed processes left half-written, never what a living one holds; returns how many files."""
    removed = 0
    staging = root / STAGING
    for part in sorted(staging.glob(f"*{_PART}")):
        with suppress(FileNotFoundError):
            removed += _sweep_part(part, root)
    for attributes in staging.glob("*.json"):
        # Its .part was published and the process died, or is just about to remove this file itself.
        if not attributes.with_suffix(_PART).exists():
            attributes.unlink(missing_ok=True)
    return removed


def _sweep_part(part: Path, root: Path) -> int:
    descriptor = os.open(part, os.O_RDWR | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return 0
    else:
        attributes = part.with_suffix(".json")
        _remove_unpublished(attributes, root)
        attributes.unlink(missing_ok=True)
        part.unlink(missing_ok=True)
        return 1
    finally:
        os.close(descriptor)


def _remove_unpublished(attributes: Path, root: Path) -> None:
    """Remove the attributes of a version whose writer died after linking them and before its bytes appeared."""
    key = _key_of(attributes)
    if not key:
        return
    folder = root / key
    inode = attributes.stat().st_ino
    for linked in folder.glob("@*.json"):
        version_id = linked.name[1 : -len(".json")]
        if is_version_id(version_id) and linked.stat().st_ino == inode and not bytes_file(folder, version_id).exists():
            linked.unlink()
    remove_empty_folders(folder, root)


def unfinished(root: Path, prefix: str) -> Iterator[str]:
    """The key of every file being written whose key begins with ``prefix``."""
    for part in sorted((root / STAGING).glob(f"*{_PART}")):
        key = _key_of(part.with_suffix(".json"))
        if key.startswith(prefix) and key:
            yield key


def _key_of(attributes: Path) -> str:
    try:
        return str(json.loads(attributes.read_bytes())["key"])
    except (FileNotFoundError, ValueError, KeyError):  # finished meanwhile, or its writer died while writing it
        return ""
