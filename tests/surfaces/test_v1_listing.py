"""Surface 2, row by row of its document: listing and searching."""

from __future__ import annotations

import io
from typing import Any
from urllib.parse import urlsplit

import pytest
from flask.testing import FlaskClient

from api.v1.schemas import Listed
from tests.images import jpeg
from tests.surfaces.helpers import METADATA, assert_problem

ME = {"X-User-ID": "user-123"}
YOU = {"X-User-ID": "user-456"}


def submit(client: FlaskClient, headers: dict[str, str] = ME, **fields: str) -> str:
    form: dict[str, Any] = {**fields, "file": (io.BytesIO(jpeg()), "image.jpg")}
    answer = client.post("/api/v1/images/upload", data=form, headers=headers)
    assert answer.status_code == 201, answer.text
    return str(answer.get_json()["image_id"])


def listed(client: FlaskClient, headers: dict[str, str] = ME, **query: Any) -> dict[str, Any]:
    answer = client.get("/api/v1/images", query_string=query, headers=headers)
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.get_json()
    assert body["count"] == len(body["images"])
    return body


def ids(body: dict[str, Any]) -> list[str]:
    return [image["image_id"] for image in body["images"]]


def test_every_member(client: FlaskClient, jpeg_photo: bytes) -> None:
    form = {"file": (io.BytesIO(jpeg_photo), "image.jpg"), "title": "My Vacation", "tags": "vacation, beach"}
    made = client.post("/api/v1/images/upload", data=form, headers=ME).get_json()
    body = listed(client)
    assert body.keys() == {"count", "filter", "images", "cursor", "next"} == Listed().fields.keys()
    assert (body["count"], body["filter"], body["cursor"], body["next"]) == (1, "user", None, None)
    [image] = body["images"]
    assert image.keys() == METADATA | {"url"}
    assert {**image, "message": made["message"]} == {**made, "url": image["url"]}
    assert Listed().validate(body) == {}


def test_each_url_works_without_credentials(client: FlaskClient, jpeg_photo: bytes) -> None:
    form = {"file": (io.BytesIO(jpeg_photo), "image.jpg")}
    client.post("/api/v1/images/upload", data=form, headers=ME)
    answer = client.get("/api/v1/images", headers=ME)
    assert answer.headers["Cache-Control"] == "no-store"
    url = answer.get_json()["images"][0]["url"]
    assert url.startswith("http://localhost/")
    with client.get(urlsplit(url).path) as read:
        assert (read.status_code, read.data, read.content_type) == (200, jpeg_photo, "image/jpeg")


def test_the_callers_own_images_newest_first(client: FlaskClient) -> None:
    mine = [submit(client) for _ in range(3)]
    theirs = submit(client, YOU)
    assert ids(listed(client)) == mine[::-1]
    assert ids(listed(client, filter_by="user")) == mine[::-1]
    assert ids(listed(client, YOU)) == [theirs]
    assert listed(client, {"X-User-ID": "nobody"})["images"] == []


def test_another_users_images(client: FlaskClient) -> None:
    submit(client)
    theirs = submit(client, YOU)
    body = listed(client, filter_by="user", user_id="user-456")
    assert (ids(body), body["filter"]) == ([theirs], "user")
    assert ids(listed(client, user_id="user-456")) == [theirs]
    assert ids(listed(client, user_id="user-45")) == []  # a prefix is somebody else


def test_all_tags_of_everybody(client: FlaskClient) -> None:
    both = submit(client, tags="vacation, beach, summer")
    theirs = submit(client, YOU, tags="beach,vacation")
    submit(client, tags="vacation")
    submit(client, tags="vacationbeach")
    body = listed(client, filter_by="tags", tags="vacation,beach", limit=5)
    assert (ids(body), body["filter"]) == ([theirs, both], "tags")
    assert ids(listed(client, filter_by="tags", tags=" vacation , beach ,")) == [theirs, both]
    assert ids(listed(client, filter_by="tags", tags="vacation,beach", user_id="user-123")) == [both]
    assert ids(listed(client, filter_by="tags", tags="Vacation")) == []
    assert ids(listed(client, filter_by="tags", tags="vac%")) == []


def test_whole_words_of_a_title_in_any_case(client: FlaskClient) -> None:
    first = submit(client, title="My Vacation in STRASSBURG")
    theirs = submit(client, YOU, title="vacation, at last!")
    submit(client, title="Vacations")
    submit(client, title="Untitled", description="vacation", tags="vacation")
    body = listed(client, filter_by="title", title="Vacation")
    assert (ids(body), body["filter"]) == ([theirs, first], "title")
    assert ids(listed(client, filter_by="title", title="straßburg MY")) == [first]
    assert ids(listed(client, filter_by="title", title="vacation", user_id="user-456")) == [theirs]
    assert ids(listed(client, filter_by="title", title="vac")) == []
    assert ids(listed(client, filter_by="title", title="vacation%")) == [theirs, first]  # punctuation is no word


