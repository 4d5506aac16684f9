"""One core below all surfaces: what is stored, changed, deleted or restored through one is so through every other."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import pytest
from flask.testing import FlaskClient

ANN = {"X-User-ID": "ann"}


def file_of(data: bytes) -> dict[str, Any]:
    return {"file": (io.BytesIO(data), "photo.jpg")}


def by_primary(client: FlaskClient, data: bytes) -> str:
    return str(client.post("/upload", data=file_of(data), headers=ANN).get_json()["image_id"])


def by_form(client: FlaskClient, data: bytes) -> str:
    return str(client.post("/images", data={"user_id": "ann", **file_of(data)}).get_json()["image_id"])


def by_base64(client: FlaskClient, data: bytes) -> str:
    body = {"user_id": "ann", "image": base64.b64encode(data).decode()}
    return str(client.post("/images", json=body).get_json()["image_id"])


def by_presigned_url(client: FlaskClient, data: bytes) -> str:
    made = client.post("/images/upload", json={"user_id": "ann", "content_type": "image/jpeg"}).get_json()
    url = urlsplit(made["upload_url"])
    put = client.put(url.path, data=data, headers=made["headers"])
    assert put.status_code == 200, put.text
    return str(made["image_id"])


def by_v1(client: FlaskClient, data: bytes) -> str:
    return str(client.post("/api/v1/images/upload", data=file_of(data), headers=ANN).get_json()["image_id"])


def by_label(client: FlaskClient, data: bytes) -> str:
    return str(client.post("/upload/ann", data=file_of(data)).get_json()["key"].partition(".")[0])


def by_page(client: FlaskClient, data: bytes) -> str:
    assert client.post("/ann", data=file_of(data)).status_code == 303
    return str(client.get("/api/url/ann").get_json()["key"].partition(".")[0])


STORING = [by_primary, by_form, by_base64, by_presigned_url, by_v1, by_label, by_page]


def bytes_by_every_surface(client: FlaskClient, image_id: str) -> dict[str, bytes | None]:
    """What each way of reading gives; None where it answers 404."""
    found: dict[str, bytes | None] = {}
    for name, url in {"primary": f"/image/{image_id}", "v1": f"/api/v1/images/{image_id}"}.items():
        with client.get(url, headers=ANN) as answer:
            assert answer.status_code in (200, 404)
            found[name] = answer.data if answer.status_code == 200 else None
    for name, url, member in [
        ("images", f"/images/{image_id}", "url"),
        ("images, download", f"/images/{image_id}/download", "download_url"),
    ]:
        answer = client.get(url, headers=ANN)
        assert answer.status_code in (200, 404)
        found[name] = fetched(client, answer.get_json()[member]) if answer.status_code == 200 else None
    return found


def fetched(client: FlaskClient, url: str) -> bytes:
    with client.get(urlsplit(url).path) as answer:
        assert answer.status_code == 200
        return answer.data


def listed_by_every_surface(client: FlaskClient) -> dict[str, list[str]]:
    """The ids of Ann's images in each listing."""
    listings = {
        "images": ("/images?user_id=ann", "image_id"),
        "v1": ("/api/v1/images", "image_id"),
        "labels": ("/api/images/ann", "key"),
        "admin": ("/admin/images?owner=ann", "image_id"),
    }
    found = {}
    for name, (url, member) in listings.items():
        headers = ANN if name == "v1" else {}
        answer = client.get(url, headers=headers)
        assert answer.status_code == 200, (name, answer.text)
        found[name] = [image[member].partition(".")[0] for image in answer.get_json()["images"]]
    return found


@pytest.mark.parametrize("store", STORING, ids=lambda store: store.__name__)
def test_stored_by_one_is_there_by_all(
    client: FlaskClient, jpeg_photo: bytes, store: Callable[[FlaskClient, bytes], str]
) -> None:
    image_id = store(client, jpeg_photo)
    assert listed_by_every_surface(client) == {name: [image_id] for name in ("images", "v1", "labels", "admin")}
    read = bytes_by_every_surface(client, image_id)
    assert set(read.values()) == {jpeg_photo}
    assert image_id in client.get("/ann").text
    latest = client.get("/api/url/ann").get_json()
    assert (latest["key"], fetched(client, latest["s3_url"])) == (f"{image_id}.jpg", jpeg_photo)
    everywhere = [
        client.get(f"/images/{image_id}").get_json(),
        client.get("/images?user_id=ann").get_json()["images"][0],
        client.get("/api/v1/images", headers=ANN).get_json()["images"][0],
        latest,
    ]
    for member in ("user_id", "s3_key", "key", "content_type", "size", "width", "height", "sha256", "title", "tags",
                   "description", "created_at", "updated_at", "version_id", "original_filename"):  # fmt: skip
        assert len({repr(each[member]) for each in everywhere}) == 1, member


