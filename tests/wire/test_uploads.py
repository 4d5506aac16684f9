from __future__ import annotations

import hashlib
import uuid
from collections.abc import Callable

import pytest
import requests

from tests import images
from tests.wire.deployments import LIMIT, Deployment
from tests.wire.photos import photo
from tests.wire.problems import assert_problem
from tests.wire.rawhttp import (
    FORM_TYPE,
    Answer,
    RawClient,
    chunked,
    file_form,
    form,
    head,
    length_of,
    part,
    pieces_of,
)

pytestmark = pytest.mark.wire

Connect = Callable[[Deployment], RawClient]
CHUNKED = ("Transfer-Encoding", "chunked")


def assert_stored(live: Deployment, answer: Answer | requests.Response, content: bytes, status: int = 201) -> dict:
    got, body = (answer.status, answer.problem) if isinstance(answer, Answer) else (answer.status_code, answer.json())
    assert got == status, body
    assert body["sha256"] == hashlib.sha256(content).hexdigest()
    assert body["size"] == len(content)
    assert str(uuid.UUID(body["image_id"])) == body["image_id"]
    assert body["key"].startswith(body["image_id"] + ".")
    assert body["version_id"]
    assert requests.get(f"{live.url}/image/{body['key']}", timeout=30).content == content
    return body


def test_a_form_with_content_length(live: Deployment) -> None:
    content = images.of_kind("png", 120, 80)
    answer = requests.post(live.url + "/upload", files={"file": ("Ferien.png", content, "image/png")}, timeout=30)
    body = assert_stored(live, answer, content)
    assert answer.headers["Location"] == f"/image/{body['key']}"
    assert (body["content_type"], body["width"], body["height"]) == ("image/png", 120, 80)
    assert body["url"].endswith(f"/image/{body['key']}")


@pytest.mark.parametrize("sizes", [(1,), (7, 1, 4096, 3), (65_537, 13)], ids=["1", "odd", "large"])
def test_a_form_in_chunks(live: Deployment, connect: Connect, sizes: tuple[int, ...]) -> None:
    content = photo(5000 if sizes == (1,) else 200_000)
    client = connect(live)
    client.request("POST", "/upload", [FORM_TYPE, CHUNKED], chunked(file_form(content), sizes))
    assert_stored(live, client.answer(), content)


def test_chunk_extensions_and_trailers_are_ignored(live: Deployment, connect: Connect) -> None:
    content = photo()
    client = connect(live)
    body = chunked(
        file_form(content), (1000, 77), extension=b';sig="a;b"', trailers=[(b"X-Digest", b"0"), (b"B", b"1")]
    )
    client.request("POST", "/upload", [FORM_TYPE, CHUNKED, ("Trailer", "X-Digest")], body)
    assert_stored(live, client.answer(), content)
    client.request("GET", "/health")
    assert client.answer().status == 200, "the trailers were left in the connection"


def test_a_chunked_body_that_comes_in_bits(live: Deployment, connect: Connect) -> None:
    content = photo(6000)
    client = connect(live)
    client.request("POST", "/upload", [FORM_TYPE, CHUNKED])
    client.send(*pieces_of(chunked(file_form(content), (700,)), (1, 2, 501)), pause=0.002)
    assert_stored(live, client.answer(), content)


@pytest.mark.parametrize("where", ["before", "after", "around"])
def test_fields_before_and_after_the_file(live: Deployment, connect: Connect, where: str) -> None:
    content = photo()
    fields = [part("title", "Café am Meer".encode()), part("tags", b"beach, summer")]
    file = part("file", content, filename="a.jpg", content_type="image/jpeg")
    parts = {"before": [*fields, file], "after": [file, *fields], "around": [fields[0], file, fields[1]]}[where]
    client = connect(live)
    client.request("POST", "/upload", [FORM_TYPE, length_of(form(*parts))], form(*parts))
    body = assert_stored(live, client.answer(), content)
    assert body["title"] == "Café am Meer"
    assert body["tags"] == ["beach", "summer"]


def test_a_bad_field_after_the_file_undoes_it(live: Deployment, connect: Connect) -> None:
    body = form(part("file", photo(), filename="a.jpg"), part("title", b"x" * 2000))
    client = connect(live)
    with live.audit.nothing_left():
        client.request("POST", "/upload", [FORM_TYPE, length_of(body)], body)
        assert_problem(client.answer(), 400, "invalid_field", secrets=live.secrets)


@pytest.mark.parametrize("coding", ["length", "chunked"])
def test_a_raw_body_replaces(live: Deployment, connect: Connect, coding: str) -> None:
    first, second = photo(), images.of_kind("webp", 50, 20)
    stored = requests.post(live.url + "/upload", files={"file": ("a.jpg", first)}, timeout=30).json()
    client = connect(live)
    framed, framing = (second, length_of(second)) if coding == "length" else (chunked(second, (9, 400)), CHUNKED)
    client.request("PUT", f"/update/{stored['key']}", [("Content-Type", "image/webp"), framing], framed)
    body = assert_stored(live, client.answer(), second, status=200)
    assert body["version_id"] != stored["version_id"]
    assert body["content_type"] == "image/webp"


def test_a_form_replaces(live: Deployment) -> None:
    stored = requests.post(live.url + "/upload", files={"file": ("a.jpg", photo())}, timeout=30).json()
    second = photo(50_000)
    answer = requests.put(live.url + f"/update/{stored['key']}", files={"file": ("b.jpg", second)}, timeout=30)
    assert_stored(live, answer, second, status=200)


