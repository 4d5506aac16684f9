"""A bound on bytes held at once, shared by the threads of one process."""

from __future__ import annotations

import threading


class MemoryBudget:
    """Hands out ``limit`` bytes; whoever needs more than is left waits."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._held = 0
        self._changed = threading.Condition()

    def acquire(self, size: int, timeout: float) -> int | None:
        """Take ``size`` bytes (never more than the whole budget), waiting up to ``timeout`` seconds.

        :returns: what was taken and must be released, or None when the time ran out.
        """
        # A request larger than the budget could never be met: it gets all of it, alone.
        size = min(size, self._limit)
        with self._changed:
            if not self._changed.wait_for(lambda: self._held + size <= self._limit, timeout):
                return None
            self._held += size
        return size

    def release(self, size: int) -> None:
        """Give ``size`` bytes back."""
        with self._changed:
            self._held -= size
            self._changed.notify_all()

    @property
    def held(self) -> int:
        """Bytes handed out now."""
        return self._held
