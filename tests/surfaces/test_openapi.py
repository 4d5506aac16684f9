"""The OpenAPI document says what the service does, and generated clients can use it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from openapi_schema_validator import OAS31Validator
from openapi_spec_validator import validate

from tests.surfaces.helpers import assert_problem, upload

READING = {"Range", "If-Range", "If-Match", "If-None-Match", "If-Modified-Since", "If-Unmodified-Since"}
METHODS = {"get", "head", "post", "put", "patch", "delete"}


@pytest.fixture
def document(client: FlaskClient) -> dict[str, Any]:
    found: dict[str, Any] = client.get("/openapi.json").get_json()
    return found


def resolved(document: dict[str, Any], node: dict[str, Any]) -> dict[str, Any]:
    """What ``node`` refers to, or itself."""
    if "$ref" not in node:
        return node
    found: Any = document
    for step in node["$ref"].removeprefix("#/").split("/"):
        found = found[step]
    assert isinstance(found, dict)
    return found


def operations(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, item in document["paths"].items():
        for method in METHODS & item.keys():
            yield f"{method} {path}", item[method]


def named(document: dict[str, Any], operation: dict[str, Any]) -> set[tuple[str, str]]:
    every = [resolved(document, each) for each in operation.get("parameters", ())]
    return {(each["in"], each["name"]) for each in every}


def errors_against(document: dict[str, Any], schema: dict[str, Any], example: Any) -> list[str]:
    whole = {**schema, "components": document["components"]}
    return [error.message for error in OAS31Validator(whole).iter_errors(example)]


def test_no_answer_breaks_the_documents_own_rules(document: dict[str, Any]) -> None:
    validate(document)


def test_every_operation_is_named_and_carries_request_ids(document: dict[str, Any]) -> None:
    found = dict(operations(document))
    assert len(found) > 20
    for name, operation in found.items():
        assert re.fullmatch(r"[a-z]+([A-Z][a-z]+)*", operation["operationId"]), name
        assert operation["summary"], name
        assert "500" in operation["responses"], name
        assert ("429" in operation["responses"]) != ("/health" in name), name  # the probes are never limited
        assert ("header", "X-Request-ID") in named(document, operation), name
        for status, answer in operation["responses"].items():
            assert "X-Request-ID" in resolved(document, answer)["headers"], (name, status)
    ids = [operation["operationId"] for operation in found.values()]
    assert len(set(ids)) == len(ids)


def test_every_error_is_a_problem_with_an_example_of_its_status(document: dict[str, Any]) -> None:
    seen = 0
    for name, operation in operations(document):
        for status, answer in operation["responses"].items():
            if int(status) < 400:
                continue
            content = resolved(document, answer)["content"]
            assert list(content) == ["application/problem+json"], (name, status)
            body = content["application/problem+json"]
            assert body["example"]["status"] == int(status)
            assert not errors_against(document, body["schema"], body["example"]), (name, status)
            assert ("Retry-After" in answer["headers"]) == (status in ("429", "503")), (name, status)
            seen += 1
    assert seen > 40


def test_every_example_of_an_answer_is_one(document: dict[str, Any]) -> None:
    seen = set()
    for name, operation in operations(document):
        contents = [answer.get("content", {}) for answer in operation["responses"].values()]
        contents.append(operation.get("requestBody", {}).get("content", {}))
        for content in contents:
            body = content.get("application/json")
            if body and "example" in body:
                assert not errors_against(document, body["schema"], body["example"]), name
                seen.add(body["schema"]["$ref"].rpartition("/")[2])
    assert seen >= {"StoredImage", "Versions", "Deleted", "PresignedUrl", "RestoreRequest"}
    assert seen >= {"Uploaded", "Listed", "Changes", "Message", "LabelUploaded", "LabelLatest", "LabelListed"}


def test_an_example_that_lacks_a_member_would_be_noticed(document: dict[str, Any]) -> None:
    body = document["paths"]["/upload"]["post"]["responses"]["201"]["content"]["application/json"]
    lacking = {name: value for name, value in body["example"].items() if name != "etag"}
    assert errors_against(document, body["schema"], lacking) == ["'etag' is a required property"]


def test_reading_documents_its_conditions_and_headers(document: dict[str, Any]) -> None:
    read = document["paths"]["/image/{key}"]["get"]
    assert {("header", name) for name in READING} <= named(document, read)
    assert {("query", name) for name in ("version", "download", "presign", "expires_in")} <= named(document, read)
    assert {"ETag", "Last-Modified", "Accept-Ranges", "Cache-Control"} <= read["responses"]["200"]["headers"].keys()
    assert "Content-Disposition" in read["responses"]["200"]["headers"]
    assert "Content-Range" in read["responses"]["206"]["headers"]
    assert "Content-Range" in read["responses"]["416"]["headers"]
    head = document["paths"]["/image/{key}"]["head"]
    assert "content" not in head["responses"]["200"]
    assert head["responses"]["200"]["headers"] == read["responses"]["200"]["headers"]
    assert named(document, read) - named(document, head) == {("header", "Range"), ("header", "If-Range")}


def test_what_is_answered_is_what_is_documented(
    client: FlaskClient, document: dict[str, Any], jpeg_photo: bytes
) -> None:
    documented = document["paths"]["/image/{key}"]["get"]["responses"]
    key = upload(client, jpeg_photo).get_json()["key"]
    tag = client.head(f"/image/{key}").headers["ETag"]
    asked: dict[str, dict[str, str]] = {
        "200": {},
        "206": {"Range": "bytes=0-9"},
        "304": {"If-None-Match": tag},
        "416": {"Range": "bytes=99999999-"},
    }
    for status, headers in asked.items():
        with client.get(f"/image/{key}", headers=headers) as answer:
            assert answer.status_code == int(status)
            assert documented[status]["headers"].keys() <= set(answer.headers.keys()), status


def test_changes_document_who_asks_and_their_condition(document: dict[str, Any]) -> None:
    found = {operation["operationId"]: operation for _, operation in operations(document)}
    for name in ("uploadImage", "replaceImage", "deleteImage", "restoreVersion"):
        assert {("header", "X-User-ID"), ("query", "user_id")} <= named(document, found[name]), name
    for name in ("replaceImage", "deleteImage", "restoreVersion"):
        assert {("header", "If-Match"), ("header", "If-Unmodified-Since")} <= named(document, found[name]), name
        assert "412" in found[name]["responses"], name
    assert {"408", "413", "507"} <= found["restoreVersion"]["responses"].keys()
    assert "Location" in found["uploadImage"]["responses"]["201"]["headers"]


def test_presigned_urls_of_the_embedded_store_are_documented(document: dict[str, Any]) -> None:
    item = document["paths"]["/objects/{token}"]
    assert {"206", "304", "412"} <= item["get"]["responses"].keys()
    assert "image/*" in item["put"]["requestBody"]["content"]


def test_problems_are_open_and_nothing_unused_is_listed(document: dict[str, Any]) -> None:
    assert document["components"]["schemas"]["Problem"]["additionalProperties"] is True
    assert "additionalProperties" not in document["components"]["schemas"]["StoredImage"]
    assert "PaginationMetadata" not in document["components"]["schemas"]
    assert "Authentication is off" in document["info"]["description"]
    assert "securitySchemes" not in document["components"]


@pytest.mark.parametrize(
    "url", ["/docs", "/docs/ui/swagger-ui.css", "/docs/static/docs.js", "/openapi.json", "/health", "/health/ready"]
)
def test_browsers_are_told_not_to_guess(client: FlaskClient, url: str) -> None:
    with client.get(url) as answer:
        assert answer.status_code == 200
        assert answer.headers.getlist("X-Content-Type-Options") == ["nosniff"]


def test_the_documentation_page_can_not_be_framed_or_post_forms(client: FlaskClient) -> None:
    policy = client.get("/docs").headers["Content-Security-Policy"]
    assert {"frame-ancestors 'none'", "form-action 'none'"} <= set(policy.split("; "))


def test_not_ready_says_when_to_ask_again(make_app: Callable[..., Flask], tmp_path: Path) -> None:
    client = make_app().test_client()
    objects = tmp_path / "data" / "objects"
    objects.rename(tmp_path / "aside")
    objects.write_text("not a folder")
    answer = client.get("/health/ready")
    assert_problem(answer, 503, "not_ready")
    assert answer.headers["Retry-After"] == "5"


def test_documenting_adds_no_layer_to_a_route(make_app: Callable[..., Flask]) -> None:
    view: Any = make_app().view_functions["primary.update"]
    layers = 0
    while hasattr(view, "__wrapped__"):
        view, layers = view.__wrapped__, layers + 1
    assert layers == 1  # `response` alone
