"""Surface 0, row by row of its contract: reading and presigning."""

from __future__ import annotations

import pytest
from flask.testing import FlaskClient

from tests.surfaces.helpers import assert_problem, upload

UNKNOWN = "550e8400-e29b-41d4-a716-446655440000"


class TestRead:
    def test_get(self, client: FlaskClient, jpeg_photo: bytes) -> None:
        body = upload(client, jpeg_photo).get_json()
        answer = client.get(f"/image/{body['key']}")
        assert (answer.status_code, answer.data) == (200, jpeg_photo)
        headers = answer.headers
        assert headers["Content-Type"] == "image/jpeg"
        assert headers["Content-Length"] == str(len(jpeg_photo))
        assert headers["ETag"] == body["etag"]
        assert headers["Last-Modified"].endswith("GMT")
        assert headers["Accept-Ranges"] == "bytes"
        assert "no-cache" in headers["Cache-Control"]
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Content-Disposition"] == "inline; filename=photo.jpg"

    def test_head_is_get_without_bytes(self, client: FlaskClient, jpeg_photo: bytes) -> None:
        url = f"/image/{upload(client, jpeg_photo).get_json()['key']}"
        head, get = client.head(url), client.get(url)
        assert head.data == b""
        unequal = {"X-Request-ID"}
        assert {k: v for k, v in head.headers.items() if k not in unequal} == {
            k: v for k, v in get.headers.items() if k not in unequal
        }

    @pytest.mark.parametrize("suffix", ["", ".jpg", ".png", ".tar.gz", "."])
    def test_the_extension_is_decoration(self, client: FlaskClient, jpeg_photo: bytes, suffix: str) -> None:
        image_id = upload(client, jpeg_photo).get_json()["image_id"]
        assert client.get(f"/image/{image_id}{suffix}").data == jpeg_photo
        assert client.get(f"/image/{image_id.upper()}{suffix}").data == jpeg_photo

    @pytest.mark.parametrize("key", ["nope", UNKNOWN, f"{UNKNOWN}.jpg", "..", "%00", "a" * 5000])
    def test_unknown(self, client: FlaskClient, key: str) -> None:
        response = client.get(f"/image/{key}")
        assert response.status_code == 404
        assert response.content_type == "application/problem+json"

    def test_conditions(self, client: FlaskClient, jpeg_photo: bytes) -> None:
        body = upload(client, jpeg_photo).get_json()
        url, etag = f"/image/{body['key']}", body["etag"]
        modified = client.get(url).headers["Last-Modified"]
        for headers, status in [
            ({"If-None-Match": etag}, 304),
            ({"If-None-Match": f'"other", {etag}'}, 304),
            ({"If-None-Match": f"W/{etag}"}, 304),
            ({"If-None-Match": "*"}, 304),
            ({"If-None-Match": '"other"'}, 200),
            ({"If-Modified-Since": modified}, 304),
            ({"If-Modified-Since": "Thu, 01 Jan 1970 00:00:00 GMT"}, 200),
            ({"If-None-Match": '"other"', "If-Modified-Since": modified}, 200),
            ({"If-Match": etag}, 200),
            ({"If-Match": '"other"'}, 412),
            ({"If-Unmodified-Since": "Thu, 01 Jan 1970 00:00:00 GMT"}, 412),
            ({"If-Unmodified-Since": modified}, 200),
            ({"If-Match": "*"}, 200),
            ({"If-Match": "*", "Range": "bytes=0-9"}, 206),
            ({"If-Match": etag, "If-None-Match": etag}, 304),
            ({"If-Match": "*", "If-None-Match": '"other"'}, 200),
            ({"If-Match": '"other"', "If-None-Match": etag}, 412),
            ({"If-Match": etag, "If-Modified-Since": "Fri, 31 Dec 2100 23:59:59 GMT"}, 304),
            ({"If-Unmodified-Since": modified, "If-None-Match": etag}, 304),
        ]:
            answer = client.get(url, headers=headers)
            assert answer.status_code == status, headers
            if status == 304:
                assert answer.data == b""
                assert answer.headers["ETag"] == etag
                assert "Cache-Control" in answer.headers

    def test_ranges(self, client: FlaskClient, jpeg_photo: bytes) -> None:
        body = upload(client, jpeg_photo).get_json()
        url, size = f"/image/{body['key']}", len(jpeg_photo)
        for wanted, start, stop in [
            ("bytes=0-0", 0, 1),
            ("bytes=10-19", 10, 20),
            (f"bytes={size - 1}-", size - 1, size),
            ("bytes=-5", size - 5, size),
            (f"bytes=-{size * 2}", 0, size),
            (f"bytes=5-{size * 2}", 5, size),
            (f"bytes=5-{'9' * 5000}", 5, size),
            (f"bytes=-{'9' * 23}", 0, size),
            (f"bytes={'0' * 30}5-{'0' * 30}9", 5, 10),
        ]:
            answer = client.get(url, headers={"Range": wanted})
            assert answer.status_code == 206, wanted
            assert answer.data == jpeg_photo[start:stop]
            assert answer.headers["Content-Range"] == f"bytes {start}-{stop - 1}/{size}"
            assert answer.headers["Content-Length"] == str(stop - start)
            assert answer.headers["ETag"] == body["etag"]

    @pytest.mark.parametrize(
        "wanted",
        [
            "bytes=999999999-",
            "bytes=-0",
            "bytes=99999999999999999999999-",
            f"bytes={'9' * 5000}-",
            "bytes=99999999999999999999999-999999999999999999999999",
        ],
    )
    def test_unsatisfiable_ranges(self, client: FlaskClient, jpeg_photo: bytes, wanted: str) -> None:
        url = f"/image/{upload(client, jpeg_photo).get_json()['key']}"
        answer = client.get(url, headers={"Range": wanted})
        assert_problem(answer, 416, "range_not_satisfiable")
        assert answer.headers["Content-Range"] == f"bytes */{len(jpeg_photo)}"

    @pytest.mark.parametrize("wanted", ["bytes=0-1,5-6", "lines=1-2", "bytes=b-a", "bytes=9-1", "nonsense"])
    def test_other_ranges_are_ignored(self, client: FlaskClient, jpeg_photo: bytes, wanted: str) -> None:
        url = f"/image/{upload(client, jpeg_photo).get_json()['key']}"
        answer = client.get(url, headers={"Range": wanted})
        assert (answer.status_code, answer.data) == (200, jpeg_photo)

    def test_if_range(self, client: FlaskClient, jpeg_photo: bytes) -> None:
        body = upload(client, jpeg_photo).get_json()
        url = f"/image/{body['key']}"
        modified = client.get(url).headers["Last-Modified"]
        for condition, status in [
            (body["etag"], 206), (f"W/{body['etag']}", 200), ('"other"', 200), (modified, 200),
            ("Thu, 01 Jan 1970 00:00:00 GMT", 200), ("rubbish", 200),
        ]:  # fmt: skip
            answer = client.get(url, headers={"Range": "bytes=0-9", "If-Range": condition})
            assert answer.status_code == status, condition

    def test_head_ignores_ranges(self, client: FlaskClient, jpeg_photo: bytes) -> None:
        url = f"/image/{upload(client, jpeg_photo).get_json()['key']}"
        answer = client.head(url, headers={"Range": "bytes=0-9"})
        assert (answer.status_code, answer.headers["Content-Length"]) == (200, str(len(jpeg_photo)))

    def test_download(self, client: FlaskClient, jpeg_photo: bytes) -> None:
        key = upload(client, jpeg_photo, "ünï.jpg").get_json()["key"]
        value = client.get(f"/image/{key}?download=1").headers["Content-Disposition"]
        assert value == "attachment; filename=_n_.jpg; filename*=UTF-8''%C3%BCn%C3%AF.jpg"
        assert client.get(f"/image/{key}?download=0").headers["Content-Disposition"].startswith("inline")

    def test_presign(self, client: FlaskClient, jpeg_photo: bytes) -> None:
        key = upload(client, jpeg_photo).get_json()["key"]
        answer = client.get(f"/image/{key}?presign=1&expires_in=60")
        assert answer.status_code == 200
        assert answer.get_json().keys() == {"url", "expires_in"}
        assert answer.get_json()["expires_in"] == 60
        assert client.get(answer.get_json()["url"]).data == jpeg_photo
        assert client.get(f"/image/{key}?presign=1").get_json()["expires_in"] == 3600

    @pytest.mark.parametrize("value", ["0", "-1", "604801", "soon", "", "1.5"])
    def test_a_bad_expiry(self, client: FlaskClient, jpeg_photo: bytes, value: str) -> None:
        key = upload(client, jpeg_photo).get_json()["key"]
        assert_problem(client.get(f"/image/{key}?presign=1&expires_in={value}"), 400, "invalid_input")

    def test_presigned_urls_can_not_be_forged_or_used_otherwise(self, client: FlaskClient, jpeg_photo: bytes) -> None:
        key = upload(client, jpeg_photo).get_json()["key"]
        url = client.get(f"/image/{key}?presign=1").get_json()["url"]
        middle = len(url) - 40
        forged = url[:middle] + ("A" if url[middle] != "A" else "B") + url[middle + 1 :]
        assert_problem(client.get(forged), 403, "url_forged")
        put = client.put(url, data=jpeg_photo, content_type="image/jpeg")
        assert_problem(put, 403, "url_wrong_method")
