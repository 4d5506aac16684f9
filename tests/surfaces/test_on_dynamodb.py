"""The service with its rows in DynamoDB: what the composition root makes of ``DYNAMO_TABLE``."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from services.errors import BackendMisconfigured
from tests.contract.image_repository import dynamo
from tests.surfaces.helpers import upload


@pytest.fixture
def settings(tmp_path: Path) -> Iterator[dict[str, str]]:
    with dynamo.empty_on_moto(tmp_path) as address, dynamo.test_credentials():
        endpoint, table = address.split(" ")
        yield {"DYNAMO_TABLE": table, "DYNAMO_ENDPOINT_URL": endpoint}


def wait_until_ready(client: FlaskClient) -> None:
    """The check gives each backend three seconds, and moto shares this process's interpreter with the tests."""
    deadline = time.monotonic() + 30
    while (answer := client.get("/health/ready")).status_code != 200:
        assert time.monotonic() < deadline, answer.get_json()
        time.sleep(0.2)


def test_an_image_from_upload_to_delete(
    make_app: Callable[..., Flask], settings: dict[str, str], jpeg_photo: bytes, tmp_path: Path
) -> None:
    client = make_app(**settings).test_client()
    wait_until_ready(client)
    stored = upload(client, jpeg_photo, title="On the launch pad", tags="rocket,night").get_json()
    found = client.get("/images?tags=rocket,night&title=launch").get_json()
    assert [each["image_id"] for each in found["images"]] == [stored["image_id"]]
    assert client.get(f"/image/{stored['key']}").data == jpeg_photo
    assert client.delete(f"/delete/{stored['key']}").status_code == 200
    assert client.get("/images").get_json()["images"] == []
    assert not list(tmp_path.rglob("*.sqlite3")), "no SQL database was made"


def test_development_makes_a_missing_table(make_app: Callable[..., Flask], settings: dict[str, str]) -> None:
    client = make_app(**settings | {"DYNAMO_TABLE": "made-at-the-start"}).test_client()
    wait_until_ready(client)
    # Made once: the next start finds it.
    make_app(**settings | {"DYNAMO_TABLE": "made-at-the-start"})


def test_production_does_not(make_app: Callable[..., Flask], settings: dict[str, str]) -> None:
    production = {"ENVIRONMENT": "production", "ALLOW_ANONYMOUS": "1", "SECRET_KEY": "s" * 32}
    with pytest.raises(BackendMisconfigured) as caught:
        make_app(**settings | production | {"DYNAMO_TABLE": "nobody-made-it"})
    assert "DYNAMO_TABLE" in caught.value.detail
