"""The service as ``make run`` starts it: gunicorn in processes of its own, watched from the outside."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

import psutil
import requests

ROOT = Path(__file__).resolve().parents[2]
COMMAND = (sys.executable, "-m", "gunicorn", "-c", "gunicorn.conf.py", "app:create_app()")
START_SECONDS = 30.0
PROBE_SECONDS = 5
STOP_SECONDS = 40.0


class StartRefused(AssertionError):
    """The server ended before it answered; ``lines`` is what it wrote to stderr."""

    def __init__(self, returncode: int, lines: Sequence[str]) -> None:
        self.returncode = returncode
        self.lines = list(lines)
        super().__init__(f"the server ended with {returncode}:\n" + "\n".join(lines))


class LiveServer:
    """One start of the service on a free port of its own.

    :param data_dir: its DATA_DIR, which outlives it.
    :param env: further variables of config.py; DATA_DIR, HOST and PORT in it are overruled.
    :param descriptors: the most files that each of its processes may have open; None: as many as this one.
    """

    def __init__(self, data_dir: Path, env: Mapping[str, str] | None = None, *, descriptors: int | None = None) -> None:
        self.data_dir = data_dir
        self._descriptors = descriptors
        self.port = free_port()
        self.env = {**(env or {}), "DATA_DIR": str(data_dir), "HOST": "127.0.0.1", "PORT": str(self.port)}
        self.base_url = f"http://127.0.0.1:{self.port}"
        self.stdout: list[str] = []
        self.stderr: list[str] = []
        self._process: subprocess.Popen[str] | None = None
        self._readers: list[threading.Thread] = []

    def start(self, *, wait: bool = True) -> LiveServer:
        """Start it and, unless told otherwise, wait until it answers; raises ``StartRefused`` when it ends instead."""
        limited = ("prlimit", f"--nofile={self._descriptors}:{self._descriptors}") if self._descriptors else ()
        self._process = subprocess.Popen(
            (*limited, *COMMAND),
            cwd=ROOT,
            env=_environment(self.env),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            errors="replace",
            # A process group of its own, as a terminal gives it: Ctrl-C and kill -9 then reach every process at once.
            start_new_session=True,
        )
        self._readers = [
            self._reader(self._process.stdout, self.stdout),
            self._reader(self._process.stderr, self.stderr),
        ]
        if wait:
            self.wait_ready()
        return self

    def wait_ready(self) -> None:
        """Wait until it answers; whatever ends the wait otherwise ends its processes too, and is raised."""
        try:
            self._wait_ready()
        except BaseException:
            self.kill()
            raise

    def _wait_ready(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                self._join_readers()
                raise StartRefused(self.process.returncode, self.stderr)
            if self.answers():
                return
            time.sleep(0.05)
        raise AssertionError(f"not ready after {START_SECONDS} s:\n" + "\n".join(self.stdout + self.stderr))

    def answers(self) -> bool:
        """Whether a new connection gets a healthy answer."""
        try:
            return requests.get(self.base_url + "/health", timeout=PROBE_SECONDS).status_code == 200
        except (requests.ConnectionError, requests.Timeout):
            return False

    @property
    def process(self) -> subprocess.Popen[str]:
        assert self._process is not None, "start() comes first"
        return self._process

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def pids(self) -> list[int]:
        """The master and every process below it."""
        master = psutil.Process(self.process.pid)
        return [master.pid, *(child.pid for child in master.children(recursive=True))]

    def rss(self) -> int:
        """Resident bytes of all processes together."""
        return sum(psutil.Process(pid).memory_info().rss for pid in self.pids())

    def signal(self, number: signal.Signals) -> None:
        """Send the master a signal, as a supervisor does."""
        self.process.send_signal(number)

    def ctrl_c(self) -> None:
        """SIGINT to every process of the group, as the terminal sends it."""
        os.killpg(self.process.pid, signal.SIGINT)

    def stop(self) -> int:
        """SIGTERM; the exit code."""
        if self.running:
            self.signal(signal.SIGTERM)
        return self.wait()

    def wait(self, timeout: float = STOP_SECONDS) -> int:
        """Wait for the end; the exit code. Whatever is left of the group then is killed, and that is a failure."""
        try:
            code = self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"still running after {timeout} s:\n" + "\n".join(self.stdout[-30:])) from None
        self._join_readers()
        return code

    def kill(self) -> None:
        """kill -9 for every process at once."""
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(10)
        self._join_readers()

    def command(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run ``flask --app app <arguments>`` beside the server, with its settings, to its end."""
        return subprocess.run(
            [sys.executable, "-m", "flask", "--app", "app", *arguments],
            cwd=ROOT, env=_environment(self.env), capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip

    def records(self) -> list[dict[str, Any]]:
        """Every line on stdout so far as the JSON object that it must be."""
        found = []
        for line in list(self.stdout):
            record = json.loads(line)
            assert isinstance(record, dict), f"not a JSON object: {line}"
            found.append(record)
        return found

    def access_lines(self) -> list[dict[str, Any]]:
        """The records of requests."""
        return [record for record in self.records() if record["name"] == "access"]

    def _reader(self, stream: IO[str] | None, lines: list[str]) -> threading.Thread:
        assert stream is not None

        def drain() -> None:
            with stream:
                for line in stream:
                    lines.append(line.rstrip("\n"))

        thread = threading.Thread(target=drain, daemon=True)
        thread.start()
        return thread

    def _join_readers(self) -> None:
        for reader in self._readers:
            reader.join(10)


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def refused_start(data_dir: Path, env: Mapping[str, str]) -> StartRefused:
    """Start with settings that must not work; returns how it was refused."""
    server = LiveServer(data_dir, env)
    try:
        server.start()
    except StartRefused as refused:
        return refused
    server.kill()
    raise AssertionError("the server started")


def _environment(wanted: Mapping[str, str]) -> dict[str, str]:
    """A bare environment: a developer's exported variables and ``.env`` must not leak into a test."""
    bare = {
        name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR", "LD_LIBRARY_PATH") if name in os.environ
    }
    dotenv = ROOT / ".env"
    names = [line.partition("=")[0].strip() for line in dotenv.read_text().splitlines()] if dotenv.exists() else []
    # An empty variable counts as not set, and wins over .env.
    hidden = {name.removeprefix("export ").strip(): "" for name in names if name and not name.startswith("#")}
    return {**hidden, **bare, **wanted}
