"""Starting with what can not work is refused in plain words; stopping lets running uploads finish."""

from __future__ import annotations

import signal
import socket
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
import requests

from tests.wire.conftest import Servers
from tests.wire.deployments import deployed
from tests.wire.logcheck import assert_clean_log
from tests.wire.photos import photo
from tests.wire.problems import assert_problem
from tests.wire.rawhttp import FORM_TYPE, RawClient, file_form, length_of
from tests.wire.server import LiveServer, refused_start

pytestmark = [pytest.mark.wire, pytest.mark.slow]

STOPS: dict[str, Callable[[LiveServer], None]] = {
    "SIGTERM": lambda server: server.signal(signal.SIGTERM),
    "SIGINT to the master": lambda server: server.signal(signal.SIGINT),
    "Ctrl-C in a terminal": lambda server: server.ctrl_c(),
}


@pytest.mark.parametrize(("kind", "stop"), [*(("embedded", stop) for stop in STOPS), ("moto", "SIGTERM")])
def test_a_running_upload_finishes(servers: Servers, tmp_path: Path, kind: str, stop: str) -> None:
    content = photo(3_000_000)
    body = file_form(content)
    with (
        deployed(kind, tmp_path / "data", servers.s3(kind)) as own,
        RawClient(own.url) as client,
        RawClient(own.url),  # one that never says anything
    ):
        client.request("POST", "/upload", [FORM_TYPE, length_of(body)], body[:1_000_000])
        time.sleep(0.3)
        STOPS[stop](own.server)
        _wait_until_refused(own.server)
        assert own.server.running, "it did not wait"
        client.send(*[body[place : place + 400_000] for place in range(1_000_000, len(body), 400_000)], pause=0.1)
        answer = client.answer()
        assert answer.status == 201, answer.body
        started = time.monotonic()
        assert own.server.wait(30) == 0
        assert time.monotonic() - started < 15
        assert not [line for line in own.server.stderr if "Traceback" in line], own.server.stderr
        own.audit.consistent()
        if stop != "SIGTERM":
            return
        # And it is there after the next start.
        again = LiveServer(own.server.data_dir, own.server.env).start()
        try:
            assert requests.get(f"{again.base_url}/image/{answer.problem['key']}", timeout=30).content == content
        finally:
            again.kill()


def test_an_upload_that_does_not_finish_in_time_is_undone(tmp_path: Path) -> None:
    body = file_form(photo(3_000_000))
    with deployed("embedded", tmp_path / "data", None, {"GRACEFUL_TIMEOUT": "2"}) as own, RawClient(own.url) as client:
        with own.audit.nothing_left():
            client.request("POST", "/upload", [FORM_TYPE, length_of(body)], body[:1_000_000])
            time.sleep(0.3)
            started = time.monotonic()
            assert own.server.stop() == 0
            assert 1.5 < time.monotonic() - started < 12
            client.close()
            LiveServer(own.server.data_dir).start().stop()  # what the process could not undo, the next start does
        assert not [line for line in own.server.stderr if "Traceback" in line], own.server.stderr


def test_a_stop_without_work_is_quick(tmp_path: Path) -> None:
    server = LiveServer(tmp_path / "data").start()
    with RawClient(server.base_url) as kept:
        kept.request("GET", "/health")
        assert kept.answer().status == 200
        started = time.monotonic()
        assert server.stop() == 0
        assert time.monotonic() - started < 6


def test_a_second_start_takes_under_three_seconds(tmp_path: Path) -> None:
    LiveServer(tmp_path / "data").start().stop()
    server = LiveServer(tmp_path / "data").start()
    times = [sum(psutil.Process(pid).cpu_times()[:2]) for pid in server.pids()]
    server.stop()
    # Of processor time, since other tests run on the same cores: the master's, then the workers' side by side.
    assert times[0] + max(times[1:]) < 3.0, times


def test_bad_settings_are_all_named_at_once(tmp_path: Path) -> None:
    refused = refused_start(
        tmp_path / "data",
        {
            "MAX_FILE_SIZE": "-1",
            "LOG_LEVEL": "LOUD",
            "S3_BUCKET": "A b",
            "SECRET_KEY": "short",
            "ENVIRONMENT": "production",
        },
    )
    _assert_plain(refused.lines)
    assert refused.returncode != 0
    for name in ("MAX_FILE_SIZE", "LOG_LEVEL", "S3_BUCKET", "SECRET_KEY", "AUTH"):
        assert (
            sum(name in line.partition(" is ")[0] or line.split()[1].startswith(name) for line in refused.lines) == 1
        ), name
    assert not any("short" in line for line in refused.lines), "a secret was shown"


