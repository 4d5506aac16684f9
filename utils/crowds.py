"""How many connections each worker has, in memory that all workers of one master share."""

from __future__ import annotations

import mmap

_SLOTS = 256


class Crowds:
    """One number for each worker; made before the workers are forked.

    Each worker writes its own slot only, whole words at a time, so there is no lock. What it says may be a moment old.
    """

    def __init__(self) -> None:
        self._numbers = memoryview(mmap.mmap(-1, 4 * _SLOTS)).cast("I")  # a worker's connections + 1; 0: no worker

    def tell(self, worker: int, connections: int) -> None:
        """Note how many connections a worker has; ``worker`` is its number since the master's start."""
        self._numbers[worker % _SLOTS] = connections + 1

    def leave(self, worker: int) -> None:
        """Forget a worker that has ended, however it did."""
        self._numbers[worker % _SLOTS] = 0

    def least_elsewhere(self, worker: int) -> int | None:
        """The fewest connections that any other worker has; None when there is no other."""
        own = worker % _SLOTS
        return min((number - 1 for slot, number in enumerate(self._numbers) if number and slot != own), default=None)
