"""Surface 3's JSON, row by row of its document: uploads under a label."""

from __future__ import annotations

import io
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from api.pages.api_schemas import LabelLatest, LabelListed, LabelUploaded
from services.errors import BackendMisconfigured
from tests.images import jpeg
from tests.surfaces.helpers import METADATA, assert_problem

UPLOADED = {"success", "message", "image_id", "s3_url", "uploaded_at"}
LATEST = {"success", "image_id", "s3_url", "original_filename", "file_size", "content_type", "uploaded_at"}
BAD_LABELS = ["a b", "a.b", "x" * 65, "é", "a%22b", "<b>", "%00", "a;b", "a:b", "%F0%9F%8F%96"]


def submit(client: FlaskClient, label: str, data: bytes | None = None, user: str | None = None) -> TestResponse:
    form = {"file": (io.BytesIO(jpeg() if data is None else data), "photo.jpg")}
    return client.post(f"/upload/{label}", data=form, headers={} if user is None else {"X-User-ID": user})


def assert_failure(answer: TestResponse, status: int, code: str) -> dict[str, Any]:
    body = assert_problem(answer, status, code)
    assert body["success"] is False
    return body


class TestUpload:
    def test_answers_with_every_member(self, client: FlaskClient, jpeg_photo: bytes) -> None:
        answer = submit(client, "user123", jpeg_photo)
        assert answer.status_code == 201
        body = answer.get_json()
        assert body.keys() == METADATA | LATEST | UPLOADED == LabelUploaded().fields.keys()
        assert (body["success"], body["message"]) == (True, "Image uploaded successfully")
        assert (body["image_id"], body["user_id"]) == ("user123", "user123")
        assert datetime.fromisoformat(body["uploaded_at"]).utcoffset() is not None
        assert LabelUploaded().validate(body) == {}
        assert answer.headers["Location"] == f"/image/{body['key']}"
        assert answer.headers["Cache-Control"] == "no-store"
        with client.get(urlsplit(body["s3_url"]).path) as read:
            assert (read.data, read.content_type) == (jpeg_photo, "image/jpeg")

    def test_fields_are_taken_too(self, client: FlaskClient) -> None:
        form = {"title": "t", "file": (io.BytesIO(jpeg()), "a.jpg"), "tags": "a,b", "description": "d"}
        body = client.post("/upload/x", data=form).get_json()
        assert (body["title"], body["description"], body["tags"]) == ("t", "d", ["a", "b"])

    @pytest.mark.parametrize("label", ["a", "A-b_9", "x" * 64, "-", "_", "upload", "health", "admin"])
    def test_labels(self, client: FlaskClient, label: str) -> None:
        assert submit(client, label).get_json()["image_id"] == label

    @pytest.mark.parametrize("label", BAD_LABELS)
    def test_a_bad_label(self, client: FlaskClient, stored: Callable[[], int], label: str) -> None:
        assert "image_id" in assert_failure(submit(client, label), 400, "invalid_field")["error"]
        assert stored() == 0

    @pytest.mark.parametrize(
        ("data", "status", "code"),
        [
            (b"", 422, "not_an_image"),
            (b"garbage", 422, "not_an_image"),
            (b"%PDF-1.7\n" + b"0" * 64, 415, "unsupported_type"),
        ],
    )
    def test_what_is_no_image(
        self, client: FlaskClient, stored: Callable[[], int], data: bytes, status: int, code: str
    ) -> None:
        assert_failure(submit(client, "user123", data), status, code)
        assert stored() == 0

    def test_without_a_file(self, client: FlaskClient) -> None:
        body = assert_failure(client.post("/upload/user123"), 400, "no_file")
        assert body["error"] == "no file provided"

    def test_too_large(self, make_app: Callable[..., Flask], stored: Callable[[], int], jpeg_photo: bytes) -> None:
        client = make_app(MAX_FILE_SIZE="1000").test_client()
        assert_failure(submit(client, "user123", jpeg_photo), 413, "too_large")
        assert stored() == 0

    def test_who_names_somebody_else_adds_nothing(self, client: FlaskClient, stored: Callable[[], int]) -> None:
        assert_failure(submit(client, "user123", user="user456"), 404, "not_found")
        form = {"file": (io.BytesIO(jpeg()), "a.jpg")}
        assert_failure(client.post("/upload/user123?user_id=user456", data=form), 404, "not_found")
        form = {"file": (io.BytesIO(jpeg()), "a.jpg")}
        assert_failure(client.post("/user123?user_id=user456", data=form), 404, "not_found")
        assert_failure(submit(client, "user123", user="a\tb"), 400, "invalid_field")
        assert stored() == 0
        assert submit(client, "user123", user="user123").status_code == 201

    def test_a_url_that_can_not_be_signed_does_not_deny_what_was_stored(
        self, make_app: Callable[..., Flask], jpeg_photo: bytes
    ) -> None:
        app = make_app()
        core = app.extensions["image-service"]

        class Unsigning:
            def presign_get(self, *_: Any, **__: Any) -> str:
                raise BackendMisconfigured(detail="no credentials")

        core.images._urls = Unsigning()
        client = app.test_client()
        answer = submit(client, "user123", jpeg_photo)
        assert answer.status_code == 201
        body = answer.get_json()
        assert body["s3_url"] == f"http://localhost/image/{body['key']}"
        with client.get(urlsplit(body["s3_url"]).path) as read:
            assert read.data == jpeg_photo
        assert_failure(client.get("/api/url/user123"), 500, "backend_misconfigured")


