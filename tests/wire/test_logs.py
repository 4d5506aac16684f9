"""The log of a whole session: one JSON object a line, complete for requests, silent on what is nobody's business."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import requests

from tests.wire.conftest import Servers
from tests.wire.deployments import Deployment, deployed, kinds
from tests.wire.logcheck import assert_clean_log
from tests.wire.photos import photo
from tests.wire.rawhttp import FORM_TYPE, RawClient, form, length_of, part

pytestmark = pytest.mark.wire

SECRET_WORDS = "the-content-of-a-field"
MARK = b"these are the bytes of a file"


@pytest.mark.parametrize("kind", kinds())
def test_a_session(servers: Servers, tmp_path: Path, kind: str) -> None:
    content = photo(50_000)[:-2] + MARK + b"\xff\xd9"
    with deployed(kind, tmp_path / "data", servers.s3(kind), {"LOG_LEVEL": "DEBUG"}) as own:
        signed = _session(own, content)
        assert own.server.stop() == 0
        assert_clean_log(own.server, own.credentials)
        lines = {line["request_id"]: line for line in own.server.access_lines()}
        _assert_requests(lines, content)
        for line in own.server.stdout + own.server.stderr:
            assert SECRET_WORDS not in line
            assert MARK.decode() not in line
            for grant in signed:
                assert grant not in line, f"a signed URL in the log: {line}"


def _session(own: Deployment, content: bytes) -> list[str]:
    """Requests of every kind, each named; returns what grants access in the presigned URL."""
    body = form(part("description", SECRET_WORDS.encode()), part("file", content, filename="a.jpg"))

    def named(request_id: str, **more: str) -> dict[str, str]:
        return {"X-Request-ID": request_id, **more}

    stored = requests.post(own.url + "/upload", data=body, headers=named("up", **dict([FORM_TYPE])), timeout=30).json()
    path = f"{own.url}/image/{stored['key']}"
    requests.get(path, headers=named("read"), timeout=30)
    requests.get(path, headers=named("part", Range="bytes=0-99"), timeout=30)
    requests.get(path, headers=named("same", **{"If-None-Match": stored["etag"]}), timeout=30)
    url = requests.get(path + "?presign=1", headers=named("presign"), timeout=30).json()["url"]
    assert requests.get(url, headers=named("signed"), timeout=30).content == content
    requests.put(f"{own.url}/update/{stored['key']}", data=b"nonsense", headers=named("bad"), timeout=30)
    requests.get(own.url + "/no/where?token=" + SECRET_WORDS, headers=named("nowhere"), timeout=30)
    requests.delete(f"{own.url}/delete/{stored['key']}", headers=named("delete"), timeout=30)
    with RawClient(own.url) as client:
        client.send(b"complete nonsense\r\n\r\n")
        client.answer_or_end()
    with RawClient(own.url) as client:
        client.request("POST", "/upload", [FORM_TYPE, length_of(body), ("X-Request-ID", "gone")], body[:30_000])
        client.reset()
    with RawClient(own.url) as client:
        client.request("GET", "/health")
        client.answer()
    return [url.rpartition("/")[2]] if own.s3 is None else [_signature(url)]


def _signature(url: str) -> str:
    return url.partition("X-Amz-Signature=")[2].partition("&")[0] or url.partition("Signature=")[2].partition("&")[0]


def _assert_requests(lines: dict[str, dict[str, Any]], content: bytes) -> None:
    size = len(content)
    for name, method, status in (
        ("up", "POST", 201),
        ("read", "GET", 200),
        ("part", "GET", 206),
        ("same", "GET", 304),
        ("presign", "GET", 200),
        ("bad", "PUT", 422),
        ("nowhere", "GET", 404),
        ("delete", "DELETE", 200),
    ):
        line = lines[name]
        assert (line["method"], line["status"]) == (method, status), line
        assert line["duration_ms"] > 0
        assert 0 <= line["store_ms"] <= line["duration_ms"]
        assert "?" not in line["path"]
    assert lines["up"]["path"] == "/upload"
    assert size < lines["up"]["bytes_in"] < size + 1000
    assert lines["up"]["store_ms"] > 0
    assert lines["read"]["bytes_out"] == size
    assert lines["part"]["bytes_out"] == 100
    assert lines["same"]["bytes_out"] == 0
    assert "gone" in lines, "a client that vanished is not in the log"
