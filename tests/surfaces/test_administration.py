"""The administration page's JSON: totals, and the search over everybody's images."""

from __future__ import annotations

import io
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import event

from tests import images
from tests.surfaces.helpers import assert_problem, upload

TODAY = datetime.now(UTC).date()


def store(client: FlaskClient, owner: str, **fields: Any) -> str:
    response = upload(client, images.png(20, 10), "photo.png", headers={"X-User-ID": owner}, **fields)
    assert response.status_code == 201
    return str(response.get_json()["key"])


def found(client: FlaskClient, query: str = "") -> list[str]:
    response = client.get(f"/admin/images{query}")
    assert response.status_code == 200, response.get_data(as_text=True)
    assert response.headers["Cache-Control"] == "no-store"
    body = response.get_json()
    assert body["count"] == len(body["images"])
    return [image["key"] for image in body["images"]]


def test_totals_count_what_is_visible(client: FlaskClient) -> None:
    assert client.get("/admin/totals").get_json() == {"images": 0, "size": 0, "deleted": 0, "days": []}
    keys = [store(client, owner) for owner in ("ann", "bob", "bob")]
    size = len(images.png(20, 10))
    client.delete(f"/delete/{keys[0]}")
    body = client.get("/admin/totals").get_json()
    days = [{"day": TODAY.isoformat(), "images": 2, "size": 2 * size}]
    assert body == {"images": 2, "size": 2 * size, "deleted": 1, "days": days}


def test_a_search_takes_every_condition_together(client: FlaskClient) -> None:
    red = store(client, "ann", title="The red boat", tags="sea, red")
    blue = store(client, "bob", title="A blue BOAT", tags="sea")
    assert found(client) == [blue, red]
    assert found(client, "?title=Boat") == [blue, red]
    assert found(client, "?title=boa") == []
    assert found(client, "?tags=sea,red") == [red]
    assert found(client, "?owner=bob&tags=sea") == [blue]
    assert found(client, f"?since={TODAY}&until={TODAY}") == [blue, red]
    assert found(client, f"?until={TODAY - timedelta(days=1)}") == []
    assert found(client, f"?since={TODAY + timedelta(days=1)}") == []
    assert found(client, "?owner=&tags=&title=&since=&until=&cursor=&deleted=") == [blue, red]


def test_pages_follow_each_other_by_cursor(client: FlaskClient) -> None:
    keys = [store(client, "ann") for _ in range(5)][::-1]
    first = client.get("/admin/images?limit=3").get_json()
    assert [image["key"] for image in first["images"]] == keys[:3]
    second = client.get("/admin/images", query_string={"limit": 3, "cursor": first["cursor"]}).get_json()
    assert ([image["key"] for image in second["images"]], second["cursor"]) == (keys[3:], None)
    other = client.get("/admin/images", query_string={"owner": "ann", "cursor": first["cursor"]})
    assert_problem(other, 400, "invalid_cursor")


def test_a_deleted_image_names_what_undeletes_it(client: FlaskClient) -> None:
    key = store(client, "ann", title="Boat")
    newer = client.put(f"/update/{key}", data={"file": (io.BytesIO(images.jpeg(60, 50)), "b.jpg")}).get_json()
    client.delete(f"/delete/{newer['key']}")
    assert found(client) == []
    image = client.get("/admin/images?deleted=true").get_json()["images"][0]
    shown = (image["deleted"], image["width"], image["content_type"], image["restore_version_id"])
    assert shown == (True, 60, "image/jpeg", newer["version_id"])
    assert client.get(f"/image/{image['key']}?version={image['restore_version_id']}").status_code == 200
    restored = client.post(f"/image/{image['key']}/restore", json={"version_id": image["restore_version_id"]})
    assert restored.status_code == 200
    image = client.get("/admin/images").get_json()["images"][0]
    assert (image["deleted"], image["restore_version_id"], image["title"]) == (False, None, "Boat")
    assert found(client, "?deleted=1") == []


def test_a_page_of_deleted_images_costs_as_many_statements_as_one(client: FlaskClient) -> None:
    def statements() -> int:
        seen: list[str] = []
        engine = client.application.extensions["image-service"].images._repository._search._engine

        def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
            seen.append(statement)

        event.listen(engine, "before_cursor_execute", note)
        shown = client.get("/admin/images?deleted=1").get_json()["images"]
        event.remove(engine, "before_cursor_execute", note)
        assert all(image["restore_version_id"] for image in shown)
        return len(seen)

    counts = []
    for _ in range(4):
        client.delete(f"/delete/{store(client, 'ann')}")
        counts.append(statements())
    assert set(counts) == {counts[0]}


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("?limit=0", "invalid_input"),
        ("?limit=101", "invalid_input"),
        ("?limit=many", "invalid_input"),
        ("?since=2026-13-01", "invalid_input"),
        ("?until=9999-12-31", "invalid_input"),
        ("?deleted=perhaps", "invalid_input"),
        ("?cursor=abc", "invalid_cursor"),
        ("?title=%2A%2A", "invalid_field"),
        ("?owner=a%00b", "invalid_field"),
        ("?tags=" + "x" * 65, "invalid_field"),
        ("?title=" + "x" * 10_000, "invalid_field"),
    ],
)
def test_a_search_that_can_not_be_is_refused(client: FlaskClient, query: str, code: str) -> None:
    body = assert_problem(client.get(f"/admin/images{query}"), 400, code)
    assert body["success"] is False
