"""Surface 0, row by row of its contract."""

from __future__ import annotations

import hashlib
import io
import re
import uuid
from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient

from api.primary.schemas import StoredImage
from tests.surfaces.helpers import assert_problem, upload

UNKNOWN = "550e8400-e29b-41d4-a716-446655440000"
STORED = {
    "key", "image_id", "url", "content_type", "size", "width", "height", "sha256", "etag", "version_id",
}  # fmt: skip


class TestUpload:
    def test_answers_with_every_member(self, client: FlaskClient, jpeg_photo: bytes) -> None:
        response = upload(client, jpeg_photo, "rocket.jpg", title="Start", description="Line\nbreak", tags="a, b,,a")
        assert response.status_code == 201
        body = response.get_json()
        assert body.keys() >= STORED
        assert str(uuid.UUID(body["image_id"])) == body["image_id"]
        assert body["key"] == body["image_id"] + ".jpg"
        assert response.headers["Location"] == f"/image/{body['key']}"
        assert body["url"] == f"http://localhost/image/{body['key']}"
        assert (body["content_type"], body["size"]) == ("image/jpeg", len(jpeg_photo))
        assert (body["width"], body["height"]) == (640, 427)
        assert body["sha256"] == hashlib.sha256(jpeg_photo).hexdigest()
        assert body["etag"] == f'"{body["sha256"]}"'
        assert (body["title"], body["description"], body["tags"]) == ("Start", "Line\nbreak", ["a", "b"])
        assert body["original_filename"] == "rocket.jpg"
        assert body.keys() == StoredImage().fields.keys()
        assert StoredImage().validate(body) == {}

    def test_the_bytes_decide_the_type(self, client: FlaskClient, png_photo: bytes) -> None:
        body = client.post("/upload", data={"file": (io.BytesIO(png_photo), "evil.html", "text/html")}).get_json()
        assert body["content_type"] == "image/png"
        assert body["key"].endswith(".png")
        answer = client.get(f"/image/{body['key']}")
        assert answer.content_type == "image/png"
        assert answer.headers["Content-Disposition"] == "inline; filename=evil.html.png"

    @pytest.mark.parametrize("data", [{}, {"title": "x"}, {"file": "a field, not a file"}])
    def test_without_a_file(self, client: FlaskClient, data: dict[str, str]) -> None:
        response = client.post("/upload", data=data, content_type="multipart/form-data")
        assert assert_problem(response, 400, "no_file")["error"] == "no file provided"

    def test_with_an_empty_file_name(self, client: FlaskClient, jpeg_photo: bytes) -> None:
        body = (
            b'--b\r\nContent-Disposition: form-data; name="file"; filename=""\r\n\r\n' + jpeg_photo + b"\r\n--b--\r\n"
        )
        response = client.post("/upload", data=body, content_type="multipart/form-data; boundary=b")
        assert assert_problem(response, 400, "no_file")["error"] == "no file provided"

    def test_without_a_form(self, client: FlaskClient, jpeg_photo: bytes) -> None:
        assert_problem(client.post("/upload"), 400, "no_file")
        assert_problem(client.post("/upload", data=jpeg_photo, content_type="image/jpeg"), 400, "no_file")
        assert_problem(client.post("/upload", json={"file": "x"}), 400, "no_file")

    def test_fields_after_the_file_count(self, client: FlaskClient, jpeg_photo: bytes) -> None:
        form = [("file", (io.BytesIO(jpeg_photo), "a.jpg")), ("title", "late")]
        assert client.post("/upload", data=dict(form)).get_json()["title"] == "late"

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("title", "x" * 256),
            ("title", "a\x00b"),
            ("title", "two\nlines"),
            ("description", "x" * 4001),
            ("tags", "t" * 65),
        ],
    )
    @pytest.mark.parametrize("first", [True, False])
    def test_a_bad_field_stores_nothing(
        self, client: FlaskClient, jpeg_photo: bytes, stored: Callable[[], int], name: str, value: str, first: bool
    ) -> None:
        file = {"file": (io.BytesIO(jpeg_photo), "a.jpg")}
        data = {name: value, **file} if first else {**file, name: value}
        body = assert_problem(client.post("/upload", data=data), 400, "invalid_field")
        assert name in body["error"]
        assert stored() == 0

    @pytest.mark.parametrize(
        ("data", "status", "code"),
        [
            (b"", 422, "not_an_image"),
            (b"not an image", 422, "not_an_image"),
            (b"<html><script>alert(1)</script></html>", 422, "not_an_image"),
            (b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"></svg>', 415, "unsupported_type"),
            (b"%PDF-1.7\n" + b"0" * 64, 415, "unsupported_type"),
        ],
    )
    def test_what_is_no_supported_image_is_refused(
        self, client: FlaskClient, stored: Callable[[], int], data: bytes, status: int, code: str
    ) -> None:
        assert_problem(upload(client, data, "a.jpg"), status, code)
        assert stored() == 0

    @pytest.mark.parametrize("keep", [0.999, 0.5, 0.01])
    def test_truncated_images_are_refused(
        self, client: FlaskClient, stored: Callable[[], int], jpeg_photo: bytes, png_photo: bytes, keep: float
    ) -> None:
        for photo in (jpeg_photo, png_photo):
            assert_problem(upload(client, photo[: int(len(photo) * keep)]), 422, "not_an_image")
        assert stored() == 0

    def test_the_size_limit_is_exact(self, make_app: Callable[..., Flask], jpeg_photo: bytes) -> None:
        client = make_app(MAX_FILE_SIZE=str(len(jpeg_photo))).test_client()
        assert upload(client, jpeg_photo).status_code == 201
        assert_problem(upload(client, jpeg_photo + b"\0"), 413, "too_large")

    def test_too_many_pixels(self, make_app: Callable[..., Flask], jpeg_photo: bytes) -> None:
        client = make_app(MAX_PIXELS=str(640 * 427 - 1)).test_client()
        assert_problem(upload(client, jpeg_photo), 422, "too_many_pixels")
        assert upload(make_app(MAX_PIXELS=str(640 * 427)).test_client(), jpeg_photo).status_code == 201

    @pytest.mark.parametrize(
        ("declared", "status"),
        [
            ("image/png", 415),
            ("image/jpeg", 201),
            ("image/jpg", 201),
            ("application/octet-stream", 201),
            ("text/html", 201),
        ],
    )
    def test_strict_content_type(
        self, make_app: Callable[..., Flask], jpeg_photo: bytes, declared: str, status: int
    ) -> None:
        client = make_app(STRICT_CONTENT_TYPE="1").test_client()
        response = client.post("/upload", data={"file": (io.BytesIO(jpeg_photo), "a.png", declared)})
        assert response.status_code == status
        if status == 415:
            assert_problem(response, 415, "content_type_mismatch")

    def test_names_can_not_reach_a_path_or_a_header(self, client: FlaskClient, jpeg_photo: bytes) -> None:
        for name in ("../../etc/passwd", 'a";b.jpg', "ünï ☕.jpg", "a" * 200 + ".jpg", "\u202egpj.exe"):
            body = upload(client, jpeg_photo, name).get_json()
            answer = client.get(f"/image/{body['key']}?download=1")
            assert answer.headers["Content-Disposition"].startswith("attachment; filename=")
            assert re.fullmatch(r"[\x20-\x7e]+", answer.headers["Content-Disposition"])
            assert ".." not in answer.headers["Content-Disposition"]

    def test_public_url_is_used_in_answers(self, make_app: Callable[..., Flask], jpeg_photo: bytes) -> None:
        body = upload(make_app(PUBLIC_URL="https://img.example").test_client(), jpeg_photo).get_json()
        assert body["url"] == f"https://img.example/image/{body['key']}"

    def test_a_host_that_is_none_does_not_deny_what_was_stored(self, client: FlaskClient, jpeg_photo: bytes) -> None:
        stored = upload(client, jpeg_photo, headers={"Host": 'a b/"<x>?'})
        assert stored.status_code == 201
        key = stored.get_json()["key"]
        assert stored.get_json()["url"] == f"/image/{key}"
        assert client.get(f"/image/{key}").data == jpeg_photo


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
        ]:
            answer = client.get(url, headers={"Range": wanted})
            assert answer.status_code == 206, wanted
            assert answer.data == jpeg_photo[start:stop]
            assert answer.headers["Content-Range"] == f"bytes {start}-{stop - 1}/{size}"
            assert answer.headers["Content-Length"] == str(stop - start)
            assert answer.headers["ETag"] == body["etag"]

    @pytest.mark.parametrize("wanted", ["bytes=999999999-", "bytes=-0"])
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
            (body["etag"], 206), (f"W/{body['etag']}", 200), ('"other"', 200), (modified, 206),
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


