"""The harness itself: a server that does not come up is a failure of its test, and of no other."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from tests.wire import server
from tests.wire.server import LiveServer

pytestmark = pytest.mark.wire


def test_a_server_that_takes_its_time_over_an_answer_is_asked_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "PROBE_SECONDS", 0.05)
    starting = LiveServer(tmp_path)
    with socket.create_server(("127.0.0.1", starting.port)):  # takes connections, says nothing
        assert not starting.answers()


def test_no_process_outlives_a_start_that_failed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its Popen would be collected during any later test, which would then fail for a process that is not its own."""

    def broken(_server: LiveServer) -> bool:
        raise RuntimeError("a bug of the harness")

    monkeypatch.setattr(LiveServer, "answers", broken)
    failing = LiveServer(tmp_path)
    with pytest.raises(RuntimeError):
        failing.start()
    assert not failing.running
    assert failing.process.returncode is not None
