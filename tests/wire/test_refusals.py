"""What is refused, is refused as soon as it can be known: before the rest is read, before anything is stored."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import requests

from tests import images
from tests.wire.deployments import LIMIT, Deployment
from tests.wire.photos import bomb, photo
from tests.wire.problems import assert_problem
from tests.wire.rawhttp import BOUNDARY, FORM_TYPE, RawClient, form, length_of, part

pytestmark = pytest.mark.wire

Connect = Callable[[Deployment], RawClient]
MIB = 1024 * 1024
CHUNKED = ("Transfer-Encoding", "chunked")
FILE_HEAD = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="a.jpg"\r\n\r\n'.encode()

HTML = b"<!DOCTYPE html><html><body><script>alert(1)</script>" + b"<p>words</p>" * 20_000
SVG = b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script>' + b"<g/>" * 50_000
TEXT = b"To be, or not to be, that is the question.\n" * 5000


class Sender:
    """Sends in the background until the server ends the connection; counts what the kernel took."""

    def __init__(self, client: RawClient, pieces: Iterator[bytes]) -> None:
        self.sent = 0
        self._client = client
        self._pieces = pieces
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        for piece in self._pieces:
            taken = self._client.try_send(piece)
            self.sent += taken
            if taken < len(piece):
                return

    def join(self) -> None:
        self._thread.join(30)
        assert not self._thread.is_alive(), "the server is still taking the body"


def repeated(block: bytes, total: int) -> Iterator[bytes]:
    for _ in range(total // len(block)):
        yield block


def test_a_declared_gigabyte_is_refused_while_the_client_sends_it(embedded: Deployment, connect: Connect) -> None:
    for _ in range(10):  # both workers have done their first request
        requests.post(embedded.url + "/upload", files={"file": ("a.jpg", photo())}, timeout=30)
    client = connect(embedded)
    with embedded.audit.nothing_left():
        before = embedded.server.rss()
        started = time.monotonic()
        client.request("POST", "/upload", [FORM_TYPE, ("Content-Length", str(1024 * MIB))])
        sender = Sender(client, repeated(bytes(MIB), 1024 * MIB))
        problem = assert_problem(client.answer(), 413, "too_large", secrets=embedded.secrets)
        assert time.monotonic() - started < 2
        assert str(LIMIT) in problem["detail"]
        sender.join()
        # What the server reads and drops so that the answer arrives, and what was under way in the kernel's buffers.
        assert sender.sent < 70 * MIB + _kernel_buffers(), f"{sender.sent / MIB:.0f} MiB were taken"
        grown = embedded.server.rss() - before
        assert grown < 32 * MIB, f"the server grew by {grown / MIB:.0f} MiB"


def test_a_chunked_body_is_refused_when_it_passes_the_limit(live: Deployment, connect: Connect) -> None:
    client = connect(live)
    photograph = photo(4 * MIB)
    with live.audit.nothing_left():
        client.request("POST", "/upload", [FORM_TYPE, CHUNKED])
        body = FILE_HEAD + photograph
        client.send(b"%x\r\n%s\r\n" % (len(body), body))
        sender = Sender(client, repeated(b"%x\r\n%s\r\n" % (MIB, bytes(MIB)), 1024 * MIB))
        assert_problem(client.answer(), 413, "too_large", secrets=live.secrets)
        sender.join()
        assert sender.sent < LIMIT + 70 * MIB + _kernel_buffers()


@pytest.mark.parametrize(
    ("content", "statuses"),
    [(HTML, {415, 422}), (SVG, {415}), (TEXT, {415, 422}), (bomb(), {422}), (b"%PDF-1.7\n" + bytes(9000), {415, 422})],
    ids=["html", "svg", "text", "bomb", "pdf"],
)
@pytest.mark.parametrize("raw", [False, True], ids=["form", "raw"])
def test_a_wrong_file_is_refused_while_it_is_being_sent(
    live: Deployment, connect: Connect, content: bytes, statuses: set[int], raw: bool
) -> None:
    stored = requests.post(live.url + "/upload", files={"file": ("a.jpg", photo(5000))}, timeout=30).json()
    asked = live.proxy.count() if live.proxy else 0
    client = connect(live)
    with live.audit.nothing_left():
        # The announced rest never comes, so an answer at all is an early one.
        announced = ("Content-Length", str(10 * MIB))
        if raw:
            client.request("PUT", f"/update/{stored['key']}", [("Content-Type", "image/jpeg"), announced], content)
        else:
            client.request("POST", "/upload", [FORM_TYPE, announced], FILE_HEAD + content)
        problem = assert_problem(client.answer(timeout=5), statuses, secrets=live.secrets)
        assert problem["code"] in ("unsupported_type", "not_an_image", "too_many_pixels")
    assert not live.proxy or live.proxy.count() == asked, live.proxy.requests[asked:]


@pytest.mark.parametrize("kind", sorted(images.CONTENT_TYPES))
@pytest.mark.parametrize("damage", ["truncated", "header only", "half"])
def test_an_incomplete_image_is_refused(live: Deployment, kind: str, damage: str) -> None:
    whole = images.of_kind(kind, 100, 100, noise=True)
    content = {"truncated": whole[:-40], "header only": whole[:24], "half": whole[: len(whole) // 2]}[damage]
    with live.audit.nothing_left():
        answer = requests.post(live.url + "/upload", files={"file": ("a", content)}, timeout=30)
        assert_problem(answer, 422, "not_an_image", secrets=live.secrets)


@pytest.mark.parametrize("content", [b"", b"\0", b"\xff\xd8\xff", b"GIF89a", bytes(100_000), b"\x89PNG\r\n\x1a\n" * 99])
def test_garbage_is_refused(live: Deployment, connect: Connect, content: bytes) -> None:
    client = connect(live)
    body = form(part("file", content, filename="a.jpg"))
    with live.audit.nothing_left():
        client.request("POST", "/upload", [FORM_TYPE, length_of(body)], body)
        assert_problem(client.answer(), {422} if len(content) != 100_000 else {415, 422}, secrets=live.secrets)


def test_an_image_that_is_refused_does_not_replace(live: Deployment) -> None:
    content = photo(5000)
    stored = requests.post(live.url + "/upload", files={"file": ("a.jpg", content)}, timeout=30).json()
    for bad, status in ((TEXT, {415, 422}), (content[:-100], {422}), (photo(LIMIT + 1), {413}), (b"", {400})):
        with live.audit.nothing_left():
            answer = requests.put(f"{live.url}/update/{stored['key']}", data=bad, timeout=30)
            assert_problem(answer, status, secrets=live.secrets)
        assert requests.get(f"{live.url}/image/{stored['key']}", timeout=30).content == content


@pytest.mark.parametrize(
    "parts",
    [
        [],
        [part("title", b"no file")],
        [part("photo", b"x", filename="a.jpg")],
        [part("file", b"no file name")],
        [part("file", b"x", filename="")],
    ],
    ids=["empty form", "only fields", "other name", "no file name", "empty file name"],
)
def test_no_file(live: Deployment, connect: Connect, parts: list[bytes]) -> None:
    client = connect(live)
    body = form(*parts)
    with live.audit.nothing_left():
        client.request("POST", "/upload", [FORM_TYPE, length_of(body)], body)
        problem = assert_problem(client.answer(), 400, "no_file", secrets=live.secrets)
    assert problem["error"] == "no file provided"


@pytest.mark.parametrize(
    "content_type", [None, "application/json", "application/x-www-form-urlencoded", "image/jpeg", "x"]
)
def test_a_body_that_is_no_form(live: Deployment, content_type: str | None) -> None:
    headers = {"Content-Type": content_type} if content_type else {}
    with live.audit.nothing_left():
        answer = requests.post(live.url + "/upload", data=photo(5000), headers=headers, timeout=30)
        assert assert_problem(answer, 400, "no_file")["error"] == "no file provided"


def _kernel_buffers() -> int:
    """The most that the kernel holds between two ends of a loopback connection."""
    limits = 0
    for name in ("tcp_rmem", "tcp_wmem"):
        limits += int(Path(f"/proc/sys/net/ipv4/{name}").read_text().split()[2])
    return limits
