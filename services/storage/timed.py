"""An object store that charges the time of every call to the request that made it."""

from __future__ import annotations

from collections.abc import Iterator

from services.models import ByteRange, ObjectAttributes, ObjectVersion
from services.ports import ObjectReader, ObjectStore, ObjectWriter
from utils.trace import store_time


class TimedStore:
    """``ObjectStore`` over another one; the requests' log lines show the sum as ``store_ms``."""

    def __init__(self, inner: ObjectStore) -> None:
        self._inner = inner

    def writer(self, key: str, attributes: ObjectAttributes) -> ObjectWriter:
        """See ``ObjectStore.writer``."""
        with store_time():
            return _TimedWriter(self._inner.writer(key, attributes))

    def read(self, key: str, version_id: str, byte_range: ByteRange | None = None) -> ObjectReader:
        """See ``ObjectStore.read``."""
        with store_time():
            return _TimedReader(self._inner.read(key, version_id, byte_range))

    def copy_version(
        self, key: str, version_id: str, attributes: ObjectAttributes, *, target: str | None = None
    ) -> str:
        """See ``ObjectStore.copy_version``."""
        with store_time():
            return self._inner.copy_version(key, version_id, attributes, target=target)

    def newest(self, key: str) -> ObjectVersion | None:
        """See ``ObjectStore.newest``."""
        with store_time():
            return self._inner.newest(key)

    def purge(self, key: str) -> None:
        """See ``ObjectStore.purge``."""
        with store_time():
            self._inner.purge(key)

    def mark_deleted(self, key: str) -> str:
        """See ``ObjectStore.mark_deleted``."""
        with store_time():
            return self._inner.mark_deleted(key)

    def remove_version(self, key: str, version_id: str) -> None:
        """See ``ObjectStore.remove_version``."""
        with store_time():
            self._inner.remove_version(key, version_id)

    def check(self) -> None:
        """See ``ObjectStore.check``."""
        with store_time():
            self._inner.check()


class _TimedWriter:
    def __init__(self, inner: ObjectWriter) -> None:
        self._inner = inner

    def write(self, data: bytes) -> None:
        with store_time():
            self._inner.write(data)

    def commit(self) -> str:
        with store_time():
            return self._inner.commit()

    def abort(self) -> None:
        with store_time():
            self._inner.abort()


class _TimedReader:
    def __init__(self, inner: ObjectReader) -> None:
        self._inner = inner

    def __iter__(self) -> Iterator[bytes]:
        chunks = iter(self._inner)
        while True:
            with store_time():
                chunk = next(chunks, None)
            if chunk is None:
                return
            yield chunk

    def close(self) -> None:
        self._inner.close()
