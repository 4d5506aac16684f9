"""An HTTP proxy that goes wrong on demand, to stand in front of a real (or moto's) S3 server.

    with FaultProxy("http://127.0.0.1:7070") as proxy:
        store = S3Store(S3Options(endpoint=proxy.url, ...))
        proxy.fail("PUT", "/images/", code="SlowDown", status=503, times=1)
        ...
        proxy.clear()

A rule names a method ("" is any) and a regular expression searched in path and query. It skips its first ``skip``
matches, then acts ``times`` times (None: always). The first rule that acts wins. The Host header goes through
unchanged: signatures made for the proxy's address are valid at the server.
"""

from __future__ import annotations

import http.client
import re
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Literal
from urllib.parse import urlsplit

Kind = Literal["answer", "delay", "hold", "cut_request", "cut_answer", "cut_body"]
_HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding", "expect", "proxy-connection"}
_CHUNK = 64 * 1024


@dataclass
class Rule:
    """One fault. ``hits`` counts how often it acted."""

    kind: Kind
    method: str
    path: re.Pattern[str]
    skip: int = 0
    times: int | None = None
    status: int = 500
    body: bytes = b""
    seconds: float = 0.0
    after: int | None = None
    hits: int = 0
    _seen: int = field(default=0, repr=False)

    def claims(self, method: str, path: str) -> bool:
        """Whether this rule acts on a request; counts it."""
        if self.method not in {"", method} or not self.path.search(path):
            return False
        self._seen += 1
        if self._seen <= self.skip or (self.times is not None and self.hits >= self.times):
            return False
        self.hits += 1
        return True


