"""The service as a Lambda function: images in and out through every kind of event, limits, refusals."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
import requests
from flask import Flask

import config
from lambda_handler import Function, build_app, load_settings
from services.errors import BackendMisconfigured, BackendUnavailable, ServiceError
from tests import images
from tests.emulator import emulator
from tests.lambda_events import KINDS, Answer, Context, answer, event

BOUNDARY = "0123456789abcdef"
NEEDED = {"S3_BUCKET": "a-bucket", "DATABASE_URL": "postgresql://db/images", "SECRET_KEY": "s" * 32}
PROBLEM = "application/problem+json"


@pytest.fixture(scope="module")
def bucket() -> Iterator[dict[str, str]]:
    """A versioned bucket on an S3 over HTTP, as settings."""
    with emulator() as endpoint, pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ACCESS_KEY_ID", "test")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "testtest")
        patch.setenv("NO_PROXY", "127.0.0.1")
        client = boto3.client("s3", endpoint_url=endpoint, region_name="us-east-1")
        client.create_bucket(Bucket="lambda-images")
        client.put_bucket_versioning(Bucket="lambda-images", VersioningConfiguration={"Status": "Enabled"})
        client.close()
        yield {"S3_BUCKET": "lambda-images", "AWS_ENDPOINT_URL": endpoint}


@pytest.fixture
def function(make_settings: Callable[..., config.Settings], bucket: dict[str, str]) -> Function:
    return Function(lambda: build_app(make_settings(**bucket)))


def ask(function: Function, kind: str, method: str, path: str, **members: Any) -> Answer:
    return answer(kind, function(event(kind, method, path, **members), Context()))


def store(function: Function, kind: str, data: bytes, name: str = "photo.jpg", **members: Any) -> Answer:
    head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n\r\n'
    body = head.encode() + data + f"\r\n--{BOUNDARY}--\r\n".encode()
    headers = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}
    return ask(function, kind, "POST", "/upload", body=body, headers=headers, **members)


def bmp_of(size: int) -> bytes:
    """An image of at least ``size`` bytes; nothing compresses it."""
    return images.bmp(1000, size // 3000 + 1)


@pytest.mark.parametrize("kind", KINDS)
class TestImages:
    def test_a_photo_goes_in_and_comes_out_unchanged(self, function: Function, kind: str, jpeg_photo: bytes) -> None:
        stored = store(function, kind, jpeg_photo)
        assert stored.status == 201
        members = stored.json()
        assert (members["size"], members["url"]) == (
            len(jpeg_photo),
            "https://images.example" + stored.headers["location"],
        )
        read = ask(function, kind, "GET", stored.headers["location"])
        assert (read.status, read.body) == (200, jpeg_photo)
        assert (read.headers["content-type"], read.headers["etag"]) == ("image/jpeg", members["etag"])
        assert read.headers["content-length"] == str(len(jpeg_photo))

    def test_a_raw_body_replaces(self, function: Function, kind: str, jpeg_photo: bytes) -> None:
        key = store(function, kind, jpeg_photo).json()["key"]
        png = images.png(30, 20)
        headers = {"Content-Type": "image/png"}
        assert ask(function, kind, "PUT", f"/update/{key}", body=png, headers=headers).json()["size"] == len(png)
        assert ask(function, kind, "GET", f"/image/{key}").body == png

    def test_ranges_heads_and_conditions(self, function: Function, kind: str, jpeg_photo: bytes) -> None:
        location = store(function, kind, jpeg_photo).headers["location"]
        part = ask(function, kind, "GET", location, headers={"Range": "bytes=1000-1999"})
        assert (part.status, part.body) == (206, jpeg_photo[1000:2000])
        assert part.headers["content-range"] == f"bytes 1000-1999/{len(jpeg_photo)}"
        head = ask(function, kind, "HEAD", location)
        assert (head.status, head.body, head.headers["content-length"]) == (200, b"", str(len(jpeg_photo)))
        same = ask(function, kind, "GET", location, headers={"If-None-Match": head.headers["etag"]})
        assert (same.status, same.body) == (304, b"")
        beyond = ask(function, kind, "GET", location, headers={"Range": "bytes=99999999-"})
        assert (beyond.status, beyond.headers["content-type"]) == (416, PROBLEM)

    def test_what_is_no_image_is_refused_as_everywhere(self, function: Function, kind: str) -> None:
        refused = store(function, kind, b"no image at all")
        assert (refused.status, refused.headers["content-type"]) == (422, PROBLEM)
        assert refused.json()["request_id"] == refused.headers["x-request-id"]

    def test_what_does_not_fit_leads_to_the_store(self, function: Function, kind: str) -> None:
        data = bmp_of(800_000 if kind.startswith("alb") else 4_700_000)
        location = store(function, kind, data, "big.bmp").headers["location"]
        read = ask(function, kind, "GET", location, query="download=1")
        assert (read.status, read.body, read.headers["cache-control"]) == (307, b"", "no-store")
        fetched = requests.get(read.headers["location"], timeout=30)
        assert (fetched.status_code, fetched.content) == (200, data)
        assert fetched.headers["Content-Disposition"].startswith("attachment")
        assert ask(function, kind, "HEAD", location).headers["content-length"] == str(len(data))
        part = ask(function, kind, "GET", location, headers={"Range": "bytes=100-199"})
        assert (part.status, part.body) == (206, data[100:200])

    def test_what_just_fits_is_sent(self, function: Function, kind: str) -> None:
        data = bmp_of(700_000 if kind.startswith("alb") else 4_600_000)
        location = store(function, kind, data, "big.bmp").headers["location"]
        read = ask(function, kind, "GET", location)
        assert (read.status, read.body) == (200, data)


@pytest.mark.parametrize("kind", ["rest", "http"])
def test_below_a_stage_the_answers_lead_back(function: Function, kind: str, jpeg_photo: bytes) -> None:
    stored = store(function, kind, jpeg_photo, stage="dev")
    assert stored.headers["location"] == f"/dev/image/{stored.json()['key']}"
    assert stored.json()["url"] == "https://images.example" + stored.headers["location"]


def test_an_event_without_a_host_is_answered(function: Function, jpeg_photo: bytes) -> None:
    sent = event("rest", "GET", "/health")
    del sent["headers"]["Host"], sent["multiValueHeaders"]["Host"]
    assert answer("rest", function(sent, Context())).status == 200


def plain(body: Callable[[], Any]) -> Callable[[], Flask]:
    """A function's builder whose application answers with ``body()``."""

    def build() -> Flask:
        app = Flask("plain")
        app.add_url_rule("/", view_func=body)
        return app

    return build


