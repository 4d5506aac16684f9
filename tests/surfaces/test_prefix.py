"""The pages and the documentation below a URL prefix, as on a stage of an API Gateway (``SCRIPT_NAME``)."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urljoin, urlsplit

import pytest
from flask.testing import FlaskClient
from openapi_spec_validator import validate
from werkzeug.test import TestResponse

from tests import images
from tests.surfaces.helpers import upload
from tests.surfaces.test_pages import Page

PREFIX = "/dev"
STATIC = Path(__file__).resolve().parents[2] / "api" / "pages" / "static"
ADDRESSES = {"href", "src", "action", "formaction", "data-root", "data-document"}
ROOT_PATH = re.compile(r"""(?P<before>[\w.]+\()?(?P<quote>["'`])/(?!(?P=quote))""")
"""A string that begins with a slash, and the function whose first argument it is; ``"/"`` alone only splits types."""


@pytest.fixture
def below(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Page]:
    """Pages as they are below the prefix, with one image more than a listing shows."""
    monkeypatch.setattr("api.pages.routes.PAGE_SIZE", 1)
    for number in range(2):
        upload(client, images.png(20, 10), headers={"X-User-ID": "alice"}, title=f"Boat {number}", tags="sea")

    def page(path: str) -> Page:
        response = client.get(path, environ_overrides={"SCRIPT_NAME": PREFIX})
        assert response.status_code == 200
        return Page(response.get_data(as_text=True))

    return page


@pytest.mark.parametrize("path", ["/alice", "/admin", "/docs"])
def test_every_address_in_a_page_begins_with_the_prefix(below: Callable[[str], Page], path: str) -> None:
    page = below(path)
    found = [
        value
        for _, attributes in page.elements
        for name, value in attributes.items()
        if name in ADDRESSES and value and not value.startswith("#")
    ]
    assert len(found) > 4
    assert [value for value in found if value != PREFIX and not value.startswith(PREFIX + "/")] == []


@pytest.mark.parametrize("path", ["/alice", "/admin"])
def test_the_scripts_are_told_the_prefix(below: Callable[[str], Page], client: FlaskClient, path: str) -> None:
    assert below(path).all("html")[0]["data-root"] == PREFIX
    assert Page(client.get(path).get_data(as_text=True)).all("html")[0]["data-root"] == ""


def test_no_script_asks_a_path_without_the_prefix() -> None:
    seen = 0
    for script in sorted(STATIC.glob("*.js")):
        for line in script.read_text().splitlines():
            for found in ROOT_PATH.finditer(line):
                assert found["before"] == "address(", f"{script.name}: {line.strip()}"
                seen += 1
    assert seen > 6


def test_the_documentation_page_reads_the_document_below_the_prefix(below: Callable[[str], Page]) -> None:
    page = below("/docs")
    assert page.all("main")[0]["data-document"] == f"{PREFIX}/openapi.json"
    assert [link["href"] for link in page.all("a")] == [f"{PREFIX}/openapi.json"]


@pytest.mark.parametrize("prefix", ["", PREFIX, "/a/b"])
def test_the_documents_server_leads_to_the_root_below_the_prefix(client: FlaskClient, prefix: str) -> None:
    document = client.get("/openapi.json", environ_overrides={"SCRIPT_NAME": prefix}).get_json()
    validate(document)
    (server,) = document["servers"]
    whole = urljoin(f"https://images.example{prefix}/openapi.json", server["url"])
    # Paths are appended to it as they are (OpenAPI 3.1.0, 4.8.8).
    assert urlsplit(whole).path.rstrip("/") + "/health" == f"{prefix}/health"


def test_a_prefix_is_no_part_of_the_next_document(client: FlaskClient) -> None:
    client.get("/openapi.json", environ_overrides={"SCRIPT_NAME": PREFIX})
    assert client.get("/openapi.json").get_json()["servers"] == [{"url": "/"}]


def _uploaded(client: FlaskClient, path: str, *, root: str, json: dict[str, str] | None = None) -> TestResponse:
    body: dict[str, Any] = {"json": json} if json else {"data": {"file": (io.BytesIO(images.jpeg()), "a.jpg")}}
    answer = client.post(path, headers={"X-User-ID": "alice"}, environ_overrides={"SCRIPT_NAME": root}, **body)
    assert answer.status_code == 201, answer.text
    return answer


UPLOADS = [
    pytest.param("/upload", None, "/image/{key}", id="primary"),
    pytest.param("/images", None, "/images/{image_id}", id="images"),
    pytest.param("/images/upload", {"content_type": "image/jpeg"}, "/images/{image_id}/status", id="direct"),
    pytest.param("/api/v1/images/upload", None, "/api/v1/images/{image_id}", id="v1"),
    pytest.param("/upload/alice", None, "/image/{key}", id="labels"),
]
"""Every request that creates something, its JSON body if it has one, and where what it made is read."""


@pytest.mark.parametrize(
    ("root", "written"), [("", ""), (PREFIX, PREFIX), ("/a/b", "/a/b"), ("/\xc3\xbc b", "/%C3%BC%20b")]
)
@pytest.mark.parametrize(("path", "body", "place"), UPLOADS)
def test_location_leads_below_the_prefix(
    client: FlaskClient, path: str, body: dict[str, str] | None, place: str, root: str, written: str
) -> None:
    answer = _uploaded(client, path, root=root, json=body)
    location = answer.headers["Location"]
    assert location == written + place.format(**answer.get_json())
    read = client.get(
        location.removeprefix(written), headers={"X-User-ID": "alice"}, environ_overrides={"SCRIPT_NAME": root}
    )
    assert read.status_code == 200
    read.close()
