"""Surface 0, row by row of its contract: replacing, deleting, restoring, and who may."""

from __future__ import annotations

import io
import uuid
from datetime import UTC, datetime

import pytest
from flask.testing import FlaskClient

from tests.surfaces.helpers import STORED, assert_problem, upload


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
                refused = assert_problem(answer, 412, "precondition_failed")
                assert all(name in refused["detail"] for name in headers)
        assert len(client.get(f"/image/{key}/versions").get_json()["versions"]) == 1
        assert client.delete(f"/delete/{key}", headers={"If-Match": first["etag"]}).status_code == 200

    def test_if_none_match(self, client: FlaskClient, jpeg_photo: bytes, png_photo: bytes) -> None:
        first = upload(client, jpeg_photo).get_json()
        url, etag = f"/update/{first['key']}", first["etag"]
        for headers in (
            {"If-None-Match": "*"},
            {"If-None-Match": f'"x", W/{etag}'},
            {"If-Match": etag, "If-None-Match": etag},
            {"If-Match": '"x"', "If-None-Match": '"x"'},
        ):
            refused = assert_problem(client.put(url, data=png_photo, headers=headers), 412, "precondition_failed")
            assert "If-None-Match" in refused["detail"]
        assert client.get(f"/image/{first['key']}").data == jpeg_photo
        assert client.put(url, data=png_photo, headers={"If-None-Match": '"x"'}).status_code == 200
        client.delete(f"/delete/{first['key']}")
        restore = {"version_id": first["version_id"]}
        back = client.post(f"/image/{first['key']}/restore", json=restore, headers={"If-None-Match": "*"})
        assert back.status_code == 200

    def test_dates_tell_versions_of_one_second_apart(
        self, client: FlaskClient, jpeg_photo: bytes, png_photo: bytes
    ) -> None:
        first = upload(client, jpeg_photo).get_json()
        key = first["key"]
        for _ in range(2):
            modified = client.get(f"/image/{key}").headers["Last-Modified"]
            assert client.put(f"/update/{key}", data=png_photo).status_code == 200
            assert client.get(f"/image/{key}", headers={"If-Modified-Since": modified}).data == png_photo
            late = client.put(f"/update/{key}", data=jpeg_photo, headers={"If-Unmodified-Since": modified})
            assert_problem(late, 412, "precondition_failed")
        client.delete(f"/delete/{key}")
        restored = client.post(f"/image/{key}/restore", json={"version_id": first["version_id"]})
        assert restored.status_code == 200
        assert client.get(f"/image/{key}", headers={"If-Modified-Since": modified}).data == jpeg_photo
        answer = client.get(f"/image/{key}")
        assert answer.last_modified is not None
        assert answer.last_modified <= datetime.now(UTC)
        versions = client.get(f"/image/{key}/versions").get_json()["versions"]
        moments = [version["created_at"][:19] for version in versions]
        assert moments == sorted(set(moments), reverse=True)

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
