"""``VERIFY_DECODE=1``: decode all of an image in a child process, as it streams by.

Native decoders meet bytes of strangers here, so they run where they can do no harm: a process of its own with limits on
memory and time, without the service's environment (no credentials to steal) and open files. What it does to itself
costs that one upload. Starting it takes 60 ms or more of processor time, besides the decoding: so it is an option.
"""

from __future__ import annotations

import contextlib
import math
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

from services.errors import NotAnImage, Overloaded, TooManyPixels, UnsupportedType

_CHILD = Path(__file__).with_name("decode_child.py")
_MAX_ANSWER = 1024

# All that the child inherits. One thread is enough for a stream; nothing may be spilled to a disk.
_ENVIRONMENT = {"VIPS_CONCURRENCY": "1", "VIPS_DISC_THRESHOLD": "1000g", "MALLOC_ARENA_MAX": "2", "LANG": "C.UTF-8"}

START_TIMEOUT = 20.0
"""Seconds that an upload waits for its turn when as many children run as may."""

_FAILED = "The image does not decode: it is damaged, or needs more memory than it may use."
_UNKNOWN = (
    "Every image is decoded before it is stored, and the decoder does not know this one's compression or colours; "
    "save it in another way, for example as a PNG."
)
_HUNG = "The image takes too long to decode."


class DecodeVerifier:
    """Decodes one file, fed in chunks, in a child process. Close it whatever happens.

    Memory on this side is constant: a chunk is handed over before ``feed`` returns, and no copy is kept.
    """

    def __init__(
        self,
        *,
        max_pixels: int,
        timeout: float,
        memory_bytes: int,
        turns: threading.Semaphore | None = None,
        child: Path = _CHILD,
        python: str = sys.executable,
    ) -> None:
        """Prepare to decode at most ``max_pixels``; the child starts with the first byte.

        ``timeout`` in seconds is how long the child may leave us waiting, for room in ``feed`` and for its answer in
        ``finish``, and the processor time it may use in all; a slow uploader uses up neither. ``memory_bytes`` limits
        its address space, of which libraries and stacks take 250 MB: give it 1 GiB for 50 million pixels.
        ``turns`` bounds the children of this process: one is taken with the first byte and given back by ``close``.
        ``child`` is the program to run with ``python``, for tests of what happens when it crashes or hangs.
        """
        self._limits = [str(max_pixels), str(memory_bytes), str(math.ceil(timeout))]
        self._max_pixels = max_pixels
        self._timeout = timeout
        self._command = [python, "-I", "-B", str(child)]
        self._turns = turns
        self._has_turn = False
        self._process: subprocess.Popen[bytes] | None = None
        self._socket: socket.socket | None = None
        self._listening = True
        self._hung = False

    def feed(self, chunk: bytes) -> None:
        """Hand the next bytes of the file to the child; a child that has given up is heard in ``finish``.

        Raises ``Overloaded`` when the system can not start a child, or too many run for too long.
        """
        if not chunk or not self._listening:
            return
        channel = self._socket or self._start()
        try:
            channel.sendall(chunk)
        except TimeoutError:
            self._hung = True
            self._listening = False
            self._kill()
        except (BrokenPipeError, ConnectionResetError):
            # It has seen enough (trailing bytes are not decoded) or has died: its answer tells.
            self._listening = False

    def finish(self) -> None:
        """Return when the image decoded; raises ``NotAnImage`` when it did not, or the child crashed or hung, and
        ``UnsupportedType`` for what the decoder was not built with.
        """
        if self._socket is None:
            raise NotAnImage("The file is empty.")
        try:
            answer = b"" if self._hung else self._answer(self._socket)
        finally:
            self.close()
        status = self._process.returncode if self._process else None
        if self._hung or status == -signal.SIGXCPU:
            raise NotAnImage(_HUNG, detail="the decoding child was stopped at its time limit")
        if answer == b"pixels\n":
            raise TooManyPixels(f"The image has more than {self._max_pixels} pixels, which is the limit.")
        if answer.startswith(b"unknown "):
            raise UnsupportedType(_UNKNOWN, detail=_detail(answer, status))
        if answer != b"ok\n":
            raise NotAnImage(_FAILED, detail=_detail(answer, status))

    def close(self) -> None:
        """Kill the child if it still runs, and reap it; harmless twice and after ``finish``."""
        self._kill()
        if self._socket is not None:
            self._socket.close()
        self._listening = False
        if self._turns is not None and self._has_turn:
            self._has_turn = False
            self._turns.release()

    def _start(self) -> socket.socket:
        if self._turns is not None and not self._has_turn:
            self._has_turn = self._turns.acquire(timeout=START_TIMEOUT)
            if not self._has_turn:
                raise Overloaded(detail=f"no decoding child became free within {START_TIMEOUT:g} s")
        # A socket, not two pipes: it takes a time limit, and one descriptor to close.
        ours, theirs = socket.socketpair()
        self._socket = ours
        ours.settimeout(self._timeout)
        with theirs:
            try:
                self._process = subprocess.Popen(  # noqa: S603 - no part of the command comes from a caller
                    [*self._command, *self._limits],
                    stdin=theirs.fileno(),
                    stdout=theirs.fileno(),
                    stderr=subprocess.DEVNULL,
                    env=_ENVIRONMENT,
                    cwd="/",
                )
            except OSError as error:
                raise Overloaded(detail=f"the decoding child did not start: {error}") from error
        return ours

    def _answer(self, channel: socket.socket) -> bytes:
        """Say that the file has ended, and wait for the child's line; nothing from a child that died without one."""
        deadline = time.monotonic() + self._timeout
        answer = b""
        # A reset says that the child left bytes unread; what it said before that arrives first.
        with contextlib.suppress(ConnectionError):
            channel.shutdown(socket.SHUT_WR)
            while len(answer) < _MAX_ANSWER and not answer.endswith(b"\n"):
                channel.settimeout(max(0.001, deadline - time.monotonic()))
                try:
                    part = channel.recv(_MAX_ANSWER)
                except TimeoutError:
                    self._hung = True
                    break
                if not part:
                    break
                answer += part
        return answer

    def _kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()


def _detail(answer: bytes, status: int | None) -> str:
    """What the log should know about a failed decode."""
    said = answer.decode("ascii", "replace").strip()
    return f"decoding child: {said or 'no answer'} (status {status})"
