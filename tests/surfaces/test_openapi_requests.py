"""What the OpenAPI document says about requests is what the service takes and refuses."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient
from openapi_schema_validator import OAS31Validator

from api import members
from services import names
from services.errors import InvalidInput
from tests.surfaces.helpers import assert_problem, upload
from tests.surfaces.test_openapi import errors_against, named, operations, resolved

TEXTS = [
    "", " ", "a", " a ", "é\u0300", "😀", "\u202e", "a,b", "a/b", "..\\b", "a\tb", "a\nb", "a\rb", "\0", "\x1f", "\x7f",
    "\x80", "\x9f", "a\x0b", *(letter * many for letter in ("x", "é", "😀") for many in (64, 65, 128, 129, 255, 256)),
    "x" * 4000, "x" * 4001, ",".join(map(str, range(20))), ",".join(map(str, range(21))), ",".join(["x" * 64] * 20),
]  # fmt: skip
CHECKS: list[tuple[str, dict[str, Any], Callable[[str], Any]]] = [
    ("title", members.TITLE, names.clean_title),
    ("description", members.DESCRIPTION, names.clean_description),
    ("owner", members.OWNER, names.clean_owner),
    ("file name", members.FILE_NAME, names.clean_filename),
    ("a tag", members.TAG, lambda text: names.clean_tags([text])),
    ("joined tags", members.JOINED_TAGS, names.split_tags),
]


@pytest.fixture
def document(client: FlaskClient) -> dict[str, Any]:
    found: dict[str, Any] = client.get("/openapi.json").get_json()
    return found


@pytest.mark.parametrize("text", TEXTS, ids=lambda text: f"{ascii(text)[:20]} ({len(text)})")
@pytest.mark.parametrize(("schema", "clean"), [each[1:] for each in CHECKS], ids=[each[0] for each in CHECKS])
def test_the_schemas_of_texts_allow_what_is_taken(text: str, schema: dict[str, Any], clean: Callable[..., Any]) -> None:
    try:
        clean(text)
        taken = True
    except InvalidInput:
        taken = False
    assert OAS31Validator({"type": "string", **schema}).is_valid(text) is taken


def test_a_request_id_is_never_a_reason_to_refuse(document: dict[str, Any]) -> None:
    components = document["components"]
    assert components["parameters"]["X-Request-ID"]["schema"] == {"type": "string"}
    assert "pattern" in components["headers"]["X-Request-ID"]["schema"]


def test_only_the_search_of_operators_takes_empty_arguments(client: FlaskClient, document: dict[str, Any]) -> None:
    search = [each for each in document["paths"]["/admin/images"]["get"]["parameters"] if "name" in each]
    assert [each["name"] for each in search if each.get("allowEmptyValue")] == [each["name"] for each in search]
    assert client.get("/admin/images", query_string={each["name"]: "" for each in search}).status_code == 200
    assert_problem(client.get("/images?until="), 400, "invalid_field")


def test_everything_that_a_client_writes_has_an_example(document: dict[str, Any]) -> None:
    for name, operation in operations(document):
        path = document["paths"][name.partition(" ")[2]]
        for each in path.get("parameters", []):
            assert each["example"], name
        for kind, body in operation.get("requestBody", {}).get("content", {}).items():
            assert kind == "image/*" or "example" in body, (name, kind)


def test_every_answer_in_json_has_an_example(document: dict[str, Any]) -> None:
    for name, operation in operations(document):
        for status, answer in operation["responses"].items():
            body = resolved(document, answer).get("content", {}).get("application/json")
            if body and "example" not in body:
                properties = resolved(document, body["schema"])["properties"]
                assert all("example" in each for each in properties.values()), (name, status)


def test_links_lead_to_operations_and_take_what_is_there(document: dict[str, Any]) -> None:
    found = dict(operations(document))
    by_id = {operation["operationId"]: (name, operation) for name, operation in found.items()}
    seen = set()
    for name, operation in found.items():
        for status, answer in operation["responses"].items():
            for label, link in answer.get("links", {}).items():
                target, described = by_id[link["operationId"]]
                shared = document["paths"][target.partition(" ")[2]].get("parameters", [])
                taken = {each for _, each in named(document, described)} | {each["name"] for each in shared}
                assert link["parameters"].keys() <= taken, (name, status, label)
                body = link.get("requestBody", {})
                for expression in [*link["parameters"].values(), *body.values()]:
                    where, _, rest = expression.partition("#" if "#" in expression else ".header.")
                    if where == "$response.body":
                        assert at(answer["content"]["application/json"]["example"], rest), (name, label)
                    else:
                        assert re.match(r"\$request\.(header|path)\.", expression), (name, label)
                assert not body or not errors_against(
                    document,
                    described["requestBody"]["content"]["application/json"]["schema"],
                    dict.fromkeys(body, "1"),
                )
                seen.add((operation["operationId"], link["operationId"]))
    assert seen >= {("uploadImage", "readImage"), ("listVersions", "restoreVersion"), ("createImage", "describeImage")}
    assert seen >= {("uploadImageAsUser", "readImageAsUser"), ("uploadToLabel", "latestOfLabel")}


def at(value: Any, pointer: str) -> Any:
    """What a JSON pointer (RFC 6901) leads to."""
    for step in pointer.split("/")[1:]:
        value = value[int(step)] if isinstance(value, list) else value[step]
    return value


@pytest.mark.parametrize("url", ["/upload", "/images", "/api/v1/images/upload", "/upload/{image_id}"])
def test_the_example_of_each_form_is_stored(client: FlaskClient, document: dict[str, Any], url: str) -> None:
    example = document["paths"][url]["post"]["requestBody"]["content"]["multipart/form-data"]["example"]
    form = {**example, "file": (io.BytesIO(example["file"].encode()), "dot.gif")}
    me = {"X-User-ID": "user-123"}
    assert client.post(url.format(image_id="user-123"), data=form, headers=me).status_code == 201


@pytest.mark.parametrize("member", ["size", "expires_in"])
def test_an_integer_may_be_written_with_a_point(client: FlaskClient, member: str) -> None:
    def begin(value: Any) -> Any:
        return client.post("/images/upload", json={"content_type": "image/png", member: value})

    assert begin(67.0).status_code == 201
    for wrong in (67.5, "67", True):
        assert_problem(begin(wrong), 400, "invalid_input")


def test_what_a_listing_does_not_look_at_must_be_valid_all_the_same(client: FlaskClient, jpeg_photo: bytes) -> None:
    upload(client, jpeg_photo)
    me = {"X-User-ID": "alice"}
    for wrong in ({"title": "x" * 256}, {"tags": "\0"}):
        assert_problem(client.get("/api/v1/images", query_string=wrong, headers=me), 400, "invalid_field")