class TestLatest:
    def test_every_member(self, client: FlaskClient, jpeg_photo: bytes) -> None:
        made = submit(client, "user123", jpeg_photo).get_json()
        answer = client.get("/api/url/user123")
        body = answer.get_json()
        assert answer.headers["Cache-Control"] == "no-store"
        assert body.keys() == METADATA | LATEST == LabelLatest().fields.keys()
        assert {name: body[name] for name in LATEST - {"s3_url"}} == {
            "success": True,
            "image_id": "user123",
            "original_filename": "photo.jpg",
            "file_size": len(jpeg_photo),
            "content_type": "image/jpeg",
            "uploaded_at": made["uploaded_at"],
        }
        with client.get(urlsplit(body["s3_url"]).path) as read:
            assert read.data == jpeg_photo

    def test_it_is_the_newest_that_is_left(self, client: FlaskClient) -> None:
        keys = [submit(client, "user123").get_json()["key"] for _ in range(2)]
        submit(client, "user1234")
        assert client.get("/api/url/user123").get_json()["key"] == keys[1]
        client.delete(f"/delete/{keys[1]}", headers={"X-User-ID": "user123"})
        assert client.get("/api/url/user123").get_json()["key"] == keys[0]
        client.delete(f"/delete/{keys[0]}", headers={"X-User-ID": "user123"})
        assert_failure(client.get("/api/url/user123"), 404, "not_found")

    def test_an_unknown_label(self, client: FlaskClient) -> None:
        submit(client, "user123")
        for label in ("user12", "user1234", "USER123"):
            assert_failure(client.get(f"/api/url/{label}"), 404, "not_found")

    @pytest.mark.parametrize("label", BAD_LABELS)
    def test_a_bad_label(self, client: FlaskClient, label: str) -> None:
        assert_failure(client.get(f"/api/url/{label}"), 400, "invalid_field")


