"""Uploads that go straight to the store, over HTTP: the embedded store, and S3 on moto, versitygw and MinIO."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
import requests
from flask import Flask

from services.models import ObjectAttributes
from tests import images
from tests.surfaces.direct.conftest import HTML, JPEG, Site
from utils.clock import utc_now


def assert_nothing(site: Site) -> None:
    assert site.get("/images").json()["count"] == 0
    assert site.objects() == []


def test_an_image_is_invisible_until_it_has_arrived(site: Site) -> None:
    ticket = site.begin(user_id="u", tags=["a", "b"], description="d", title="My title", filename="a b.jpg")
    image_id = ticket["image_id"]
    assert ticket.keys() >= {"image_id", "upload_url", "expires_in", "headers"}
    for path in (f"/images/{image_id}", f"/images/{image_id}/download", f"/image/{image_id}"):
        assert site.get(path).status_code == 404
    assert site.get("/images?user_id=u").json()["images"] == []
    assert site.status(ticket) == {"image_id": image_id, "status": "pending", "code": None, "reason": None}

    assert site.put(ticket, JPEG).status_code == 200

    [listed] = site.get("/images?user_id=u&tags=a,b&title=title").json()["images"]
    assert listed["image_id"] == image_id
    image = site.get(f"/images/{image_id}").json()
    assert (image["user_id"], image["tags"], image["description"], image["title"]) == ("u", ["a", "b"], "d", "My title")
    assert (image["content_type"], image["size"], image["width"]) == ("image/jpeg", len(JPEG), 40)
    assert (image["status"], image["s3_key"]) == ("ready", f"images/{image_id}/a-b.jpg")
    assert site.http.get(image["url"]).content == JPEG
    assert site.get(f"/image/{image_id}").content == JPEG
    assert site.objects() == [image["s3_key"]]


def test_a_read_alone_makes_it_visible(site: Site) -> None:
    ticket = site.begin()
    site.put(ticket, JPEG)
    assert site.get(f"/image/{ticket['image_id']}.jpg").content == JPEG


@pytest.mark.parametrize(
    ("data", "declared", "code"),
    [
        (b"", "image/jpeg", "not_an_image"),
        (HTML, "image/jpeg", "not_an_image"),
        (HTML, "image/png", "not_an_image"),
        (JPEG[:-10], "image/jpeg", "not_an_image"),
        (JPEG, "image/png", "content_type_mismatch"),
        (images.png(1001, 1000), "image/png", "too_many_pixels"),
    ],
    ids=["nothing", "html", "html as png", "truncated", "another type", "a bomb"],
)
def test_what_is_refused_leaves_nothing(site: Site, data: bytes, declared: str, code: str) -> None:
    ticket = site.begin(declared)
    assert site.put(ticket, data).status_code == 200

    assert_nothing(site)
    answer = site.status(ticket)
    assert (answer["status"], answer["code"]) == ("rejected", code)
    assert answer["reason"]
    assert site.get(f"/images/{ticket['image_id']}").status_code == 404


def test_a_type_that_was_not_signed(site: Site) -> None:
    if site.name == "moto":
        pytest.skip("moto checks no signature")
    ticket = site.begin("image/png")
    assert site.put(ticket, images.png(), **{"Content-Type": "text/html"}).status_code in {403, 415}
    assert site.put(ticket, images.png(), **{"Content-Type": "image/jpeg"}).status_code in {403, 415}
    assert_nothing(site)
    assert site.put(ticket, images.png()).status_code == 200
    assert site.status(ticket)["status"] == "ready"


def test_a_gigabyte(site: Site) -> None:
    """The embedded store stops it at the limit; S3 takes it, and it is removed unread."""
    size = 1_000_000_000 if site.name == "embedded" else 30_000_000

    def body() -> Iterator[bytes]:
        yield JPEG
        for _ in range(size // 1_000_000):
            yield bytes(1_000_000)

    ticket = site.begin()
    if site.name == "embedded":
        try:
            answer = site.put(ticket, body())
            assert answer.status_code == 413
        except requests.ConnectionError:
            pass  # refused while it was being sent
    else:
        assert site.put(ticket, b"".join(body())).status_code == 200
        assert site.status(ticket)["code"] == "too_large"
    assert_nothing(site)


def test_a_second_put_changes_nothing(site: Site) -> None:
    ticket = site.begin()
    site.put(ticket, JPEG)
    before = site.get(f"/images/{ticket['image_id']}").json()
    for second in (images.jpeg(10, 10), HTML):
        site.put(ticket, second)
        site.direct.sweep()
        after = site.get(f"/images/{ticket['image_id']}").json()
        assert {name: after[name] for name in before if name != "url"} == {
            name: before[name] for name in before if name != "url"
        }
        assert site.objects() == [before["s3_key"]]
    assert site.get(f"/image/{ticket['image_id']}").content == JPEG


def test_two_puts_before_anybody_looks(site: Site) -> None:
    ticket = site.begin()
    # As two that arrive at the same time: behind the embedded store's URL the first would be settled at once.
    key = f"pending/{ticket['image_id']}/image.jpg"
    for data in (HTML, JPEG):
        writer = site.store.writer(key, ObjectAttributes("image/jpeg"))
        writer.write(data)
        writer.commit()
    assert site.status(ticket)["status"] == "ready", "the last one counts"
    assert len(site.objects()) == 1


def test_after_its_expiry(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    ticket = site.begin(expires_in=1)
    late = utc_now() + timedelta(seconds=3)
    if site.name == "embedded":
        site.store._tokens._clock = lambda: late  # type: ignore[union-attr]
    elif site.name == "moto":
        pytest.skip("moto checks no signature")
    else:
        threading.Event().wait(2.2)
    assert site.put(ticket, JPEG).status_code == 403
    assert_nothing(site)

    monkeypatch.setattr(site.direct, "_clock", lambda: utc_now() + timedelta(hours=2))
    assert site.direct.sweep() == 1
    assert site.get(f"/images/{ticket['image_id']}/status").status_code == 404


def test_a_form(site: Site) -> None:
    ticket = site.begin("image/png")
    if site.name == "embedded":
        assert "post" not in ticket
        return
    target = ticket["post"]
    too_large = images.of_size(1_000_001, "png")
    if site.name != "moto":  # which keeps to no policy
        refused = site.http.post(target["url"], data=target["fields"], files={"file": ("a.png", too_large)})
        assert 400 <= refused.status_code < 500
        assert_nothing(site)
    taken = site.http.post(target["url"], data=target["fields"], files={"file": ("a.png", images.png(), "image/png")})
    assert taken.status_code in {200, 201, 204}
    assert site.status(ticket)["status"] == "ready"


def test_many_readers_at_once_find_one_image(site: Site) -> None:
    if site.name == "versitygw":
        pytest.skip("versitygw 1.8 loses and revives versions of a key that is written concurrently")
    ticket = site.begin()
    writer = site.store.writer(f"pending/{ticket['image_id']}/image.jpg", ObjectAttributes("image/jpeg"))
    writer.write(JPEG)
    writer.commit()
    answers: list[int] = []

    def read() -> None:
        answers.append(requests.get(f"{site.url}/images/{ticket['image_id']}", timeout=30).status_code)

    readers = [threading.Thread(target=read) for _ in range(6)]
    for reader in readers:
        reader.start()
    for reader in readers:
        reader.join()
    assert answers == [200] * 6
    assert len(site.objects()) == 1


def test_the_embedded_url_answers_as_s3_does_when_settling_fails(
    make_app: Callable[..., Flask], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    app = make_app()
    client = app.test_client()
    ticket = client.post("/images/upload", json={"content_type": "image/jpeg"}).get_json()
    core = app.extensions["image-service"]
    folder = core.store._inner._root / "images"
    folder.parent.mkdir(exist_ok=True)
    folder.write_text("in the way of every copy")
    url = ticket["upload_url"].removeprefix("http://localhost")

    assert client.put(url, data=JPEG, headers=ticket["headers"]).status_code == 200

    assert "failed: settling" in caplog.text
    assert client.get(f"/images/{ticket['image_id']}").status_code in {500, 503}
    folder.unlink()
    assert client.get(f"/images/{ticket['image_id']}").status_code == 200
