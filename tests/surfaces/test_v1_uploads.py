"""Surface 2, row by row of its document: uploading, and who asks."""

from __future__ import annotations

import io
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from api.v1.schemas import Uploaded
from tests.surfaces.helpers import METADATA, assert_problem

URL = "/api/v1/images/upload"
ME = {"X-User-ID": "user-123"}
UNKNOWN = "550e8400-e29b-41d4-a716-446655440000"
SVG = b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"></svg>'


def submit(client: FlaskClient, data: bytes, name: str = "image.jpg", **fields: Any) -> TestResponse:
    return client.post(URL, data={**fields, "file": (io.BytesIO(data), name)}, headers=ME)


def test_answers_with_every_member(client: FlaskClient, jpeg_photo: bytes) -> None:
    answer = submit(client, jpeg_photo, title="My Vacation", description="Beach photo", tags="vacation, beach, summer")
    assert answer.status_code == 201
    body = answer.get_json()
    assert body["message"] == "Image uploaded successfully"
    assert str(uuid.UUID(body["image_id"])) == body["image_id"]
    assert body["user_id"] == "user-123"
    assert body["s3_key"] == f"images/{body['image_id']}/image.jpg"
    assert (body["title"], body["description"]) == ("My Vacation", "Beach photo")
    assert body["tags"] == ["vacation", "beach", "summer"]
    assert body.keys() == METADATA | {"message"} == Uploaded().fields.keys()
    assert Uploaded().validate(body) == {}
    with client.get(answer.headers["Location"], headers=ME) as read:
        assert read.data == jpeg_photo


def test_every_field_is_optional(client: FlaskClient, jpeg_photo: bytes) -> None:
    body = submit(client, jpeg_photo).get_json()
    assert (body["title"], body["description"], body["tags"]) == ("Untitled", "", [])


def test_fields_after_the_file_count(client: FlaskClient, jpeg_photo: bytes) -> None:
    form = {"file": (io.BytesIO(jpeg_photo), "image.jpg"), "title": "late", "tags": "a,b"}
    body = client.post(URL, data=form, headers=ME).get_json()
    assert (body["title"], body["tags"]) == ("late", ["a", "b"])


def test_an_empty_field_swallows_nothing(client: FlaskClient, jpeg_photo: bytes) -> None:
    """Clients leave out the blank line of an empty part; the delimiter behind it is not the field's text."""
    head = b'--XX\r\nContent-Disposition: form-data; name="%s"\r\n\r\n'
    form = head % b"description" + head % b'file"; filename="a.jpg' + jpeg_photo + b"\r\n--XX--\r\n"
    answer = client.post(URL, data=form, headers=ME, content_type="multipart/form-data; boundary=XX")
    assert answer.status_code == 201
    assert answer.get_json()["description"] == ""
    body = submit(client, jpeg_photo, title="", description="", tags="a").get_json()
    assert (body["description"], body["tags"]) == ("", ["a"])


def test_without_a_file(client: FlaskClient, stored: Callable[[], int]) -> None:
    for data in ({}, {"title": "x"}, {"file": "a field"}):
        answer = client.post(URL, data=data, headers=ME, content_type="multipart/form-data")
        assert assert_problem(answer, 400, "no_file")["error"] == "no file provided"
    assert_problem(client.post(URL, headers=ME), 400, "no_file")
    assert stored() == 0


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "not_an_image"),
        (b"not an image", "not_an_image"),
        (b"\xff\xd8\xff\xe0 only the beginning", "not_an_image"),
        (SVG, "unsupported_type"),
        (b"%PDF-1.7\n" + b"0" * 64, "unsupported_type"),
    ],
)
def test_an_invalid_format_is_a_bad_request_here(
    client: FlaskClient, stored: Callable[[], int], data: bytes, code: str
) -> None:
    assert_problem(submit(client, data), 400, code)
    assert stored() == 0


def test_a_truncated_image(client: FlaskClient, stored: Callable[[], int], jpeg_photo: bytes) -> None:
    assert_problem(submit(client, jpeg_photo[:-100]), 400, "not_an_image")
    assert stored() == 0


