"""Surface 1: images as base64 in JSON."""

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

from tests import images
from tests.surfaces.helpers import assert_problem
from tests.surfaces.images_client import JPEG, encoded


class TestBase64:
    @pytest.mark.parametrize(
        "text",
        [
            "data:image/jpeg;base64," + base64.b64encode(JPEG).decode(),
            base64.urlsafe_b64encode(JPEG).decode(),
            base64.encodebytes(JPEG).decode(),
            base64.b64encode(JPEG).decode() + "\n",
        ],
        ids=["data URL", "URL-safe", "lines", "a line break behind it"],
    )
    def test_spellings(self, client: FlaskClient, text: str) -> None:
        assert client.post("/images", json={"image": text}).get_json()["size"] == len(JPEG)

    @pytest.mark.parametrize(
        "text",
        [
            "!!!not base64!!!",
            base64.b64encode(JPEG + b"x" * (3 - len(JPEG) % 3 + 1)).decode().rstrip("="),
            base64.b64encode(JPEG).decode()[:-3],
            base64.b64encode(JPEG).decode() + "====",
            "data:image/jpeg," + base64.b64encode(JPEG).decode(),
            "YWJj" * 10 + "ü",
        ],
    )
    def test_what_is_no_base64(self, client: FlaskClient, stored: Callable[[], int], text: str) -> None:
        assert_problem(client.post("/images", json={"image": text}), 400, "invalid_base64")
        assert stored() == 0

    @pytest.mark.parametrize("image", [1, True, ["YWJj"], {"a": "YWJj"}])
    def test_another_type_than_text(self, client: FlaskClient, image: Any) -> None:
        assert_problem(client.post("/images", json={"image": image}), 400, "invalid_base64")

    @pytest.mark.parametrize(
        ("body", "status", "code"),
        [
            (b"", 400, "malformed_body"),
            (b'{"image": "YWJj', 400, "malformed_body"),
            (b'["image"]', 400, "malformed_body"),
            (b'{"image": "YWJj", "image": "YWJj"}', 400, "malformed_body"),
            (b'{"image": "", "title": "' + b"x" * 70000 + b'"}', 413, "too_large"),
        ],
    )
    def test_other_bodies(self, client: FlaskClient, body: bytes, status: int, code: str) -> None:
        assert_problem(client.post("/images", data=body, content_type="application/json"), status, code)

    def test_a_size_that_lies(self, client: FlaskClient, stored: Callable[[], int]) -> None:
        assert encoded(client, size=len(JPEG)).status_code == 201
        before = stored()
        for size in (len(JPEG) - 1, len(JPEG) + 1, 0, -1, "1"):
            assert encoded(client, size=size).status_code == 400
        assert stored() == before

    def test_blanks_without_end(self, make_app: Callable[..., Flask]) -> None:
        client = make_app(MAX_FILE_SIZE="1000").test_client()

        class Endless(io.RawIOBase):
            sent = 0

            def readable(self) -> bool:
                return True

            def readinto(self, buffer: Any) -> int:
                self.sent += len(buffer)
                buffer[:] = b" " * len(buffer)
                return len(buffer)

        body = Endless()
        overrides = {"wsgi.input": body, "wsgi.input_terminated": True, "HTTP_TRANSFER_ENCODING": "chunked"}
        answer = client.post("/images", content_type="application/json", environ_overrides=overrides)
        assert_problem(answer, 413, "too_large")
        assert body.sent < 1_000_000

    def test_the_declared_type(self, make_app: Callable[..., Flask]) -> None:
        strict = make_app(STRICT_CONTENT_TYPE="1").test_client()
        text = base64.b64encode(JPEG).decode()
        assert strict.post("/images", json={"image": text, "content_type": "image/jpeg"}).status_code == 201
        for head in ("data:;base64,", "data:application/octet-stream;base64,"):
            assert strict.post("/images", json={"image": head + text}).status_code == 201
        for members in (
            {"image": text, "content_type": "image/png"},
            {"image": "data:image/png;base64," + text},
            {"image": "data:text/html;base64," + text},
            {"image": "data:text/html;base64," + text, "content_type": "image/jpeg"},
        ):
            assert_problem(strict.post("/images", json=members), 415, "content_type_mismatch")
            assert make_app().test_client().post("/images", json=members).status_code == 201

    def test_a_large_one_is_decoded_as_it_arrives(self, client: FlaskClient) -> None:
        data = images.of_size(9_000_000, "png")
        image = encoded(client, data, filename="big.png").get_json()
        assert (image["size"], image["sha256"]) == (len(data), hashlib.sha256(data).hexdigest())

    def test_a_client_that_vanishes_stores_nothing(self, client: FlaskClient, stored: Callable[[], int]) -> None:
        body = json.dumps({"image": base64.b64encode(JPEG).decode()}).encode()
        answer = client.post(
            "/images", data=body[:500], content_type="application/json", headers={"Content-Length": str(len(body))}
        )
        assert answer.status_code == 400
        assert stored() == 0
