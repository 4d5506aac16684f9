"""Requests of surface 1 that its suites send again and again."""

from __future__ import annotations

import base64
import io
from typing import Any

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests import images

JPEG = images.jpeg()


def begin(client: FlaskClient, headers: dict[str, str] | None = None, **members: Any) -> TestResponse:
    return client.post("/images/upload", json={"content_type": "image/jpeg", **members}, headers=headers or {})


def form(client: FlaskClient, data: bytes = JPEG, name: str = "photo.jpg", **fields: Any) -> TestResponse:
    headers = fields.pop("headers", {})
    return client.post("/images", data={**fields, "file": (io.BytesIO(data), name)}, headers=headers)


def encoded(client: FlaskClient, data: bytes = JPEG, **members: Any) -> TestResponse:
    headers = members.pop("headers", {})
    return client.post("/images", json={"image": base64.b64encode(data).decode(), **members}, headers=headers)


def store(client: FlaskClient, **fields: Any) -> dict[str, Any]:
    answer = client.post("/images", data={**fields, "file": (io.BytesIO(JPEG), "a b.jpg")})
    assert answer.status_code == 201
    return dict(answer.get_json())


def listed(client: FlaskClient, **query: Any) -> dict[str, Any]:
    answer = client.get("/images", query_string=query)
    assert answer.status_code == 200, answer.text
    return dict(answer.get_json())


def ids(client: FlaskClient, **query: Any) -> list[str]:
    return [image["image_id"] for image in listed(client, **query)["images"]]
