"""Surface 1: listing, condition by condition and page by page."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.surfaces.helpers import METADATA, assert_problem
from tests.surfaces.images_client import JPEG, ids, listed, store


class TestListing:
    def test_newest_first_with_every_member(self, client: FlaskClient) -> None:
        made = [store(client, title=f"Number {number}") for number in range(3)]
        answer = client.get("/images")
        body = answer.get_json()
        assert body.keys() == {"images", "count", "last_key"}
        assert body["images"] == made[::-1]
        assert body["images"][0].keys() >= METADATA
        assert (body["count"], body["last_key"]) == (3, None)
        assert "Link" not in answer.headers
        assert answer.headers["Cache-Control"] == "no-store"

    def test_nothing(self, client: FlaskClient) -> None:
        assert listed(client) == {"images": [], "count": 0, "last_key": None}

    @pytest.mark.parametrize("title", ["!!!", "💥 …"])
    def test_a_title_that_no_image_can_have(self, client: FlaskClient, title: str) -> None:
        store(client, title="w1")
        assert listed(client, title=title) == {"images": [], "count": 0, "last_key": None}
        answer = client.get("/images", query_string={"title": title, "last_key": "garbage"})
        assert_problem(answer, 400, "invalid_cursor")

    def test_by_owner(self, client: FlaskClient) -> None:
        mine, another = store(client, user_id="u")["image_id"], store(client, user_id="ü v")["image_id"]
        assert ids(client, user_id="u") == [mine]
        assert ids(client, user_id="ü v") == [another]
        assert ids(client, user_id="nobody") == []
        assert ids(client) == [another, mine]
        of_another = client.get("/images?user_id=u", headers={"X-User-ID": "somebody else"})
        assert of_another.get_json()["count"] == 1, "with authentication off every listing is open"

    def test_by_tags(self, client: FlaskClient) -> None:
        both = store(client, tags="a,b")["image_id"]
        one = store(client, tags="a")["image_id"]
        assert ids(client, tag="a") == [one, both]
        assert ids(client, tag="b") == [both]
        assert ids(client, tags="a,b") == [both]
        assert ids(client, tags=" b , a ") == [both]
        assert ids(client, tag="a", tags="b") == [both]
        assert client.get("/images?tag=a&tag=b").get_json()["count"] == 1
        assert client.get("/images?tags=a&tags=b").get_json()["count"] == 1
        assert ids(client, tags=",") == [one, both]
        for other in ("A", "c", "a%", "_", "a' OR '1'='1", "🎉", "\u202ea"):
            assert ids(client, tag=other) == []

    def test_by_title(self, client: FlaskClient) -> None:
        found = store(client, title="Summer at the Straße, 2026!")["image_id"]
        store(client, title="Winter")
        for words in ("summer", "SUMMER", "strasse", "2026 summer", "the, summer"):
            assert ids(client, title=words) == [found]
        for words in ("summ", "summer winter", "%", "_", "*", "' OR 1=1", "🎉", '"'):
            assert ids(client, title=words) == []
        assert len(ids(client, title=" ")) == 2

    def test_by_date(self, client: FlaskClient) -> None:
        image = store(client)
        created = datetime.fromisoformat(image["created_at"])
        day, hour = timedelta(days=1), timedelta(hours=1)
        one = [image["image_id"]]
        for query, expected in [
            ({"since": (created - hour).isoformat()}, one),
            ({"since": created.isoformat()}, one),
            ({"since": created.isoformat().replace("+00:00", "Z")}, one),
            ({"since": created.replace(tzinfo=None).isoformat()}, one),
            ({"since": (created + hour).isoformat()}, []),
            ({"until": created.isoformat()}, []),
            ({"until": (created + timedelta(microseconds=1)).isoformat()}, one),
            ({"since": created.date().isoformat(), "until": (created + day).date().isoformat()}, one),
            ({"until": created.date().isoformat()}, []),
            ({"since": (created + hour).astimezone(UTC).isoformat(), "until": created.isoformat()}, []),
        ]:
            assert ids(client, **query) == expected, query
        unencoded = (created - hour).isoformat()
        assert "+" in unencoded
        assert client.get(f"/images?since={unencoded}").get_json()["count"] == 1

    def test_all_at_once(self, client: FlaskClient) -> None:
        image = store(client, user_id="u", tags="a,b", title="one two")
        store(client, user_id="v", tags="a,b", title="one two")
        query = {"user_id": "u", "tags": "a", "tag": "b", "title": "two", "since": "2020-01-01", "until": "2999-01-01"}
        assert ids(client, **query) == [image["image_id"]]

    @pytest.mark.parametrize("form", ["object", "string", "link"])
    def test_page_by_page(self, client: FlaskClient, form: str) -> None:
        made = [store(client, tags="a")["image_id"] for _ in range(5)]
        answer = client.get("/images?limit=2&tags=a&x=y")
        found: list[str] = []
        for _ in range(3):
            body = answer.get_json()
            found += [image["image_id"] for image in body["images"]]
            if body["last_key"] is None:
                break
            assert body["last_key"].keys() == {"cursor"}
            next_url = re.fullmatch(r'<(http://localhost/images\?.*)>; rel="next"', answer.headers["Link"])
            assert next_url
            last_key = json.dumps(body["last_key"]) if form == "object" else body["last_key"]["cursor"]
            if form == "link":
                answer = client.get(next_url[1].removeprefix("http://localhost"))
            else:
                answer = client.get("/images", query_string={"limit": 2, "tags": "a", "last_key": last_key})
        assert found == made[::-1]
        assert answer.get_json()["last_key"] is None
        assert "Link" not in answer.headers

    @pytest.mark.parametrize(
        "query",
        [
            {"limit": 0},
            {"limit": 101},
            {"limit": -1},
            {"limit": "ten"},
            {"limit": "1.5"},
            {"limit": ""},
            {"since": "yesterday"},
            {"since": ""},
            {"until": "2026-13-01"},
            {"until": "0001-01-01T00:00:00+23:59"},
            {"last_key": ""},
            {"last_key": "x"},
            {"last_key": "null"},
            {"last_key": "[]"},
            {"last_key": "{}"},
            {"last_key": '{"cursor": 1}'},
            {"last_key": '{"cursor": ""}'},
            {"last_key": '{"cursor": "x"}'},
            {"last_key": "{"},
            {"last_key": "{" * 5000},
            {"last_key": "x" * 10_000},
            {"user_id": ""},
            {"user_id": "x" * 129},
            {"tag": "x" * 10_000},
            {"tags": "x" * 10_000},
            {"title": "x" * 10_000},
            {"title": "a\0"},
            {"tags": ",".join(str(number) for number in range(21))},
            {"urls": "maybe"},
        ],
    )
    def test_what_is_not_valid(self, client: FlaskClient, query: dict[str, Any]) -> None:
        answer = client.get("/images", query_string=query)
        assert answer.status_code == 400
        assert_problem(answer, 400, answer.get_json()["code"])

    def test_a_cursor_is_good_for_its_query_only(self, client: FlaskClient) -> None:
        for _ in range(2):
            store(client, user_id="u", tags="a")
        cursor = listed(client, limit=1, user_id="u")["last_key"]["cursor"]
        assert listed(client, limit=1, user_id="u", last_key=cursor)["count"] == 1
        assert listed(client, limit=50, user_id="u", last_key=cursor)["count"] == 1, "another limit is the same query"
        for query in ({}, {"user_id": "v"}, {"user_id": "u", "tag": "a"}, {"user_id": "u", "since": "2020-01-01"}):
            answer = client.get("/images", query_string={**query, "last_key": cursor})
            assert_problem(answer, 400, "invalid_cursor")
        altered = cursor[:-1] + ("A" if cursor[-1] != "A" else "Q")  # "B" would differ in padding alone
        assert_problem(client.get(f"/images?user_id=u&last_key={altered}"), 400, "invalid_cursor")

    def test_unknown_arguments_are_ignored(self, client: FlaskClient) -> None:
        assert client.get("/images?utm_source=x&_=1").status_code == 200

    def test_urls_on_demand(self, client: FlaskClient) -> None:
        store(client)
        assert "url" not in listed(client)["images"][0]
        url = listed(client, urls=1)["images"][0]["url"]
        assert client.get(url.removeprefix("http://localhost")).data == JPEG

    def test_a_deleted_image_is_in_no_listing(self, client: FlaskClient) -> None:
        image = store(client)
        client.delete(f"/images/{image['image_id']}")
        assert ids(client) == []
