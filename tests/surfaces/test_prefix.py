"""The pages and the documentation below a URL prefix, as on a stage of an API Gateway (``SCRIPT_NAME``)."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urljoin, urlsplit

import pytest
from flask.testing import FlaskClient
from openapi_spec_validator import validate

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
