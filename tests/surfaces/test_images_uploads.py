"""Surface 1, what stores: ``POST /images/upload`` and ``POST /images``, member by member."""

from __future__ import annotations

import base64
import hashlib
import io
import json
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from services.errors import BackendMisconfigured
from tests import images
from tests.surfaces.helpers import METADATA, assert_problem
from tests.surfaces.images_client import JPEG, begin, encoded, form

SVG = b'<svg xmlns="http://www.w3.org/2000/svg"></svg>'

STORING = pytest.mark.parametrize("store", [form, encoded])
Store = Callable[..., TestResponse]


class TestBegin:
    def test_answers_with_every_member(self, client: FlaskClient) -> None:
        answer = begin(client, user_id="u", tags=["a"], description="d", filename="a.jpg", size=9, expires_in=60)
        assert answer.status_code == 201
        body = answer.get_json()
        assert body.keys() == {"image_id", "upload_url", "expires_in", "headers"}
        assert body["upload_url"].startswith("http://localhost/objects/")
        assert (body["expires_in"], body["headers"]) == (60, {"Content-Type": "image/jpeg"})
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["Location"] == f"/images/{body['image_id']}/status"

    def test_the_settings_life_is_the_default(self, make_app: Callable[..., Flask]) -> None:
        assert begin(make_app(PRESIGNED_EXPIRATION="77").test_client()).get_json()["expires_in"] == 77

    def test_what_was_said_describes_the_image(self, client: FlaskClient) -> None:
        ticket = begin(
            client, user_id="u", tags="b, a", title="T", description="d", filename="x/é.jpg", visibility="public"
        ).get_json()
        client.put(ticket["upload_url"].removeprefix("http://localhost"), data=JPEG, headers=ticket["headers"])
        image = client.get(f"/images/{ticket['image_id']}").get_json()
        assert (image["user_id"], image["title"], image["description"]) == ("u", "T", "d")
        assert (image["tags"], image["visibility"], image["original_filename"]) == (["b", "a"], "public", "é.jpg")

    def test_null_is_as_absent(self, client: FlaskClient) -> None:
        names = ("user_id", "tags", "title", "description", "filename", "size", "visibility", "expires_in")
        assert begin(client, **dict.fromkeys(names)).status_code == 201

    def test_nobody_is_anonymous(self, client: FlaskClient) -> None:
        ticket = begin(client).get_json()
        client.put(ticket["upload_url"].removeprefix("http://localhost"), data=JPEG, headers=ticket["headers"])
        assert client.get(f"/images/{ticket['image_id']}").get_json()["user_id"] == "anonymous"

    @pytest.mark.parametrize(
        "content_type", ["text/html", "image/svg+xml", "application/pdf", "jpeg", "image/jpeg;a=b"]
    )
    def test_a_type_outside_the_formats(self, client: FlaskClient, content_type: str) -> None:
        assert_problem(begin(client, content_type=content_type), 415, "unsupported_type")

    def test_a_declared_size_over_the_limit(self, client: FlaskClient) -> None:
        assert begin(client, size=10485760).status_code == 201
        assert_problem(begin(client, size=10485761), 413, "too_large")

    @pytest.mark.parametrize(
        "members",
        [
            {"content_type": None},
            {"content_type": ""},
            {"content_type": 1},
            {"size": 0},
            {"size": "9"},
            {"size": 1.5},
            {"user_id": ""},
            {"user_id": 7},
            {"user_id": "a\nb"},
            {"tags": {"a": 1}},
            {"tags": [1]},
            {"tags": ["x" * 65]},
            {"tags": [str(n) for n in range(21)]},
            {"title": "x" * 256},
            {"title": []},
            {"description": "x" * 4001},
            {"filename": "a\0.jpg"},
            {"visibility": "secret"},
            {"expires_in": 0},
            {"expires_in": 604801},
        ],
    )
    def test_members_that_are_not_valid(self, client: FlaskClient, members: dict[str, Any]) -> None:
        answer = begin(client, **members)
        assert answer.status_code == 400
        assert answer.get_json()["code"] in {"invalid_input", "invalid_field"}

    @pytest.mark.parametrize(
        ("body", "content_type", "status"),
        [
            (b"{}", "application/json", 400),
            (b"", "application/json", 400),
            (b"no json", "application/json", 400),
            (b"[]", "application/json", 400),
            (b"{" * 100, "application/json", 400),
            (b'{"content_type": "image/png"}', "text/plain", 415),
            (b" " * 70000, "application/json", 413),
        ],
    )
    def test_bodies_that_are_not_valid(self, client: FlaskClient, body: bytes, content_type: str, status: int) -> None:
        assert client.post("/images/upload", data=body, content_type=content_type).status_code == status

    def test_two_names_must_agree(self, client: FlaskClient) -> None:
        assert begin(client, {"X-User-ID": "u"}, user_id="u").status_code == 201
        assert_problem(begin(client, {"X-User-ID": "other"}, user_id="u"), 400, "invalid_field")

    def test_a_presigning_failure(self, make_app: Callable[..., Flask], monkeypatch: pytest.MonkeyPatch) -> None:
        app = make_app()
        direct = app.extensions["image-service"].direct

        def refuse(*_: Any, **__: Any) -> str:
            raise BackendMisconfigured(detail="no credentials")

        monkeypatch.setattr(direct._urls, "presign_put", refuse)
        body = assert_problem(begin(app.test_client()), 503, "backend_unavailable")
        assert "credentials" not in json.dumps(body)


