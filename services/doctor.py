"""Comparing what the store holds with what the rows say: what crashes and lost answers leave behind.

Each kind of finding has one cause and one cure:

- an *orphan* is an object version that no row names: a process died between the object and its row, or could not undo.
  Nobody can reach it; removing it gives the room back.
- a *lost* version is one that a row names and the store does not have. Nothing here can bring it back; it is reported
  so that somebody restores another version, or a backup.
- an *unfinished* write is a multipart upload that nobody ends any more; the bucket's lifecycle rule does.

This reads everything there is. It is for operators, never on a request path.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal, Protocol

from services.models import Image, ImageQuery, ObjectVersion
from services.ports import AuditableStore, ImageRepository

PREFIX = "images/"
PAGE = 100

Kind = Literal["orphan", "lost", "unfinished"]


class AuditedStore(AuditableStore, Protocol):
    """A store that can list what it holds and remove a version."""

    def remove_version(self, key: str, version_id: str) -> None:
        """See ``services.ports.ObjectStore``."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One disagreement; ``size`` in bytes is what an orphan takes, ``removed`` whether it was removed just now."""

    kind: Kind
    key: str
    version_id: str = ""
    size: int = 0
    removed: bool = False


class Doctor:
    """Examines one store and its repository while the service runs."""

    def __init__(self, store: AuditedStore, repository: ImageRepository, wait: Callable[[], None]) -> None:
        """Wire the examination.

        :param wait: waits for as long as an upload may take between its object and its row; called once for each batch
            of suspected orphans, so that an upload that is just being committed is none.
        """
        self._store = store
        self._repository = repository
        self._wait = wait

    def examine(self, *, remove: bool = False) -> Iterator[Finding]:
        """Every disagreement, as it is found.

        :param remove: also remove orphans.
        :raises BackendError: when the store or the database fails.
        """
        yield from self._orphans(remove=remove)
        yield from self._lost()
        for key in self._store.list_unfinished(PREFIX):
            yield Finding("unfinished", key)

    def _orphans(self, *, remove: bool) -> Iterator[Finding]:
        for batch in _batches(self._suspects(), PAGE):
            self._wait()
            for version in batch:
                if not self._is_orphan(version):
                    continue
                if remove:
                    self._store.remove_version(version.key, version.version_id)
                yield Finding("orphan", version.key, version.version_id, version.size, removed=remove)

    def _suspects(self) -> Iterator[ObjectVersion]:
        return (version for version in self._store.list_versions(PREFIX) if self._is_orphan(version))

    def _is_orphan(self, version: ObjectVersion) -> bool:
        image_id = version.key.removeprefix(PREFIX).partition("/")[0]
        return self._repository.version(image_id, version.version_id) is None

    def _lost(self) -> Iterator[Finding]:
        for deleted in (False, True):
            query, after = ImageQuery(deleted=deleted), None
            while True:
                page = self._repository.search(query, limit=PAGE, after=after)
                for image in page.images:
                    yield from self._lost_of(image)
                if page.after is None:
                    break
                after = page.after

    def _lost_of(self, image: Image) -> Iterator[Finding]:
        # The rows first: a version that is written in between is then in the store as well. A prefix matches longer
        # keys too.
        recorded = self._repository.versions(image.image_id)
        held = {each.version_id for each in self._store.list_versions(image.object_key) if each.key == image.object_key}
        for version in recorded:
            if version.version_id not in held:
                yield Finding("lost", image.object_key, version.version_id, version.size)


def _batches(versions: Iterator[ObjectVersion], size: int) -> Iterator[tuple[ObjectVersion, ...]]:
    while batch := tuple(itertools.islice(versions, size)):
        yield batch
