"""200 connections that trickle, and the fast client that comes after them."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from pathlib import Path

from bench import images
from bench.load import Client
from bench.report import Figure, Report
from bench.systems import HttpSystem, form

CONNECTIONS = 200
RATE = 1000
"""Bytes per second of each slow connection."""


class Tricklers:
    """Connections that each send an upload at ``RATE``, from one thread."""

    def __init__(self, system: HttpSystem, body: bytes) -> None:
        head = system.upload_heads(len(body))[0][0].encode()
        self._body = body
        self._sent = 0
        self._stop = threading.Event()
        self._sockets = [socket.create_connection(("127.0.0.1", system.service.port), 10) for _ in range(CONNECTIONS)]
        for each in self._sockets:
            each.sendall(head)
            each.setblocking(False)
        self._thread = threading.Thread(target=self._trickle)
        self._thread.start()

    def _trickle(self) -> None:
        step = RATE // 4
        while not self._stop.wait(0.25):
            piece = self._body[self._sent : self._sent + step]
            for each in self._sockets:
                with contextlib.suppress(BlockingIOError):
                    each.send(piece)
            self._sent += step

    def alive(self) -> int:
        """How many connections the server has neither closed nor answered."""
        count = 0
        for each in self._sockets:
            try:
                each.recv(1, socket.MSG_PEEK)
            except BlockingIOError:
                count += 1
            except OSError:
                continue
        return count

    def close(self) -> None:
        """Stop sending and vanish."""
        self._stop.set()
        self._thread.join()
        for each in self._sockets:
            each.close()


def slow(system: HttpSystem, folder: Path, report: Report, *, seconds: float) -> None:
    """Measure what a fast client waits while ``CONNECTIONS`` slow ones are connected."""
    image = images.jpeg(100_000)
    key = system.store(image)
    body = folder / "body-slow"
    body.write_bytes(form(image))
    tricklers = Tricklers(system, form(images.jpeg(1_000_000)))
    try:
        time.sleep(seconds / 2)
        waits = [_fast(system, body, key) for _ in range(10)]
        time.sleep(seconds / 2)
        waits += [_fast(system, body, key) for _ in range(10)]
        alive = tricklers.alive()
    finally:
        tricklers.close()
    report.raw["slow_waits_seconds"] = waits
    name = f"{CONNECTIONS} connections of 1 kB/s: longest wait of a new client, upload and read of 100 kB"
    report.figures.append(Figure(name, max(waits), "s", at_most=1.0, note=f"{len(waits)} tries"))
    report.figures.append(Figure("of these connections, still served", alive, "", at_least=CONNECTIONS))


def _fast(system: HttpSystem, body: Path, key: str) -> float:
    started = time.perf_counter()
    size = body.stat().st_size
    answers = (
        Client(system.service.port, str(body)).exchange(system.upload_heads(size)[0][0].encode()),
        Client(system.service.port).exchange(system.read_head(key).encode()),
    )
    if [status for status, _ in answers] != [201, 200]:
        raise RuntimeError(f"the fast client got {answers}")
    return time.perf_counter() - started