@pytest.mark.parametrize(
    "query",
    [
        {"filter_by": "tags"},
        {"filter_by": "tags", "tags": ""},
        {"filter_by": "tags", "tags": " , "},
        {"filter_by": "tags", "title": "x"},
        {"filter_by": "tags", "tags": "t" * 65},
        {"filter_by": "tags", "tags": ",".join(f"t{n}" for n in range(21))},
        {"filter_by": "title"},
        {"filter_by": "title", "title": ""},
        {"filter_by": "title", "title": "!?"},
        {"filter_by": "title", "tags": "x"},
        {"filter_by": "title", "title": "x" * 10_000},
        {"filter_by": "title", "title": "a\0"},
        {"user_id": ""},
        {"user_id": "x" * 129},
    ],
)
def test_a_filter_that_lacks_its_value_or_has_a_bad_one(client: FlaskClient, query: dict[str, str]) -> None:
    assert_problem(client.get("/api/v1/images", query_string=query, headers=ME), 400, "invalid_field")


@pytest.mark.parametrize("value", ["", "owner", "USER", "tags,title"])
def test_an_unknown_filter(client: FlaskClient, value: str) -> None:
    answer = client.get("/api/v1/images", query_string={"filter_by": value}, headers=ME)
    assert "filter_by" in assert_problem(answer, 400, "invalid_input")["error"]


@pytest.mark.parametrize("value", ["0", "-1", "101", "ten", "", "1.5", "9" * 30])
def test_a_bad_limit(client: FlaskClient, value: str) -> None:
    answer = client.get("/api/v1/images", query_string={"limit": value}, headers=ME)
    assert "limit" in assert_problem(answer, 400, "invalid_input")["error"]


def test_ten_by_default_and_all_of_them_page_by_page(client: FlaskClient) -> None:
    made = [submit(client, tags="a") for _ in range(12)]
    assert listed(client)["count"] == 10
    assert listed(client, limit=100)["count"] == 12
    queries: list[dict[str, Any]] = [
        {},
        {"filter_by": "tags", "tags": "a"},
        {"filter_by": "title", "title": "untitled"},
    ]
    for query in queries:
        body = listed(client, limit=5, **query)
        seen = ids(body)
        while body["next"]:
            assert body["cursor"] in body["next"]
            body = client.get(body["next"], headers=ME).get_json()
            seen += ids(body)
        assert seen == made[::-1]
        assert body["cursor"] is None


def test_a_cursor_of_another_query_or_none_of_ours(client: FlaskClient) -> None:
    for _ in range(2):
        submit(client, tags="a")
    cursor = listed(client, limit=1)["cursor"]
    assert listed(client, limit=2, cursor=cursor)["count"] == 1
    for query in (
        {"cursor": "nonsense"},
        {"cursor": cursor[:-1] + ("A" if cursor[-1] != "A" else "Q")},  # "B" would differ in padding alone
        {"cursor": cursor, "user_id": "user-456"},
        {"cursor": cursor, "filter_by": "tags", "tags": "a"},
    ):
        answer = client.get("/api/v1/images", query_string=query, headers=ME)
        assert_problem(answer, 400, "invalid_cursor")


def test_what_a_query_holds_stays_data(client: FlaskClient) -> None:
    odd = ["'; DROP TABLE images; --", '"', "🏖️", "\u202egnp", "a_b%c", "<script>"]
    made = {tag: submit(client, tags=tag, title=f"x {tag}") for tag in odd}
    for tag in odd:
        assert ids(listed(client, filter_by="tags", tags=tag)) == [made[tag]]
    assert listed(client, filter_by="title", title="x")["count"] == len(odd)


def test_a_deleted_image_is_in_no_listing(client: FlaskClient) -> None:
    gone, kept = submit(client, tags="a"), submit(client, tags="a")
    client.delete(f"/api/v1/images/{gone}", headers=ME)
    assert ids(listed(client)) == [kept]
    assert ids(listed(client, filter_by="tags", tags="a")) == [kept]
    assert ids(listed(client, filter_by="title", title="untitled")) == [kept]


@pytest.mark.parametrize(
    "title", [" ".join(f"w{n:02}" for n in range(64)), "東京タワーの夜景と黒猫" * 20], ids=["many", "unspaced"]
)
def test_a_long_title_is_found_by_every_part_and_by_all_of_it(client: FlaskClient, title: str) -> None:
    stored = submit(client, title=title)
    submit(client, title="another")
    for part in (title, title[:3], title[-3:], title[4:7], title[:79]):
        found = listed(client, filter_by="title", title=part)["images"]
        assert [(image["image_id"], image["title"]) for image in found] == [(stored, title)], part