@pytest.mark.parametrize(
    ("env", "named"),
    [
        ({"THREADS": "0"}, "THREADS"),
        ({"S3_BUCKET": "one-name", "BUCKET_NAME": "another"}, "S3_BUCKET"),
        ({"DATABASE_URL": "mysql://x"}, "DATABASE_URL"),
    ],
)
def test_one_bad_setting(tmp_path: Path, env: dict[str, str], named: str) -> None:
    refused = refused_start(tmp_path / "data", env)
    _assert_plain(refused.lines)
    assert refused.returncode != 0
    assert [line for line in refused.lines if named in line], refused.lines


def test_a_data_dir_that_can_not_be_made() -> None:
    refused = refused_start(Path("/proc/nowhere"), {})
    _assert_plain(refused.lines)
    assert refused.returncode != 0
    assert [line for line in refused.lines if "DATA_DIR" in line], refused.lines


@pytest.mark.parametrize("host", ["8.8.8.8", "999.1.1.1", "no-such-name.invalid", "2001:db8::1"])
def test_a_host_that_is_not_this_machine(tmp_path: Path, host: str) -> None:
    server = LiveServer(tmp_path / "data")
    server.env["HOST"] = host
    _assert_one_line(server, f"HOST is {host!r}: ")


def test_a_port_that_is_taken(tmp_path: Path) -> None:
    server = LiveServer(tmp_path / "data")
    with socket.create_server(("127.0.0.1", server.port)):
        _assert_one_line(server, f"PORT is {server.port}: ")


def test_a_file_that_is_no_database(tmp_path: Path) -> None:
    path = tmp_path / "notadb"
    path.write_bytes(b"this is no database at all, " * 100)
    _assert_one_line(LiveServer(tmp_path / "data", {"DATABASE_URL": f"sqlite:///{path}"}), "DATABASE_URL is ")


def test_a_database_in_a_folder_that_is_not_there(tmp_path: Path) -> None:
    folder = tmp_path / "mistyped" / "folder"
    _assert_one_line(LiveServer(tmp_path / "data", {"DATABASE_PATH": str(folder / "x.db")}), "DATABASE_URL is ")
    assert not folder.parent.exists()


def test_a_data_dir_that_can_not_be_written_to() -> None:
    server = LiveServer(Path("/proc"), {"SECRET_KEY": "not in the folder, since it is read only"})
    _assert_one_line(server, "DATA_DIR is '/proc': ")


def test_a_bucket_that_is_not_there(servers: Servers, tmp_path: Path) -> None:
    s3 = servers.s3("moto")
    assert s3
    refused = refused_start(tmp_path / "data", s3.env("no-such-bucket-anywhere"))
    _assert_plain(refused.lines)
    assert len(refused.lines) == 1
    assert "no-such-bucket-anywhere" in refused.lines[0]


def test_a_bucket_without_versioning(servers: Servers, tmp_path: Path) -> None:
    s3 = servers.s3("moto")
    assert s3
    refused = refused_start(tmp_path / "data", s3.env(s3.new_bucket(versioned=False)))
    _assert_plain(refused.lines)
    assert len(refused.lines) == 1
    assert "versioning" in refused.lines[0]


def test_an_s3_server_that_does_not_answer_yet(servers: Servers, tmp_path: Path) -> None:
    """It starts, says that it is not ready, refuses uploads, and serves as soon as the store is there."""
    with deployed("moto", tmp_path / "data", servers.s3("moto")) as own:
        assert own.proxy
        own.proxy.cut_request()
        late = LiveServer(tmp_path / "late", own.server.env).start()
        try:
            assert requests.get(late.base_url + "/health/ready", timeout=30).status_code == 503
            upload = requests.post(late.base_url + "/upload", files={"file": ("a.jpg", photo())}, timeout=60)
            assert_problem(upload, 503, "backend_unavailable", secrets=own.secrets)
            own.proxy.clear()
            assert requests.get(late.base_url + "/health/ready", timeout=30).status_code == 200
            upload = requests.post(late.base_url + "/upload", files={"file": ("a.jpg", photo())}, timeout=60)
            assert upload.status_code == 201, upload.text
        finally:
            late.kill()
        assert_clean_log(late, own.credentials)


def _assert_one_line(server: LiveServer, beginning: str) -> None:
    """It ends with one line that says all, and does not try again: that would be logged as an error."""
    assert server.start(wait=False).wait(20) != 0
    _assert_plain(server.stderr)
    assert len(server.stderr) == 1, server.stderr
    assert server.stderr[0].removeprefix("image-service: ").startswith(beginning), server.stderr
    assert {record["levelname"] for record in server.records()} <= {"INFO"}, server.stdout


def _assert_plain(lines: list[str]) -> None:
    assert lines, "refused without a word"
    for line in lines:
        assert line.startswith("image-service: "), lines
        assert "Traceback" not in line
        assert "testtest" not in line


def _wait_until_refused(server: LiveServer) -> None:
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", server.port), timeout=1).close()
        except ConnectionRefusedError:
            return
        time.sleep(0.05)
    raise AssertionError("still accepting connections")
