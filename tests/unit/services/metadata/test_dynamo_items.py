from __future__ import annotations

from dataclasses import fields, replace
from datetime import datetime, timedelta

import pytest

from services.metadata.dynamo_items import (
    IMAGE_ATTRIBUTES,
    copied,
    image_item,
    pending_item,
    read_image,
    read_pending,
    read_version,
    version_item,
)
from services.models import PUBLIC, REJECTED, Image, ImageVersion, PendingUpload, UploadFields
from tests.contract.image_repository.samples import CREATED, a_marker, a_version, an_image

PLAIN = PendingUpload(
    "id", "ada", "pending/id/cat.jpg", "cat.jpg", "image/jpeg", 10, UploadFields(), CREATED, CREATED + timedelta(1)
)


@pytest.mark.parametrize(
    "image",
    [
        an_image(),
        an_image(a_marker()),
        an_image(title="", description="", filename="", tags=()),
        an_image(tags=("b", "a", "b", ""), visibility=PUBLIC),
        an_image(a_version(frames=0, orientation=1, size=0, width=2**40)),
    ],
)
def test_an_image_is_read_as_it_was_written(image: Image) -> None:
    item = image_item(image, revision=7)
    found = read_image(item)
    assert found == image
    assert found.revision == 7
    assert read_image(copied(item, image.title)) == image
    assert set(item) <= set(IMAGE_ATTRIBUTES), "a projection would leave out what is not named there"


@pytest.mark.parametrize("version", [a_version(), a_marker(), a_version(frames=0)])
def test_a_version_is_read_as_it_was_written(version: ImageVersion) -> None:
    assert read_version(version_item(version)) == version


def test_no_field_is_forgotten() -> None:
    of_image = {each.name for each in fields(Image)} - {"current"}
    of_version = {each.name for each in fields(ImageVersion)} - {"created_at"} | {"version_created_at"}
    assert set(IMAGE_ATTRIBUTES) == of_image | of_version


def test_what_is_empty_costs_nothing() -> None:
    assert not {"title", "description", "tags", "visibility", "deleted"} & set(
        image_item(an_image(title="", description="", tags=()), revision=1)
    )


@pytest.mark.parametrize(
    "upload",
    [
        PLAIN,
        replace(PLAIN, fields=UploadFields("", "", (), "private")),
        replace(PLAIN, fields=UploadFields(title="t", tags=("b", "a"))),
        replace(PLAIN, status=REJECTED, reason_code="not_an_image", reason="no"),
    ],
)
def test_a_direct_upload_is_read_as_it_was_written(upload: PendingUpload) -> None:
    assert read_pending(pending_item(upload)) == upload


def test_a_naive_time_is_refused() -> None:
    with pytest.raises(ValueError, match="naive"):
        image_item(an_image(updated_at=datetime(2026, 1, 1)), revision=1)  # noqa: DTZ001 - the point