DELETING = {
    "primary": lambda client, image_id: client.delete(f"/delete/{image_id}", headers=ANN),
    "images": lambda client, image_id: client.delete(f"/images/{image_id}?user_id=ann"),
    "v1": lambda client, image_id: client.delete(f"/api/v1/images/{image_id}", headers=ANN),
}


@pytest.mark.parametrize("surface", DELETING)
def test_deleted_by_one_is_gone_from_all_and_restored_it_is_back(
    client: FlaskClient, jpeg_photo: bytes, surface: str
) -> None:
    kept, image_id = by_v1(client, jpeg_photo), by_label(client, jpeg_photo)
    version_id = client.get(f"/images/{image_id}").get_json()["version_id"]
    assert DELETING[surface](client, image_id).status_code == 200
    assert set(map(tuple, listed_by_every_surface(client).values())) == {(kept,)}
    assert set(bytes_by_every_surface(client, image_id).values()) == {None}
    assert client.get("/api/url/ann").get_json()["key"] == f"{kept}.jpg"
    assert image_id not in client.get("/ann").text
    for again in DELETING.values():
        assert again(client, image_id).status_code == 404
    body = {"version_id": version_id}
    assert client.post(f"/image/{image_id}/restore", json=body, headers=ANN).status_code == 200
    assert set(map(tuple, listed_by_every_surface(client).values())) == {(image_id, kept)}
    assert set(bytes_by_every_surface(client, image_id).values()) == {jpeg_photo}


def test_replaced_by_one_is_new_by_all(client: FlaskClient, jpeg_photo: bytes, png_photo: bytes) -> None:
    image_id = by_label(client, jpeg_photo)
    assert client.put(f"/update/{image_id}", data=png_photo, headers=ANN).status_code == 200
    assert set(bytes_by_every_surface(client, image_id).values()) == {png_photo}
    latest = client.get("/api/url/ann").get_json()
    assert (latest["content_type"], fetched(client, latest["s3_url"])) == ("image/png", png_photo)


@pytest.mark.parametrize("surface", ["images", "v1"])
def test_described_by_one_is_found_by_all(client: FlaskClient, jpeg_photo: bytes, surface: str) -> None:
    image_id = by_primary(client, jpeg_photo)
    by_primary(client, jpeg_photo)
    change = {"title": "Low tide", "description": "d", "tags": ["beach", "summer"]}
    if surface == "images":
        answer = client.patch(f"/images/{image_id}", json=change, headers=ANN)
    else:
        answer = client.put(f"/api/v1/images/{image_id}", json=change, headers=ANN)
    assert answer.status_code == 200
    for url in (
        "/images?user_id=ann&tags=beach,summer",
        "/images?user_id=ann&tag=beach&title=TIDE",
        "/api/v1/images?filter_by=tags&tags=summer,beach",
        "/api/v1/images?filter_by=title&title=tide",
        "/admin/images?tags=beach&title=low",
    ):
        [image] = client.get(url, headers=ANN if "/v1/" in url else {}).get_json()["images"]
        assert image["image_id"] == image_id, url
        assert {name: image[name] for name in ("title", "tags")} == {name: change[name] for name in ("title", "tags")}


@pytest.mark.parametrize("surface", DELETING)
def test_a_foreign_image_is_as_unknown_as_none(client: FlaskClient, jpeg_photo: bytes, surface: str) -> None:
    image_id = by_label(client, jpeg_photo)
    bob = {"X-User-ID": "bob"}
    for url in {
        "primary": (f"/delete/{image_id}",),
        "images": (f"/images/{image_id}?user_id=bob", f"/images/{image_id}"),
        "v1": (f"/api/v1/images/{image_id}",),
    }[surface]:
        answer = client.delete(url, headers={} if "user_id" in url else bob)
        assert (answer.status_code, answer.get_json()["code"]) == (404, "not_found")
    assert listed_by_every_surface(client)["labels"] == [image_id]
