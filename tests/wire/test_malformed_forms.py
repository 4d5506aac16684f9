"""Forms that are broken in every way that has a name: a clean refusal or a closed connection, and nothing left."""

from __future__ import annotations

from collections.abc import Callable

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


def test_a_file_of_boundaries(live: Deployment) -> None:
    """Almost-boundaries in the file are the file's own bytes."""
    content = PHOTO[:-2] + (b"\r\n--" + BOUNDARY.encode()[:-1] + b"\r\n--") * 50 + b"\xff\xd9"
    answer = requests.post(live.url + "/upload", data=file_form(content), headers=dict([FORM_TYPE]), timeout=30)
    assert answer.status_code in (201, 422)
    if answer.status_code == 201:
        assert requests.get(f"{live.url}/image/{answer.json()['key']}", timeout=30).content == content