class TestCreate:
    @STORING
    def test_answers_with_the_metadata_object(self, client: FlaskClient, store: Store) -> None:
        answer = store(client, user_id="u", tags="a, b", description="d\ne", title="T", width="40", height="30")
        assert answer.status_code == 201
        body = answer.get_json()
        assert body.keys() >= METADATA
        assert (body["user_id"], body["tags"], body["description"], body["title"]) == ("u", ["a", "b"], "d\ne", "T")
        assert (body["content_type"], body["size"], body["width"], body["height"]) == ("image/jpeg", len(JPEG), 40, 30)
        assert body["sha256"] == hashlib.sha256(JPEG).hexdigest()
        assert (body["status"], body["visibility"], body["created_at"]) == ("ready", "private", body["upload_time"])
        assert answer.headers["Location"] == f"/images/{body['image_id']}"
        assert client.get(f"/image/{body['key']}").data == JPEG

    def test_a_file_name(self, client: FlaskClient) -> None:
        for body in (form(client, name="x/a b.jpg"), encoded(client, filename="x/a b.jpg")):
            image = body.get_json()
            assert image["original_filename"] == "a b.jpg"
            assert image["s3_key"] == f"images/{image['image_id']}/a-b.jpg"
        late = client.post("/images", data=json.dumps({"image": base64.b64encode(JPEG).decode(), "filename": "l.jpg"}))
        assert late.status_code == 415, "it does not say that it is JSON"

    @STORING
    def test_visibility(self, client: FlaskClient, store: Store) -> None:
        assert store(client, visibility="public").get_json()["visibility"] == "public"
        assert store(client, visibility="none").status_code == 400

    @pytest.mark.parametrize("late", [False, True])
    def test_fields_count_on_both_sides_of_the_file(self, make_app: Callable[..., Flask], late: bool) -> None:
        app = make_app()
        fields = {"user_id": "u", "title": "T", "tags": "a", "visibility": "public"}
        file = {"file": (io.BytesIO(JPEG), "a.jpg")}
        image = app.test_client().post("/images", data={**file, **fields} if late else {**fields, **file}).get_json()
        assert (image["user_id"], image["title"], image["tags"], image["visibility"]) == ("u", "T", ["a"], "public")
        stored = app.extensions["image-service"].store._inner.describe(image["s3_key"], image["version_id"])
        assert stored.owner == "u"

    @pytest.mark.parametrize("late", [False, True])
    @pytest.mark.parametrize(
        ("members", "status", "code"),
        [
            ({"width": "41"}, 422, "dimensions_mismatch"),
            ({"height": "31"}, 422, "dimensions_mismatch"),
            ({"width": "30", "height": "40"}, 422, "dimensions_mismatch"),
            ({"width": "0"}, 400, "invalid_input"),
            ({"height": "tall"}, 400, "invalid_input"),
            ({"user_id": ""}, 400, "invalid_field"),
            ({"user_id": "a\x00"}, 400, "invalid_field"),
            ({"title": "x" * 256}, 400, "invalid_field"),
            ({"visibility": "secret"}, 400, "invalid_input"),
        ],
    )
    def test_what_is_wrong_stores_nothing(
        self,
        client: FlaskClient,
        stored: Callable[[], int],
        members: dict[str, str],
        status: int,
        code: str,
        late: bool,
    ) -> None:
        file = {"file": (io.BytesIO(JPEG), "a.jpg")}
        assert_problem(client.post("/images", data={**file, **members} if late else {**members, **file}), status, code)
        image = {"image": base64.b64encode(JPEG).decode()}
        assert_problem(
            client.post("/images", json={**image, **members} if late else {**members, **image}), status, code
        )
        assert stored() == 0

    @STORING
    def test_pixels_as_they_are_shown(self, client: FlaskClient, store: Store) -> None:
        turned = images.jpeg(orientation=6)
        assert store(client, turned, width="30", height="40").status_code == 201
        assert store(client, turned, width="40", height="30").status_code == 201
        assert store(client, turned, width="40", height="40").status_code == 422

    @STORING
    def test_names_must_agree(self, client: FlaskClient, store: Store, stored: Callable[[], int]) -> None:
        assert store(client, user_id="u", headers={"X-User-ID": "u"}).status_code == 201
        before = stored()
        assert_problem(store(client, user_id="u", headers={"X-User-ID": "other"}), 400, "invalid_field")
        assert store(client, headers={"X-User-ID": "h"}).get_json()["user_id"] == "h"
        assert stored() > before

    def test_a_field_twice(self, client: FlaskClient) -> None:
        answer = client.post("/images", data={"file": (io.BytesIO(JPEG), "a.jpg"), "user_id": ["a", "b"]})
        assert_problem(answer, 400, "invalid_field")

    def test_empty_fields_of_a_page(self, client: FlaskClient) -> None:
        # Written out: Werkzeug's client leaves out a line break behind an empty value.
        head = 'Content-Disposition: form-data; name="'
        parts = [f'{head}{name}"\r\n\r\n' for name in ("width", "height", "visibility", "title", "tags")]
        parts.append(f'{head}file"; filename="a.jpg"\r\n\r\n')
        body = "".join(f"--b\r\n{part}\r\n" for part in parts).encode()[:-2] + JPEG + b"\r\n--b--\r\n"
        answer = client.post("/images", data=body, content_type="multipart/form-data; boundary=b")
        assert answer.status_code == 201, answer.text

    @STORING
    @pytest.mark.parametrize(
        ("data", "status", "code"),
        [
            (b"", 422, "not_an_image"),
            (JPEG[:-10], 422, "not_an_image"),
            (b"x" * 1000, 422, "not_an_image"),
            (SVG, 415, "unsupported_type"),
        ],
    )
    def test_bytes_that_are_no_image(
        self, client: FlaskClient, stored: Callable[[], int], store: Store, data: bytes, status: int, code: str
    ) -> None:
        assert_problem(store(client, data), status, code)
        assert stored() == 0

    @STORING
    def test_the_size_limit_is_exact(self, make_app: Callable[..., Flask], store: Store) -> None:
        client = make_app(MAX_FILE_SIZE=str(len(JPEG))).test_client()
        assert store(client).status_code == 201
        assert_problem(store(client, JPEG + b"\0"), 413, "too_large")
        assert_problem(store(client, JPEG + bytes(500_000)), 413, "too_large")

    @STORING
    def test_too_many_pixels(self, make_app: Callable[..., Flask], store: Store) -> None:
        assert_problem(store(make_app(MAX_PIXELS="1199").test_client()), 422, "too_many_pixels")

    def test_no_file(self, client: FlaskClient) -> None:
        assert_problem(client.post("/images", data={"a": "b"}, content_type="multipart/form-data"), 400, "no_file")
        assert_problem(client.post("/images", json={}), 400, "no_file")
        assert_problem(client.post("/images", json={"image": None}), 400, "no_file")

    @pytest.mark.parametrize("content_type", ["image/jpeg", "text/plain", "application/x-www-form-urlencoded"])
    def test_another_kind_of_body(self, client: FlaskClient, content_type: str) -> None:
        assert_problem(client.post("/images", data=JPEG, content_type=content_type), 415, "unsupported_media_type")
        assert_problem(client.post("/images"), 415, "unsupported_media_type")
