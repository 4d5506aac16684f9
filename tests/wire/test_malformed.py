"""Requests that are broken in every way that has a name: a clean refusal or a closed connection, and nothing left."""

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
from tests.wire.rawhttp import BOUNDARY, FORM_TYPE, RawClient, chunked, file_form, form, head, length_of, part

pytestmark = pytest.mark.wire

Connect = Callable[[Deployment], RawClient]
PHOTO = photo(6000)
FILE = part("file", PHOTO, filename="a.jpg", content_type="image/jpeg")
GOOD = form(FILE)
D = f"--{BOUNDARY}".encode()
CHUNKED = ("Transfer-Encoding", "chunked")


def raw_part(*lines: bytes, content: bytes = PHOTO) -> bytes:
    return b"\r\n".join((D, *lines, b"", content, D + b"--", b""))


NAMED = b'Content-Disposition: form-data; name="file"; filename="a.jpg"'

BODIES: dict[str, bytes] = {
    "empty": b"",
    "only a closing boundary": D + b"--\r\n",
    "another boundary": form(FILE, boundary="other"),
    "cut in a part's header": GOOD[:60],
    "cut after a part's header": GOOD[: GOOD.index(b"\r\n\r\n") + 4],
    "cut in the file": GOOD[:3000],
    "no closing boundary": GOOD[: -len(D) - 6],
    "half a closing boundary": GOOD[:-5],
    "thousands of parts": form(*[part(f"f{number}", b"x") for number in range(5000)], FILE),
    "thousands of parts after the file": form(FILE, *[part(f"f{number}", b"x") for number in range(5000)]),
    "a part header of a megabyte": raw_part(NAMED, b"X-Long: " + b"x" * 1_000_000),
    "a part header without an end": D + b"\r\n" + NAMED + b"x" * 200_000,
    "many part headers": raw_part(NAMED, *[b"X-%d: y" % number for number in range(500)]),
    "two files": form(FILE, FILE),
    "two files of another name": form(FILE, part("file", PHOTO, filename="b.jpg")),
    "bare line feeds": GOOD.replace(b"\r\n", b"\n"),
    "bare line feeds in the header": raw_part(NAMED).replace(NAMED + b"\r\n\r\n", NAMED + b"\n\n"),
    "a NUL in the field's name": form(part("fi\0le", PHOTO, filename="a.jpg")),
    "a NUL in the file's name": form(part("file", PHOTO, filename="a\0.jpg")),
    "a line break in the file's name": form(part("file", PHOTO, filename="a\r\nX-Evil: 1\r\n.jpg")),
    "no Content-Disposition": raw_part(b"Content-Type: image/jpeg"),
    "no name": raw_part(b'Content-Disposition: form-data; filename="a.jpg"'),
    "not form-data": raw_part(b'Content-Disposition: attachment; name="file"; filename="a.jpg"'),
    "a header without a colon": raw_part(NAMED, b"nonsense"),
    "a header without a name": raw_part(NAMED, b": value"),
    "an open quote": raw_part(b'Content-Disposition: form-data; name="file; filename=a.jpg'),
    "a name that is not UTF-8": raw_part(b'Content-Disposition: form-data; name="\xff\xfe"; filename="a.jpg"'),
    "a title that is not UTF-8": form(part("title", b"\xff\xfe"), FILE),
    "a title with a NUL": form(part("title", b"a\0b"), FILE),
    "two titles": form(part("title", b"a"), part("title", b"b"), FILE),
    "a title of a megabyte": form(part("title", b"x" * 1_000_000), FILE),
    "a title of a megabyte after the file": form(FILE, part("title", b"x" * 1_000_000)),
    "words before the first boundary": b"hello\r\n" + GOOD,
    "words behind the closing boundary": GOOD + b"x" * 100_000,
}
MAY_PASS = {"words before the first boundary", "words behind the closing boundary", "not form-data", "empty"}


@pytest.mark.parametrize("coding", ["length", "chunked"])
@pytest.mark.parametrize("name", BODIES)
def test_a_malformed_form(live: Deployment, connect: Connect, name: str, coding: str) -> None:
    body = BODIES[name]
    client = connect(live)
    framed, framing = (body, length_of(body)) if coding == "length" else (chunked(body, (4096, 1)), CHUNKED)
    before = live.audit.holdings()
    client.try_send(head("POST", "/upload", [("Host", client.host), FORM_TYPE, framing]), framed)
    answer = client.answer_or_end(timeout=15)
    if name in MAY_PASS and answer is not None and answer.status == 201:
        return  # preamble and epilogue are allowed (RFC 2046, 5.1.1)
    assert answer is not None, "closed without an answer"
    assert_problem(answer, {400, 413, 422}, secrets=live.secrets)
    assert live.audit.holdings() == before


