"""``GET /api/images/<label>`` of more images than a page has."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient

from api.pages.api_schemas import LabelListed
from services.errors import BackendUnavailable
from tests.contract.image_repository.samples import CREATED, an_image
from tests.surfaces.helpers import METADATA
from tests.surfaces.test_pages_api import LATEST, assert_failure


def keep(client: FlaskClient, label: str, number: int) -> list[str]:
    """Rows of ``number`` images without their bytes; returns their ids, newest first."""
    repository = client.application.extensions["image-service"].images._repository
    ids = []
    for each in range(number):
        image = an_image(owner=label, created_at=CREATED + timedelta(minutes=each // 3))
        repository.add(image)
        ids.append((image.created_at, image.image_id))
    return [image_id for _, image_id in sorted(ids, reverse=True)]


@pytest.mark.parametrize("number", [100, 101, 250])
def test_all_of_many(client: FlaskClient, number: int) -> None:
    kept = keep(client, "user123", number)
    keep(client, "user1234", 1)
    answer = client.get("/api/images/user123")
    assert (answer.status_code, answer.content_type) == (200, "application/json")
    assert answer.headers["Cache-Control"] == "no-store"
    body = answer.get_json()
    assert LabelListed().validate(body) == {}
    images = body.pop("images")
    assert body == {"success": True, "image_id": "user123", "count": number, "cursor": None, "next": None}
    assert [each["key"].removesuffix(".jpg") for each in images] == kept
    assert all(each["s3_url"].startswith("http://localhost/objects/") for each in images)
    assert {tuple(sorted(each)) for each in images} == {tuple(sorted((METADATA | LATEST) - {"success"}))}


def test_many_are_not_held_at_once(client: FlaskClient) -> None:
    keep(client, "user123", 250)
    answer = client.get("/api/images/user123", buffered=False)
    assert answer.content_length is None  # so that servers send it as it comes
    pieces = list(answer.response)
    answer.close()
    assert max(map(len, pieces)) < sum(map(len, pieces)) / 2


def test_a_failure_behind_the_first_page_breaks_the_answer_off(client: FlaskClient) -> None:
    """Its status is sent by then: only an answer that does not end tells the client that images are missing."""
    keep(client, "user123", 250)
    listings = client.application.extensions["image-service"].listings
    whole, seen = listings._repository, []

    class Failing:
        def search(self, *asked: Any, **options: Any) -> Any:
            seen.append(options)
            if len(seen) > 1:
                raise BackendUnavailable
            return whole.search(*asked, **options)

    listings._repository = Failing()
    with pytest.raises(BackendUnavailable):
        client.get("/api/images/user123", buffered=True)
    assert len(seen) == 2
    assert_failure(client.get("/api/images/user123"), 503, "backend_unavailable")


def test_all_behind_a_cursor(client: FlaskClient) -> None:
    kept = keep(client, "user123", 205)
    cursor = client.get("/api/images/user123?limit=2").get_json()["cursor"]
    body = client.get(f"/api/images/user123?cursor={cursor}").get_json()
    assert (body["count"], body["cursor"]) == (203, None)
    assert [each["key"].removesuffix(".jpg") for each in body["images"]] == kept[2:]


def test_a_head_request_sends_no_images(client: FlaskClient) -> None:
    keep(client, "user123", 101)
    answer = client.head("/api/images/user123")
    assert (answer.status_code, answer.data) == (200, b"")