class FaultProxy:
    """A threaded proxy on a free port of 127.0.0.1; ``requests`` is what it saw, as (method, path with query)."""

    def __init__(self, upstream: str) -> None:
        parts = urlsplit(upstream)
        self.upstream = (parts.hostname or "127.0.0.1", parts.port or 80)
        self.requests: list[tuple[str, str]] = []
        self._rules: list[Rule] = []
        self._lock = threading.Lock()
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.proxy = self
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> FaultProxy:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def fail(
        self,
        method: str = "",
        path: str = "",
        *,
        status: int = 503,
        code: str = "SlowDown",
        body: bytes | None = None,
        skip: int = 0,
        times: int | None = None,
    ) -> Rule:
        """Answer with ``body``, by default an S3 error with ``code``, instead of asking the server."""
        body = (
            body or f'<?xml version="1.0"?><Error><Code>{code}</Code><Message>fault {code}</Message></Error>'.encode()
        )
        return self._add(Rule("answer", method, re.compile(path), skip, times, status=status, body=body))

    def delay(
        self, method: str = "", path: str = "", *, seconds: float, skip: int = 0, times: int | None = None
    ) -> Rule:
        """Let the server act at once, and keep its answer back for ``seconds``."""
        return self._add(Rule("delay", method, re.compile(path), skip, times, seconds=seconds))

    def hold(
        self, method: str = "", path: str = "", *, seconds: float, skip: int = 0, times: int | None = None
    ) -> Rule:
        """Take the whole request, and let the server act ``seconds`` later, even if the client is gone by then."""
        return self._add(Rule("hold", method, re.compile(path), skip, times, seconds=seconds))

    def cut_request(self, method: str = "", path: str = "", *, skip: int = 0, times: int | None = None) -> Rule:
        """Close the connection before anything reaches the server."""
        return self._add(Rule("cut_request", method, re.compile(path), skip, times))

    def cut_answer(self, method: str = "", path: str = "", *, skip: int = 0, times: int | None = None) -> Rule:
        """Let the server act, then close the connection without its answer."""
        return self._add(Rule("cut_answer", method, re.compile(path), skip, times))

    def cut_body(
        self, method: str = "", path: str = "", *, after: int | None = None, skip: int = 0, times: int | None = None
    ) -> Rule:
        """Send the answer's headers and its first ``after`` bytes (None: half), then close the connection."""
        return self._add(Rule("cut_body", method, re.compile(path), skip, times, after=after))

    def clear(self) -> None:
        """Lift every fault."""
        with self._lock:
            self._rules.clear()

    def count(self, method: str = "", path: str = "") -> int:
        """How many requests came that match."""
        return sum(method in {"", seen} and re.search(path, target) is not None for seen, target in self.requests)

    def _add(self, rule: Rule) -> Rule:
        with self._lock:
            self._rules.append(rule)
        return rule

    def match(self, method: str, path: str) -> Rule | None:
        """Record a request and find the rule that acts on it; for the proxy's own handler."""
        with self._lock:
            self.requests.append((method, path))
            return next((rule for rule in self._rules if rule.claims(method, path)), None)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128
    proxy: FaultProxy

    def handle_error(self, request: object, client_address: object) -> None:
        """Stay silent: clients that give up are what this proxy is for."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def handle_one_request(self) -> None:
        with suppress(ConnectionError, TimeoutError):
            super().handle_one_request()
            return
        self.close_connection = True

    def log_message(self, *_: object) -> None:
        pass

    def _relay(self) -> None:
        rule = self.server.proxy.match(self.command, self.path)
        if rule is not None and rule.kind == "cut_request":
            self._cut()
        elif rule is not None and rule.kind == "answer":
            for _ in self._request_body():
                pass
            self._answer(rule.status, [("Content-Type", "application/xml")], rule.body)
        else:
            self._forward(rule)

    do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = do_OPTIONS = _relay  # noqa: N815 - http.server's names

    def _forward(self, rule: Rule | None) -> None:
        upstream = http.client.HTTPConnection(*self.server.proxy.upstream, timeout=60)
        try:
            body = self._request_body()
            if rule is not None and rule.kind == "hold":
                body = iter(list(body))
                time.sleep(rule.seconds)
            self._send_request(upstream, body)
            response = upstream.getresponse()
            if rule is not None and rule.kind == "cut_answer":
                response.read()
                self._cut()
                return
            if rule is not None and rule.kind == "delay":
                time.sleep(rule.seconds)
            self._send_response(response, rule)
        finally:
            upstream.close()

    def _send_request(self, upstream: http.client.HTTPConnection, body: Iterator[bytes]) -> None:
        upstream.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
        for name, value in self.headers.items():
            if name.lower() not in _HOP_BY_HOP:
                upstream.putheader(name, value)
        chunked = "chunked" in self.headers.get("Transfer-Encoding", "").lower()
        if chunked:
            upstream.putheader("Transfer-Encoding", "chunked")
        upstream.endheaders()
        for chunk in body:
            upstream.send(b"%x\r\n%b\r\n" % (len(chunk), chunk) if chunked else chunk)
        if chunked:
            upstream.send(b"0\r\n\r\n")

    def _request_body(self) -> Iterator[bytes]:
        if "chunked" in self.headers.get("Transfer-Encoding", "").lower():
            while size := int(self.rfile.readline().partition(b";")[0], 16):
                yield self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
            return
        left = int(self.headers.get("Content-Length") or 0)
        while left:
            chunk = self.rfile.read(min(left, _CHUNK))
            if not chunk:
                raise ConnectionResetError("the client went away inside its request")
            left -= len(chunk)
            yield chunk

    def _send_response(self, response: http.client.HTTPResponse, rule: Rule | None) -> None:
        headers = [(name, value) for name, value in response.getheaders() if name.lower() not in _HOP_BY_HOP]
        if self.command == "HEAD" or response.status in {204, 304}:
            self._answer(response.status, headers, None)
            return
        body = response.read()
        headers = [(name, value) for name, value in headers if name.lower() != "content-length"]
        if rule is not None and rule.kind == "cut_body":
            keep = len(body) // 2 if rule.after is None else rule.after
            self._answer(response.status, headers, body, keep)
            self._cut()
            return
        self._answer(response.status, headers, body)

    def _answer(self, status: int, headers: list[tuple[str, str]], body: bytes | None, keep: int | None = None) -> None:
        self.send_response_only(status)
        for name, value in headers:
            self.send_header(name, value)
        if body is not None:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if body and self.command != "HEAD":
            self.wfile.write(body if keep is None else body[:keep])
        self.wfile.flush()

    def _cut(self) -> None:
        self.close_connection = True
        with suppress(OSError):
            self.connection.shutdown(socket.SHUT_RDWR)


__all__ = ["FaultProxy", "Rule"]
