"""What the surface suites ask again and again."""

from __future__ import annotations

import io
from typing import Any

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

PROBLEM_MEMBERS = {"type", "title", "status", "detail", "error", "code", "request_id"}
STORED = {
    "key", "image_id", "url", "content_type", "size", "width", "height", "sha256", "etag", "version_id",
}  # fmt: skip
"""What surface 0 answers when it has stored an image."""
METADATA = {
    "image_id", "user_id", "s3_key", "key", "content_type", "size", "width", "height", "sha256", "title", "description",
    "tags", "upload_time", "created_at", "updated_at", "version_id", "status", "original_filename", "visibility",
}  # fmt: skip
"""The members of the metadata object."""


def upload(client: FlaskClient, data: bytes, name: str = "photo.jpg", **fields: Any) -> TestResponse:
    headers = fields.pop("headers", {})
    return client.post("/upload", data={**fields, "file": (io.BytesIO(data), name)}, headers=headers)


def assert_problem(response: TestResponse, status: int, code: str) -> dict[str, Any]:
    assert response.status_code == status, response.get_data(as_text=True)
    assert response.content_type == "application/problem+json"
    body = response.get_json()
    assert body.keys() >= PROBLEM_MEMBERS
    assert (body["status"], body["code"]) == (status, code)
    assert body["error"] == body["detail"]
    assert "\n" not in body["error"]
    assert body["request_id"] == response.headers["X-Request-ID"]
    assert response.headers["Cache-Control"] == "no-store"
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    return body
