"""``python -m bench [section ...]``: measure, print Markdown, exit 1 when a bound is missed."""

from __future__ import annotations

import argparse
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from bench.inspection import inspection
from bench.listings import listings
from bench.memory import memory
from bench.report import Report
from bench.s3 import S3Server, s3_server
from bench.slow import slow
from bench.systems import System, limit, naive, ours
from bench.throughput import Scale, reads, uploads

SECTIONS = ("uploads", "reads", "memory", "slow", "inspection", "listings")
GIB = 1024**3
MEMORY = Path("/dev/shm")
MEMORY_NEEDED = 8 * GIB


def main() -> int:
    """Run the sections that the command line names, all by default."""
    options = _options()
    # SIGTERM would end this process without stopping the servers that it started.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("stopped"))
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-")))
        data = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-s3-", dir=options.s3_folder)))
        server = stack.enter_context(s3_server(data / "s3", options.s3))
        where = "in memory" if data.is_relative_to(MEMORY) else "on disk"
        report = Report(f"{server.kind} (objects {where})", " ".join(sys.argv[1:]), quick=options.quick)
        stack.callback(_finish, report)  # also after a failure, with what was measured until then
        for section in options.sections or SECTIONS:
            started = time.perf_counter()
            _RUN[section](options, server, folder / section, report)
            print(f"{section}: {time.perf_counter() - started:.0f} s", file=sys.stderr)
    # One round of half a second says nothing about speed: a smoke run fails only by raising.
    return 1 if report.missed and not options.quick else 0


def _finish(report: Report) -> None:
    print(report.markdown())
    print(f"everything: {report.save()}", file=sys.stderr)


def _default_s3_folder() -> Path | None:
    """Memory, where there is enough: a real S3 has disks of its own, and a disk is the noisiest part of a machine."""
    return MEMORY if MEMORY.is_dir() and shutil.disk_usage(MEMORY).free > MEMORY_NEEDED else None


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("sections", nargs="*", metavar="section", help=", ".join(SECTIONS) + "; default: all")
    parser.add_argument("--s3", choices=("versitygw", "minio"), help="default: BENCH_S3, else what is installed")
    parser.add_argument("--rounds", type=int, default=5, help="rounds that count (default 5)")
    parser.add_argument("--seconds", type=float, default=2.0, help="length of one system's part of a round (default 2)")
    parser.add_argument("--quick", action="store_true", help="a smoke run under 90 s; misses do not fail it")
    parser.add_argument("--against", type=Path, help="another checkout of this project, measured as the system 'other'")
    parser.add_argument(
        "--s3-folder",
        type=Path,
        default=_default_s3_folder(),
        help="where the S3 server keeps its objects (default: memory, or TMPDIR when that is short)",
    )
    options = parser.parse_args()
    if unknown := set(options.sections) - set(SECTIONS):
        parser.error(f"no such section: {', '.join(sorted(unknown))}; there are {', '.join(SECTIONS)}")
    if options.quick:
        options.rounds, options.seconds = 1, 0.5
    return options


def _throughput(options: argparse.Namespace, server: S3Server, folder: Path, report: Report) -> None:
    scale = Scale(options.rounds, options.seconds)
    with ExitStack() as stack:
        systems: list[System] = [stack.enter_context(naive(server, folder)), stack.enter_context(ours(server, folder))]
        if options.against:
            other = ours(server, folder, tree=options.against.absolute(), name="other")
            systems.append(stack.enter_context(other))
        systems.append(limit(server))
        if folder.name == "uploads":
            uploads(systems, server, folder, scale, report)
        else:
            reads(systems, server, scale, report)


def _memory(options: argparse.Namespace, server: S3Server, folder: Path, report: Report) -> None:
    memory(server, folder, report, giant=GIB // 4 if options.quick else 2 * GIB)


def _slow(options: argparse.Namespace, server: S3Server, folder: Path, report: Report) -> None:
    with ours(server, folder) as system:
        slow(system, folder, report, seconds=2.0 if options.quick else 10.0)


def _inspection(options: argparse.Namespace, _server: S3Server, _folder: Path, report: Report) -> None:
    inspection(report, rounds=3 if options.quick else 21)


def _listings(options: argparse.Namespace, _server: S3Server, folder: Path, report: Report) -> None:
    listings(folder, report, rounds=options.rounds, quick=options.quick)


_RUN: dict[str, Callable[[argparse.Namespace, S3Server, Path, Report], None]] = {
    "uploads": _throughput, "reads": _throughput, "memory": _memory, "slow": _slow, "inspection": _inspection,
    "listings": _listings,
}  # fmt: skip


if __name__ == "__main__":
    sys.exit(main())
