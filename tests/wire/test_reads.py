from __future__ import annotations

import re
import time
from collections.abc import Callable
from email.utils import formatdate, parsedate_to_datetime
from typing import Any

import pytest
import requests

from tests import images
from tests.wire.deployments import Deployment
from tests.wire.photos import photo
from tests.wire.problems import assert_problem
from tests.wire.rawhttp import RawClient

pytestmark = pytest.mark.wire

Connect = Callable[[Deployment], RawClient]


def upload(live: Deployment, content: bytes, name: str = "a.jpg") -> dict[str, Any]:
    answer = requests.post(live.url + "/upload", files={"file": (name, content)}, timeout=60)
    assert answer.status_code == 201, answer.text
    found = answer.json()
    assert isinstance(found, dict)
    return found


def get(live: Deployment, path: str, **headers: str) -> requests.Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return requests.get(live.url + path, headers=named, timeout=60)


def test_headers_of_a_read(live: Deployment) -> None:
    content = images.of_kind("gif", 33, 44)
    stored = upload(live, content, "tanz.gif")
    answer = get(live, f"/image/{stored['key']}")
    headers = answer.headers
    assert (answer.status_code, answer.content) == (200, content)
    assert headers["Content-Type"] == "image/gif"
    assert headers["Content-Length"] == str(len(content))
    assert re.fullmatch(r'"[^"]+"', headers["ETag"])
    assert headers["ETag"] == stored["etag"]
    assert headers["Accept-Ranges"] == "bytes"
    assert headers["Cache-Control"]
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert "tanz.gif" in headers["Content-Disposition"]
    assert abs(parsedate_to_datetime(headers["Last-Modified"]).timestamp() - time.time()) < 120


def test_head_says_the_same_without_bytes(live: Deployment, connect: Connect) -> None:
    stored = upload(live, photo())
    whole = get(live, f"/image/{stored['key']}")
    client = connect(live)
    for _ in range(2):  # a stray body would be taken for the second answer
        client.request("HEAD", f"/image/{stored['key']}")
        answer = client.answer(method="HEAD")
        assert answer.status == 200
        for name in ("Content-Type", "Content-Length", "ETag", "Last-Modified", "Accept-Ranges"):
            assert answer.headers[name.lower()] == whole.headers[name]


@pytest.mark.parametrize("extension", ["", ".jpg", ".png", ".whatever"])
def test_the_extension_is_decoration(live: Deployment, extension: str) -> None:
    content = photo(5000)
    stored = upload(live, content)
    assert get(live, f"/image/{stored['image_id']}{extension}").content == content


@pytest.mark.parametrize(
    ("wanted", "start", "stop"),
    [
        ("bytes=0-0", 0, 1),
        ("bytes=100-199", 100, 200),
        ("bytes=99000-", 99_000, 100_000),
        ("bytes=-500", 99_500, 100_000),
        ("bytes=0-999999999", 0, 100_000),
    ],
)
def test_ranges(live: Deployment, wanted: str, start: int, stop: int) -> None:
    content = photo(100_000)
    answer = get(live, f"/image/{upload(live, content)['key']}", Range=wanted)
    assert (answer.status_code, answer.content) == (206, content[start:stop])
    assert answer.headers["Content-Range"] == f"bytes {start}-{stop - 1}/100000"
    assert answer.headers["Content-Length"] == str(stop - start)


def test_a_range_outside_the_image(live: Deployment) -> None:
    answer = get(live, f"/image/{upload(live, photo(5000))['key']}", Range="bytes=5000-")
    assert_problem(answer, 416, secrets=live.secrets)
    assert answer.headers["Content-Range"] == "bytes */5000"


@pytest.mark.parametrize("wanted", ["bytes=5-2", "lines=1-2", "bytes=a-b", "bytes=0-1,5-6", "bytes="])
def test_a_range_that_is_none_is_ignored_or_refused(live: Deployment, wanted: str) -> None:
    content = photo(5000)
    answer = get(live, f"/image/{upload(live, content)['key']}", Range=wanted)
    assert answer.status_code in (200, 416)
    assert answer.status_code == 416 or answer.content == content