@pytest.mark.parametrize("size", [8 * 1024 * 1024 - 1, 8 * 1024 * 1024, 8 * 1024 * 1024 + 1, 12_000_000, LIMIT])
def test_sizes_around_a_part_and_at_the_limit(live: Deployment, size: int) -> None:
    content = photo(size)
    answer = requests.post(live.url + "/upload", files={"file": ("a.jpg", content)}, timeout=60)
    assert_stored(live, answer, content)


def test_one_byte_over_the_limit(live: Deployment) -> None:
    content = photo(LIMIT + 1)
    with live.audit.nothing_left():
        answer = requests.post(live.url + "/upload", files={"file": ("a.jpg", content)}, timeout=60)
        assert_problem(answer, 413, "too_large", secrets=live.secrets)


def test_several_requests_on_one_connection(live: Deployment, connect: Connect) -> None:
    client = connect(live)
    contents = [photo(), photo(20_000), photo(300_000)]
    keys = []
    for content in contents:
        body = file_form(content)
        client.request("POST", "/upload", [FORM_TYPE, length_of(body)], body)
        keys.append(assert_stored(live, client.answer(), content)["key"])
        client.request("GET", "/image/00000000-0000-4000-8000-000000000000.jpg")
        assert_problem(client.answer(), 404, secrets=live.secrets)
    for key, content in zip(keys, contents, strict=True):
        client.request("GET", f"/image/{key}")
        assert client.answer().body == content


def test_pipelined_requests_are_answered_in_order(live: Deployment, connect: Connect) -> None:
    content = photo(30_000)
    body = file_form(content)
    client = connect(live)
    host = ("Host", client.host)
    client.send(
        head("GET", "/health", [host])
        + head("POST", "/upload", [host, FORM_TYPE, length_of(body)])
        + body
        + head("POST", "/upload", [host, FORM_TYPE, CHUNKED])
        + chunked(body, (999,))
        + head("HEAD", "/health", [host])
        + head("GET", "/no/where", [host])
    )
    assert client.answer().problem["status"] == "healthy"
    assert_stored(live, client.answer(), content)
    assert_stored(live, client.answer(), content)
    assert client.answer(method="HEAD").status == 200
    assert_problem(client.answer(), 404)


def test_continue_is_sent_when_the_body_is_wanted(live: Deployment, connect: Connect) -> None:
    content = photo()
    body = file_form(content)
    client = connect(live)
    client.request("POST", "/upload", [FORM_TYPE, length_of(body), ("Expect", "100-continue")])
    assert client.answer(timeout=5).status == 100
    client.send(body)
    assert_stored(live, client.answer(), content)
    client.request("GET", "/health")
    assert client.answer().status == 200


@pytest.mark.parametrize(
    ("path", "headers", "status"),
    [
        ("/upload", [FORM_TYPE, ("Content-Length", "1000000000")], 413),
        ("/upload", [("Content-Type", "text/plain"), ("Content-Length", "1000")], 400),
        ("/upload", [("Content-Type", "multipart/form-data"), ("Content-Length", "1000")], 400),
        ("/no/where", [FORM_TYPE, ("Content-Length", "1000")], 404),
    ],
)
def test_continue_is_not_sent_for_a_body_that_is_refused(
    live: Deployment, connect: Connect, path: str, headers: list[tuple[str, str]], status: int
) -> None:
    client = connect(live)
    with live.audit.nothing_left():
        client.request("POST", path, [*headers, ("Expect", "100-continue")])
        assert_problem(client.answer(timeout=5), status, secrets=live.secrets)


def test_an_unknown_expectation_is_refused(live: Deployment, connect: Connect) -> None:
    client = connect(live)
    client.request("POST", "/upload", [FORM_TYPE, ("Content-Length", "10"), ("Expect", "coffee")], b"0123456789")
    assert_problem(client.answer(timeout=5), 417)


def test_the_request_id_is_echoed_or_made(live: Deployment) -> None:
    given = requests.get(live.url + "/no/where", headers={"X-Request-ID": "abc.DEF-1_2"}, timeout=10)
    assert assert_problem(given, 404)["request_id"] == "abc.DEF-1_2"
    for bad in ("a" * 129, "a b", "<script>"):
        made = requests.get(live.url + "/no/where", headers={"X-Request-ID": bad}, timeout=10)
        assert assert_problem(made, 404)["request_id"] != bad


def test_names_are_data(live: Deployment) -> None:
    content = photo()
    name = "../../etc/\u202epasswd \u00fcml\u00e4ut;<b>.html"
    body = form(part("file", content, filename=name, content_type="text/html"))
    answer = requests.post(
        live.url + "/upload",
        data=body,
        headers=dict([FORM_TYPE]),
        timeout=30,
    )
    stored = assert_stored(live, answer, content)
    served = requests.get(f"{live.url}/image/{stored['key']}?download=1", timeout=30)
    assert served.headers["Content-Type"] == "image/jpeg"
    assert served.headers["X-Content-Type-Options"] == "nosniff"
    disposition = served.headers["Content-Disposition"]
    assert disposition.startswith("attachment;")
    assert "/" not in disposition
    assert ".html.jpg" in disposition or ".html" not in disposition
