"""gunicorn's threaded worker, made safe against slow clients and speaking JSON when a request does not even parse.

The stock worker reads headers and bodies without a time limit, answers ``100 Continue`` before the application has
seen the headers, and lingers over closing connections on its main loop, where one unread body delays every other
client.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from time import perf_counter, sleep
from typing import Any
from urllib.parse import unquote

from gunicorn.glogging import Logger
from gunicorn.http import wsgi
from gunicorn.workers.gthread import _DEFER, TConn

from utils import trace
from utils.crowds import Crowds
from utils.gunicorn_messages import PromptBody, WholeResponse
from utils.gunicorn_refusals import CapturedAnswer, Refusal, header
from utils.gunicorn_room import RoomyWorker
from utils.ids import request_id_of
from utils.logger import redact
from utils.pacing import Pace, PacedSocket, linger, readable

access_log = logging.getLogger("access")

YIELD_SECONDS = 0.001
LINGER_SECONDS = 5.0
LINGER_BYTES = 64 * 1024 * 1024
STAY_SECONDS = 0.05
"""How long a thread waits for a connection's first or next request before the main loop does."""


class JsonLogger(Logger):  # type: ignore[misc]  # gunicorn has no types
    """Sends gunicorn's own lines through the root logger, so that they are JSON like all others."""

    def setup(self, cfg: Any) -> None:
        """Called by gunicorn with its configuration."""
        super().setup(cfg)
        self.error_log.handlers.clear()
        self.error_log.propagate = True

    def access(self, *args: Any) -> None:
        """Nothing: the application writes the access log."""


class PacedWorker(RoomyWorker):
    """The worker class that ``gunicorn.conf.py`` names; ``pace`` is set there."""

    pace = Pace()
    crowds = Crowds()
    alive: bool
    wsgi: Any

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._this_thread = _Progress()
        self._may_stay = deque[None]([None] * (self.cfg.threads // 2))

    def handle(self, conn: TConn) -> Any:
        """Serve a connection in a pool thread while its requests follow closely, then linger here rather than on the
        main loop.
        """
        if not conn.initialized and not conn.data_ready:
            # Not the stock worker's 5 seconds: a few hundred silent connections would have all threads wait.
            if not readable(conn.sock, STAY_SECONDS if self.tpool._work_queue.empty() else 0.0):
                return _DEFER
            conn.data_ready = True
        paced = self._paced(conn)
        if paced is None:
            return super().handle(conn)
        outcome = self._serve(conn, paced)
        while outcome is True and self._stay(conn, paced):
            outcome = self._serve(conn, paced)
        if outcome is False:
            paced.end_body()
            linger(paced.plain, seconds=LINGER_SECONDS, most=LINGER_BYTES)
        return outcome

    def _serve(self, conn: TConn, paced: PacedSocket) -> Any:
        self._this_thread.served, self._this_thread.started = False, perf_counter()
        paced.begin_headers()
        return super().handle(conn)

    def _stay(self, conn: TConn, paced: PacedSocket) -> bool:
        """Whether the connection's next request is there, or comes within ``STAY_SECONDS``.

        Else the connection goes back to the main loop, which waits for any number of connections with one thread. That
        way costs a request two hand-overs between threads, 0.3 ms of processor time on a busy machine; so threads that
        nobody else needs wait here for the next request, at most half of all.
        """
        if not self.alive or not self.tpool._work_queue.empty():
            return False
        if conn.parser.unreader.buf.tell():
            return True
        try:
            self._may_stay.pop()
        except IndexError:
            return False
        try:
            return paced.awaits(STAY_SECONDS)
        finally:
            self._may_stay.append(None)

    def accept(self, listener: Any) -> None:
        """Accept a connection, after those workers have had a chance that serve fewer.

        Every worker is woken for a new connection, and connections stay where they are accepted: without this, of two
        workers one sometimes got all eight of a burst, and one core did all the work.
        """
        least = self.crowds.least_elsewhere(self.age)
        if least is not None and self.nr_conns > least + least // 8:
            sleep(YIELD_SECONDS)
        super().accept(listener)

    def wait_for_and_dispatch_events(self, timeout: float) -> None:
        """One turn of the main loop."""
        self.crowds.tell(self.age, self.nr_conns)
        super().wait_for_and_dispatch_events(timeout)

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
        paced = conn.sock
        if not isinstance(paced, PacedSocket):
            return bool(super().handle_request(req, conn))
        # gunicorn would send 100 Continue now; the body's first read sends it, so a refused upload is never invited.
        paced.begin_body(owes_continue=req._expected_100_continue)
        req._expected_100_continue = False
        req.body = PromptBody(req.body.reader)
        keep = self._answer(req, conn)
        uninvited = paced.continue_owed
        paced.end_body()
        # A client that was never told to continue may send its body or not: the next request's start is unknown.
        return keep and not uninvited

    def _answer(self, req: Any, conn: TConn) -> bool:
        """What the stock worker does for a request, with a response of our own class and without its hooks.

        :returns: whether the connection may be kept.
        """
        response, environ = wsgi.create(
            req, conn.sock, conn.client, conn.server, self.cfg, response_class=WholeResponse
        )
        environ["wsgi.multithread"] = True
        self.nr += 1
        if self.nr >= self.max_requests and self.alive:
            self.log.info("Autorestarting worker after current request.")
            self.alive = False
        if not self.alive or not self.cfg.keepalive or len(self.keepalived_conns) >= self.max_keepalived:
            response.force_close()
        try:
            body = self.wsgi(environ, response.start_response)
            try:
                for piece in body:
                    response.write(piece)
                response.close()
            finally:
                if close := getattr(body, "close", None):
                    close()
        except OSError:
            raise
        except (Exception, SystemExit):
            if not response.headers_sent:
                raise
            # Part of the answer may be out: a second one behind it would be taken for its body.
            self.log.exception("Error handling request")
            return False
        return not response.should_close()

    def handle_error(self, req: Any, client: Any, addr: Any, exc: BaseException) -> None:
        """Answer a request that could not be parsed, in the same shape as every other error, and log it.

        The application never sees such a request, so its access line is written here; gunicorn's own warning carries
        the same request id.
        """
        known = req or getattr(exc, "req", None)  # some errors bring as much of the request as was understood
        request_id = request_id_of(header(known, "X-REQUEST-ID"))
        trace.begin(request_id)
        try:
            captured = CapturedAnswer()
            super().handle_error(req, captured, addr, exc)
            if captured.data:
                self._refuse(known, client, addr, Refusal.of(bytes(captured.data), request_id))
        finally:
            trace.end()

    def _refuse(self, req: Any, client: Any, addr: Any, refusal: Refusal) -> None:
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
        """The connection's socket, made a paced one at the first call; None for what is not HTTP/1."""
        if isinstance(conn.sock, PacedSocket):
            return conn.sock
        if self.cfg.is_ssl:
            conn.init()  # the handshake needs the socket itself
        if conn.is_http2:
            return None
        paced = conn.sock = PacedSocket(conn.sock, self.pace)
        if conn.initialized:
            conn.parser.unreader.sock = paced
        return paced


class _Progress(threading.local):
    """How far the request that this thread works on has come."""

    served = False
    started = 0.0