def test_conditional_reads(live: Deployment) -> None:
    content = photo(5000)
    path = f"/image/{upload(live, content)['key']}"
    first = get(live, path)
    tag, modified = first.headers["ETag"], first.headers["Last-Modified"]
    for headers in (
        {"If_None_Match": tag},
        {"If_None_Match": f'"x", W/{tag}'},
        {"If_None_Match": "*"},
        {"If_Modified_Since": modified},
        {"If_Modified_Since": formatdate(time.time() + 60, usegmt=True)},
        {"If_Match": tag, "If_None_Match": tag},
        {"If_Match": tag, "If_Modified_Since": formatdate(time.time() + 60, usegmt=True)},
    ):
        answer = get(live, path, **headers)
        assert (answer.status_code, answer.content) == (304, b""), headers
        assert answer.headers["ETag"] == tag
    for headers in (
        {"If_None_Match": '"other"'},
        {"If_Modified_Since": formatdate(0, usegmt=True)},
        {"If_None_Match": '"other"', "If_Modified_Since": modified},
        {"If_Modified_Since": "yesterday"},
        {"If_Match": "*"},
    ):
        assert get(live, path, **headers).content == content, headers


def test_if_range(live: Deployment) -> None:
    content = photo(5000)
    path = f"/image/{upload(live, content)['key']}"
    first = get(live, path)
    tag, modified = first.headers["ETag"], first.headers["Last-Modified"]
    assert get(live, path, Range="bytes=0-9", If_Range=tag).status_code == 206
    for weak_or_outdated in ('"other"', f"W/{tag}", modified, formatdate(0, usegmt=True)):
        answer = get(live, path, Range="bytes=0-9", If_Range=weak_or_outdated)
        assert (answer.status_code, answer.content) == (200, content)


def test_two_versions_in_one_second(live: Deployment) -> None:
    """Last-Modified has whole seconds; a date read before the replacement must not pass for the new version's."""
    stored = upload(live, photo(5000))
    path = f"/image/{stored['key']}"
    modified = get(live, path).headers["Last-Modified"]
    new = images.of_kind("png")
    requests.put(f"{live.url}/update/{stored['key']}", data=new, timeout=30).raise_for_status()
    assert get(live, path, If_Modified_Since=modified).content == new
    late = requests.put(
        f"{live.url}/update/{stored['key']}", data=photo(), headers={"If-Unmodified-Since": modified}, timeout=30
    )
    assert_problem(late, 412, "precondition_failed", secrets=live.secrets)
    answer = get(live, path)
    assert answer.content == new
    # RFC 9110, 8.8.2.1: never later than the answer's own date.
    assert parsedate_to_datetime(answer.headers["Last-Modified"]) <= parsedate_to_datetime(answer.headers["Date"])


def test_a_life_of_versions(live: Deployment) -> None:
    one, two = photo(20_000), images.of_kind("png")
    first = upload(live, one)
    path = f"/image/{first['key']}"
    second = requests.put(
        f"{live.url}/update/{first['key']}", data=two, headers={"If-Match": first["etag"]}, timeout=30
    )
    assert second.status_code == 200, second.text
    stale = requests.put(f"{live.url}/update/{first['key']}", data=one, headers={"If-Match": first["etag"]}, timeout=30)
    assert_problem(stale, 412, secrets=live.secrets)
    assert get(live, path).content == two
    assert get(live, f"{path}?version={first['version_id']}").content == one

    deleted = requests.delete(f"{live.url}/delete/{first['key']}", timeout=30)
    assert deleted.status_code == 200
    assert deleted.json()["deleted"] is True
    assert_problem(get(live, path), 404, "not_found", secrets=live.secrets)
    assert_problem(requests.delete(f"{live.url}/delete/{first['key']}", timeout=30), 404, secrets=live.secrets)
    assert get(live, f"{path}?version={first['version_id']}").content == one

    restored = requests.post(live.url + path + "/restore", json={"version_id": first["version_id"]}, timeout=30)
    assert restored.status_code == 200, restored.text
    assert get(live, path).content == one
    listed = get(live, path + "/versions").json()["versions"]
    assert [(one["deleted"], one["is_latest"]) for one in listed] == [
        (False, True),
        (True, False),
        (False, False),
        (False, False),
    ]
    assert listed[0]["version_id"] == restored.json()["version_id"]
    assert [one["sha256"] for one in listed if not one["deleted"]] == [
        first["sha256"],
        second.json()["sha256"],
        first["sha256"],
    ]
    live.audit.consistent()