class TestUpdate:
    def test_replaces_by_form_and_by_raw_body(self, client: FlaskClient, jpeg_photo: bytes, png_photo: bytes) -> None:
        first = upload(client, jpeg_photo, title="kept").get_json()
        second = client.put(f"/update/{first['key']}", data=png_photo, content_type="image/png")
        assert second.status_code == 200
        body = second.get_json()
        assert body.keys() >= STORED
        assert body["image_id"] == first["image_id"]
        assert body["key"] == first["image_id"] + ".png"
        assert body["version_id"] != first["version_id"]
        assert body["title"] == "kept"
        form = {"file": (io.BytesIO(jpeg_photo), "new.jpg"), "title": "changed"}
        third = client.put(f"/update/{first['key']}", data=form).get_json()
        assert (third["title"], third["original_filename"]) == ("changed", "new.jpg")
        assert client.get(f"/image/{first['key']}").data == jpeg_photo

    def test_the_old_bytes_are_gone_from_the_url_and_kept_as_a_version(
        self, client: FlaskClient, jpeg_photo: bytes, png_photo: bytes
    ) -> None:
        first = upload(client, jpeg_photo).get_json()
        client.put(f"/update/{first['key']}", data=png_photo)
        assert client.get(f"/image/{first['key']}").data == png_photo
        stale = client.get(f"/image/{first['key']}", headers={"If-None-Match": first["etag"]})
        assert (stale.status_code, stale.data) == (200, png_photo)
        old = client.get(f"/image/{first['key']}?version={first['version_id']}")
        assert (old.data, old.content_type) == (jpeg_photo, "image/jpeg")
        assert "immutable" in old.headers["Cache-Control"]

    def test_if_match(self, client: FlaskClient, jpeg_photo: bytes, png_photo: bytes) -> None:
        first = upload(client, jpeg_photo).get_json()
        url = f"/update/{first['key']}"
        assert_problem(client.put(url, data=png_photo, headers={"If-Match": '"x"'}), 412, "precondition_failed")
        assert client.get(f"/image/{first['key']}").data == jpeg_photo
        assert client.put(url, data=png_photo, headers={"If-Match": first["etag"]}).status_code == 200
        assert_problem(
            client.put(url, data=jpeg_photo, headers={"If-Match": first["etag"]}), 412, "precondition_failed"
        )
        assert client.put(url, data=jpeg_photo, headers={"If-Match": "*"}).status_code == 200

    def test_conditions_hold_for_every_change(self, client: FlaskClient, jpeg_photo: bytes, png_photo: bytes) -> None:
        first = upload(client, jpeg_photo).get_json()
        key, old = first["key"], {"If-Unmodified-Since": "Thu, 01 Jan 1970 00:00:00 GMT"}
        restore = {"version_id": first["version_id"]}
        for headers in ({"If-Match": '"x"'}, {"If-Match": ""}, old):
            for answer in (
                client.put(f"/update/{key}", data=png_photo, headers=headers),
                client.delete(f"/delete/{key}", headers=headers),
                client.post(f"/image/{key}/restore", json=restore, headers=headers),
            ):
                assert_problem(answer, 412, "precondition_failed")
        assert len(client.get(f"/image/{key}/versions").get_json()["versions"]) == 1
        assert client.delete(f"/delete/{key}", headers={"If-Match": first["etag"]}).status_code == 200

    def test_missing_and_empty(self, client: FlaskClient, jpeg_photo: bytes) -> None:
        assert_problem(client.put(f"/update/{uuid.uuid4()}.jpg", data=jpeg_photo), 404, "not_found")
        key = upload(client, jpeg_photo).get_json()["key"]
        assert_problem(client.put(f"/update/{key}"), 400, "no_file")
        assert_problem(
            client.put(f"/update/{key}", data={"title": "x"}, content_type="multipart/form-data"), 400, "no_file"
        )
        client.delete(f"/delete/{key}")
        assert_problem(client.put(f"/update/{key}", data=jpeg_photo), 404, "not_found")

    def test_a_refused_replacement_changes_nothing(self, client: FlaskClient, jpeg_photo: bytes) -> None:
        key = upload(client, jpeg_photo).get_json()["key"]
        assert_problem(client.put(f"/update/{key}", data=b"garbage"), 422, "not_an_image")
        assert_problem(client.put(f"/update/{key}", data=jpeg_photo[:-100]), 422, "not_an_image")
        assert client.get(f"/image/{key}").data == jpeg_photo
        assert len(client.get(f"/image/{key}/versions").get_json()["versions"]) == 1