@pytest.mark.parametrize("kind", KINDS)
def test_text_that_does_not_fit_is_a_problem(kind: str, caplog: pytest.LogCaptureFixture) -> None:
    limit = 1_048_576 if kind.startswith("alb") else 6_291_456
    fitting = "x" * (limit - 100_000)
    assert ask(Function(plain(lambda: fitting)), kind, "GET", "/").body == fitting.encode()
    # Text of half the size is more than twice as large in JSON.
    for text in ("x" * limit, "\x01" * (limit // 2)):
        refused = ask(Function(plain(lambda: text)), kind, "GET", "/")  # noqa: B023 - called at once
        assert (refused.status, refused.json()["code"]) == (500, "response_too_large")
    assert "does not fit" in caplog.text


@pytest.mark.parametrize(
    ("raised", "status", "code"),
    [(BackendUnavailable(), 503, "backend_unavailable"), (RuntimeError("secret"), 500, "internal_error")],
)
def test_a_body_that_breaks_off_is_a_problem(
    raised: Exception, status: int, code: str, caplog: pytest.LogCaptureFixture
) -> None:
    def body() -> Iterator[bytes]:
        yield b"half"
        raise raised

    broken = ask(Function(plain(body)), "rest", "GET", "/")
    assert (broken.status, broken.json()["code"], broken.headers["content-type"]) == (status, code, PROBLEM)
    assert b"half" not in broken.body
    assert b"secret" not in broken.body
    assert raised.code in caplog.text if isinstance(raised, ServiceError) else "could not be made" in caplog.text


class Builder:
    """Fails as often as it is told to, then makes an application."""

    def __init__(self, *failures: Exception) -> None:
        self.failures = list(failures)
        self.calls = 0

    def __call__(self) -> Flask:
        self.calls += 1
        if self.failures:
            raise self.failures.pop(0)
        return plain(lambda: "ok")()


class TestStart:
    def test_the_application_is_made_at_the_first_request_and_once(self) -> None:
        builder = Builder()
        function = Function(builder)
        assert builder.calls == 0
        assert [ask(function, kind, "GET", "/").status for kind in KINDS] == [200] * 4
        assert builder.calls == 1

    def test_bad_settings_are_one_line_and_not_tried_again(self, caplog: pytest.LogCaptureFixture) -> None:
        builder = Builder(config.ConfigError(["S3_BUCKET is 'X': it should be a bucket", "PORT is 'a': …"]))
        function = Function(builder)
        for _ in range(2):
            refused = ask(function, "http", "GET", "/")
            assert (refused.status, refused.headers["content-type"]) == (500, PROBLEM)
            assert b"S3_BUCKET" not in refused.body
        assert builder.calls == 1
        errors = [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR]
        assert errors == ["the settings can not be used: S3_BUCKET is 'X': it should be a bucket; PORT is 'a': …"]

    @pytest.mark.parametrize(
        ("failure", "status"),
        [
            (BackendUnavailable(detail="down"), 503),
            (BackendMisconfigured(detail="no bucket"), 500),
            (OSError("x"), 500),
        ],
    )
    def test_what_may_be_mended_meanwhile_is_tried_again(
        self, failure: Exception, status: int, caplog: pytest.LogCaptureFixture
    ) -> None:
        function = Function(Builder(failure))
        assert [ask(function, "rest", "GET", "/").status for _ in range(2)] == [status, 200]
        assert len([record for record in caplog.records if record.levelno >= logging.ERROR]) == 1

    def test_a_stranger_s_event_fails_instead_of_being_taken_for_done(self) -> None:
        with pytest.raises(ValueError, match="Records"):
            Function(Builder())({"Records": []}, Context())

    def test_a_missing_bucket_is_named(
        self, make_settings: Callable[..., config.Settings], bucket: dict[str, str], caplog: pytest.LogCaptureFixture
    ) -> None:
        settings = make_settings(**(bucket | {"S3_BUCKET": "not-there"}))
        assert ask(Function(lambda: build_app(settings)), "rest", "GET", "/health").status == 500
        assert "not-there" in caplog.text


class TestSettings:
    def test_what_a_function_needs_is_enough(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.chdir(tmp_path)
        (tmp_path / ".env").write_text("PORT=wrong")  # a function's settings are its variables, and nothing else
        assert load_settings(NEEDED).s3_bucket == "a-bucket"
        assert [path.name for path in tmp_path.iterdir()] == [".env"]

    @pytest.mark.parametrize(
        ("change", "line"),
        [
            ({"S3_BUCKET": ""}, "S3_BUCKET is not set"),
            ({"DATABASE_URL": ""}, "DYNAMO_TABLE is not set"),
            ({"DATABASE_URL": "sqlite:////tmp/x.db"}, "DYNAMO_TABLE is not set"),
            ({"SECRET_KEY": ""}, "SECRET_KEY is not set"),
            ({"RATE_LIMIT": "5/minute"}, "RATE_LIMIT is counted in memory"),
            ({"VERIFY_DECODE": "1"}, "VERIFY_DECODE is 1"),
        ],
    )
    def test_what_would_not_outlive_a_container_is_refused(
        self, tmp_path: Path, change: dict[str, str], line: str
    ) -> None:
        with pytest.raises(config.ConfigError) as refused:
            load_settings({"DATA_DIR": str(tmp_path), **NEEDED, **change})
        assert len(refused.value.problems) == 1
        assert refused.value.problems[0].startswith(line)

    def test_all_problems_come_at_once(self, tmp_path: Path) -> None:
        with pytest.raises(config.ConfigError) as refused:
            load_settings({"DATA_DIR": str(tmp_path)})
        assert len(refused.value.problems) == 3
