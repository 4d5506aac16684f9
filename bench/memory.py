"""What uploads cost in memory and on disk: one of 2 GiB, and 64 at once."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from bench import images
from bench.load import Plan, measure
from bench.processes import files_open_for_writing, peak_rss, reset_peak, rss, written_to_disk
from bench.report import Figure, Report
from bench.s3 import S3Server
from bench.systems import HttpSystem, form, form_frame, ours

MB = 1_000_000
AT_ONCE = 64
AT_ONCE_SIZE = 10 * MB
WATCH_SECONDS = 0.05
OWN_FILES = ("data/", "ours.log")
"""What the worker may have open: its database and its log."""


class DiskWatch:
    """Looks for temporary files of a worker: while it works, and by what the kernel counted as written."""

    def __init__(self, system: HttpSystem, pid: int) -> None:
        self.strangers: dict[str, int] = {}
        self._system = system
        self._pid = pid
        self._before = written_to_disk(pid)
        self._files_before = set(files_open_for_writing(pid))
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch)
        self._thread.start()

    def _watch(self) -> None:
        own = tuple(str(self._system.folder / each) for each in OWN_FILES)
        folders = (self._system.folder / "tmp", self._system.folder / "cwd")
        while not self._stop.wait(WATCH_SECONDS):
            found = files_open_for_writing(self._pid) | {
                str(each): 0 for folder in folders for each in folder.iterdir()
            }
            for name, size in found.items():
                if name not in self._files_before and not name.startswith(own):
                    self.strangers[name] = size

    def stop(self) -> int:
        """End the watch; returns the bytes that the worker wrote to disk meanwhile."""
        self._stop.set()
        self._thread.join()
        return written_to_disk(self._pid) - self._before


def memory(server: S3Server, folder: Path, report: Report, *, giant: int) -> None:
    """Both measurements, each on a worker of its own."""
    with ours(server, folder / "giant", WEB_CONCURRENCY="1", MAX_FILE_SIZE=str(2 * giant)) as system:
        _giant(system, report, giant)
    server.discard("ours")
    with ours(server, folder / "many", WEB_CONCURRENCY="1") as system:
        _many(system, folder, report)
    server.discard("ours")


def _giant(system: HttpSystem, report: Report, size: int) -> None:
    (worker,) = system.service.workers()
    small = images.jpeg(MB)
    for _ in range(20):
        system.store(small)  # everything that is made once is made
    before = rss(worker)
    reset_peak(worker)
    watch = DiskWatch(system, worker)
    length, pieces = images.giant_png(size)
    started = time.perf_counter()
    status = _send(system, length, pieces)
    seconds = time.perf_counter() - started
    written = watch.stop()
    if status != 201:
        raise RuntimeError(f"the upload of {length} bytes was answered {status}")
    gib = size / 2**30
    name = f"one upload of {gib:g} GiB"
    growth = (peak_rss(worker) - before) / MB
    start = f"from {before / MB:.0f} MB"
    report.figures += [
        Figure(f"{name}: peak memory growth of the worker", growth, "MB", at_most=64, note=start),
        Figure(f"{name}: temporary files seen", len(watch.strangers), "", at_most=1, note=", ".join(watch.strangers)),
        Figure(f"{name}: written to disk by the worker (SQLite)", written / MB, "MB", at_most=4),
        Figure(f"{name}: rate", length / MB / seconds, "MB/s"),
    ]


def _send(system: HttpSystem, length: int, pieces: Iterator[bytes]) -> int:
    head, tail = form_frame()
    with socket.create_connection(("127.0.0.1", system.service.port), 300) as sock:
        sock.sendall(system.upload_heads(length + len(head) + len(tail))[0][0].encode() + head)
        for piece in pieces:
            sock.sendall(piece)
        sock.sendall(tail)
        return int(sock.recv(4096)[9:12])


def _many(system: HttpSystem, folder: Path, report: Report) -> None:
    (worker,) = system.service.workers()
    image = images.jpeg(AT_ONCE_SIZE)
    system.store(images.jpeg(MB))
    body = folder / "body-many"
    body.write_bytes(form(image))
    head = system.upload_heads(body.stat().st_size)[0][0]
    before = rss(worker)
    reset_peak(worker)
    outcome = measure(Plan(system.service.port, [head] * AT_ONCE, 201, 60, str(body), clients=AT_ONCE, once=True))
    if outcome.requests != AT_ONCE:
        raise RuntimeError(f"only {outcome.requests} of {AT_ONCE} uploads were answered")
    name = f"{AT_ONCE} uploads of 10 MB at once, one worker"
    bound = (AT_ONCE * AT_ONCE_SIZE) / MB + 150
    peak = peak_rss(worker) / MB
    report.figures += [
        Figure(f"{name}: peak memory", peak, "MB", at_most=bound, note=f"from {before / MB:.0f} MB"),
        Figure(f"{name}: time for all", outcome.seconds, "s", note="all answered 201"),
    ]
