"""Requests and framing that are broken in every way that has a name: a clean refusal or a closed connection."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
import requests

from tests.wire.deployments import Deployment
from tests.wire.photos import photo
from tests.wire.problems import assert_problem
from tests.wire.rawhttp import FORM_TYPE, RawClient, chunked, form, part

pytestmark = pytest.mark.wire

Connect = Callable[[Deployment], RawClient]
PHOTO = photo(6000)
GOOD = form(part("file", PHOTO, filename="a.jpg", content_type="image/jpeg"))
CHUNKED = ("Transfer-Encoding", "chunked")

CHUNKS: dict[str, bytes] = {
    "not hexadecimal": b"zz\r\n" + GOOD,
    "negative": b"-5\r\nhello\r\n0\r\n\r\n",
    "with a sign": b"+5\r\nhello\r\n0\r\n\r\n",
    "with 0x": b"0x5\r\nhello\r\n0\r\n\r\n",
    "empty": b"\r\nhello\r\n",
    "huge": b"f" * 40 + b"\r\nhello",
    "longer than what comes": b"%x\r\n%s\r\n0\r\n\r\n" % (len(GOOD) + 100, GOOD),
    "shorter than what comes": b"%x\r\n%s\r\n0\r\n\r\n" % (len(GOOD) - 100, GOOD),
    "without CRLF behind the data": b"%x\r\n%s0\r\n\r\n" % (len(GOOD), GOOD),
    "bare line feeds": b"%x\n%s\n0\n\n" % (len(GOOD), GOOD),
    "an endless extension": b"5;" + b"x" * 1_000_000,
    "an endless size": b"0" * 1_000_000,
    "no last chunk": b"%x\r\n%s\r\n" % (len(GOOD[:-30]), GOOD[:-30]),
    "endless trailers": b"0\r\n" + b"X: y\r\n" * 200_000,
}


@pytest.mark.parametrize("name", CHUNKS)
def test_broken_chunks(live: Deployment, connect: Connect, name: str) -> None:
    client = connect(live)
    with live.audit.nothing_left():
        client.request("POST", "/upload", [FORM_TYPE, CHUNKED])
        client.try_send(CHUNKS[name])
        with suppress(OSError):  # refused and closed already
            client.half_close()
        answer = client.answer_or_end(timeout=15)
        if answer is not None:
            assert_problem(answer, {400, 413}, secrets=live.secrets)


def _request(*lines: bytes, body: bytes = b"") -> bytes:
    return b"\r\n".join((*lines, b"", b"")) + body


HOST = b"Host: localhost"
FORM = b"Content-Type: " + FORM_TYPE[1].encode()
LENGTH = b"Content-Length: %d" % len(GOOD)

REQUESTS: dict[str, bytes] = {
    "both lengths": _request(
        b"POST /upload HTTP/1.1", HOST, FORM, LENGTH, b"Transfer-Encoding: chunked", body=chunked(GOOD)
    ),
    "two lengths": _request(b"POST /upload HTTP/1.1", HOST, FORM, LENGTH, b"Content-Length: 5", body=GOOD),
    "the length twice": _request(b"POST /upload HTTP/1.1", HOST, FORM, LENGTH, LENGTH, body=GOOD[:-10]),
    "a negative length": _request(b"POST /upload HTTP/1.1", HOST, FORM, b"Content-Length: -5", body=GOOD),
    "a length with a sign": _request(b"POST /upload HTTP/1.1", HOST, FORM, b"Content-Length: +5", body=GOOD),
    "a length in words": _request(b"POST /upload HTTP/1.1", HOST, FORM, b"Content-Length: five", body=GOOD),
    "a length beyond 64 bits": _request(b"POST /upload HTTP/1.1", HOST, FORM, b"Content-Length: " + b"9" * 30),
    "a length of 5000 digits": _request(b"POST /upload HTTP/1.1", HOST, FORM, b"Content-Length: " + b"9" * 5000),
    "an unknown transfer coding": _request(
        b"POST /upload HTTP/1.1", HOST, FORM, b"Transfer-Encoding: rot13", body=GOOD
    ),
    "chunked twice": _request(b"POST /upload HTTP/1.1", HOST, FORM, b"Transfer-Encoding: chunked, chunked", body=GOOD),
    "gzip and chunked": _request(b"POST /upload HTTP/1.1", HOST, FORM, b"Transfer-Encoding: gzip, chunked", body=GOOD),
    "chunked in HTTP/1.0": _request(
        b"POST /upload HTTP/1.0", HOST, FORM, b"Transfer-Encoding: chunked", body=chunked(GOOD[:-9])
    ),
    "a lower-case method": _request(b"post /upload HTTP/1.1", HOST, FORM, LENGTH, body=GOOD),
    "an unknown method": _request(b"BREW /upload HTTP/1.1", HOST),
    "TRACE": _request(b"TRACE /upload HTTP/1.1", HOST),
    "CONNECT": _request(b"CONNECT example.com:443 HTTP/1.1", HOST),
    "a method of 100 kB": _request(b"A" * 100_000 + b" / HTTP/1.1", HOST),
    "no version": _request(b"POST /upload", HOST),
    "HTTP/0.9": b"GET /health\r\n",
    "HTTP/3.0": _request(b"GET /health HTTP/3.0", HOST),
    "an HTTP/2 preface": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes(100),
    "a TLS hello": bytes.fromhex("1603010200010001fc0303") + bytes(range(256)) * 2,
    "garbage": bytes(range(256)) * 40,
    "zeros": bytes(10_000),
    "only line breaks": b"\r\n" * 5000,
    "a request line without an end": b"GET /" + b"x" * 200_000,
    "a long path": _request(b"GET /" + b"x" * 100_000 + b" HTTP/1.1", HOST),
    "a header line of 100 kB": _request(b"GET /no/where HTTP/1.1", HOST, b"X-Long: " + b"x" * 100_000),
    "10000 header lines": _request(b"GET /no/where HTTP/1.1", HOST, *[b"X-%d: y" % number for number in range(10_000)]),
    "a header without a colon": _request(b"GET /no/where HTTP/1.1", HOST, b"nonsense"),
    "a space before the colon": _request(b"GET /no/where HTTP/1.1", HOST, b"X-A : b"),
    "a folded header": _request(b"GET /no/where HTTP/1.1", HOST, b"X-A: b\r\n c"),
    "a NUL in a header": _request(b"GET /no/where HTTP/1.1", HOST, b"X-A: b\0c"),
    "a bare line feed in a header": _request(b"GET /no/where HTTP/1.1", HOST, b"X-A: b\nX-B: c"),
    "a bare carriage return": _request(b"GET /no/where HTTP/1.1", HOST, b"X-A: b\rX-B: c"),
    "bare line feeds": b"POST /upload HTTP/1.1\n" + HOST + b"\n" + FORM + b"\n" + LENGTH + b"\n\n" + GOOD[:-9],
    "a path in Latin-1": _request("GET /\u00fc HTTP/1.1".encode("latin-1"), HOST),
    "a path with a NUL": _request(b"GET /\0 HTTP/1.1", HOST),
    "an absolute URL of another kind": _request(b"GET ftp://x/no/where HTTP/1.1", HOST),
}
NO_ERROR = {"a path in Latin-1", "HTTP/0.9"}


@pytest.mark.parametrize("name", REQUESTS)
def test_a_malformed_request(embedded: Deployment, connect: Connect, name: str) -> None:
    client = connect(embedded)
    with embedded.audit.nothing_left():
        client.try_send(REQUESTS[name])
        with suppress(OSError):  # refused and closed already
            client.half_close()
        answer = client.answer_or_end(timeout=15)
        if answer is not None:
            problem = assert_problem(answer, {*range(400, 432), 501, 505}, secrets=embedded.secrets)
            assert _access_line(embedded, problem["request_id"])["status"] == answer.status
    assert requests.get(embedded.url + "/health", timeout=5).status_code == 200


SECRET_GET = b"GET /x/objects/secret-token?x=1 HTTP/1.1"
REFUSED_UNPARSED: dict[str, tuple[bytes, int, str | None, str | None]] = {
    "request line": (_request(b"GET /no/where HTTP/9", HOST), 400, None, None),
    "long request line": (_request(b"GET /" + b"x" * 100_000 + b" HTTP/1.1", HOST), 414, None, None),
    "large headers": (_request(b"GET /a%20b HTTP/1.1", HOST, b"X-Long: " + b"x" * 100_000), 431, None, None),
    "expectation": (_request(b"GET /no/where HTTP/1.1", HOST, b"Expect: a miracle"), 417, None, None),
    "length": (_request(b"GET /a%20b?q=1 HTTP/1.1", HOST, b"Content-Length: x"), 400, "GET", "/a b"),
    "secret path": (_request(SECRET_GET, HOST, b"Content-Length: x"), 400, "GET", "/x/objects/[redacted]"),
}


@pytest.mark.parametrize("name", REFUSED_UNPARSED)
def test_a_request_that_does_not_parse_is_logged(embedded: Deployment, connect: Connect, name: str) -> None:
    sent, status, method, path = REFUSED_UNPARSED[name]
    client = connect(embedded)
    client.try_send(sent)
    answer = client.answer(timeout=15)
    request_id = assert_problem(answer, status)["request_id"]
    line = _access_line(embedded, request_id)
    assert (line["status"], line["method"], line["path"]) == (status, method, path)
    assert (line["bytes_in"], line["bytes_out"], line["store_ms"]) == (0, len(answer.body), 0)
    assert 0 <= line["duration_ms"] < 15_000
    of_gunicorn = [one for one in embedded.server.records() if one["name"] == "gunicorn.error"]
    assert [one["levelname"] for one in of_gunicorn if one["request_id"] == request_id] == ["WARNING"]


@pytest.mark.parametrize(("given", "kept"), [("no.PARSE-1_2", True), ("not good", False), ("a" * 129, False)])
def test_the_id_of_a_request_that_does_not_parse(
    embedded: Deployment, connect: Connect, given: str, kept: bool
) -> None:
    client = connect(embedded)
    client.request("POST", "/upload", [("X-Request-ID", given), ("Content-Length", "five")])
    answer = client.answer(timeout=15)
    request_id = assert_problem(answer, 400, "bad_request")["request_id"]
    assert (request_id == given) is kept
    assert answer.headers["x-request-id"] == request_id
    assert _access_line(embedded, request_id)["path"] == "/upload"


def _access_line(live: Deployment, request_id: str) -> dict[str, Any]:
    """The one line about a request; it may come a moment after the answer."""
    deadline = time.monotonic() + 5
    while not (found := [line for line in live.server.access_lines() if line["request_id"] == request_id]):
        assert time.monotonic() < deadline, f"the request {request_id} is not in the log"
        time.sleep(0.02)
    assert len(found) == 1, found
    return found[0]


@pytest.mark.parametrize("connection", ["close", "keep-alive"])
def test_http_1_0_is_spoken(live: Deployment, connect: Connect, connection: str) -> None:
    client = connect(live)
    client.send(
        b"POST /upload HTTP/1.0\r\nConnection: %s\r\n%s\r\n%s\r\n\r\n%s" % (connection.encode(), FORM, LENGTH, GOOD)
    )
    assert client.answer().status == 201
    assert requests.get(live.url + "/health", timeout=5).status_code == 200


def test_a_smuggled_request_is_not_served(embedded: Deployment, connect: Connect) -> None:
    """The bytes behind a body whose length is disputed must not be taken for a request."""
    smuggled = b"DELETE /delete/x HTTP/1.1\r\nHost: x\r\n\r\n"
    client = connect(embedded)
    client.try_send(
        _request(
            b"POST /upload HTTP/1.1", HOST, FORM, b"Content-Length: %d" % (5 + len(smuggled)),
            b"Transfer-Encoding: chunked", body=b"0\r\n\r\n" + smuggled,
        )
    )  # fmt: skip
    answer = client.answer_or_end(timeout=15)
    assert answer is None or assert_problem(answer, {400, 501})
    assert client.answer_or_end(timeout=15) is None, "a second request was seen"
