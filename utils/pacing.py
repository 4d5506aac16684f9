"""A reading socket that will not wait for ever: deadlines for headers, a minimum rate for bodies, ``100 Continue``
on demand.
"""

from __future__ import annotations

import math
import socket
from dataclasses import dataclass
from time import monotonic


@dataclass(frozen=True, slots=True)
class Pace:
    """Limits in seconds and bytes per second; ``minimum_rate`` 0 means none, and holds in each ``grace_seconds``."""

    header_seconds: float = 20.0
    idle_seconds: float = 30.0
    minimum_rate: int = 512
    grace_seconds: float = 30.0
    send_seconds: float = 120.0


class PacedSocket:
    """Wraps a connected socket's reading side; the server's parser reads through it instead of the socket.

    Headers must be whole ``header_seconds`` after they began. A body may pause for ``idle_seconds`` at most, and must
    bring ``minimum_rate`` bytes a second in each window of ``grace_seconds``: an average over the whole body would let
    a client that sent much at once trickle for hours. Only time spent waiting for the client counts, so that a slow
    store is not held against it.
    """

    def __init__(self, sock: socket.socket, pace: Pace) -> None:
        self._sock = sock
        self._pace = pace
        self._in_body = False
        self._continue_owed = False
        self._silent = 0.0  # seconds waited since the last byte
        self._received, self._waited = 0, 0.0  # in this window, or in the head

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
            self._sock.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        # The server sets a limit of its own while it drains a body that nobody read.
        own = self._sock.gettimeout()
        left = math.inf if own is None else own
        try:
            while (allowed := min(self._allowed(), left)) > 0:
                self._sock.settimeout(allowed)
                started = monotonic()
                data = self._receive(size)
                passed = monotonic() - started
                self._waited += passed
                self._silent += passed
                left -= passed
                if data is not None:
                    self._received += len(data)
                    self._silent = 0.0
                    return data
        finally:
            # The same socket sends the answer.
            self._sock.settimeout(self._pace.send_seconds)
        return self._too_slow()

    def _begin(self) -> None:
        self._received, self._waited, self._silent = 0, 0.0, 0.0

    def _receive(self, size: int) -> bytes | None:
        try:
            return self._sock.recv(size)
        except TimeoutError:
            return None  # the window may be over and another begin: the limits decide

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
        """The socket's own time limit."""
        return self._sock.gettimeout()

    def settimeout(self, seconds: float | None) -> None:
        """Set the socket's own time limit; the next ``recv`` sets it again."""
        self._sock.settimeout(seconds)


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
