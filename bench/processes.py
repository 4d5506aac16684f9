"""Child processes of a run, and what Linux tells about them in ``/proc``."""

from __future__ import annotations

import os
import re
import signal
import socket
import stat
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

START_SECONDS = 30.0
STOP_SECONDS = 10.0
_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Service:
    """A running server on loopback; ``pid`` is its first process, which may have children."""

    name: str
    port: int
    pid: int
    log: Path

    def processes(self) -> list[int]:
        """The process and all its descendants."""
        found = [self.pid]
        for pid in found:
            for task in Path(f"/proc/{pid}/task").iterdir():
                found += [int(child) for child in (task / "children").read_text().split()]
        return found

    def workers(self) -> list[int]:
        """The children: of gunicorn, its workers."""
        return self.processes()[1:]

    def cpu_seconds(self) -> float:
        """User and system time used so far by all processes."""
        return sum(_cpu_seconds(pid) for pid in self.processes())


@contextmanager
def running(
    name: str, command: list[str], *, port: int, folder: Path, environment: Mapping[str, str], cwd: Path | None = None
) -> Iterator[Service]:
    """Start a server in ``folder``, wait until it answers, and stop it at the end.

    :raises RuntimeError: with the end of its log, when it does not come up.
    """
    folder.mkdir(parents=True, exist_ok=True)
    log = folder / f"{name}.log"
    with log.open("wb") as out:
        process = subprocess.Popen(
            command,
            cwd=cwd or folder,
            env=dict(environment),
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        _wait_answering(process, port, log)
        yield Service(name, port, process.pid, log)
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            # The whole session: a master that is killed leaves its workers behind.
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def free_port() -> int:
    """A TCP port on loopback that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_answering(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    # gunicorn listens before it has workers: only an answer, whatever it says, shows that there is one.
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with socket.create_connection(("127.0.0.1", port), 5) as probe:
                probe.sendall(b"GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
                if probe.recv(9) == b"HTTP/1.1 ":
                    return
        except OSError:
            pass
        time.sleep(0.05)
    raise RuntimeError(f"{process.args!r} did not start; the end of its log:\n{log.read_text()[-2000:]}")


def _cpu_seconds(pid: int) -> float:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    except FileNotFoundError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / _TICKS


def reset_peak(pid: int) -> None:
    """Make ``peak_rss`` count from now on (proc(5), clear_refs)."""
    Path(f"/proc/{pid}/clear_refs").write_text("5")


def peak_rss(pid: int) -> int:
    """The largest resident set of a process so far, in bytes."""
    return _status_bytes(pid, "VmHWM")


def rss(pid: int) -> int:
    """The resident set of a process now, in bytes."""
    return _status_bytes(pid, "VmRSS")


def written_to_disk(pid: int) -> int:
    """Bytes that a process has caused to be written to any file on a disk, deleted files included (proc(5), io)."""
    for line in Path(f"/proc/{pid}/io").read_text().splitlines():
        if line.startswith("write_bytes:"):
            return int(line.split()[1])
    raise RuntimeError("/proc/<pid>/io has no write_bytes: this kernel does not account I/O")


def files_open_for_writing(pid: int) -> dict[str, int]:
    """Regular files, deleted and memory-backed ones included, that a process can write to: name to size in bytes."""
    found = {}
    for each in Path(f"/proc/{pid}/fd").iterdir():
        try:
            status = each.stat()
            flags = re.search(r"^flags:\s*([0-7]+)", Path(f"/proc/{pid}/fdinfo/{each.name}").read_text(), re.MULTILINE)
            if stat.S_ISREG(status.st_mode) and flags and int(flags[1], 8) & os.O_ACCMODE != os.O_RDONLY:
                found[str(each.readlink())] = status.st_size
        except OSError:
            continue  # closed since it was listed
    return found


def _status_bytes(pid: int, member: str) -> int:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(member + ":"):
            return int(line.split()[1]) * 1024
    raise RuntimeError(f"/proc/{pid}/status has no {member}")
