"""Surface 2, row by row of its document: reading, changing and deleting one image."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.surfaces.helpers import assert_problem

ME = {"X-User-ID": "user-123"}
YOU = {"X-User-ID": "user-456"}
UNKNOWN = "550e8400-e29b-41d4-a716-446655440000"


@pytest.fixture
def made(client: FlaskClient, jpeg_photo: bytes) -> dict[str, Any]:
    form = {"file": (io.BytesIO(jpeg_photo), "ünï.jpg"), "title": "Mine", "description": "d", "tags": "a,b"}
    body: dict[str, Any] = client.post("/api/v1/images/upload", data=form, headers=ME).get_json()
    return body


@pytest.fixture
def url(made: dict[str, Any]) -> str:
    return f"/api/v1/images/{made['image_id']}"


def described(client: FlaskClient, made: dict[str, Any]) -> dict[str, Any]:
    images = client.get("/api/v1/images", headers=ME).get_json()["images"]
    return next(image for image in images if image["image_id"] == made["image_id"])


class TestRead:
    def test_the_bytes_and_their_headers(self, client: FlaskClient, url: str, jpeg_photo: bytes) -> None:
        with client.get(url, headers=ME) as answer:
            assert (answer.status_code, answer.data) == (200, jpeg_photo)
            headers = answer.headers
        assert headers["Content-Type"] == "image/jpeg"
        assert headers["Content-Length"] == str(len(jpeg_photo))
        assert headers["Content-Disposition"].startswith("inline; filename=_n_.jpg")
        assert headers["Accept-Ranges"] == "bytes"
        assert headers["Cache-Control"] == "private, no-cache"
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Last-Modified"].endswith("GMT")

    @pytest.mark.parametrize("wanted", ["=1", "=true", "=", ""])
    def test_as_an_attachment(self, client: FlaskClient, url: str, wanted: str) -> None:
        with client.get(f"{url}?download{wanted}", headers=ME) as answer:
            disposition = answer.headers["Content-Disposition"]
        assert disposition == "attachment; filename=_n_.jpg; filename*=UTF-8''%C3%BCn%C3%AF.jpg"

    def test_a_flag_that_is_none(self, client: FlaskClient, url: str) -> None:
        assert_problem(client.get(f"{url}?download=maybe", headers=ME), 400, "invalid_input")

    def test_conditions_and_ranges(
        self, client: FlaskClient, url: str, made: dict[str, Any], jpeg_photo: bytes
    ) -> None:
        tag = f'"{made["sha256"]}"'
        assert client.get(url, headers={**ME, "If-None-Match": tag}).status_code == 304
        assert_problem(client.get(url, headers={**ME, "If-Match": '"x"'}), 412, "precondition_failed")
        with client.get(url, headers={**ME, "Range": "bytes=0-9"}) as part:
            assert (part.status_code, part.data) == (206, jpeg_photo[:10])
        out = client.get(url, headers={**ME, "Range": "bytes=99999999-"})
        assert_problem(out, 416, "range_not_satisfiable")
        assert out.headers["Content-Range"] == f"bytes */{len(jpeg_photo)}"

    def test_head(self, client: FlaskClient, url: str, jpeg_photo: bytes) -> None:
        answer = client.head(url, headers=ME)
        assert (answer.status_code, answer.data) == (200, b"")
        assert answer.headers["Content-Length"] == str(len(jpeg_photo))

    def test_the_extension_is_decoration(self, client: FlaskClient, url: str) -> None:
        for suffix in (".jpg", ".png", ".x"):
            with client.get(url + suffix, headers=ME) as answer:
                assert answer.status_code == 200

    def test_others_may_read_with_authentication_off(self, client: FlaskClient, url: str) -> None:
        with client.get(url, headers=YOU) as answer:
            assert answer.status_code == 200

    @pytest.mark.parametrize("name", [UNKNOWN, "nope", "..", "a" * 5000])
    def test_unknown(self, client: FlaskClient, name: str) -> None:
        assert_problem(client.get(f"/api/v1/images/{name}", headers=ME), 404, "not_found")


class TestUpdate:
    def test_answers_as_documented(self, client: FlaskClient, url: str, made: dict[str, Any]) -> None:
        body = {"title": "Updated Title", "description": "Updated description", "tags": ["new-tag1", "new-tag2"]}
        answer = client.put(url, json=body, headers=ME)
        assert (answer.status_code, answer.get_json()) == (200, {"message": "Metadata updated successfully"})
        now = described(client, made)
        assert {name: now[name] for name in body} == body
        assert now["updated_at"] > made["updated_at"]
        assert (now["created_at"], now["version_id"]) == (made["created_at"], made["version_id"])

    @pytest.mark.parametrize(
        ("body", "changed"),
        [
            ({}, {}),
            ({"title": "t"}, {"title": "t"}),
            ({"title": ""}, {"title": ""}),
            ({"description": "two\nlines"}, {"description": "two\nlines"}),
            ({"tags": ["x", "x", " y "]}, {"tags": ["x", "y"]}),
            ({"tags": "new-tag1, new-tag2"}, {"tags": ["new-tag1", "new-tag2"]}),
            ({"tags": []}, {"tags": []}),
            ({"title": None, "description": None, "tags": None}, {}),
            ({"tags": ""}, {"tags": []}),
            ({"image_id": "x", "user_id": "user-456", "s3_key": "x", "title": "t"}, {"title": "t"}),
        ],
    )
    def test_every_field_is_optional(
        self, client: FlaskClient, url: str, made: dict[str, Any], body: dict[str, Any], changed: dict[str, Any]
    ) -> None:
        assert client.put(url, json=body, headers=ME).status_code == 200
        now = described(client, made)
        ignored = {"updated_at", "url", "message"}
        expected = {**made, **changed}
        assert {name: now[name] for name in now if name not in ignored} == {
            name: expected[name] for name in expected if name not in ignored
        }

    @pytest.mark.parametrize(
        ("body", "code"),
        [
            ({"title": 7}, "invalid_input"),
            ({"description": ["x"]}, "invalid_input"),
            ({"tags": 7}, "invalid_input"),
            ({"tags": {"a": "b"}}, "invalid_input"),
            ({"tags": ["a", 7]}, "invalid_input"),
            ([], "invalid_input"),
            ("title", "invalid_input"),
            (None, "invalid_input"),
            ({"title": "x" * 256}, "invalid_field"),
            ({"title": "two\nlines"}, "invalid_field"),
            ({"title": "\ud800"}, "invalid_field"),
            ({"description": "x" * 4001}, "invalid_field"),
            ({"tags": ["t" * 65]}, "invalid_field"),
            ({"tags": [f"t{n}" for n in range(21)]}, "invalid_field"),
            ({"tags": "x" * 10_000}, "invalid_field"),
        ],
    )
    def test_a_bad_change_changes_nothing(
        self, client: FlaskClient, url: str, made: dict[str, Any], body: Any, code: str
    ) -> None:
        sent = {**ME, "Content-Type": "application/json"}
        assert_problem(client.put(url, data=json.dumps(body), headers=sent), 400, code)
        assert described(client, made)["updated_at"] == made["updated_at"]

    def test_a_body_that_is_no_json(self, client: FlaskClient, url: str) -> None:
        sent = {**ME, "Content-Type": "application/json"}
        assert_problem(client.put(url, data="{", headers=sent), 400, "invalid_input")
        assert_problem(client.put(url, data="{}" + " " * 70_000, headers=sent), 413, "too_large")
        assert_problem(client.put(url, data="title=x", headers=ME), 415, "unsupported_media_type")

    def test_foreign_and_unknown_are_the_same(self, client: FlaskClient, url: str, made: dict[str, Any]) -> None:
        foreign = assert_problem(client.put(url, json={"title": "t"}, headers=YOU), 404, "not_found")
        unknown = client.put(f"/api/v1/images/{UNKNOWN}", json={"title": "t"}, headers=YOU)
        assert {**assert_problem(unknown, 404, "not_found"), "request_id": ""} == {**foreign, "request_id": ""}
        assert described(client, made)["title"] == "Mine"

    def test_a_new_title_is_found_and_the_old_one_is_not(self, client: FlaskClient, url: str) -> None:
        client.put(url, json={"title": "Yours", "tags": ["c"]}, headers=ME)

        def count(query: str) -> int:
            return int(client.get(f"/api/v1/images?{query}", headers=ME).get_json()["count"])

        assert [count(f"filter_by=title&title={word}") for word in ("yours", "mine")] == [1, 0]
        assert [count(f"filter_by=tags&tags={tag}") for tag in ("c", "a")] == [1, 0]

    def test_a_condition(self, client: FlaskClient, url: str, made: dict[str, Any]) -> None:
        refused = client.put(url, json={"title": "t"}, headers={**ME, "If-Match": '"x"'})
        assert_problem(refused, 412, "precondition_failed")
        assert described(client, made)["title"] == "Mine"
        held = {**ME, "If-Match": f'"{made["sha256"]}"'}
        assert client.put(url, json={"title": "t"}, headers=held).status_code == 200


class TestDelete:
    def test_answers_as_documented(self, client: FlaskClient, url: str) -> None:
        answer = client.delete(url, headers=ME)
        assert (answer.status_code, answer.get_json()) == (200, {"message": "Image deleted successfully"})
        for gone in (
            client.get(url, headers=ME), client.delete(url, headers=ME), client.put(url, json={}, headers=ME),
        ):  # fmt: skip
            assert_problem(gone, 404, "not_found")

    def test_foreign_and_unknown_are_the_same(self, client: FlaskClient, url: str) -> None:
        foreign = assert_problem(client.delete(url, headers=YOU), 404, "not_found")
        unknown = assert_problem(client.delete(f"/api/v1/images/{UNKNOWN}", headers=YOU), 404, "not_found")
        assert {**unknown, "request_id": ""} == {**foreign, "request_id": ""}
        assert client.head(url, headers=ME).status_code == 200

    def test_conditions(self, client: FlaskClient, url: str, made: dict[str, Any]) -> None:
        assert_problem(client.delete(url, headers={**ME, "If-Match": '"x"'}), 412, "precondition_failed")
        assert client.delete(url, headers={**ME, "If-Match": f'"{made["sha256"]}"'}).status_code == 200
