"""What one request cost, gathered where the cost arises and logged once at its end."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
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


@contextmanager
def store_time() -> Iterator[None]:
    """Add the time spent in the block to the request's store time."""
    started = perf_counter()
    try:
        yield
    finally:
        if trace := _current.get():
            trace.store_seconds += perf_counter() - started
