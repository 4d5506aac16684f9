"""The outermost layer: gives each request its id, counts its bytes, and logs it when its last byte is out.

WSGI middleware rather than Flask hooks, because a streamed image is sent after Flask's hooks have run, and because a
client that vanishes half-way must be logged as well.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from time import perf_counter
from typing import TYPE_CHECKING, Any

from utils import trace
from utils.ids import request_id_of
from utils.logger import event, redact

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

log = logging.getLogger("access")

QUIET_PATHS = frozenset(("/health", "/health/live", "/health/ready", "/api/v1/health"))
"""Probed every few seconds by load balancers: logged only at DEBUG."""


class AccessLog:
    """Wraps a WSGI application; see the module."""

    def __init__(self, app: WSGIApplication) -> None:
        self._app = app

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Serve one request (PEP 3333)."""
        request_id = request_id_of(environ.get("HTTP_X_REQUEST_ID"))
        exchange = _Exchange(environ, trace.begin(request_id))

        def start(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
            exchange.status = int(status[:3])
            headers.append(("X-Request-ID", request_id))
            return start_response(status, headers, exc_info)

        try:
            body = self._app(environ, start)
        except BaseException:
            exchange.finish(failed=True)
            raise
        return _Body(body, exchange)


class _Exchange:
    """One request and its answer, as far as they are logged."""

    def __init__(self, environ: WSGIEnvironment, request: trace.Trace) -> None:
        self.status = 0
        self.bytes_out = 0
        self._environ = environ
        self._trace = request
        self._started = perf_counter()

    def finish(self, *, failed: bool = False) -> None:
        environ = self._environ
        # The path only: a query string may carry a signature or what somebody searches for.
        path = environ.get("PATH_INFO", "").encode("latin-1", "replace").decode("utf-8", "replace")
        level = logging.DEBUG if path in QUIET_PATHS and self.status < 400 else logging.INFO
        members = {
            "method": environ.get("REQUEST_METHOD"),
            "path": redact(path),
            "status": self.status,
            "bytes_in": self._trace.bytes_in,
            "bytes_out": self.bytes_out,
            "duration_ms": round((perf_counter() - self._started) * 1000, 3),
            "store_ms": round(self._trace.store_seconds * 1000, 3),
            "client": environ.get("REMOTE_ADDR"),
        }
        event(log, level, "request cut off" if failed else "request", members)
        trace.end()


class _Body:
    """The response's body, counted; ``close`` (which the server always calls) ends the exchange."""

    def __init__(self, inner: Iterable[bytes], exchange: _Exchange) -> None:
        self._inner = inner
        self._exchange = exchange
        self._complete = False

    def __iter__(self) -> Iterator[bytes]:
        for chunk in self._inner:
            self._exchange.bytes_out += len(chunk)
            yield chunk
        self._complete = True

    def close(self) -> None:
        try:
            if close := getattr(self._inner, "close", None):
                close()
        finally:
            self._exchange.finish(failed=not self._complete)
