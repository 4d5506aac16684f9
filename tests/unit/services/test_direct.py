"""Uploads that go straight to the store: what begins them, and what their bytes become."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from typing import Any

import pytest

from services.direct import UNDERWAY
from services.errors import (
    BackendMisconfigured,
    BackendUnavailable,
    InvalidInput,
    NotAnImage,
    Overloaded,
    TooLarge,
    UnsupportedType,
)
from services.models import PENDING, PUBLIC, REJECTED, ObjectAttributes, UploadFields
from services.ports import PostPolicy
from services.settling import REMEMBERED
from tests import images
from tests.unit.services.desk import HTML, JPEG, PNG, Desk
from tests.unit.services.world import Breaking, World


class TestBegin:
    def test_a_ticket_names_everything(self, desk: Desk) -> None:
        fields = UploadFields("t", "d", ("x",), PUBLIC)
        ticket = desk.begin("image/png", filename="dir/a b.png", size=10, fields=fields)

        upload = ticket.upload
        assert ticket.url.startswith("/objects/")
        assert ticket.headers == {"Content-Type": "image/png"}
        assert ticket.expires_in == 600
        assert ticket.post is None, "the embedded store takes no forms"
        assert upload.object_key == f"pending/{upload.image_id}/a-b.png"
        assert (upload.owner, upload.filename, upload.content_type) == ("me", "a b.png", "image/png")
        assert (upload.status, upload.fields, upload.max_size) == (PENDING, fields, 10**6)
        assert upload.expires_at - upload.created_at == timedelta(seconds=600) + UNDERWAY
        assert desk.direct.status(upload.image_id) == upload

    def test_a_life_of_its_own(self, desk: Desk) -> None:
        assert desk.begin(expires_in=7).expires_in == 7

    @pytest.mark.parametrize("declared", ["image/jpg", "IMAGE/JPEG", "image/pjpeg"])
    def test_what_is_signed_is_what_was_declared(self, desk: Desk, declared: str) -> None:
        ticket = desk.arrived(JPEG, declared)
        assert ticket.headers["Content-Type"] == declared
        image = desk.direct.settle(ticket.upload.image_id)
        assert image is not None
        assert image.current.content_type == "image/jpeg"

    @pytest.mark.parametrize("declared", ["text/html", "image/svg+xml", "image/jpeg; a=b", "", "image/*", "image/heic"])
    def test_other_types_are_refused(self, desk: Desk, declared: str) -> None:
        with pytest.raises(UnsupportedType):
            desk.begin(declared)
        assert desk.world.rows.pending_of(None, limit=9) == []

    def test_a_size_over_the_limit_is_refused(self, desk: Desk) -> None:
        desk.begin(size=10**6)
        with pytest.raises(TooLarge):
            desk.begin(size=10**6 + 1)

    def test_a_bad_file_name_is_refused(self, desk: Desk) -> None:
        with pytest.raises(InvalidInput):
            desk.begin(filename="a\0b")

    def test_a_store_that_can_not_sign_leaves_nothing(self, world: World) -> None:
        desk = Desk(world, urls=Breaking(world.store, "presign_put", BackendMisconfigured(detail="no credentials")))
        with pytest.raises(BackendUnavailable) as error:
            desk.begin()
        assert "no credentials" in error.value.detail
        assert world.rows.pending_of(None, limit=9) == []

    def test_a_store_that_takes_forms_gets_one_signed(self, world: World) -> None:
        class Posting:
            def presign_put(self, *_: Any, **__: Any) -> str:
                return "https://s3.example/put"

            def presign_get(self, *_: Any, **__: Any) -> str:
                return ""

            def presign_post(self, key: str, **policy: Any) -> PostPolicy:
                return PostPolicy("https://s3.example", {"key": key, **{name: str(policy[name]) for name in policy}})

        ticket = Desk(world, urls=Posting()).begin("image/png", expires_in=9)

        assert ticket.post is not None
        assert ticket.post.fields == {
            "key": ticket.upload.object_key, "expires_in": "9", "content_type": "image/png", "max_size": "1000000",
        }  # fmt: skip


class TestSettle:
    def test_bytes_become_an_image(self, desk: Desk) -> None:
        fields = UploadFields("t", "d", ("x",), PUBLIC)
        ticket = desk.begin(filename="a.jpg", fields=fields)
        assert desk.direct.settle(ticket.upload.image_id) is None, "nothing has arrived"
        desk.send(ticket, JPEG)

        image = desk.direct.settle(ticket.upload.image_id)

        assert image is not None
        assert desk.world.rows.get(image.image_id) == image
        assert (image.owner, image.filename, image.object_key) == ("me", "a.jpg", f"images/{image.image_id}/a.jpg")
        assert (image.title, image.description, image.tags, image.visibility) == ("t", "d", ("x",), PUBLIC)
        version = image.current
        assert (version.size, version.sha256) == (len(JPEG), hashlib.sha256(JPEG).hexdigest())
        assert (version.content_type, version.width, version.height) == ("image/jpeg", 40, 30)
        assert b"".join(desk.world.store.read(image.object_key, version.version_id)) == JPEG
        stored = desk.world.store.describe(image.object_key, version.version_id)
        assert stored == ObjectAttributes("image/jpeg", "me", "a.jpg")
        assert desk.world.objects() == [(version.version_id, False)]
        assert desk.pending_objects() == []
        assert desk.direct.status(image.image_id) is None

    def test_without_a_file_name(self, desk: Desk) -> None:
        image = desk.direct.settle(desk.arrived(PNG, "image/png").upload.image_id)
        assert image is not None
        assert (image.filename, image.object_key) == ("image.png", f"images/{image.image_id}/image.png")

    def test_again_is_the_same_image(self, desk: Desk) -> None:
        image_id = desk.arrived(JPEG).upload.image_id
        assert desk.direct.settle(image_id) == desk.direct.settle(image_id)
        assert len(desk.world.objects()) == 1

    def test_of_an_unknown_id(self, desk: Desk) -> None:
        assert desk.direct.settle("550e8400-e29b-41d4-a716-446655440000") is None

    def test_a_large_object_is_read_in_pieces(self, world: World) -> None:
        sizes = []

        class Watching(Breaking):
            def feed(self, chunk: bytes) -> None:
                sizes.append(len(chunk))

            def finish(self) -> None: ...
            def close(self) -> None: ...

        desk = Desk(world, verifier=lambda: Watching(None, "", Exception()))
        data = images.of_size(900_000, "jpeg")
        assert desk.direct.settle(desk.arrived(data).upload.image_id) is not None
        assert sum(sizes) == len(data)
        assert max(sizes) <= 256 * 1024

    @pytest.mark.parametrize(
        ("data", "declared", "code"),
        [
            (b"", "image/jpeg", "not_an_image"),
            (JPEG[:-20], "image/jpeg", "not_an_image"),
            (JPEG[:30], "image/jpeg", "not_an_image"),
            (b"\0" * 5000, "image/jpeg", "not_an_image"),
            (HTML, "image/jpeg", "not_an_image"),
            (b'<svg xmlns="http://www.w3.org/2000/svg"></svg>', "image/png", "unsupported_type"),
            (PNG, "image/jpeg", "content_type_mismatch"),
            (JPEG, "image/png", "content_type_mismatch"),
            (images.png(1001, 1000), "image/png", "too_many_pixels"),
            (images.pad_jpeg(JPEG, 10**6), "image/jpeg", "too_large"),
        ],
        ids=["nothing", "truncated", "header", "zeros", "html", "svg", "png", "jpeg", "bomb", "large"],
    )
    def test_bytes_that_fail_are_removed_and_the_row_says_why(
        self, desk: Desk, data: bytes, declared: str, code: str
    ) -> None:
        image_id = desk.arrived(data, declared).upload.image_id

        assert desk.direct.settle(image_id) is None

        upload = desk.direct.status(image_id)
        assert upload is not None
        assert (upload.status, upload.reason_code) == (REJECTED, code)
        assert upload.reason
        assert upload.expires_at > desk.clock() + REMEMBERED - timedelta(minutes=1)
        assert desk.pending_objects() == []
        assert desk.world.objects() == []
        assert desk.direct.settle(image_id) is None, "also later"

    def test_a_large_object_is_refused_unread(self, world: World) -> None:
        store = Breaking(world.store, "read", AssertionError("it was read"))
        desk = Desk(world, store=store)
        assert desk.direct.settle(desk.arrived(images.pad_jpeg(JPEG, 10**6)).upload.image_id) is None

    def test_the_second_opinion_counts(self, world: World) -> None:
        closed = []

        class Doubting:
            def feed(self, chunk: bytes) -> None: ...

            def finish(self) -> None:
                raise NotAnImage("It does not decode.")

            def close(self) -> None:
                closed.append(self)

        desk = Desk(world, verifier=Doubting)
        image_id = desk.arrived(JPEG).upload.image_id
        assert desk.direct.settle(image_id) is None
        upload = desk.direct.status(image_id)
        assert upload is not None
        assert upload.reason == "It does not decode."
        assert len(closed) == 1

    def test_what_can_not_be_judged_now_stays_pending(self, world: World) -> None:
        class Busy:
            def feed(self, chunk: bytes) -> None:
                raise Overloaded

            def finish(self) -> None: ...
            def close(self) -> None: ...

        desk = Desk(world, verifier=Busy)
        image_id = desk.arrived(JPEG).upload.image_id
        with pytest.raises(Overloaded):
            desk.direct.settle(image_id)
        assert Desk(world).direct.settle(image_id) is not None
