"""What one request cost, gathered where the cost arises and logged once at its end."""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import dataclass
from time import perf_counter


@dataclass(slots=True)
class Trace:
    """One request in progress; ``store_seconds`` is the time spent waiting for the object store."""

    request_id: str
    bytes_in: int = 0
    store_seconds: float = 0.0


_current: ContextVar[Trace | None] = ContextVar("trace", default=None)


def begin(request_id: str) -> Trace:
    """Start tracing a request in this thread."""
    trace = Trace(request_id)
    _current.set(trace)
    return trace


def end() -> None:
    """Stop tracing in this thread: threads are reused, and a late log line must not carry a stranger's id."""
    _current.set(None)


def current() -> Trace | None:
    """The request that this thread works for."""
    return _current.get()


def count_bytes_in(size: int) -> None:
    """Note ``size`` bytes of request body as received."""
    if trace := _current.get():
        trace.bytes_in += size


class store_time:  # noqa: N801 - used as `with store_time():`, eight times in an upload: a generator costs thrice
    """Add the time spent in the block to the request's store time."""

    __slots__ = ("_started",)

    def __enter__(self) -> None:
        self._started = perf_counter()

    def __exit__(self, *_error: object) -> None:
        if trace := _current.get():
            trace.store_seconds += perf_counter() - self._started
