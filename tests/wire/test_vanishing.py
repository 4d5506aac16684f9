"""A client that goes away, politely (FIN) or not (RST), at each stage of a request."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from pathlib import Path

import pytest
import requests

from tests.wire.deployments import Deployment
from tests.wire.photos import photo
from tests.wire.rawhttp import FORM_TYPE, RawClient, form, head, part

pytestmark = pytest.mark.wire

Connect = Callable[[Deployment], RawClient]
MIB = 1024 * 1024
BIG = 12 * MIB

HEADERS_END = b"\r\n\r\n"
REQUEST_ID = b"X-Request-ID: "

ENDS: dict[str, Callable[[RawClient], None]] = {
    "FIN": RawClient.vanish,
    "FIN and waiting": RawClient.half_close,
    "RST": RawClient.reset,
}


def _stages(size: int) -> dict[str, tuple[bytes, int]]:
    """For each stage a whole request and how many of its bytes are sent."""
    content = photo(size)
    body = form(part("title", b"A long title" * 10), part("file", content, filename="a.jpg"))
    headers = [("Host", "x"), FORM_TYPE, ("Content-Length", str(len(body))), ("X-Request-ID", uuid.uuid4().hex)]
    request = head("POST", "/upload", headers)
    whole = request + body
    file = whole.index(content)
    stops = {
        "inside the headers": len(request) // 2,
        "after the headers": len(request),
        "inside a field": len(request) + 120,
        "inside the part's header": file - 20,
        "in the file's first bytes": file + 100,
        "in the middle of the file": file + size // 2,
        "near the end of the file": file + size - 1000,
        "after the file's last byte": file + size,
        "inside the closing boundary": len(whole) - 8,
    }
    return {name: (whole, stop) for name, stop in stops.items()}


@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("stage", _stages(6000))
def test_a_small_upload_is_left(live: Deployment, connect: Connect, stage: str, end: str) -> None:
    whole, stop = _stages(6000)[stage]
    _leave(live, connect(live), whole[:stop], end)


@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize(
    "stage", ["in the middle of the file", "near the end of the file", "after the file's last byte"]
)
@pytest.mark.parametrize("size", [7 * MIB, BIG], ids=["one part", "two parts"])
def test_a_large_upload_is_left(live: Deployment, connect: Connect, size: int, stage: str, end: str) -> None:
    whole, stop = _stages(size)[stage]
    _leave(live, connect(live), whole[:stop], end)


@pytest.mark.parametrize("end", ["FIN", "RST"])
def test_a_multipart_upload_in_flight_is_aborted(on_s3: Deployment, connect: Connect, end: str) -> None:
    assert on_s3.proxy
    whole, stop = _stages(BIG)["near the end of the file"]
    begun, aborted = on_s3.proxy.count("POST", r"\?uploads"), on_s3.proxy.count("DELETE", "uploadId=")
    client = connect(on_s3)
    with on_s3.audit.nothing_left(within=15):
        client.send(whole[:stop])
        _wait_for(lambda: bool(list(on_s3.audit.store.unfinished())), "no multipart upload was begun")
        ENDS[end](client)
    assert on_s3.proxy.count("POST", r"\?uploads") == begun + 1
    assert on_s3.proxy.count("DELETE", "uploadId=") > aborted


@pytest.mark.parametrize("end", ["FIN", "RST"])
def test_a_staged_file_is_removed(embedded: Deployment, connect: Connect, end: str) -> None:
    whole, stop = _stages(7 * MIB)["near the end of the file"]
    client = connect(embedded)
    with embedded.audit.nothing_left():
        client.send(whole[:stop])
        _wait_for(lambda: bool(list(embedded.audit.store.unfinished())), "nothing was staged")
        ENDS[end](client)


@pytest.mark.parametrize("end", ["FIN", "RST"])
@pytest.mark.parametrize("coding", ["length", "chunked"])
def test_a_replacement_is_left(live: Deployment, connect: Connect, coding: str, end: str) -> None:
    content = photo(50_000)
    stored = requests.post(live.url + "/upload", files={"file": ("a.jpg", content)}, timeout=30).json()
    new = photo(9 * MIB)
    framing = ("Content-Length", str(len(new))) if coding == "length" else ("Transfer-Encoding", "chunked")
    sent = new[:-5] if coding == "length" else b"%x\r\n%s\r\n" % (len(new), new)  # the last chunk never comes
    headers = [("Host", "x"), ("Content-Type", "image/jpeg"), framing, ("X-Request-ID", uuid.uuid4().hex)]
    request = head("PUT", f"/update/{stored['key']}", headers)
    _leave(live, connect(live), request + sent, end)
    assert requests.get(f"{live.url}/image/{stored['key']}", timeout=30).content == content


@pytest.mark.parametrize("end", ENDS)
def test_a_read_is_left(live: Deployment, connect: Connect, end: str) -> None:
    content = photo(BIG)
    stored = requests.post(live.url + "/upload", files={"file": ("a.jpg", content)}, timeout=60).json()
    client = connect(live)
    client.request("GET", f"/image/{stored['key']}")
    assert client.sock.recv(20_000)
    ENDS[end](client)
    if end == "FIN and waiting":
        # A half-closed client is still owed its answer.
        _wait_for(lambda: client.sock.recv(MIB) == b"", "the answer does not end")
    assert requests.get(f"{live.url}/image/{stored['key']}", timeout=30).content == content


def test_open_files_do_not_pile_up(embedded: Deployment) -> None:
    whole, stop = _stages(300_000)["in the middle of the file"]
    stored = requests.post(embedded.url + "/upload", files={"file": ("a.jpg", photo())}, timeout=30).json()

    def abandon(count: int) -> None:
        for number in range(count):
            client = RawClient(embedded.url)
            if number % 2:
                client.send(whole[:stop])
            else:
                client.request("GET", f"/image/{stored['key']}")
            client.reset()

    abandon(20)
    time.sleep(1)
    before = _open_files(embedded)
    abandon(200)
    _wait_for(lambda: _open_files(embedded) <= before + 10, f"descriptors leak: {before} before", within=15)


def _leave(live: Deployment, client: RawClient, sent: bytes, end: str) -> None:
    with live.audit.nothing_left():
        client.send(sent)
        ENDS[end](client)
        if HEADERS_END in sent:
            request_id = sent.partition(REQUEST_ID)[2].partition(b"\r\n")[0].decode()
            # Only then the server has done everything that it will do.
            _wait_for(lambda: _logged(live, request_id), "the end of the request is not in the log")
    assert requests.get(live.url + "/health", timeout=5).status_code == 200


def _logged(live: Deployment, request_id: str) -> bool:
    return any(request_id in line and '"access"' in line for line in live.server.stdout)


def _open_files(live: Deployment) -> int:
    return sum(len(list(Path(f"/proc/{pid}/fd").iterdir())) for pid in live.server.pids())


def _wait_for(condition: Callable[[], bool], otherwise: str, within: float = 10.0) -> None:
    deadline = time.monotonic() + within
    while not condition():
        assert time.monotonic() < deadline, otherwise
        time.sleep(0.02)