class TestDeleteAndRestore:
    def test_the_whole_life(self, client: FlaskClient, jpeg_photo: bytes, png_photo: bytes) -> None:
        first = upload(client, jpeg_photo).get_json()
        key = first["key"]
        second = client.put(f"/update/{key}", data=png_photo).get_json()
        gone = client.delete(f"/delete/{key}")
        assert (gone.status_code, gone.get_json()) == (200, {"key": second["key"], "deleted": True})
        assert_problem(client.get(f"/image/{key}"), 404, "not_found")
        assert_problem(client.delete(f"/delete/{key}"), 404, "not_found")
        listed = client.get(f"/image/{key}/versions").get_json()["versions"]
        assert [(entry["deleted"], entry["is_latest"]) for entry in listed] == [
            (True, True),
            (False, False),
            (False, False),
        ]
        assert [entry["version_id"] for entry in listed[1:]] == [second["version_id"], first["version_id"]]
        assert listed[1].keys() == {
            "version_id",
            "size",
            "sha256",
            "content_type",
            "created_at",
            "is_latest",
            "deleted",
        }
        back = client.post(f"/image/{key}/restore", json={"version_id": first["version_id"]})
        assert back.status_code == 200
        assert back.get_json()["sha256"] == first["sha256"]
        assert back.get_json()["version_id"] not in {first["version_id"], second["version_id"]}
        assert client.get(f"/image/{key}").data == jpeg_photo
        assert len(client.get(f"/image/{key}/versions").get_json()["versions"]) == 4

    def test_earlier_versions_of_a_deleted_image_are_readable_by_id(
        self, client: FlaskClient, jpeg_photo: bytes
    ) -> None:
        first = upload(client, jpeg_photo).get_json()
        client.delete(f"/delete/{first['key']}")
        assert client.get(f"/image/{first['key']}?version={first['version_id']}").data == jpeg_photo

    def test_what_can_not_be_restored(self, client: FlaskClient, jpeg_photo: bytes) -> None:
        first = upload(client, jpeg_photo).get_json()
        url = f"/image/{first['key']}/restore"
        assert_problem(client.post(url, json={"version_id": "nope"}), 404, "version_not_found")
        assert_problem(client.post(url, json={}), 400, "invalid_input")
        assert_problem(client.post(url, json={"version_id": 7}), 400, "invalid_input")
        assert_problem(client.post(url, data="{", content_type="application/json"), 400, "invalid_input")
        assert_problem(client.post(f"/image/{uuid.uuid4()}/restore", json={"version_id": "x"}), 404, "not_found")
        client.delete(f"/delete/{first['key']}")
        marker = client.get(f"/image/{first['key']}/versions").get_json()["versions"][0]["version_id"]
        assert_problem(client.post(url, json={"version_id": marker}), 400, "version_is_delete_marker")
        assert_problem(client.get(f"/image/{first['key']}?version={marker}"), 404, "version_not_found")

    @pytest.mark.parametrize(
        ("body", "content_type", "status", "code"),
        [
            (b"{}" + b" " * 70_000, "application/json", 413, "too_large"),
            (b"[" * 60_000, "application/json", 400, "invalid_input"),
            (b'{"version_id": "x"', "application/json", 400, "invalid_input"),
            (b"\xff\xfe", "application/json", 400, "invalid_input"),
            (b'["version_id"]', "application/json", 400, "invalid_input"),
            (b"null", "application/json", 400, "invalid_input"),
            (b'{"version_id": "x"}', "text/plain", 415, "unsupported_media_type"),
        ],
    )
    def test_a_json_body_is_bounded_and_checked(
        self, client: FlaskClient, jpeg_photo: bytes, body: bytes, content_type: str, status: int, code: str
    ) -> None:
        url = f"/image/{upload(client, jpeg_photo).get_json()['key']}/restore"
        assert_problem(client.post(url, data=body, content_type=content_type), status, code)

    def test_versions_of_another_image_are_not_reachable(self, client: FlaskClient, jpeg_photo: bytes) -> None:
        one, two = upload(client, jpeg_photo).get_json(), upload(client, jpeg_photo).get_json()
        crossed = client.get(f"/image/{one['key']}?version={two['version_id']}")
        assert_problem(crossed, 404, "version_not_found")


