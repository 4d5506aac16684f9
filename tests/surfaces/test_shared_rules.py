"""The rules that hold on every URL: errors, request ids, nothing internal leaks, documents that are true."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from openapi_spec_validator import validate

from services import errors as domain
from tests.surfaces.helpers import assert_problem, upload


def every_error() -> Iterator[type[domain.ServiceError]]:
    waiting = [domain.ServiceError]
    while waiting:
        kind = waiting.pop()
        yield kind
        waiting += kind.__subclasses__()


ERRORS = sorted(every_error(), key=lambda kind: kind.__name__)


def test_unmatched_urls_and_methods(client: FlaskClient) -> None:
    assert_problem(client.get("/no/such/url"), 404, "not_found")
    wrong = client.post("/health")
    assert_problem(wrong, 405, "method_not_allowed")
    assert wrong.headers["Allow"] == "GET, HEAD, OPTIONS"


@pytest.mark.parametrize("url", ["/images/upload", "/api/v1/images/upload"])
def test_a_fixed_path_takes_no_method_of_the_images_beside_it(client: FlaskClient, url: str) -> None:
    me = {"X-User-ID": "alice"}
    for method in ("GET", "PUT", "PATCH", "DELETE"):
        refused = client.open(url, method=method, headers=me)
        assert_problem(refused, 405, "method_not_allowed")
        assert refused.headers["Allow"] == "OPTIONS, POST"
    assert set(client.options(url, headers=me).headers["Allow"].split(", ")) == {"OPTIONS", "POST"}


@pytest.mark.parametrize(
    ("raw", "owner"), [("Zoë".encode(), "Zoë"), ("Zoë".encode("latin-1"), "Zoë"), ("Zoé".encode("latin-1"), "Zoé")]
)
def test_a_user_of_the_header_keeps_a_name_of_its_own(
    client: FlaskClient, jpeg_photo: bytes, raw: bytes, owner: str
) -> None:
    # Latin-1 is what WSGI makes of the bytes that were sent.
    made = upload(client, jpeg_photo, headers={"X-User-ID": raw.decode("latin-1")})
    assert made.status_code == 201, made.text
    image_id = made.get_json()["image_id"]
    assert client.get(f"/images/{image_id}").get_json()["user_id"] == owner


@pytest.mark.parametrize("kind", ERRORS, ids=lambda kind: kind.__name__)
def test_every_domain_error_is_rendered(make_app: Callable[..., Flask], kind: type[domain.ServiceError]) -> None:
    app = make_app()

    @app.get("/raise")
    def fail() -> str:
        raise kind(detail="bucket my-secret-bucket, SELECT * FROM images, /srv/app.py")

    response = app.test_client().get("/raise")
    body = assert_problem(response, response.status_code, kind.code)
    assert response.status_code >= 400
    assert "secret" not in response.text
    assert "SELECT" not in response.text
    assert body["title"]
    if response.status_code == 503:
        assert int(response.headers["Retry-After"]) > 0


def test_codes_are_stable_snake_case_and_their_own() -> None:
    codes = [kind.code for kind in ERRORS if kind is not domain.BackendError]
    assert len(set(codes)) == len(codes)
    assert all(code.replace("_", "").isalpha() and code == code.lower() for code in codes)


def test_an_unexpected_error_leaks_nothing(make_app: Callable[..., Flask], caplog: pytest.LogCaptureFixture) -> None:
    app = make_app()

    @app.get("/raise")
    def fail() -> str:
        raise ZeroDivisionError("the secret reason")

    response = app.test_client().get("/raise")
    assert_problem(response, 500, "internal_error")
    assert "secret" not in response.text
    assert "Traceback" not in response.text
    assert any("unhandled error" in record.message and record.exc_info for record in caplog.records)


@pytest.mark.parametrize(
    "url", ["/images?limit=", "/api/v1/images?limit=", "/api/images/label?limit=", "/image/x.jpg?presign=1&expires_in="]
)
@pytest.mark.parametrize("number", ["1_0", "%2B5", "\u0661\u0662", "%205"])
def test_numbers_are_ascii_digits(client: FlaskClient, url: str, number: str) -> None:
    assert_problem(client.get(url + number, headers={"X-User-ID": "u"}), 400, "invalid_input")


@pytest.mark.parametrize("request_id", ["abc", "A-1._z", "x" * 128])
def test_a_good_request_id_is_echoed(client: FlaskClient, request_id: str) -> None:
    response = client.get("/no/such/url", headers={"X-Request-ID": request_id})
    assert response.headers["X-Request-ID"] == request_id
    assert response.get_json()["request_id"] == request_id


@pytest.mark.parametrize("request_id", ["", "x" * 129, "a b", "<script>", "é"])
def test_a_bad_request_id_is_replaced(client: FlaskClient, request_id: str) -> None:
    made = client.get("/health", headers={"X-Request-ID": request_id}).headers["X-Request-ID"]
    assert made != request_id
    assert len(made) == 32


def test_one_log_line_per_request(client: FlaskClient, jpeg_photo: bytes, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    stored = upload(client, jpeg_photo, headers={"X-Request-ID": "up-1"})
    stored.close()
    client.get(f"/image/{stored.get_json()['key']}?version=secret-looking").close()
    up, down = [record for record in caplog.records if record.name == "access"]
    assert (up.method, up.path, up.status) == ("POST", "/upload", 201)  # type: ignore[attr-defined]
    assert up.bytes_in > len(jpeg_photo)  # type: ignore[attr-defined]
    assert up.duration_ms >= up.store_ms > 0  # type: ignore[attr-defined]
    assert down.bytes_out > 0  # type: ignore[attr-defined]
    assert "secret" not in json.dumps(down.__dict__, default=str)


@pytest.mark.parametrize("url", ["/objects/GRANT.x_-", "//objects/GRANT", "////objects//GRANT", "/image/objects/GRANT"])
def test_a_presigned_token_never_reaches_the_log(
    client: FlaskClient, caplog: pytest.LogCaptureFixture, url: str
) -> None:
    caplog.set_level(logging.DEBUG)
    client.get("/", environ_overrides={"PATH_INFO": url}).close()
    assert any(record.name == "access" for record in caplog.records)
    assert "GRANT" not in json.dumps([record.__dict__ for record in caplog.records], default=str)


def test_an_error_in_the_middle_of_the_bytes_is_logged(
    make_app: Callable[..., Flask], jpeg_photo: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    app = make_app()

    @app.get("/half")
    def half() -> Iterator[bytes]:
        yield b"x"
        raise OSError("gone")

    caplog.set_level(logging.INFO)
    response = app.test_client().get("/half")
    with pytest.raises(OSError, match="gone"):
        _ = response.data
    response.close()
    assert any(record.message == "request cut off" for record in caplog.records)


class TestHealth:
    def test_health(self, client: FlaskClient) -> None:
        body = client.get("/health").get_json()
        assert body.keys() >= {"status", "timestamp", "environment"}
        assert (body["status"], body["environment"]) == ("healthy", "development")

    def test_live_and_ready(self, client: FlaskClient) -> None:
        assert client.get("/health/live").get_json() == {"status": "live"}
        assert client.get("/health/ready").get_json() == {
            "status": "ready",
            "checks": {"store": "up", "database": "up"},
        }

    def test_not_ready_names_what_is_down(self, client: FlaskClient, tmp_path: Path) -> None:
        objects = tmp_path / "data" / "objects"
        (tmp_path / "data" / "aside").mkdir()
        objects.rename(tmp_path / "data" / "aside" / "objects")
        objects.write_text("not a folder")
        response = client.get("/health/ready")
        body = assert_problem(response, 503, "not_ready")
        assert body["checks"] == {"store": "down", "database": "up"}
        assert "store is down" in body["detail"]


class TestDocuments:
    def test_the_openapi_document_is_valid_and_complete(
        self, client: FlaskClient, make_app: Callable[..., Flask]
    ) -> None:
        document = client.get("/openapi.json").get_json()
        validate(document)
        assert document["openapi"].startswith("3.1")
        hidden = {"/docs", "/docs/ui/{name}", "/docs/static/{filename}", "/openapi.json"}
        hidden |= {"/{image_id}", "/admin", "/pages/static/{filename}"}  # pages for people
        served = {
            (re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", str(rule)), method.lower())
            for rule in make_app().url_map.iter_rules()
            for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
        }
        described = {
            (path, method)
            for path, item in document["paths"].items()
            for method in item
            if method not in ("parameters", "head")
        }
        assert {each for each in served if each[0] not in hidden} == described

    def test_every_operation_documents_its_errors_as_problems(self, client: FlaskClient) -> None:
        for path, item in client.get("/openapi.json").get_json()["paths"].items():
            for method, operation in item.items():
                if method == "parameters":
                    continue
                assert operation["summary"], (path, method)
                for status, answer in operation["responses"].items():
                    if int(status) >= 400 and "$ref" not in answer:
                        assert list(answer["content"]) == ["application/problem+json"], (path, method, status)

    def test_the_documentation_page_needs_nothing_from_elsewhere(self, client: FlaskClient) -> None:
        page = client.get("/docs")
        assert page.content_type.startswith("text/html")
        assert "http://" not in page.text.replace("http://localhost", "")
        assert "https://" not in page.text
        assert "unsafe-inline" not in page.headers["Content-Security-Policy"]
        assert "<script>" not in page.text
        for url in ("/docs/ui/swagger-ui.css", "/docs/ui/swagger-ui-bundle.js", "/docs/static/docs.js"):
            assert url in page.text
            asset = client.get(url)
            assert asset.status_code == 200
            asset.close()

    @pytest.mark.parametrize("name", ["nope.js", "..%2f..%2fapp.py", "index.html"])
    def test_no_other_file_is_served(self, client: FlaskClient, name: str) -> None:
        assert client.get(f"/docs/ui/{name}").status_code == 404


def test_a_rate_limit_is_kept_and_answered_like_every_error(make_app: Callable[..., Flask]) -> None:
    client = make_app(RATE_LIMIT="2/minute").test_client()
    for url in ("/openapi.json", "/docs"):
        allowed = client.get(url)
        assert allowed.status_code == 200
        assert "Retry-After" not in allowed.headers
    refused = client.get("/openapi.json")
    assert_problem(refused, 429, "rate_limited")
    assert 0 < int(refused.headers["Retry-After"]) <= 60
    assert client.get("/health/live").status_code == 200
