"""Reading one version, or a range of it, from S3 through obstore."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from services.errors import BackendUnavailable
from services.storage.s3_errors import translated

if TYPE_CHECKING:
    from obstore import BytesStream, GetResult

CHUNK = 256 * 1024


class S3Reader:
    """An ``ObjectReader``; a body that ends early is ``BackendUnavailable``, never a shorter object."""

    def __init__(self, result: GetResult) -> None:
        start, stop = result.range
        self._left = stop - start
        with translated():
            self._stream: BytesStream | None = result.stream(min_chunk_size=CHUNK)

    def __iter__(self) -> Iterator[bytes]:
        # Never asks for more than was announced: being told "no more" costs two hand-overs between threads.
        while self._stream is not None and self._left > 0:
            with translated():
                chunk = next(self._stream, b"")
            if not chunk:
                break
            self._left -= len(chunk)
            yield chunk
        closed, self._stream = self._stream is None, None
        if self._left and not closed:
            raise BackendUnavailable(detail=f"the body ended {self._left} bytes early")

    def close(self) -> None:
        """Drop the connection, or give it back if the body was read to its end."""
        self._stream = None
