"""Writing and reading one version in the embedded file store."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

from services.errors import BackendUnavailable, InvalidInput, ObjectNotFound, ServiceError
from services.models import ByteRange
from services.storage.file_errors import translated
from services.storage.file_staging import StagedFile

CHUNK = 256 * 1024


class FileWriter:
    """An ``ObjectWriter``: the bytes go to a staged file that ``publish`` makes a version."""

    def __init__(self, staged: StagedFile, publish: Callable[[StagedFile], str]) -> None:
        self._staged = staged
        self._publish = publish
        self._error: ServiceError | None = None
        self._version_id = ""

    def write(self, data: bytes) -> None:
        """Append ``data``; raises ``StorageFull`` and the other backend errors."""
        try:
            with translated("writing a version"):
                self._staged.write(data)
        except ServiceError as error:
            self._error = error
            raise

    def commit(self) -> str:
        """Publish the version and return its id. After a failed ``write`` that same error is raised again."""
        if not self._version_id:
            if self._error is not None:
                raise self._error
            with translated("publishing a version"):
                self._version_id = self._publish(self._staged)
        return self._version_id

    def abort(self) -> None:
        """Remove the staged file."""
        self._error = self._error or BackendUnavailable(detail="the write was aborted")
        with translated("removing a staged file"):
            self._staged.discard()


class FileReader:
    """An ``ObjectReader`` over one open file; the file may be removed meanwhile, its bytes stay readable."""

    _descriptor = -1

    def __init__(self, path: Path, byte_range: ByteRange | None) -> None:
        try:
            with translated("opening a version"):
                self._descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
        except ServiceError as error:
            if isinstance(error.__cause__, FileNotFoundError):
                raise ObjectNotFound(detail=error.detail) from error.__cause__
            raise
        size = os.fstat(self._descriptor).st_size
        self._start, self._stop = (0, size) if byte_range is None else (byte_range.start, min(byte_range.stop, size))
        if byte_range is not None and self._start >= self._stop:
            self.close()
            raise InvalidInput(f"The range begins after the end of the object ({size} bytes).", code="invalid_range")

    def __iter__(self) -> Iterator[bytes]:
        while self._start < self._stop and self._descriptor >= 0:
            with translated("reading a version"):
                chunk = os.pread(self._descriptor, min(CHUNK, self._stop - self._start), self._start)
                if not chunk:
                    raise OSError("the file ends before its size")
            self._start += len(chunk)
            yield chunk

    def close(self) -> None:
        """Close the file."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def __del__(self) -> None:
        self.close()  # a reader that nobody closed must not hold a descriptor for good