class TestNamedCallers:
    def test_a_named_caller_must_be_the_owner(self, client: FlaskClient, jpeg_photo: bytes) -> None:
        mine = upload(client, jpeg_photo, headers={"X-User-ID": "me"}).get_json()
        key = mine["key"]
        for other in ({"X-User-ID": "you"}, {"X-User-ID": "anonymous"}):
            assert_problem(client.delete(f"/delete/{key}", headers=other), 404, "not_found")
            assert_problem(client.put(f"/update/{key}", data=jpeg_photo, headers=other), 404, "not_found")
            body = {"version_id": mine["version_id"]}
            assert_problem(client.post(f"/image/{key}/restore", json=body, headers=other), 404, "not_found")
        assert_problem(client.delete(f"/delete/{key}?user_id=you"), 404, "not_found")
        assert client.get(f"/image/{key}", headers={"X-User-ID": "you"}).status_code == 200
        assert client.delete(f"/delete/{key}?user_id=me").status_code == 200

    def test_a_nameless_caller_may_change_anything(self, client: FlaskClient, jpeg_photo: bytes) -> None:
        key = upload(client, jpeg_photo, headers={"X-User-ID": "me"}).get_json()["key"]
        assert client.delete(f"/delete/{key}").status_code == 200

    @pytest.mark.parametrize("name", ["", " ", "x" * 129, "a\tb"])
    def test_a_bad_name(self, client: FlaskClient, jpeg_photo: bytes, name: str) -> None:
        assert_problem(upload(client, jpeg_photo, headers={"X-User-ID": name}), 400, "invalid_field")

    def test_two_names(self, client: FlaskClient, jpeg_photo: bytes) -> None:
        key = upload(client, jpeg_photo).get_json()["key"]
        assert_problem(client.delete(f"/delete/{key}?user_id=me", headers={"X-User-ID": "you"}), 400, "invalid_field")
