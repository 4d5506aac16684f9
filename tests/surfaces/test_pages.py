"""Surface 3 and the administration page as pages: routes, policy, escaping, and what works without JavaScript."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests import images
from tests.surfaces.helpers import assert_problem, upload

STATIC = Path(__file__).resolve().parents[2] / "api" / "pages" / "static"
MAX_LINES = 300
HOSTILE = "\"><script>alert(1)</script><img src=x onerror='alert(2)'>&amp;\u202e{{ 7 * 7 }}"


class Page(HTMLParser):
    """The elements of a page: (tag, attributes), and the text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data

    def all(self, tag: str, **wanted: str) -> list[dict[str, str | None]]:
        return [
            attributes
            for name, attributes in self.elements
            if name == tag and all(attributes.get(key) == value for key, value in wanted.items())
        ]

    def tiles(self) -> list[str | None]:
        return [tile["data-key"] for tile in self.all("li") if "data-key" in tile]


def page_of(client: FlaskClient, url: str, status: int = 200) -> Page:
    response = client.get(url)
    assert response.status_code == status, response.get_data(as_text=True)
    assert response.mimetype == "text/html"
    return Page(response.get_data(as_text=True))


def store(client: FlaskClient, label: str, name: str = "photo.png", **fields: Any) -> str:
    response = upload(client, images.png(20, 10), name, headers={"X-User-ID": label}, **fields)
    assert response.status_code == 201
    return str(response.get_json()["key"])


@pytest.mark.parametrize("label", ["a", "user123", "A-b_9", "x" * 64, "admins", "static", "api", "image", "pages"])
def test_every_label_has_a_page(client: FlaskClient, label: str) -> None:
    page = page_of(client, f"/{label}")
    assert page.all("form", **{"data-label": label, "method": "post", "action": f"/{label}"})
    assert client.head(f"/{label}").status_code == 200


@pytest.mark.parametrize("label", ["x" * 65, "a.b", "favicon.ico", "a b", "ä", "a%00b", "<b>", "a;b", "..a"])
def test_what_is_no_label_is_a_problem(client: FlaskClient, label: str) -> None:
    body = assert_problem(client.get(f"/{label}"), 400, "invalid_field")
    assert body["success"] is False


def test_fixed_paths_win_over_labels(make_app: Callable[..., Flask]) -> None:
    app = make_app()
    client = app.test_client()
    fixed: dict[str, set[str]] = {}
    for rule in app.url_map.iter_rules():
        if not rule.arguments and rule.rule.count("/") == 1:
            fixed.setdefault(rule.rule[1:], set()).update((rule.methods or set()) - {"HEAD", "OPTIONS"})
    assert {"upload", "health", "docs", "admin", "openapi.json"} <= fixed.keys()
    for name in sorted(fixed):
        adapter = app.url_map.bind("localhost")
        assert set(adapter.allowed_methods(f"/{name}")) - {"HEAD", "OPTIONS"} == fixed[name]
    assert_problem(client.get("/upload"), 405, "method_not_allowed")
    assert "data-label" not in client.get("/docs").get_data(as_text=True)
    assert page_of(client, "/admin").all("form", id="search")


def test_what_monitors_ask_every_service_for_is_no_page(client: FlaskClient) -> None:
    assert_problem(client.get("/metrics"), 404, "not_found")


def test_no_page_lets_scripts_in_from_elsewhere(client: FlaskClient) -> None:
    store(client, "alice", title="One")
    script = "/pages/static/upload.js"
    for url in ("/alice", "/admin", script):
        with client.get(url) as response:
            parts = response.headers["Content-Security-Policy"].split(";")
        policy = dict(part.strip().partition(" ")[::2] for part in parts)
        assert "unsafe" not in str(policy)
        assert policy["default-src"] == "'none'"
        assert policy["script-src"] == policy["style-src"] == policy["connect-src"] == "'self'"
        assert policy["img-src"] == "'self' blob:"
        assert policy["frame-ancestors"] == policy["base-uri"] == "'none'"
        assert response.headers["X-Content-Type-Options"] == "nosniff"
        assert response.headers["Referrer-Policy"] == "same-origin"
        kept = response.headers["Cache-Control"]
        assert kept == ("no-cache" if url == script else "no-store")
    for url in ("/alice", "/admin"):
        page = page_of(client, url)
        for tag, attributes in page.elements:
            assert not any(name == "style" or name.startswith("on") for name in attributes), (tag, attributes)
            assert tag != "style"
            if tag == "script":
                assert (attributes.get("src") or "").startswith("/pages/static/")
        for tag, name in (("link", "href"), ("img", "src"), ("a", "href"), ("form", "action")):
            assert all((each.get(name) or "/")[0] in "/#" for each in page.all(tag))


def test_every_file_that_a_page_names_is_served(client: FlaskClient) -> None:
    for url in ("/alice", "/admin"):
        page = page_of(client, url)
        named = [each["href"] for each in page.all("link")] + [each["src"] for each in page.all("script")]
        assert len(named) > 3
        for path in named:
            assert path
            with client.get(path) as response:
                assert response.status_code == 200, path
    # Modules that are named by modules only.
    for script in STATIC.glob("*.js"):
        for name in re.findall(r'^import .* from "(.*)";$', script.read_text(), re.MULTILINE):
            assert name.startswith("./")
            assert (STATIC / name).exists(), f"{script.name} imports {name}"


