"""Clients written for the five earlier services work unchanged: each document's requests, as that document writes them.

Only what a document leaves open is filled in: file names, and the ids that it says come out of an earlier answer.
"""

from __future__ import annotations

import base64
import io
import json
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.surfaces.curl import curl

DOCUMENTED_ID = "550e8400-e29b-41d4-a716-446655440000"
V1 = "http://localhost:5000/api/v1"


def path_of(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.path}?{parts.query}" if parts.query else parts.path


def assert_time(text: str) -> None:
    """ISO 8601, and of a known zone."""
    assert datetime.fromisoformat(text).utcoffset() is not None


class TestPrimary:
    """Seed 000."""

    def test_the_table_of_endpoints(self, client: FlaskClient, jpeg_photo: bytes, png_photo: bytes) -> None:
        made = client.post("/upload", data={"file": (io.BytesIO(jpeg_photo), "photo.jpg")})
        assert made.status_code == 201
        key = made.get_json()["key"]
        with client.get(f"/image/{key}") as read:
            assert (read.status_code, read.data) == (200, jpeg_photo)
        replaced = client.put(f"/update/{key}", data={"file": (io.BytesIO(png_photo), "photo.png")})
        assert replaced.status_code == 200
        with client.get(f"/image/{key}") as read:
            assert read.data == png_photo
        assert client.delete(f"/delete/{key}").status_code == 200
        assert client.get(f"/image/{key}").status_code == 404

    def test_the_example_route(self, client: FlaskClient) -> None:
        refused = client.post("/upload", data={})
        assert refused.status_code == 400
        assert refused.get_json()["error"] == "no file provided"


class TestPresignedFirst:
    """Seed 001."""

    REQUEST = """{
     "user_id": "user123",
     "content_type": "image/jpeg",
     "tags": ["profile","mobile"],
     "description": "Sample image"
   }"""

    def test_upload_list_download_delete(self, client: FlaskClient, jpeg_photo: bytes) -> None:
        made = client.post("/images/upload", data=self.REQUEST, content_type="application/json")
        assert made.get_json().keys() >= {"image_id", "upload_url"}
        image_id = made.get_json()["image_id"]
        put = curl(
            client,
            f"""curl -X PUT "{made.get_json()["upload_url"]}" \\
     -H "Content-Type: image/jpeg" \\
     --data-binary @test.jpg""",
            {"test.jpg": jpeg_photo},
        )
        assert put.status_code == 200
        [image] = client.get("/images?user_id=user123&tag=profile").get_json()["images"]
        assert {name: image[name] for name in ("user_id", "image_id", "content_type", "tags", "description")} == {
            "user_id": "user123",
            "image_id": image_id,
            "content_type": "image/jpeg",
            "tags": ["profile", "mobile"],
            "description": "Sample image",
        }
        assert image["s3_key"]
        assert_time(image["upload_time"])
        answer = client.get(f"/images/{image_id}/download")
        with client.get(path_of(answer.get_json()["download_url"])) as read:
            assert read.data == jpeg_photo
        assert client.delete(f"/images/{image_id}?user_id=user123").status_code == 200
        assert client.get("/images?user_id=user123").get_json()["images"] == []

    def test_the_interactive_documentation(self, client: FlaskClient) -> None:
        assert client.get("/docs").content_type.startswith("text/html")


