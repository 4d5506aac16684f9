"""A proxy that keeps what it saw: each request with its headers, and what the server made of it."""

from __future__ import annotations

import http.client
import threading
from contextlib import suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

_HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding", "expect", "proxy-connection", "content-length"}
_NOT_ALLOWED = b"is not authorized to perform"


@dataclass(frozen=True)
class Call:
    """One request; names of ``headers`` are in small letters, ``body`` is kept of POST only, ``answer`` of refusals."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    status: int
    answer: bytes

    def is_by(self, access_key: str) -> bool:
        """Whether it was signed with that key: in its header, its URL or its form."""
        places = (self.headers.get("authorization", "").encode(), self.path.encode(), self.body)
        return any(access_key.encode() in place for place in places)

    @property
    def counts(self) -> bool:
        """Whether the server took it for what it is: a 403 that names no missing permission is a bad signature."""
        return self.status != 403 or _NOT_ALLOWED in self.answer


class Recorder:
    """A threaded proxy on a free port of 127.0.0.1; ``calls`` is what came through.

    The Host header goes on unchanged: signatures made for the proxy's address are valid at the server.
    """

    def __init__(self, upstream: str) -> None:
        parts = urlsplit(upstream)
        self.upstream = (parts.hostname or "127.0.0.1", parts.port or 80)
        self.calls: list[Call] = []
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.recorder = self
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Recorder:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128
    recorder: Recorder


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # head and body in one go: two small packets would wait 40 ms for each other
    disable_nagle_algorithm = True
    server: _Server

    def handle_one_request(self) -> None:
        with suppress(ConnectionError, TimeoutError):  # clients that give up are part of the suites
            super().handle_one_request()
            return
        self.close_connection = True

    def log_message(self, *_: object) -> None:
        pass

    def _relay(self) -> None:
        body = self._body()
        headers = {name: value for name, value in self.headers.items() if name.lower() not in _HOP_BY_HOP}
        upstream = http.client.HTTPConnection(*self.server.recorder.upstream, timeout=60)
        try:
            upstream.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
            for name, value in headers.items():
                upstream.putheader(name, value)
            if body or self.command in {"PUT", "POST"}:
                upstream.putheader("Content-Length", str(len(body)))
            upstream.endheaders(body)
            response = upstream.getresponse()
            answer = response.read()
        finally:
            upstream.close()
        self._record(headers, body, response.status, answer)
        self._answer(response, answer)

    do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = do_OPTIONS = _relay  # noqa: N815 - http.server's names

    def _body(self) -> bytes:
        if "chunked" not in self.headers.get("Transfer-Encoding", "").lower():
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        chunks = []
        while size := int(self.rfile.readline().partition(b";")[0], 16):
            chunks.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(chunks)

    def _record(self, headers: dict[str, str], body: bytes, status: int, answer: bytes) -> None:
        small = {name.lower(): value for name, value in headers.items()}
        kept = body if self.command == "POST" else b""
        refused = answer if status == 403 else b""
        self.server.recorder.calls.append(Call(self.command, self.path, small, kept, status, refused))

    def _answer(self, response: http.client.HTTPResponse, body: bytes) -> None:
        self.send_response_only(response.status)
        headers = response.getheaders()
        for name, value in headers:
            if name.lower() not in _HOP_BY_HOP:
                self.send_header(name, value)
        if response.status not in {204, 304}:
            # Of a HEAD the length of what a GET would give.
            length = response.getheader("Content-Length", "0") if self.command == "HEAD" else str(len(body))
            self.send_header("Content-Length", length or "0")
        self.end_headers()
        self.wfile.write(body)