def test_the_scripts_never_parse_markup_and_are_small() -> None:
    scripts = sorted(STATIC.glob("*.js"))
    assert len(scripts) > 8
    for script in scripts:
        text = script.read_text()
        assert text.count("\n") <= MAX_LINES, script.name
        for word in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "://"):
            assert word not in text, f"{script.name} has {word}"


def test_the_first_page_of_the_gallery_is_in_the_page_and_leads_to_the_next(client: FlaskClient) -> None:
    keys = [store(client, "alice", f"{number}.png") for number in range(26)][::-1]
    store(client, "bob")
    first = page_of(client, "/alice")
    assert first.tiles() == keys[:24]
    following = first.all("a", id="more")[0]["href"]
    assert following
    assert following.startswith("/alice?cursor=")
    second = page_of(client, following)
    assert second.tiles() == keys[24:]
    assert "href" not in second.all("a", id="more")[0]
    assert_problem(client.get(following.replace("/alice", "/bob")), 400, "invalid_cursor")
    assert_problem(client.get("/alice?cursor=none"), 400, "invalid_cursor")


def test_the_form_works_without_javascript(client: FlaskClient) -> None:
    response = client.post("/alice", data={"file": (io.BytesIO(images.png()), "mine.png")})
    assert (response.status_code, response.headers["Location"]) == (303, "/alice?uploaded=1")
    page = page_of(client, "/alice?uploaded=1")
    assert len(page.tiles()) == 1
    assert "Your image was uploaded." in page.text
    assert client.get("/api/images/alice").get_json()["images"][0]["original_filename"] == "mine.png"


@pytest.mark.parametrize(
    ("data", "status", "words"),
    [
        ({"file": (io.BytesIO(b"hello"), "a.png")}, 422, "not"),
        ({}, 400, "no file provided"),
        ({"file": (io.BytesIO(b"<svg xmlns='http://www.w3.org/2000/svg'/>"), "a.svg")}, 415, "not supported"),
        ({"file": (io.BytesIO(b"x" * 200_000), "a.png")}, 413, "limit"),
    ],
)
def test_a_refused_form_shows_the_reason_on_the_page(
    make_app: Callable[..., Flask], data: dict[str, Any], status: int, words: str
) -> None:
    client = make_app(MAX_FILE_SIZE="100000").test_client()
    response = client.post("/alice", data=data, content_type="multipart/form-data")
    assert response.status_code == status
    page = Page(response.get_data(as_text=True))
    assert page.all("p", role="alert")
    assert words in page.text
    assert page.tiles() == []


def test_a_form_for_no_label_is_a_problem(client: FlaskClient) -> None:
    data = {"file": (io.BytesIO(images.png()), "mine.png")}
    assert_problem(client.post("/a.b", data=data), 400, "invalid_field")


def test_hostile_names_titles_owners_and_tags_stay_text(client: FlaskClient) -> None:
    store(client, "alice", title=HOSTILE, tags="</a><b>'\"><svg onload=alert(1)>")
    store(client, "alice", name="<b>x<b>.png")
    client.post(
        "/upload",
        data={"file": (io.BytesIO(images.png()), "x.png"), "title": "Theirs"},
        headers={"X-User-ID": HOSTILE.encode().decode("latin-1")},
    )
    for url in ("/alice", "/admin"):
        page = page_of(client, url)
        assert not page.all("b")
        assert not [each for each in page.all("svg") if "onload" in each]
        assert not page.all("img", src="x")
        assert all("src" in each for each in page.all("script"))
        assert HOSTILE in page.text
        assert "49" not in re.findall(r"\{\{.*?\}\}|\b49\b", page.text)
    owner = next(each["href"] for each in page_of(client, "/admin").all("a", **{"class": "owner"}) if each["href"])
    found = page_of(client, str(owner))
    assert (len(found.tiles()), "Theirs" in found.text) == (1, True)


def test_the_limits_that_the_page_checks_are_the_servers(make_app: Callable[..., Flask]) -> None:
    page = page_of(make_app(MAX_FILE_SIZE="123456").test_client(), "/alice")
    assert page.all("form")[0]["data-max-size"] == "123456"
    assert "123 kB" in page.text


def test_the_administration_page_counts_and_searches(client: FlaskClient) -> None:
    keys = [store(client, "alice", title=f"Boat {number}", tags="sea") for number in range(3)]
    client.delete(f"/delete/{keys[0]}")
    page = page_of(client, "/admin")
    assert page.tiles() == [keys[2], keys[1]]
    assert len(page.all("rect")) == 30
    assert page_of(client, "/admin?title=boat+2&owner=alice&tags=sea").tiles() == [keys[2]]
    assert page_of(client, "/admin?tags=sky").tiles() == []
    assert page_of(client, "/admin?owner=&title=&tags=&since=&until=").tiles() == [keys[2], keys[1]]
    deleted = page_of(client, "/admin?deleted=1")
    assert [str(key)[:36] for key in deleted.tiles()] == [keys[0][:36]]
    assert deleted.all("input", name="deleted")[0].keys() >= {"checked"}


def test_a_search_that_can_not_be_is_answered_on_the_page(client: FlaskClient) -> None:
    page = page_of(client, "/admin?title=%2B%2B", 400)
    assert "no word to search for" in page.text
    assert page.all("input", name="title", value="++")
    assert_problem(client.get("/admin?since=yesterday"), 400, "invalid_input")


def test_only_who_sees_all_sees_the_administration(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    # Authentication, which would make such a caller, is not in this release.
    monkeypatch.setattr("services.models.Caller.sees_all", False)
    for url in ("/admin", "/admin/totals", "/admin/images"):
        assert_problem(client.get(url), 403, "forbidden")