class TestServerless:
    """Seed 002."""

    @pytest.mark.parametrize("way", ["form", "base64"])
    def test_upload_list_fetch_delete(self, client: FlaskClient, jpeg_photo: bytes, way: str) -> None:
        if way == "form":
            form = {"user_id": "u", "tags": "a,b", "description": "d", "width": "640", "height": "427"}
            made = client.post("/images", data={**form, "file": (io.BytesIO(jpeg_photo), "a.jpg")})
        else:
            body = {"user_id": "u", "tags": ["a", "b"], "description": "d"}
            made = client.post("/images", json={**body, "image": base64.b64encode(jpeg_photo).decode()})
        assert made.status_code == 201
        image_id = made.get_json()["image_id"]
        page = client.get("/images?user_id=u&tags=a,b&limit=1").get_json()
        assert [image["image_id"] for image in page["images"]] == [image_id]
        fetched = client.get(f"/images/{image_id}?download=true&expires_in=60").get_json()
        with client.get(path_of(fetched["url"])) as read:
            assert read.data == jpeg_photo
            assert read.headers["Content-Disposition"].startswith("attachment")
        assert client.delete(f"/images/{image_id}").status_code == 200
        assert client.get(f"/images/{image_id}").status_code == 404

    def test_page_by_page_with_a_last_key_that_is_a_json_object(self, client: FlaskClient, jpeg_photo: bytes) -> None:
        for _ in range(3):
            client.post("/images", data={"user_id": "u", "file": (io.BytesIO(jpeg_photo), "a.jpg")})
        seen, last_key = [], None
        while True:
            query = {"user_id": "u", "limit": "1"} | ({"last_key": json.dumps(last_key)} if last_key else {})
            page = client.get("/images", query_string=query).get_json()
            seen += [image["image_id"] for image in page["images"]]
            if (last_key := page["last_key"]) is None:
                break
            assert isinstance(last_key, dict)
        assert len(set(seen)) == len(seen) == 3

    @pytest.mark.parametrize("query", ["limit=0", "limit=101", "limit=x", "last_key=x", "last_key=[1]"])
    def test_the_rules_of_a_listing(self, client: FlaskClient, query: str) -> None:
        assert client.get(f"/images?{query}").status_code == 400

    @pytest.mark.parametrize("query", ["expires_in=0", "expires_in=604801", "expires_in=x"])
    def test_the_rules_of_an_image(self, client: FlaskClient, jpeg_photo: bytes, query: str) -> None:
        made = client.post("/images", data={"user_id": "u", "file": (io.BytesIO(jpeg_photo), "a.jpg")}).get_json()
        assert client.get(f"/images/{made['image_id']}?{query}").status_code == 400


class TestUploadPages:
    """Seed 003."""

    def test_page_upload_latest_and_all(self, client: FlaskClient, jpeg_photo: bytes) -> None:
        page = client.get("/user123")
        assert (page.status_code, page.mimetype) == (200, "text/html")
        made = client.post("/upload/user123", data={"file": (io.BytesIO(jpeg_photo), "photo.jpg")}).get_json()
        assert made.keys() >= {"success", "message", "image_id", "s3_url", "uploaded_at"}
        assert (made["success"], made["message"]) == (True, "Image uploaded successfully")
        assert made["image_id"] == "user123"
        latest = client.get("/api/url/user123").get_json()
        assert (latest["success"], latest["image_id"]) == (True, "user123")
        assert (latest["original_filename"], latest["file_size"]) == ("photo.jpg", len(jpeg_photo))
        assert (latest["content_type"], latest["uploaded_at"]) == ("image/jpeg", made["uploaded_at"])
        assert_time(latest["uploaded_at"])
        for url in (made["s3_url"], latest["s3_url"]):
            with client.get(path_of(url)) as read:
                assert read.data == jpeg_photo
        every = client.get("/api/images/user123").get_json()
        assert (every["success"], every["count"], len(every["images"])) == (True, 1, 1)

    def test_health(self, client: FlaskClient) -> None:
        body = client.get("/health").get_json()
        assert body["status"] == "healthy"
        assert_time(body["timestamp"])
        assert body["environment"] == "development"