class TestAll:
    def test_every_member(self, client: FlaskClient, jpeg_photo: bytes) -> None:
        made = submit(client, "user123", jpeg_photo).get_json()
        answer = client.get("/api/images/user123")
        body = answer.get_json()
        assert answer.headers["Cache-Control"] == "no-store"
        assert body.keys() == {"success", "image_id", "count", "images", "cursor", "next"}
        assert LabelListed().validate(body) == {}
        [image] = body.pop("images")
        assert body == {"success": True, "image_id": "user123", "count": 1, "cursor": None, "next": None}
        assert image.keys() == (METADATA | LATEST) - {"success"}
        unequal = {"s3_url", "success", "message"}
        assert {k: v for k, v in image.items() if k not in unequal} == {
            k: v for k, v in made.items() if k not in unequal
        }
        with client.get(urlsplit(image["s3_url"]).path) as read:
            assert read.data == jpeg_photo

    def test_newest_first_and_of_this_label_only(self, client: FlaskClient) -> None:
        keys = [submit(client, "user123").get_json()["key"] for _ in range(3)]
        submit(client, "user1234")
        assert [each["key"] for each in client.get("/api/images/user123").get_json()["images"]] == keys[::-1]

    def test_a_label_without_images(self, client: FlaskClient) -> None:
        body = client.get("/api/images/nobody").get_json()
        assert (body["success"], body["image_id"], body["count"], body["images"]) == (True, "nobody", 0, [])

    def test_page_by_page(self, client: FlaskClient) -> None:
        keys = [submit(client, "user123").get_json()["key"] for _ in range(5)]
        body = client.get("/api/images/user123?limit=2").get_json()
        seen = [each["key"] for each in body["images"]]
        while body["next"]:
            body = client.get(body["next"]).get_json()
            assert body["count"] <= 2
            seen += [each["key"] for each in body["images"]]
        assert seen == keys[::-1]

    @pytest.mark.parametrize("value", ["0", "101", "x", ""])
    def test_a_bad_limit(self, client: FlaskClient, value: str) -> None:
        assert_failure(client.get(f"/api/images/user123?limit={value}"), 400, "invalid_input")

    def test_a_bad_cursor(self, client: FlaskClient) -> None:
        for _ in range(2):
            submit(client, "one")
        cursor = client.get("/api/images/one?limit=1").get_json()["cursor"]
        assert_failure(client.get(f"/api/images/two?cursor={cursor}"), 400, "invalid_cursor")
        assert_failure(client.get("/api/images/one?cursor=x"), 400, "invalid_cursor")

    @pytest.mark.parametrize("label", BAD_LABELS)
    def test_a_bad_label(self, client: FlaskClient, label: str) -> None:
        assert_failure(client.get(f"/api/images/{label}"), 400, "invalid_field")

    def test_deletable_by_key_in_the_labels_name_only(self, client: FlaskClient) -> None:
        key = submit(client, "user123").get_json()["key"]
        assert client.delete(f"/delete/{key}", headers={"X-User-ID": "other"}).status_code == 404
        assert client.delete(f"/delete/{key}", headers={"X-User-ID": "user123"}).status_code == 200
        assert client.get("/api/images/user123").get_json()["count"] == 0


class TestErrorsOfTheSurface:
    @pytest.mark.parametrize("url", ["/api/url/", "/api/images/", "/api/url/a/b", "/api/images/a/b", "/upload/a/b"])
    def test_unmatched_urls(self, client: FlaskClient, url: str) -> None:
        assert_failure(client.get(url), 404, "not_found")

    @pytest.mark.parametrize(
        ("method", "url", "allowed"),
        [
            ("GET", "/upload/user123", "OPTIONS, POST"),
            ("DELETE", "/api/url/user123", "GET, HEAD, OPTIONS"),
            ("POST", "/api/images/user123", "GET, HEAD, OPTIONS"),
        ],
    )
    def test_methods(self, client: FlaskClient, method: str, url: str, allowed: str) -> None:
        answer = client.open(url, method=method)
        assert_failure(answer, 405, "method_not_allowed")
        assert answer.headers["Allow"] == allowed

    def test_a_rate_limit(self, make_app: Callable[..., Flask]) -> None:
        client = make_app(RATE_LIMIT="1/minute").test_client()
        client.get("/api/images/user123")
        assert_failure(client.get("/api/images/user123"), 429, "rate_limited")

    def test_a_failing_database(self, client: FlaskClient, tmp_path: Path) -> None:
        client.get("/api/images/user123")
        for path in (tmp_path / "data").glob("metadata.sqlite3*"):
            path.write_bytes(b"no database" * 1000)
        answer = client.get("/api/images/user123")
        assert answer.status_code in (500, 503)
        assert answer.get_json()["success"] is False

    @pytest.mark.parametrize("url", ["/no/such/url", "/upload", "/image/x", "/api/v1/nothing", "/uploads/x/y"])
    def test_other_surfaces_have_no_such_member(self, client: FlaskClient, url: str) -> None:
        assert "success" not in client.delete(url).get_json()