def test_the_current_version_can_be_restored(live: Deployment) -> None:
    """A store that copies an object onto itself in place must not make the image's only bytes the undo's prey."""
    content = photo()
    stored = upload(live, content)
    path = f"{live.url}/image/{stored['key']}"
    for _ in range(2):
        restored = requests.post(path + "/restore", json={"version_id": stored["version_id"]}, timeout=30)
        assert requests.get(path, timeout=30).content == content
        assert restored.status_code == 200, restored.text
    listed = requests.get(path + "/versions", timeout=30).json()["versions"]
    assert len({version["version_id"] for version in listed}) == 3
    live.audit.consistent()


def test_a_presigned_url_is_fetched_without_anything_else(live: Deployment) -> None:
    content = photo()
    stored = upload(live, content, "wald.jpg")
    presigned = get(live, f"/image/{stored['key']}?presign=1&expires_in=60").json()
    assert presigned["expires_in"] == 60
    fetched = requests.get(presigned["url"], timeout=30)
    assert (fetched.status_code, fetched.content) == (200, content), fetched.text[:300]
    assert fetched.headers["Content-Type"] == "image/jpeg"
    assert "wald.jpg" in fetched.headers["Content-Disposition"]


def test_a_presigned_url_shows_what_was_current_when_it_was_made(live: Deployment) -> None:
    one, two = photo(), photo()
    stored = upload(live, one)
    url = get(live, f"/image/{stored['key']}?presign=1").json()["url"]
    requests.put(f"{live.url}/update/{stored['key']}", data=two, timeout=30).raise_for_status()
    assert requests.get(url, timeout=30).content == one


def test_a_presigned_url_ends(embedded: Deployment) -> None:
    stored = upload(embedded, photo())
    url = get(embedded, f"/image/{stored['key']}?presign=1&expires_in=1").json()["url"]
    assert requests.get(url, timeout=30).status_code == 200
    time.sleep(2.1)
    assert_problem(requests.get(url, timeout=30), 403, secrets=embedded.secrets)
    # Not the last character: the bits that it holds beyond the signature's are padding.
    forged = url[:-2] + ("A" if url[-2] != "A" else "B") + url[-1]
    assert_problem(requests.get(forged, timeout=30), 403, secrets=embedded.secrets)


@pytest.mark.parametrize("query", ["presign=1&expires_in=0", "presign=1&expires_in=x", "presign=1&expires_in=604801"])
def test_a_bad_expiry_is_refused(live: Deployment, query: str) -> None:
    stored = upload(live, photo(5000))
    assert_problem(get(live, f"/image/{stored['key']}?{query}"), 400, secrets=live.secrets)


@pytest.mark.parametrize(
    "path",
    [
        "/image/00000000-0000-4000-8000-000000000000.jpg",
        "/image/nonsense",
        "/image/..%2f..%2fetc%2fpasswd",
        "/image/%00",
        "/image/" + "x" * 2000,
        "/image/00000000-0000-4000-8000-000000000000/versions",
        "/no/where",
    ],
)
def test_what_is_not_there(live: Deployment, path: str) -> None:
    assert_problem(get(live, path), 404, secrets=live.secrets)


def test_a_method_that_is_not_taken(live: Deployment) -> None:
    answer = requests.delete(live.url + "/upload", timeout=10)
    assert_problem(answer, 405)
    assert "POST" in answer.headers["Allow"]


@pytest.mark.parametrize("body", [b"{", b"[]", b"{}", b'{"version_id": 7}', b'{"version_id": ""}'])
def test_a_bad_restore_changes_nothing(live: Deployment, body: bytes) -> None:
    stored = upload(live, photo(5000))
    with live.audit.nothing_left():
        answer = requests.post(
            f"{live.url}/image/{stored['key']}/restore",
            data=body,
            headers={"Content-Type": "application/json"},
            timeout=30,
        )
        assert_problem(answer, 400, secrets=live.secrets)