class TestVersionOne:
    """Seed 004, its ``curl`` lines word for word."""

    UPLOAD = """curl -X POST http://localhost:5000/api/v1/images/upload \\
  -H "X-User-ID: user-123" \\
  -F "file=@/path/to/image.jpg" \\
  -F "title=My Vacation" \\
  -F "description=Beach photo from summer" \\
  -F "tags=vacation, beach, summer"
"""
    OWN = """curl -X GET "http://localhost:5000/api/v1/images" \\
  -H "X-User-ID: user-123"
"""
    BY_TAGS = """curl -X GET "http://localhost:5000/api/v1/images?filter_by=tags&tags=vacation,beach&limit=5" \\
  -H "X-User-ID: user-123"
"""
    BY_TITLE = """curl -X GET "http://localhost:5000/api/v1/images?filter_by=title&title=Vacation" \\
  -H "X-User-ID: user-123"
"""
    OF_ANOTHER = """curl -X GET "http://localhost:5000/api/v1/images?filter_by=user&user_id=user-456" \\
  -H "X-User-ID: user-123"
"""
    READ = """curl -X GET "http://localhost:5000/api/v1/images/550e8400-e29b-41d4-a716-446655440000" \\
  -H "X-User-ID: user-123" \\
  -o downloaded_image.jpg
"""
    UPDATE = """curl -X PUT "http://localhost:5000/api/v1/images/550e8400-e29b-41d4-a716-446655440000" \\
  -H "X-User-ID: user-123" \\
  -H "Content-Type: application/json" \\
  -d '{
    "title": "Updated Vacation Photo",
    "tags": ["updated", "vacation"]
  }'
"""
    DELETE = """curl -X DELETE "http://localhost:5000/api/v1/images/550e8400-e29b-41d4-a716-446655440000" \\
  -H "X-User-ID: user-123"
"""
    HEALTH = """curl -X GET "http://localhost:5000/health"
"""
    LISTED = ("image_id", "user_id", "title", "description", "tags", "s3_key", "created_at", "updated_at", "url")

    @pytest.fixture
    def made(self, client: FlaskClient, jpeg_photo: bytes) -> dict[str, Any]:
        answer = curl(client, self.UPLOAD, {"/path/to/image.jpg": jpeg_photo})
        assert answer.status_code == 201
        body: dict[str, Any] = answer.get_json()
        return body

    def test_upload(self, made: dict[str, Any]) -> None:
        assert {name: made[name] for name in ("message", "user_id", "s3_key", "title", "description", "tags")} == {
            "message": "Image uploaded successfully",
            "user_id": "user-123",
            "s3_key": f"images/{made['image_id']}/image.jpg",
            "title": "My Vacation",
            "description": "Beach photo from summer",
            "tags": ["vacation", "beach", "summer"],
        }

    @pytest.mark.parametrize(("line", "name"), [(OWN, "user"), (BY_TAGS, "tags"), (BY_TITLE, "title")])
    def test_list(self, client: FlaskClient, made: dict[str, Any], jpeg_photo: bytes, line: str, name: str) -> None:
        answer = curl(client, line)
        assert answer.status_code == 200
        body = answer.get_json()
        assert (body["count"], body["filter"]) == (1, name)
        [image] = body["images"]
        assert {member: image[member] for member in self.LISTED[:6]} == {
            member: made[member] for member in self.LISTED[:6]
        }
        assert_time(image["created_at"])
        assert_time(image["updated_at"])
        with client.get(path_of(image["url"])) as read:
            assert read.data == jpeg_photo

    def test_another_users_images(self, client: FlaskClient, made: dict[str, Any]) -> None:
        assert curl(client, self.OF_ANOTHER).get_json() == {
            "count": 0, "filter": "user", "images": [], "cursor": None, "next": None,
        }  # fmt: skip
        assert curl(client, self.OF_ANOTHER.replace("user-456", made["user_id"])).get_json()["count"] == 1

    def for_real(self, client: FlaskClient, line: str, made: dict[str, Any]) -> TestResponse:
        """The line with the id that the upload answered; as it is written, it names an image that does not exist."""
        assert curl(client, line).status_code == 404
        return curl(client, line.replace(DOCUMENTED_ID, made["image_id"]))

    def test_read(self, client: FlaskClient, made: dict[str, Any], jpeg_photo: bytes) -> None:
        with self.for_real(client, self.READ, made) as answer:
            assert (answer.status_code, answer.data) == (200, jpeg_photo)
            assert answer.headers["Content-Type"] == "image/jpeg"

    def test_update(self, client: FlaskClient, made: dict[str, Any]) -> None:
        answer = self.for_real(client, self.UPDATE, made)
        assert (answer.status_code, answer.get_json()) == (200, {"message": "Metadata updated successfully"})
        [image] = curl(client, self.OWN).get_json()["images"]
        assert (image["title"], image["tags"]) == ("Updated Vacation Photo", ["updated", "vacation"])
        assert image["description"] == "Beach photo from summer"

    def test_delete(self, client: FlaskClient, made: dict[str, Any]) -> None:
        answer = self.for_real(client, self.DELETE, made)
        assert (answer.status_code, answer.get_json()) == (200, {"message": "Image deleted successfully"})
        assert curl(client, self.OWN).get_json()["count"] == 0

    @pytest.mark.parametrize("line", [HEALTH, HEALTH.replace("http://localhost:5000", V1)])
    def test_health(self, client: FlaskClient, line: str) -> None:
        answer = curl(client, line)
        assert (answer.status_code, answer.get_json()["status"]) == (200, "healthy")

    @pytest.mark.parametrize("line", [OWN, BY_TAGS, BY_TITLE, OF_ANOTHER, READ, UPDATE, DELETE])
    def test_without_the_header(self, client: FlaskClient, line: str) -> None:
        answer = curl(client, line.replace('-H "X-User-ID: user-123"', ""))
        assert answer.status_code == 401
        assert answer.get_json()["error"]

    def test_no_file_and_a_wrong_one(self, client: FlaskClient) -> None:
        assert curl(client, self.UPLOAD.replace('-F "file=@/path/to/image.jpg"', "")).status_code == 400
        assert curl(client, self.UPLOAD, {"/path/to/image.jpg": b"not an image"}).status_code == 400