def test_a_file_over_the_limit(make_app: Callable[..., Flask], stored: Callable[[], int], jpeg_photo: bytes) -> None:
    client = make_app(MAX_FILE_SIZE=str(len(jpeg_photo) - 1)).test_client()
    assert_problem(submit(client, jpeg_photo), 413, "too_large")
    assert stored() == 0


def test_what_is_an_image_but_over_another_limit_is_answered_as_everywhere(
    make_app: Callable[..., Flask], jpeg_photo: bytes
) -> None:
    assert_problem(submit(make_app(MAX_PIXELS="1000").test_client(), jpeg_photo), 422, "too_many_pixels")
    strict = make_app(STRICT_CONTENT_TYPE="1").test_client()
    form = {"file": (io.BytesIO(jpeg_photo), "a.png", "image/png")}
    assert_problem(strict.post(URL, data=form, headers=ME), 415, "content_type_mismatch")


@pytest.mark.parametrize(
    ("name", "value"), [("title", "x" * 256), ("title", "a\x00b"), ("description", "x" * 4001), ("tags", "t" * 65)]
)
def test_a_bad_field_stores_nothing(
    client: FlaskClient, stored: Callable[[], int], jpeg_photo: bytes, name: str, value: str
) -> None:
    assert name in assert_problem(submit(client, jpeg_photo, **{name: value}), 400, "invalid_field")["error"]
    assert stored() == 0


REQUESTS = [
    ("POST", URL),
    ("GET", "/api/v1/images"),
    ("GET", f"/api/v1/images/{UNKNOWN}"),
    ("HEAD", f"/api/v1/images/{UNKNOWN}"),
    ("PUT", f"/api/v1/images/{UNKNOWN}"),
    ("DELETE", f"/api/v1/images/{UNKNOWN}"),
]


@pytest.mark.parametrize("headers", [{}, {"X-User-ID": ""}, {"X-User-ID": "  "}])
@pytest.mark.parametrize(("method", "url"), REQUESTS)
def test_every_request_names_its_user(client: FlaskClient, method: str, url: str, headers: dict[str, str]) -> None:
    answer = client.open(f"{url}?user_id=user-123&limit=0", method=method, headers=headers)
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"].startswith("X-User-ID ")
    if method != "HEAD":
        assert "X-User-ID" in assert_problem(answer, 401, "unauthorized")["error"]


def test_without_a_user_nothing_is_stored(client: FlaskClient, stored: Callable[[], int], jpeg_photo: bytes) -> None:
    answer = client.post(URL, data={"file": (io.BytesIO(jpeg_photo), "image.jpg")})
    assert_problem(answer, 401, "unauthorized")
    assert stored() == 0


@pytest.mark.parametrize("name", ["x" * 129, "a\tb"])
@pytest.mark.parametrize(("method", "url"), [each for each in REQUESTS if each[0] != "HEAD"])
def test_a_name_that_is_none(client: FlaskClient, method: str, url: str, name: str) -> None:
    assert_problem(client.open(url, method=method, headers={"X-User-ID": name}), 400, "invalid_field")


def test_a_name_in_utf_8(client: FlaskClient, jpeg_photo: bytes) -> None:
    as_wsgi = "Zoë".encode().decode("latin-1")
    form = {"file": (io.BytesIO(jpeg_photo), "image.jpg")}
    body = client.post(URL, data=form, environ_overrides={"HTTP_X_USER_ID": as_wsgi}).get_json()
    assert body["user_id"] == "Zoë"


def test_health_asks_for_nobody(client: FlaskClient) -> None:
    body = client.get("/api/v1/health").get_json()
    assert body["status"] == "healthy"
    assert body.keys() == client.get("/health").get_json().keys()


def test_health_is_never_limited(make_app: Callable[..., Flask]) -> None:
    client = make_app(RATE_LIMIT="1/minute").test_client()
    assert [client.get("/api/v1/health").status_code for _ in range(3)] == [200, 200, 200]


def test_unmatched_urls_and_methods(client: FlaskClient) -> None:
    assert_problem(client.get("/api/v1/nothing", headers=ME), 404, "not_found")
    assert_problem(client.get("/api/v1", headers=ME), 404, "not_found")
    refused = client.patch("/api/v1/images", headers=ME)
    assert_problem(refused, 405, "method_not_allowed")
    assert refused.headers["Allow"] == "GET, HEAD, OPTIONS"
