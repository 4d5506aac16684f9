"""A socket that will not wait for ever: deadlines for headers, a minimum rate for bodies, ``100 Continue`` on demand.

No thread blocks in the kernel's ``recv`` or ``send``: what is there is taken at once, and only where there is nothing
does it wait, in ``poll``. Python's own time limits cost three more system calls for each read, and every one gives up
the interpreter's lock, which a busy worker's threads then fight for.
"""

from __future__ import annotations

import math
import select
import socket
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from time import monotonic
from typing import Any

_NOTHING_YET = (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError)


@dataclass(frozen=True, slots=True)
class Pace:
    """Limits in seconds and bytes per second; ``minimum_rate`` 0 means none, and holds in each ``grace_seconds``."""

    header_seconds: float = 20.0
    idle_seconds: float = 30.0
    minimum_rate: int = 512
    grace_seconds: float = 30.0
    send_seconds: float = 120.0


class PacedSocket:
    """Wraps a connected socket, which it makes non-blocking; the server uses it instead of the socket.

    Headers must be whole ``header_seconds`` after they began. A body may pause for ``idle_seconds`` at most, and must
    bring ``minimum_rate`` bytes a second in each window of ``grace_seconds``: an average over the whole body would let
    a client that sent much at once trickle for hours. Only time spent waiting for the client counts, so that a slow
    store is not held against it.
    """

    def __init__(self, sock: socket.socket, pace: Pace) -> None:
        sock.setblocking(False)
        self._sock = sock
        self._pace = pace
        self._limit: float | None = None  # the server's own, of each read
        self._in_body = False
        self._continue_owed = False
        self._silent = 0.0  # seconds waited since the last byte
        self._received, self._waited = 0, 0.0  # in this window, or in the head

    @property
    def plain(self) -> socket.socket:
        """The socket itself, for what has limits of its own."""
        return self._sock

    @property
    def continue_owed(self) -> bool:
        """Whether the client waits for ``100 Continue`` and has not been sent it."""
        return self._continue_owed

    def begin_headers(self) -> None:
        """The next bytes are a request's head."""
        self._in_body, self._continue_owed = False, False
        self._begin()

    def begin_body(self, *, owes_continue: bool) -> None:
        """The next bytes are a request's body; send ``100 Continue`` when, and only if, it is read (RFC 9110,
        10.1.1).
        """
        self._in_body, self._continue_owed = True, owes_continue
        self._begin()

    def end_body(self) -> None:
        """The answer is out: a late ``100 Continue`` would be taken for the next one."""
        self._continue_owed = False

    def recv(self, size: int) -> bytes:
        """Up to ``size`` bytes; empty at the end of the connection, or for a head that is too slow.

        :raises TimeoutError: for a body that stalls or is below the minimum rate.
        """
        if self._continue_owed:
            self._continue_owed = False
            self.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        data = self._receive(size)
        if data is None:
            return self._recv_later(size)
        self._received += len(data)
        self._silent = 0.0
        return data

    def _recv_later(self, size: int) -> bytes:
        """The same, when nothing is there yet."""
        # The server sets a limit of its own while it drains a body that nobody read.
        left = math.inf if self._limit is None else self._limit
        while (allowed := min(self._allowed(), left)) > 0:
            started = monotonic()
            ready = readable(self._sock, allowed)
            passed = monotonic() - started
            self._waited += passed
            self._silent += passed
            left -= passed
            # Not ready: the window may be over and another begin; the limits decide.
            data = self._receive(size) if ready else None
            if data is not None:
                self._received += len(data)
                self._silent = 0.0
                return data
        return self._too_slow()

    def sendall(self, *pieces: bytes) -> None:
        """Send everything, with one system call where the kernel has room.

        :raises TimeoutError: when that takes more than ``send_seconds``.
        """
        sent, size = self._send(pieces), sum(map(len, pieces))
        if sent == size:
            return
        deadline = monotonic() + self._pace.send_seconds
        with memoryview(b"".join(pieces)) as view:
            while sent < size:
                left = deadline - monotonic()
                if left <= 0 or not writable(self._sock, left):
                    raise TimeoutError("the client takes the answer too slowly")
                sent += self._send((view[sent:],))

    def awaits(self, seconds: float) -> bool:
        """Whether there is something to read, the connection's end included, within ``seconds``."""
        return readable(self._sock, seconds)

    def _begin(self) -> None:
        self._received, self._waited, self._silent = 0, 0.0, 0.0

    def _receive(self, size: int) -> bytes | None:
        try:
            return self._sock.recv(size)
        except _NOTHING_YET:
            return None

    def _send(self, pieces: Sequence[bytes | memoryview]) -> int:
        try:
            if len(pieces) == 1:
                return self._sock.send(pieces[0])
            if isinstance(self._sock, ssl.SSLSocket):  # which can not gather
                return self._sock.send(b"".join(pieces))
            return self._sock.sendmsg(pieces)
        except _NOTHING_YET:
            return 0

    def _allowed(self) -> float:
        """Seconds that the next read may wait; begins a new window when the last one brought enough."""
        pace = self._pace
        if not self._in_body:
            return pace.header_seconds - self._waited
        left = pace.idle_seconds - self._silent
        if not pace.minimum_rate:
            return left
        if self._waited >= pace.grace_seconds:
            if self._received < pace.minimum_rate * pace.grace_seconds:
                return 0.0
            self._received, self._waited = 0, 0.0
        return min(left, pace.grace_seconds - self._waited)

    def _too_slow(self) -> bytes:
        if self._in_body:
            raise TimeoutError("the request body came too slowly")
        return b""  # to the parser the client has gone: there is no request to answer

    def gettimeout(self) -> float | None:
        """The server's own limit of a read."""
        return self._limit

    def settimeout(self, seconds: float | None) -> None:
        """Limit each read also to ``seconds``."""
        self._limit = seconds

    def setblocking(self, flag: bool) -> None:
        """As for a socket: blocking is no limit."""
        self._limit = None if flag else 0.0

    def __getattr__(self, name: str) -> Any:
        """Everything else is the socket's: ``fileno``, ``shutdown``, ``close``."""
        return getattr(self._sock, name)


def readable(sock: socket.socket, seconds: float) -> bool:
    """Whether ``sock`` has something to read within ``seconds``."""
    return _ready(sock, select.POLLIN, seconds)


def writable(sock: socket.socket, seconds: float) -> bool:
    """Whether ``sock`` has room to send within ``seconds``."""
    return _ready(sock, select.POLLOUT, seconds)


def _ready(sock: socket.socket, event: int, seconds: float) -> bool:
    if event == select.POLLIN and isinstance(sock, ssl.SSLSocket) and sock.pending():
        return True  # decrypted already: the kernel has nothing more to tell
    poll = select.poll()
    poll.register(sock, event)
    return bool(poll.poll(math.ceil(seconds * 1000)))


def linger(sock: socket.socket, *, seconds: float, most: int) -> None:
    """End a connection so that the last answer arrives although the client is still sending.

    Closing with unread bytes makes the kernel send a reset, which can destroy the answer before the client has read it
    (RFC 9112, section 9.6). So: send our end, then read and drop until the client's, within bounds of time and bytes.
    """
    deadline = monotonic() + seconds
    dropped = 0
    try:
        sock.shutdown(socket.SHUT_WR)
        while dropped < most and (left := deadline - monotonic()) > 0:
            sock.settimeout(left)
            data = sock.recv(256 * 1024)
            if not data:
                return
            dropped += len(data)
    except OSError:
        return  # reset or timed out: there is nobody to be polite to
