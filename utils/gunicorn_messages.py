"""gunicorn's request bodies and responses, with fewer steps between the socket and the application."""

from __future__ import annotations

import time
from email.utils import formatdate
from typing import Any, cast

from gunicorn.http.body import Body, ChunkedReader, LengthReader
from gunicorn.http.wsgi import Response

_second = (0, "")


def _date() -> str:
    """The time as in ``Date``; made once a second, since it costs as much as the rest of a head."""
    global _second  # noqa: PLW0603 - a cache of one value; threads may fill it twice
    now, (second, text) = int(time.time()), _second
    if now != second:
        text = formatdate(now, usegmt=True)
        _second = now, text
    return text


class PromptBody(Body):  # type: ignore[misc]  # gunicorn has no types
    """A request body that also gives what is there: ``read`` waits until it has all that was asked for."""

    def read(self, size: int | None = None) -> bytes:
        """As gunicorn's, but a body that is at its end says so at once: the server asks twice after each request."""
        reader = self.reader
        if isinstance(reader, LengthReader) and not reader.length and not self.buf.tell():
            return b""
        return cast(bytes, super().read(size))

    def read1(self, size: int) -> bytes:
        """Up to ``size`` bytes as soon as there are any, empty at the end; see ``io.BufferedIOBase.read1``."""
        if held := self.buf.tell():
            return self.read(min(size, held))
        try:
            if isinstance(self.reader, LengthReader):
                return self._of_length(self.reader, size)
            if isinstance(self.reader, ChunkedReader):
                return self._of_chunks(self.reader, size)
        except Exception:
            self.failed = True  # the next request's start is unknown: gunicorn closes the connection
            raise
        return self.read(size)

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


class WholeResponse(Response):  # type: ignore[misc]  # gunicorn has no types
    """Sends the head together with the first piece of the body: one system call and one packet less, and a client that
    waits is woken once.
    """

    headers_sent: bool
    _head = b""

    def send_headers(self) -> None:
        """Make the head; it goes out with the first piece of the body, or at the end."""
        if self.headers_sent:
            return
        lines = [
            f"HTTP/{self.req.version[0]}.{self.req.version[1]} {self.status}\r\nServer: {self.version}\r\n"
            f"Date: {_date()}\r\nConnection: {'close' if self.should_close() else 'keep-alive'}\r\n"
        ]
        if self.chunked:
            lines.append("Transfer-Encoding: chunked\r\n")
        lines += [f"{name}: {value}\r\n" for name, value in self.headers]
        self._head = ("".join(lines) + "\r\n").encode("latin-1")
        self.headers_sent = True

    def close(self) -> None:
        """End the response."""
        if not self.headers_sent:
            self.send_headers()
        self._send_head()
        super().close()

    def _send_head(self) -> None:
        head, self._head = self._head, b""
        if head:
            self.sock.sendall(head)

    def _emit_body(self, data: bytes) -> None:
        if self.chunked or not self._head:
            self._send_head()
            super()._emit_body(data)
        else:
            head, self._head = self._head, b""
            self.sock.sendall(head, data)
