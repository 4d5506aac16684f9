"""What the service really holds, read behind its back: files or S3 listings, and the rows of its database."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Protocol

STAGING = "@staging"


@dataclass(frozen=True)
class Holdings:
    """Everything there is. ``unfinished`` are multipart uploads and half-written files."""

    objects: frozenset[str]
    unfinished: frozenset[str]
    images: frozenset[tuple[Any, ...]]
    versions: frozenset[tuple[Any, ...]]

    def difference(self, other: Holdings) -> str:
        """What ``other`` has more (+) and less (-), for a failure's message."""
        lines = []
        for member in fields(self):
            mine, others = getattr(self, member.name), getattr(other, member.name)
            lines += [f"+ {member.name}: {one}" for one in sorted(others - mine, key=str)]
            lines += [f"- {member.name}: {one}" for one in sorted(mine - others, key=str)]
        return "\n".join(lines)


class Store(Protocol):
    """Lists an object store without the service's help."""

    def objects(self) -> Iterator[tuple[str, str]]:
        """(key, version id) of every version and delete marker."""

    def leftovers(self) -> Iterator[str]:
        """Anything else that is there: folders without versions, half a version's files."""

    def unfinished(self) -> Iterator[str]:
        """Every multipart upload or half-written file."""


class FolderStore:
    """The embedded store's files below DATA_DIR/objects."""

    def __init__(self, data_dir: Path) -> None:
        self._root = data_dir / "objects"

    def objects(self) -> Iterator[tuple[str, str]]:
        for path in self._files():
            if path.suffix in ("", ".deleted"):
                yield path.parent.relative_to(self._root).as_posix(), path.name[1:].partition(".")[0]

    def leftovers(self) -> Iterator[str]:
        used: set[Path] = set()
        for path in self._files():
            used.update(path.parents)
            if path.suffix not in ("", ".deleted") and not path.with_suffix("").exists():
                yield f"attributes without bytes: {path.name}"
        for folder in self._root.rglob("*"):
            if folder.is_dir() and folder not in used and folder.name != STAGING:
                yield f"an empty folder: {folder.relative_to(self._root)}"

    def unfinished(self) -> Iterator[str]:
        staging = self._root / STAGING
        yield from (path.name for path in staging.iterdir()) if staging.exists() else ()

    def _files(self) -> list[Path]:
        return [path for path in self._root.rglob("*") if path.is_file() and path.parent.name != STAGING]


class BucketStore:
    """An S3 bucket, listed by boto3 on a connection of the test's own."""

    def __init__(self, client: Any, bucket: str) -> None:
        self._client = client
        self._bucket = bucket

    def objects(self) -> Iterator[tuple[str, str]]:
        for page in self._client.get_paginator("list_object_versions").paginate(Bucket=self._bucket):
            for one in page.get("Versions", []) + page.get("DeleteMarkers", []):
                yield one["Key"], one["VersionId"]

    def leftovers(self) -> Iterator[str]:
        return iter(())

    def unfinished(self) -> Iterator[str]:
        answer = self._client.list_multipart_uploads(Bucket=self._bucket)
        for upload in answer.get("Uploads", []):
            yield f"{upload['Key']} {upload['UploadId']}"


class Audit:
    """Asserts by listing; ``database`` is the SQLite file."""

    def __init__(self, store: Store, database: Path) -> None:
        self.store = store
        self.database = database

    def holdings(self) -> Holdings:
        """Everything that is there now."""
        return Holdings(
            frozenset([*map("\n".join, self.store.objects()), *self.store.leftovers()]),
            frozenset(self.store.unfinished()),
            frozenset(self.rows("images")),
            frozenset(self.rows("image_versions")),
        )

    def rows(self, table: str) -> list[tuple[Any, ...]]:
        with closing(sqlite3.connect(f"file:{self.database}?mode=ro", uri=True, timeout=10)) as connection:
            return connection.execute(f"SELECT * FROM {table}").fetchall()

    @contextmanager
    def nothing_left(self, within: float = 10.0) -> Iterator[Holdings]:
        """The block may change nothing: no object, version, unfinished upload or row more or less after it.

        :param within: seconds that the service may take to tidy up after a client that is gone.
        """
        before = self.holdings()
        yield before
        deadline = time.monotonic() + within
        while (after := self.holdings()) != before and time.monotonic() < deadline:
            time.sleep(0.05)
        assert after == before, f"the request left something behind:\n{before.difference(after)}"

    def matched(self) -> None:
        """Every object version has its row, and every row its object version; ``pending/`` is empty."""
        with closing(sqlite3.connect(f"file:{self.database}?mode=ro", uri=True, timeout=10)) as connection:
            rows = connection.execute(
                "SELECT object_key, v.version_id FROM image_versions v JOIN images USING (image_id)"
            ).fetchall()
        stored = set(self.store.objects())
        assert stored == set(rows), (
            f"stored without a row: {stored - set(rows)}; rows without bytes: {set(rows) - stored}"
        )

    def consistent(self) -> None:
        """``matched``, and nothing else is there and nothing is unfinished."""
        self.matched()
        assert not list(self.store.leftovers())
        assert not list(self.store.unfinished())
