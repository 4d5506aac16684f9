"""A client that says exactly the bytes it is told to: for requests that no HTTP library would send."""

from __future__ import annotations

import json
import socket
import struct
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Self
from urllib.parse import urlsplit

CRLF = b"\r\n"
BOUNDARY = "wire-boundary-7MA4YWxk"


@dataclass
class Answer:
    """One response as it came over the wire; header names in lower case."""

    status: int
    reason: str
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""

    @property
    def problem(self) -> dict[str, Any]:
        found = json.loads(self.body)
        assert isinstance(found, dict)
        return found


class ConnectionEnded(Exception):
    """The server closed or reset the connection before a whole response had come."""


class RawClient:
    """One TCP connection to the server; every method works on the bytes themselves."""

    def __init__(self, base_url: str, timeout: float = 30.0) -> None:
        parts = urlsplit(base_url)
        self.host = f"{parts.hostname}:{parts.port}"
        self.sock = socket.create_connection((parts.hostname or "", parts.port or 80), timeout=timeout)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._buffer = bytearray()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def send(self, *pieces: bytes, pause: float = 0.0) -> None:
        """Send the pieces one by one, each in a write of its own, with ``pause`` seconds between them."""
        for number, piece in enumerate(pieces):
            if number and pause:
                time.sleep(pause)
            self.sock.sendall(piece)

    def try_send(self, *pieces: bytes, pause: float = 0.0) -> int:
        """Send until the server ends the connection; returns how many bytes the kernel took."""
        sent = 0
        for piece in pieces:
            view = memoryview(piece)
            try:
                while view:
                    taken = self.sock.send(view)
                    sent += taken
                    view = view[taken:]
            except OSError:
                return sent
            if pause:
                time.sleep(pause)
        return sent

    def request(self, method: str, path: str, headers: Iterable[tuple[str, str]] = (), body: bytes = b"") -> None:
        """Send a well-formed head (with Host) and ``body`` as it is; lengths are the caller's business."""
        self.send(head(method, path, [("Host", self.host), *headers]) + body)

    def half_close(self) -> None:
        """FIN: nothing more comes from us, answers still may."""
        self.sock.shutdown(socket.SHUT_WR)

    def vanish(self) -> None:
        """FIN, and nobody left to read an answer."""
        self.sock.close()

    def reset(self) -> None:
        """RST: as when the client's process or its network dies."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()

    def close(self) -> None:
        self.sock.close()

    def answer(self, *, method: str = "GET", timeout: float = 30.0) -> Answer:
        """Read one whole response, interim ones (1xx) too.

        :raises ConnectionEnded: when the connection ends first; TimeoutError when nothing comes.
        """
        self.sock.settimeout(timeout)
        version, _, rest = self._line().partition(b" ")
        assert version in (b"HTTP/1.1", b"HTTP/1.0"), version
        status, _, reason = rest.decode("latin-1").partition(" ")
        answer = Answer(int(status), reason)
        while line := self._line():
            name, colon, value = line.decode("latin-1").partition(":")
            assert colon, f"not a header line: {line!r}"
            answer.headers[name.lower()] = value.strip()
        if answer.status >= 200 and answer.status not in (204, 304) and method != "HEAD":
            answer.body = self._body(answer.headers)
        return answer

    def final_answer(self, *, method: str = "GET", timeout: float = 30.0) -> Answer:
        """The next response that is not an interim one."""
        while (answer := self.answer(method=method, timeout=timeout)).status < 200:
            pass
        return answer

    def answer_or_end(self, *, timeout: float = 30.0) -> Answer | None:
        """The next final response, or None when the server just closes the connection."""
        try:
            return self.final_answer(timeout=timeout)
        except ConnectionEnded:
            return None

    def seconds_until_closed(self, *, timeout: float) -> float:
        """Read and drop until the server closes; how long that took."""
        started = time.monotonic()
        self.sock.settimeout(timeout)
        try:
            while self.sock.recv(65536):
                pass
        except ConnectionError:
            return time.monotonic() - started
        return time.monotonic() - started

    def _body(self, headers: dict[str, str]) -> bytes:
        if headers.get("transfer-encoding", "").lower() == "chunked":
            whole = bytearray()
            while size := int(self._line().split(b";")[0], 16):
                whole += self._exactly(size)
                assert self._line() == b""
            while self._line():
                pass
            return bytes(whole)
        if "content-length" in headers:
            return self._exactly(int(headers["content-length"]))
        whole = bytearray(self._buffer)
        while data := self.sock.recv(65536):
            whole += data
        return bytes(whole)

    def _line(self) -> bytes:
        while (end := self._buffer.find(CRLF)) < 0:
            self._more()
        line = bytes(self._buffer[:end])
        del self._buffer[: end + 2]
        return line

    def _exactly(self, size: int) -> bytes:
        while len(self._buffer) < size:
            self._more()
        data = bytes(self._buffer[:size])
        del self._buffer[:size]
        return data

    def _more(self) -> None:
        try:
            data = self.sock.recv(256 * 1024)
        except ConnectionError as error:
            raise ConnectionEnded(str(error)) from error
        if not data:
            raise ConnectionEnded(f"closed after {bytes(self._buffer[:200])!r}")
        self._buffer += data


def head(method: str, target: str, headers: Iterable[tuple[str, str]]) -> bytes:
    """A request's head, with the empty line that ends it."""
    lines = [f"{method} {target} HTTP/1.1", *(f"{name}: {value}" for name, value in headers), "", ""]
    return "\r\n".join(lines).encode("utf-8")


def part(name: str, content: bytes, *, filename: str | None = None, content_type: str | None = None) -> bytes:
    """One part of a form, without a delimiter before it."""
    disposition = f'Content-Disposition: form-data; name="{name}"'
    if filename is not None:
        disposition += f'; filename="{filename}"'
    lines = [disposition, *([f"Content-Type: {content_type}"] if content_type else []), "", ""]
    return "\r\n".join(lines).encode() + content


def form(*parts: bytes, boundary: str = BOUNDARY) -> bytes:
    """A whole ``multipart/form-data`` body."""
    delimiter = f"--{boundary}\r\n".encode()
    return b"".join(delimiter + one + CRLF for one in parts) + f"--{boundary}--\r\n".encode()


def file_form(content: bytes, filename: str = "photo.jpg", content_type: str = "image/jpeg") -> bytes:
    """A form with nothing but the file."""
    return form(part("file", content, filename=filename, content_type=content_type))


FORM_TYPE = ("Content-Type", f"multipart/form-data; boundary={BOUNDARY}")


def length_of(body: bytes) -> tuple[str, str]:
    return ("Content-Length", str(len(body)))


def chunked(
    body: bytes,
    sizes: Iterable[int] = (65536,),
    *,
    extension: bytes = b"",
    trailers: Iterable[tuple[bytes, bytes]] = (),
) -> bytes:
    """``body`` in chunked coding (RFC 9112, 7.1); ``sizes`` are gone through round and round."""
    framed = b"".join(b"%x%s\r\n%s\r\n" % (len(piece), extension, piece) for piece in pieces_of(body, sizes))
    return framed + b"0\r\n" + b"".join(b"%s: %s\r\n" % one for one in trailers) + CRLF


def pieces_of(body: bytes, sizes: Iterable[int]) -> Iterator[bytes]:
    """``body`` cut into pieces of the given sizes, round and round."""
    around = tuple(sizes)
    start = turn = 0
    while start < len(body):
        size = around[turn % len(around)]
        yield body[start : start + size]
        start, turn = start + size, turn + 1
