"""Random access to a stream, in constant memory: at least its first 8 MiB and its latest 1 MiB."""

from __future__ import annotations

from bisect import bisect_right

_HEAD = 8 << 20
_TAIL = 1 << 20
_SMALL = 64 << 10


class ChunkStore:
    """What has been fed, by offset, as far as it is kept.

    Chunks are kept by reference, without a copy; small ones are joined, so that a million one-byte chunks do not
    become a million objects. Whole chunks are kept or dropped, so large ones may keep a little more.
    """

    def __init__(self) -> None:
        self._starts: list[int] = []
        self._blocks: list[bytes | bytearray] = []
        self._head_blocks = 0
        self._size = 0

    def append(self, chunk: bytes) -> None:
        """Add the next bytes; forget those that are neither among the first 8 MiB nor the latest 1 MiB."""
        last = self._blocks[-1] if self._blocks else b""
        if isinstance(last, bytearray) and len(last) < _SMALL:
            last += chunk
            self._size += len(chunk)
            return
        self._starts.append(self._size)
        self._blocks.append(chunk if len(chunk) >= _SMALL else bytearray(chunk))
        if self._size < _HEAD:
            self._head_blocks += 1
        self._size += len(chunk)
        # Blocks, not bytes, are dropped: one stays as long as any of it is within the latest 1 MiB.
        while len(self._starts) > self._head_blocks + 1 and self._size - self._starts[self._head_blocks + 1] >= _TAIL:
            del self._starts[self._head_blocks], self._blocks[self._head_blocks]

    def read(self, offset: int, size: int) -> bytes | None:
        """``size`` bytes from ``offset`` on, all of which must have been fed; None where they are not kept any more."""
        at = bisect_right(self._starts, offset) - 1
        parts = []
        while size:
            if not 0 <= at < len(self._starts) or self._starts[at] + len(self._blocks[at]) <= offset:
                return None
            begin = offset - self._starts[at]
            part = self._blocks[at][begin : begin + size]
            parts.append(part)
            offset += len(part)
            size -= len(part)
            at += 1
        return b"".join(parts)
