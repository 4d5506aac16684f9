"""The load client: a process of its own that costs little, because it shares the cores with what it measures.

    python -m bench.load < plan.json > outcome.json

Kept-alive blocking sockets, one thread for each client; heads are ready-made, bodies go from the page cache to the
socket (``sendfile``), answers' bodies are dropped inside the kernel (``MSG_TRUNC``). Each answer's status and
length are checked.
"""

from __future__ import annotations

import json
import os
import re
import resource
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from itertools import cycle
from pathlib import Path

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)\r\n", re.IGNORECASE)
_TIMEOUT = 60.0
_ROOT = Path(__file__).parent.parent


@dataclass(frozen=True, slots=True)
class Plan:
    """What to send: each client takes the next head, adds the file ``body``, and wants ``status``.

    ``heads`` are whole request heads; they are used in turn, each once if ``once``. It ends after ``seconds``.
    """

    port: int
    heads: list[str]
    status: int
    seconds: float
    body: str = ""
    clients: int = 8
    once: bool = False


@dataclass(slots=True)
class Outcome:
    """What came of it; ``seconds`` to the last answer, ``cpu_seconds`` of the client itself; latencies in seconds."""

    requests: int = 0
    seconds: float = 0.0
    cpu_seconds: float = 0.0
    latencies: list[float] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    @property
    def rate(self) -> float:
        """Requests per second."""
        return self.requests / self.seconds


def measure(plan: Plan) -> Outcome:
    """Run ``plan`` in a new process.

    :raises RuntimeError: when an answer was not the expected one.
    """
    command = [sys.executable, "-m", "bench.load"]
    plan_text = json.dumps(asdict(plan)).encode()
    done = subprocess.run(command, input=plan_text, stdout=subprocess.PIPE, check=True, cwd=_ROOT)
    outcome = Outcome(**json.loads(done.stdout))
    if outcome.errors:
        raise RuntimeError(f"{len(outcome.errors)} bad answers from port {plan.port}, the first: {outcome.errors[0]}")
    return outcome


class Client:
    """One kept-alive connection."""

    def __init__(self, port: int, body: str = "") -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), _TIMEOUT)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        # sendfile() and recv() of a timeout socket do not block in the kernel; kernel timeouts do.
        self._socket.setblocking(True)
        limit = int(_TIMEOUT).to_bytes(8, "little") + bytes(8)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, limit)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, limit)
        self._file = os.open(body, os.O_RDONLY) if body else -1
        self._size = os.fstat(self._file).st_size if body else 0
        self._scratch = bytearray(1 << 20)

    def exchange(self, head: bytes) -> tuple[int, int]:
        """Send a request and drop its answer; returns the status and the length of the answer's body."""
        self._socket.sendall(head, socket.MSG_MORE if self._size else 0)
        sent = 0
        while sent < self._size:
            sent += os.sendfile(self._socket.fileno(), self._file, sent, self._size - sent)
        answer = b""
        while (end := answer.find(b"\r\n\r\n")) < 0:
            piece = self._socket.recv(4096)
            if not piece:
                raise ConnectionError(f"closed after {answer[:200]!r}")
            answer += piece
        length = _LENGTH.search(answer, 0, end + 2)
        if length is None:
            raise ValueError(f"an answer without Content-Length: {answer[:200]!r}")
        self._drop(int(length[1]) - (len(answer) - end - 4))
        return int(answer[9:12]), int(length[1])

    def _drop(self, left: int) -> None:
        while left > 0:
            want = min(left, len(self._scratch))
            # With MSG_TRUNC a TCP socket counts the bytes without copying them (tcp(7)).
            dropped = self._socket.recv_into(self._scratch, want, socket.MSG_TRUNC | socket.MSG_WAITALL)
            if not dropped:
                raise ConnectionError("closed inside the answer's body")
            left -= dropped


def run(plan: Plan) -> Outcome:
    """Run ``plan`` in this process."""
    outcome = Outcome()
    heads: Iterable[bytes] = [head.encode("latin-1") for head in plan.heads]
    source = iter(heads) if plan.once else cycle(heads)
    clients = [Client(plan.port, plan.body) for _ in range(plan.clients)]
    ready = threading.Barrier(plan.clients + 1)
    started = time.perf_counter()

    def work(client: Client, source: Iterator[bytes]) -> None:
        ready.wait()
        deadline = time.perf_counter() + plan.seconds
        for head in source:
            begun = time.perf_counter()
            if begun >= deadline:
                break
            try:
                status, _length = client.exchange(head)
            except (OSError, ValueError) as error:
                outcome.errors.append(f"{type(error).__name__}: {error}")
                break
            if status != plan.status:
                outcome.errors.append(f"status {status} instead of {plan.status}")
                break
            outcome.latencies.append(time.perf_counter() - begun)

    threads = [threading.Thread(target=work, args=(client, source)) for client in clients]
    for thread in threads:
        thread.start()
    ready.wait()
    started = time.perf_counter()
    for thread in threads:
        thread.join()
    outcome.seconds = time.perf_counter() - started
    outcome.requests = len(outcome.latencies)
    used = resource.getrusage(resource.RUSAGE_SELF)
    outcome.cpu_seconds = used.ru_utime + used.ru_stime
    return outcome


if __name__ == "__main__":
    json.dump(asdict(run(Plan(**json.load(sys.stdin)))), sys.stdout)
