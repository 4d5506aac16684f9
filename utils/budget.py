"""A bound on bytes held at once, shared by the threads of one process."""

from __future__ import annotations

import threading
from time import monotonic


class MemoryBudget:
    """Hands out ``limit`` bytes to shares that grow as they really hold more; who needs more than is left waits.

    Shares that each hold a part and wait for the rest would wait for one another for ever. So up to ``overdrafts`` of
    those who waited ``patience`` seconds may go over the limit until they are done: somebody always gets on, also when
    slow holders keep everything else.
    """

    def __init__(self, limit: int, *, overdrafts: int = 4, patience: float = 0.25) -> None:
        self._limit = limit
        self._overdrafts = overdrafts
        self._patience = patience
        self._held = 0
        self._changed = threading.Condition()

    def share(self) -> Share:
        """A share that holds nothing yet."""
        return Share(self)

    @property
    def held(self) -> int:
        """Bytes handed out now."""
        return self._held

    def _grow(self, share: Share, size: int, timeout: float) -> bool:
        begun = monotonic()
        with self._changed:
            while self._held + size > self._limit and not share.overdraws:
                waited = monotonic() - begun
                if waited >= self._patience and self._overdrafts > 0:
                    self._overdrafts -= 1
                    share.overdraws = True
                elif waited >= timeout:
                    return False
                else:
                    self._changed.wait(min(self._patience, timeout - waited))
            self._held += size
            share.held += size
        return True

    def _release(self, share: Share) -> None:
        with self._changed:
            self._held -= share.held
            self._overdrafts += share.overdraws
            share.held, share.overdraws = 0, False
            self._changed.notify_all()


class Share:
    """What one holder has of a budget; not shared between threads."""

    def __init__(self, budget: MemoryBudget) -> None:
        self._budget = budget
        self.held = 0
        self.overdraws = False

    def grow(self, size: int, timeout: float) -> bool:
        """Take ``size`` bytes more, waiting up to ``timeout`` seconds; False when there were none to be had."""
        return self._budget._grow(self, size, timeout)

    def release(self) -> None:
        """Give everything back; harmless twice."""
        self._budget._release(self)
