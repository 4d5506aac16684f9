"""Surface 1: metadata, download, status, PATCH, DELETE."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.datastructures import ImmutableMultiDict
from werkzeug.test import TestResponse

from services.errors import BackendMisconfigured
from tests.surfaces.helpers import assert_problem
from tests.surfaces.images_client import JPEG, ids, listed, store

UNKNOWN = "550e8400-e29b-41d4-a716-446655440000"


class TestRead:
    def test_metadata_and_a_url(self, client: FlaskClient) -> None:
        image = store(client)
        answer = client.get(f"/images/{image['image_id']}")
        body = answer.get_json()
        assert {name: body[name] for name in image} == image
        assert body["expires_in"] == 3600
        assert answer.headers["Cache-Control"] == "no-store"
        fetched = client.get(body["url"].removeprefix("http://localhost"))
        assert fetched.data == JPEG
        assert fetched.headers["Content-Disposition"].startswith("inline")

    @pytest.mark.parametrize("flag", ["true", "1", "True", ""])
    def test_as_an_attachment(self, client: FlaskClient, flag: str) -> None:
        url = client.get(f"/images/{store(client)['image_id']}?download={flag}").get_json()["url"]
        fetched = client.get(url.removeprefix("http://localhost"))
        assert fetched.headers["Content-Disposition"] == 'attachment; filename="a b.jpg"'

    @pytest.mark.parametrize("path", ["", "/download"])
    @pytest.mark.parametrize("expires_in", [1, 604800])
    def test_a_life_of_its_own(self, client: FlaskClient, path: str, expires_in: int) -> None:
        url = f"/images/{store(client)['image_id']}{path}?expires_in={expires_in}"
        assert client.get(url).get_json()["expires_in"] == expires_in

    @pytest.mark.parametrize("path", ["", "/download"])
    @pytest.mark.parametrize("expires_in", ["0", "604801", "-1", "x", "1.5", ""])
    def test_a_life_out_of_bounds(self, client: FlaskClient, path: str, expires_in: str) -> None:
        answer = client.get(f"/images/{store(client)['image_id']}{path}?expires_in={expires_in}")
        assert_problem(answer, 400, "invalid_input")

    def test_download(self, client: FlaskClient) -> None:
        body = client.get(f"/images/{store(client)['image_id']}/download").get_json()
        assert body.keys() == {"download_url", "expires_in"}
        fetched = client.get(body["download_url"].removeprefix("http://localhost"))
        assert fetched.data == JPEG
        assert fetched.headers["Content-Disposition"].startswith("attachment")

    @pytest.mark.parametrize("suffix", ["", ".jpg", ".png"])
    def test_the_extension_is_decoration(self, client: FlaskClient, suffix: str) -> None:
        image_id = store(client)["image_id"]
        assert client.get(f"/images/{image_id}{suffix}").get_json()["image_id"] == image_id

    def test_reads_are_open(self, client: FlaskClient) -> None:
        image = store(client, user_id="u")
        assert client.get(f"/images/{image['image_id']}", headers={"X-User-ID": "v"}).status_code == 200

    def test_a_presigning_failure(self, make_app: Callable[..., Flask], monkeypatch: pytest.MonkeyPatch) -> None:
        app = make_app()
        client = app.test_client()
        image = store(client)

        def refuse(*_: Any, **__: Any) -> str:
            raise BackendMisconfigured(detail="no credentials")

        monkeypatch.setattr(app.extensions["image-service"].images._urls, "presign_get", refuse)
        for path in (f"/images/{image['image_id']}", f"/images/{image['image_id']}/download", "/images?urls=1"):
            answer = client.get(path)
            body = assert_problem(answer, 503, "backend_unavailable")
            assert "credentials" not in json.dumps(body)
            assert answer.headers["Retry-After"]
        assert client.get("/images").status_code == 200

    def test_status(self, client: FlaskClient) -> None:
        image_id = store(client)["image_id"]
        assert client.get(f"/images/{image_id}/status").get_json() == {
            "image_id": image_id, "status": "ready", "code": None, "reason": None,
        }  # fmt: skip
        client.delete(f"/images/{image_id}")
        assert_problem(client.get(f"/images/{image_id}/status"), 404, "not_found")


class TestChange:
    def test_what_is_given_changes(self, client: FlaskClient) -> None:
        image = store(client, title="old", description="d", tags="a")
        answer = client.patch(f"/images/{image['image_id']}", json={"title": "new", "tags": ["b", "a"]})
        assert answer.status_code == 200
        body = answer.get_json()
        assert (body["title"], body["description"], body["tags"]) == ("new", "d", ["b", "a"])
        assert body["updated_at"] > image["updated_at"]
        assert (body["created_at"], body["version_id"]) == (image["created_at"], image["version_id"])
        assert ids(client, title="new", tag="b") == [image["image_id"]]
        assert ids(client, title="old") == []

    def test_all_members(self, client: FlaskClient) -> None:
        changes = {"title": "t", "description": "d\ne", "tags": "x, y", "visibility": "public"}
        body = client.patch(f"/images/{store(client)['image_id']}", json=changes).get_json()
        assert (body["title"], body["description"], body["tags"], body["visibility"]) == (
            "t", "d\ne", ["x", "y"], "public",
        )  # fmt: skip

    def test_null_empties(self, client: FlaskClient) -> None:
        image = store(client, title="t", description="d", tags="a", visibility="public")
        nothing = dict.fromkeys(("title", "description", "tags", "visibility"))
        body = client.patch(f"/images/{image['image_id']}", json=nothing).get_json()
        assert (body["title"], body["description"], body["tags"], body["visibility"]) == ("", "", [], "private")

    @pytest.mark.parametrize(
        "changes",
        [
            {"width": 3},
            {"Title": "x"},
            {"image_id": UNKNOWN},
            {"title": "x" * 256},
            {"title": 1},
            {"title": "a\nb"},
            {"tags": 5},
            {"tags": ["x" * 65]},
            {"visibility": "secret"},
            {"user_id": ""},
            [],
            "x",
        ],
    )
    def test_what_is_not_valid(self, client: FlaskClient, changes: Any) -> None:
        image = store(client, title="t")
        answer = client.patch(f"/images/{image['image_id']}", json=changes)
        assert answer.status_code == 400
        assert listed(client)["images"] == [image]

    def test_other_bodies(self, client: FlaskClient) -> None:
        url = f"/images/{store(client)['image_id']}"
        assert_problem(client.patch(url, data="x", content_type="application/json"), 400, "invalid_input")
        assert_problem(client.patch(url, data="title=x"), 415, "unsupported_media_type")

    def test_a_condition(self, client: FlaskClient) -> None:
        image = store(client, title="old")
        url = f"/images/{image['image_id']}"
        refused = client.patch(url, json={"title": "new"}, headers={"If-Match": '"other"'})
        assert_problem(refused, 412, "precondition_failed")
        assert client.get(url).get_json()["title"] == "old"
        held = client.patch(url, json={"title": "new"}, headers={"If-Match": f'"{image["sha256"]}"'})
        assert (held.status_code, held.get_json()["title"]) == (200, "new")


class TestDelete:
    def test_it_is_gone(self, client: FlaskClient) -> None:
        image_id = store(client, user_id="u")["image_id"]
        answer = client.delete(f"/images/{image_id}?user_id=u")
        assert (answer.status_code, answer.get_json()["image_id"]) == (200, image_id)
        assert answer.get_json()["message"]
        for path in (f"/images/{image_id}", f"/images/{image_id}/download", f"/image/{image_id}"):
            assert client.get(path).status_code == 404
        assert_problem(client.delete(f"/images/{image_id}?user_id=u"), 404, "not_found")

    def test_only_as_it_was_read(self, client: FlaskClient) -> None:
        image = store(client)
        url = f"/images/{image['image_id']}"
        assert_problem(client.delete(url, headers={"If-Match": '"other"'}), 412, "precondition_failed")
        assert client.delete(url, headers={"If-Match": f'"{image["sha256"]}"'}).status_code == 200

    def test_with_an_extension(self, client: FlaskClient) -> None:
        image = store(client)
        assert client.delete(f"/images/{image['key']}").get_json()["image_id"] == image["image_id"]


Request = Callable[[FlaskClient, str, dict[str, str]], TestResponse]
CHANGES: list[Request] = [
    lambda client, url, headers: client.patch(url, json={"title": "x"}, headers=headers),
    lambda client, url, headers: client.delete(url, headers=headers),
]
REQUESTS: list[Request] = [
    *CHANGES,
    lambda client, url, headers: client.get(url, headers=headers),
    lambda client, url, headers: client.get(f"{url}/download", headers=headers),
    lambda client, url, headers: client.get(f"{url}/status", headers=headers),
]


@pytest.mark.parametrize("send", REQUESTS)
@pytest.mark.parametrize("image_id", [UNKNOWN, "nope", "%00", "a" * 5000, "' OR 1=1", "☕"])
def test_unknown_images(client: FlaskClient, send: Request, image_id: str) -> None:
    assert_problem(send(client, f"/images/{image_id}", {}), 404, "not_found")


@pytest.mark.parametrize("send", CHANGES)
def test_foreign_images_look_unknown(client: FlaskClient, send: Request) -> None:
    image = store(client, user_id="u")
    members = [
        assert_problem(send(client, f"/images/{image_id}", {"X-User-ID": "v"}), 404, "not_found")
        for image_id in (image["image_id"], UNKNOWN)
    ]
    assert [{**body, "request_id": ""} for body in members[:1]] == [{**body, "request_id": ""} for body in members[1:]]
    assert send(client, f"/images/{image['image_id']}", {"X-User-ID": "u"}).status_code == 200


def test_a_change_that_names_another_in_its_body(client: FlaskClient) -> None:
    image = store(client, user_id="u")
    url = f"/images/{image['image_id']}"
    assert_problem(client.patch(url, json={"title": "x", "user_id": "v"}), 404, "not_found")
    assert client.patch(url, json={"title": "x", "user_id": "u"}).get_json()["title"] == "x"
    both = client.patch(url, json={"title": "y", "user_id": "u"}, headers={"X-User-ID": "v"})
    assert_problem(both, 400, "invalid_field")
    assert client.delete(url, query_string=ImmutableMultiDict([("user_id", "v")])).status_code == 404


def test_seen_through_the_other_surfaces(client: FlaskClient) -> None:
    image = store(client, user_id="u", title="t")
    assert client.get(f"/image/{image['image_id']}").data == JPEG
    assert client.get(f"/api/v1/images/{image['image_id']}", headers={"X-User-ID": "v"}).data == JPEG
    uploaded = client.post("/upload?user_id=u", data={"file": (io.BytesIO(JPEG), "x.jpg")}).get_json()
    assert ids(client, user_id="u") == [uploaded["image_id"], image["image_id"]]


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("PUT", "/images", "GET, HEAD, OPTIONS, POST"),
        ("POST", f"/images/{UNKNOWN}", "DELETE, GET, HEAD, OPTIONS, PATCH"),
        ("POST", f"/images/{UNKNOWN}/download", "GET, HEAD, OPTIONS"),
    ],
)
def test_other_methods(client: FlaskClient, method: str, path: str, allowed: str) -> None:
    answer = client.open(path, method=method)
    assert_problem(answer, 405, "method_not_allowed")
    assert answer.headers["Allow"] == allowed