@pytest.mark.parametrize(
    "content_type",
    [
        "multipart/form-data",
        "multipart/form-data; boundary=",
        'multipart/form-data; boundary=""',
        "multipart/form-data; boundary=" + "x" * 71,
        "multipart/form-data; boundary=wrong",
        "multipart/form-data; boundary=a; boundary=b",
        "multipart/mixed; boundary=" + BOUNDARY,
        "multipart/form-data, multipart/form-data; boundary=" + BOUNDARY,
        "multipart/form-data; boundary=\u00fcml\u00e4ut",
    ],
)
def test_a_content_type_without_a_usable_boundary(live: Deployment, connect: Connect, content_type: str) -> None:
    client = connect(live)
    with live.audit.nothing_left():
        client.request("POST", "/upload", [("Content-Type", content_type), length_of(GOOD)], GOOD)
        assert_problem(client.answer(timeout=15), 400, secrets=live.secrets)


def test_a_content_length_beyond_what_is_sent(live: Deployment, connect: Connect) -> None:
    client = connect(live)
    body = GOOD[:-10]
    with live.audit.nothing_left():
        client.request("POST", "/upload", [FORM_TYPE, ("Content-Length", str(len(GOOD)))], body)
        client.half_close()
        assert_problem(client.answer(timeout=15), 400, "incomplete_body", secrets=live.secrets)


def test_a_content_length_below_the_form(live: Deployment, connect: Connect) -> None:
    client = connect(live)
    with live.audit.nothing_left():
        client.request("POST", "/upload", [FORM_TYPE, ("Content-Length", str(len(GOOD) - 10))], GOOD)
        assert_problem(client.answer(timeout=15), 400, secrets=live.secrets)
        # The rest is no request: it is refused or the connection ends.
        rest = client.answer_or_end(timeout=15)
        assert rest is None or assert_problem(rest, 400)


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
    "a header line of 100 kB": _request(b"GET /nowhere HTTP/1.1", HOST, b"X-Long: " + b"x" * 100_000),
    "10000 header lines": _request(b"GET /nowhere HTTP/1.1", HOST, *[b"X-%d: y" % number for number in range(10_000)]),
    "a header without a colon": _request(b"GET /nowhere HTTP/1.1", HOST, b"nonsense"),
    "a space before the colon": _request(b"GET /nowhere HTTP/1.1", HOST, b"X-A : b"),
    "a folded header": _request(b"GET /nowhere HTTP/1.1", HOST, b"X-A: b\r\n c"),
    "a NUL in a header": _request(b"GET /nowhere HTTP/1.1", HOST, b"X-A: b\0c"),
    "a bare line feed in a header": _request(b"GET /nowhere HTTP/1.1", HOST, b"X-A: b\nX-B: c"),
    "a bare carriage return": _request(b"GET /nowhere HTTP/1.1", HOST, b"X-A: b\rX-B: c"),
    "bare line feeds": b"POST /upload HTTP/1.1\n" + HOST + b"\n" + FORM + b"\n" + LENGTH + b"\n\n" + GOOD[:-9],
    "a path in Latin-1": _request("GET /\u00fc HTTP/1.1".encode("latin-1"), HOST),
    "a path with a NUL": _request(b"GET /\0 HTTP/1.1", HOST),
    "an absolute URL of another kind": _request(b"GET ftp://x/nowhere HTTP/1.1", HOST),
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
    "request line": (_request(b"GET /nowhere HTTP/9", HOST), 400, None, None),
    "long request line": (_request(b"GET /" + b"x" * 100_000 + b" HTTP/1.1", HOST), 414, None, None),
    "large headers": (_request(b"GET /a%20b HTTP/1.1", HOST, b"X-Long: " + b"x" * 100_000), 431, None, None),
    "expectation": (_request(b"GET /nowhere HTTP/1.1", HOST, b"Expect: a miracle"), 417, None, None),
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


@pytest.mark.parametrize(("given", "kept"), [("abc.DEF-1_2", True), ("not good", False), ("a" * 129, False)])
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


def test_a_file_of_boundaries(live: Deployment) -> None:
    """Almost-boundaries in the file are the file's own bytes."""
    content = PHOTO[:-2] + (b"\r\n--" + BOUNDARY.encode()[:-1] + b"\r\n--") * 50 + b"\xff\xd9"
    answer = requests.post(live.url + "/upload", data=file_form(content), headers=dict([FORM_TYPE]), timeout=30)
    assert answer.status_code in (201, 422)
    if answer.status_code == 201:
        assert requests.get(f"{live.url}/image/{answer.json()['key']}", timeout=30).content == content
