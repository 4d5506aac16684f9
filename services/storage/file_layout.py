"""Where the embedded file store keeps what, and how its folders come and go.

    root/
    ├── @staging/                     files being written (see ``file_staging``)
    └── <object key>/                 one folder per object
        ├── @<version id>             the bytes of a version, never changed
        ├── @<version id>.json        its attributes
        └── @<version id>.deleted     a delete marker

``@`` is in no object key, so no key can collide with a version of another one.
"""

from __future__ import annotations

import fcntl
import os
import re
import secrets
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

STAGING = "@staging"
_VERSION_ID = re.compile(r"[0-9a-f]{32}")
_TICKS = 14
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FOLDER_ATTEMPTS = 100


class VersionIds:
    """Version ids in lexicographic order of writing: microseconds since 1970 (14 hex digits), then 72 random bits."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self._last = 0
        self._lock = threading.Lock()

    def after(self, newest: str) -> str:
        """A new id, greater than ``newest`` (an id or empty) and than every earlier id of this process.

        The comparison with ``newest`` keeps the order when the clock was set back or another process writes.
        """
        now = (self._clock() - _EPOCH) // timedelta(microseconds=1)
        floor = int(newest[:_TICKS], 16) + 1 if newest else 0
        with self._lock:
            self._last = max(now, self._last + 1, floor)
            return f"{self._last:0{_TICKS}x}{secrets.token_hex(9)}"


def is_version_id(text: str) -> bool:
    """Whether ``text`` has the form of a version id; anything else must not become part of a path."""
    return _VERSION_ID.fullmatch(text) is not None


def bytes_file(folder: Path, version_id: str) -> Path:
    """The file with the bytes of a version."""
    return folder / f"@{version_id}"


def attributes_file(folder: Path, version_id: str) -> Path:
    """The file with the attributes of a version."""
    return folder / f"@{version_id}.json"


def marker_file(folder: Path, version_id: str) -> Path:
    """The file that is a delete marker."""
    return folder / f"@{version_id}.deleted"


def versions_in(folder: Path) -> list[tuple[str, bool]]:
    """(version id, is a marker) of everything in an object's folder, newest first; empty if there is none."""
    found = []
    with suppress(FileNotFoundError):
        for name in os.listdir(folder):  # noqa: PTH208 - names are all that is needed
            version_id, _, suffix = name.removeprefix("@").partition(".")
            if name.startswith("@") and is_version_id(version_id) and suffix in {"", "deleted"}:
                found.append((version_id, suffix == "deleted"))
    return sorted(found, reverse=True)


def sync_folder(folder: Path) -> None:
    """Make the folder's entries survive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def make_folders(folder: Path) -> None:
    """Create ``folder`` and what is missing above it, durably: each new entry's parent is synced."""
    if folder.is_dir():
        return
    make_folders(folder.parent)
    with suppress(FileExistsError):
        folder.mkdir(mode=0o700)
        sync_folder(folder.parent)


def remove_empty_folders(folder: Path, root: Path) -> None:
    """Remove ``folder`` and the folders above it, up to and without ``root``, as far as they are empty."""
    while folder != root:
        try:
            folder.rmdir()
        except OSError:  # not empty, or another process removed it first: either way there is nothing to tidy
            return
        folder = folder.parent


@contextmanager
def locked_folder(folder: Path, root: Path) -> Iterator[int]:
    """Hold an object's folder, created if need be, against every other thread and process; gives its descriptor.

    Ids are made and published under this lock, so their order is the order of the writes. An empty folder is removed
    on leaving; whoever waited for the lock on a folder that is gone meanwhile starts again with a new one.
    """
    descriptor = _lock(folder)
    try:
        yield descriptor
    finally:
        remove_empty_folders(folder, root)
        os.close(descriptor)


def _lock(folder: Path) -> int:
    for _ in range(_FOLDER_ATTEMPTS):
        try:
            make_folders(folder)
            descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        except FileNotFoundError:  # removed as empty between the two steps
            continue
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        with suppress(FileNotFoundError):
            if os.path.samestat(os.fstat(descriptor), folder.stat()):
                return descriptor
        os.close(descriptor)
    raise OSError(f"could not hold the folder {folder}")
