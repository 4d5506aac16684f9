"""gunicorn's threaded worker, made safe against slow clients and speaking JSON when a request does not even parse.

The stock worker reads headers and bodies without a time limit, answers ``100 Continue`` before the application has
seen the headers, and lingers over closing connections on its main loop, where one unread body delays every other
client.
"""

from __future__ import annotations

import json
import logging
import threading
from dataclasses import dataclass
from http import HTTPStatus
from time import perf_counter
from typing import Any, Self, cast
from urllib.parse import unquote

from gunicorn.glogging import Logger
from gunicorn.http.body import Body, ChunkedReader, LengthReader
from gunicorn.workers.gthread import _DEFER, DEFAULT_WORKER_DATA_TIMEOUT, TConn, ThreadWorker

from utils import trace
from utils.ids import request_id_of
from utils.logger import redact
from utils.pacing import Pace, PacedSocket, linger

access_log = logging.getLogger("access")

LINGER_SECONDS = 5.0
LINGER_BYTES = 64 * 1024 * 1024


class JsonLogger(Logger):  # type: ignore[misc]  # gunicorn has no types
    """Sends gunicorn's own lines through the root logger, so that they are JSON like all others."""

    def setup(self, cfg: Any) -> None:
        """Called by gunicorn with its configuration."""
        super().setup(cfg)
        self.error_log.handlers.clear()
        self.error_log.propagate = True

    def access(self, *args: Any) -> None:
        """Nothing: the application writes the access log."""


class PacedWorker(ThreadWorker):  # type: ignore[misc]  # gunicorn has no types
    """The worker class that ``gunicorn.conf.py`` names; ``pace`` is set there."""

    pace = Pace()
    wsgi: Any

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._this_thread = _Progress()

    def handle(self, conn: TConn) -> Any:
        """Serve one request in a pool thread, then linger here rather than on the main loop."""
        if not conn.initialized:
            # As the stock worker does, but so that the parser exists, and can be paced, before the first byte is
            # parsed.
            if not conn.wait_for_data(DEFAULT_WORKER_DATA_TIMEOUT):
                return _DEFER
            conn.sock.setblocking(True)
            conn.init()
        self._this_thread.served, self._this_thread.started = False, perf_counter()
        if paced := self._paced(conn):
            paced.begin_headers()
        outcome = super().handle(conn)
        if outcome is False:
            linger(conn.sock, seconds=LINGER_SECONDS, most=LINGER_BYTES)
        return outcome

    def set_accept_enabled(self, enabled: bool) -> None:
        """Begin or stop to take connections; a worker that is stopping gives up its listening sockets at once.

        The stock worker keeps them until its last request is done, and the kernel goes on completing connections that
        nobody will serve: clients would wait for the whole graceful time and then be reset.
        """
        super().set_accept_enabled(enabled)
        if enabled or self.alive:
            return
        for listener in self.sockets:
            taken = -1
            while taken != self.nr_conns:  # serve what is connected already: closing would reset it
                taken = self.nr_conns
                self.accept(listener)
            listener.close()

    def handle_request(self, req: Any, conn: TConn) -> bool:
        """Serve a parsed request."""
        paced = self._paced(conn)
        if paced is None:
            return bool(super().handle_request(req, conn))
        # gunicorn would send 100 Continue now; the body's first read sends it, so a refused upload is never invited.
        paced.begin_body(owes_continue=req._expected_100_continue)
        req._expected_100_continue = False
        req.body = PromptBody(req.body.reader)
        conn.sock.settimeout(self.pace.send_seconds)
        keep = bool(super().handle_request(req, conn))
        uninvited = paced.continue_owed
        paced.end_body()
        # A client that was never told to continue may send its body or not: the next request's start is unknown.
        return keep and not uninvited

    def handle_error(self, req: Any, client: Any, addr: Any, exc: BaseException) -> None:
        """Answer a request that could not be parsed, in the same shape as every other error, and log it.

        The application never sees such a request, so its access line is written here; gunicorn's own warning carries
        the same request id.
        """
        known = req or getattr(exc, "req", None)  # some errors bring as much of the request as was understood
        request_id = request_id_of(_header(known, "X-REQUEST-ID"))
        trace.begin(request_id)
        try:
            captured = _CapturedAnswer()
            super().handle_error(req, captured, addr, exc)
            if captured.data:
                self._refuse(known, client, addr, _Refusal.of(bytes(captured.data), request_id))
        finally:
            trace.end()

    def _refuse(self, req: Any, client: Any, addr: Any, refusal: _Refusal) -> None:
        sent = True
        try:
            client.sendall(refusal.head + refusal.body)
        except OSError as error:
            sent = False
            self.log.debug("client gone before its error: %s", error)
        if self._this_thread.served:
            return  # the application failed after all: it has logged the request already
        path = unquote(getattr(req, "path", None) or "")
        access_log.info(
            "request" if sent else "request cut off",
            extra={
                "method": getattr(req, "method", None),
                "path": redact(path) or None,
                "status": refusal.status,
                "bytes_in": 0,
                "bytes_out": len(refusal.body) if sent else 0,
                "duration_ms": round((perf_counter() - self._this_thread.started) * 1000, 3),
                "store_ms": 0,
                "client": addr[0] if addr else None,
            },
        )

    def load_wsgi(self) -> None:
        """Load the application, and note in each thread whether its request has reached it."""
        super().load_wsgi()
        application, this_thread = self.wsgi, self._this_thread

        def noted(environ: Any, start_response: Any) -> Any:
            this_thread.served = True
            return application(environ, start_response)

        self.wsgi = noted

    def _paced(self, conn: TConn) -> PacedSocket | None:
        """The connection's paced reader, put in place at the first call; None for what is not HTTP/1."""
        reader = getattr(conn.parser, "unreader", None)
        if reader is None:
            return None
        if not isinstance(reader.sock, PacedSocket):
            reader.sock = PacedSocket(conn.sock, self.pace)
        return cast(PacedSocket, reader.sock)


