"""Surface 0, row by row of its contract: uploading."""

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
from tests.surfaces.helpers import STORED, assert_problem, upload


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

    @pytest.mark.parametrize(
        "disposition",
        [
            'name="image"; filename="a.jpg"',
            'name="file[]"; filename="a.jpg"',
            'name="file"',
            "name=\"'file'\"; filename=a.jpg",
        ],
    )
    def test_a_photograph_under_another_name(self, client: FlaskClient, jpeg_photo: bytes, disposition: str) -> None:
        """It is larger than all fields may be, which is not what its sender has to know."""
        head = f"--b\r\nContent-Disposition: form-data; {disposition}\r\n\r\n".encode()
        body = head + jpeg_photo + b"\r\n--b--\r\n"
        response = client.post("/upload", data=body, content_type="multipart/form-data; boundary=b")
        assert assert_problem(response, 400, "no_file")["error"] == "no file provided"

    def test_a_large_field_is_too_large(self, client: FlaskClient) -> None:
        data = {"description": "x" * 70_000}
        assert_problem(client.post("/upload", data=data, content_type="multipart/form-data"), 413, "too_large")

    def test_an_empty_form(self, client: FlaskClient) -> None:
        assert_problem(client.post("/upload", data=b"", content_type="multipart/form-data; boundary=b"), 400, "no_file")

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