class PromptBody(Body):  # type: ignore[misc]  # gunicorn has no types
    """A request body that also gives what is there: ``read`` waits until it has all that was asked for."""

    def read1(self, size: int) -> bytes:
        """Up to ``size`` bytes as soon as there are any, empty at the end; see ``io.BufferedIOBase.read1``."""
        if held := self.buf.tell():
            return cast(bytes, self.read(min(size, held)))
        try:
            if isinstance(self.reader, LengthReader):
                return self._of_length(self.reader, size)
            if isinstance(self.reader, ChunkedReader):
                return self._of_chunks(self.reader, size)
        except Exception:
            self.failed = True  # the next request's start is unknown: gunicorn closes the connection
            raise
        return cast(bytes, self.read(size))

    @staticmethod
    def _of_length(reader: Any, size: int) -> bytes:
        wanted = min(size, reader.length)
        if not wanted:
            return b""
        data: bytes = reader.unreader.read(None, read_ahead=wanted)
        if len(data) > wanted:  # the beginning of the next request
            reader.unreader.unread(data[wanted:])
            data = data[:wanted]
        reader.length -= len(data)
        return data

    @staticmethod
    def _of_chunks(reader: Any, size: int) -> bytes:
        if not reader.buf.tell() and reader.parser:
            piece: bytes = next(filter(None, reader.parser), b"")
            if not piece:
                reader.parser = None
            if len(piece) <= size:
                return piece
            reader.buf.write(piece)
        return cast(bytes, reader.read(min(size, reader.buf.tell())))


class _Progress(threading.local):
    """How far the request that this thread works on has come."""

    served = False
    started = 0.0


class _CapturedAnswer:
    """Takes what gunicorn would write to the client."""

    def __init__(self) -> None:
        self.data = bytearray()

    def sendall(self, data: bytes) -> None:
        self.data += data

    def gettimeout(self) -> float | None:
        return None

    def setblocking(self, _flag: bool) -> None:
        """A buffer never blocks."""


_CODES = {
    400: ("bad_request", "The request is not valid HTTP/1.1."),
    403: ("forbidden", "This request is not allowed."),
    414: ("uri_too_long", "The request line is too long."),
    417: ("expectation_failed", "The server meets no such expectation."),
    431: ("headers_too_large", "The request headers are too many or too large."),
    501: ("not_implemented", "The server does not support this transfer coding."),
}


@dataclass(frozen=True, slots=True)
class _Refusal:
    """The answer to a request that did not parse."""

    status: int
    head: bytes
    body: bytes

    @classmethod
    def of(cls, answer: bytes, request_id: str) -> Self:
        """The problem document in place of gunicorn's page ``answer``."""
        status = int(answer.split(b" ", 2)[1])
        code, detail = _CODES.get(status, ("internal_error", "The service failed to handle the request."))
        phrase = HTTPStatus(status).phrase
        body = json.dumps(
            {"type": "about:blank", "title": phrase, "status": status, "detail": detail, "error": detail, "code": code,
             "request_id": request_id}
        ).encode()  # fmt: skip
        head = (
            f"HTTP/1.1 {status} {phrase}\r\nConnection: close\r\nContent-Type: application/problem+json\r\n"
            f"X-Request-ID: {request_id}\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        return cls(status, head.encode("latin-1"), body)


def _header(req: Any, name: str) -> str | None:
    """A header of what gunicorn made of the request, which may be nothing; joined as in WSGI when it is repeated."""
    return ",".join(value for known, value in getattr(req, "headers", None) or () if known == name) or None
