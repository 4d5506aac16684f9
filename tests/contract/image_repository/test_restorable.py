"""Deleted images in a listing."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from services.models import ImageQuery
from services.ports import Repository
from tests.contract.image_repository.model import store
from tests.contract.image_repository.samples import CREATED, a_marker, an_image, with_current

SECOND = timedelta(seconds=1)


def test_a_deleted_image_is_listed_with_what_can_be_restored(repository: Repository) -> None:
    images = store(repository, (an_image(created_at=CREATED + number * SECOND) for number in range(3)))
    never = an_image(a_marker(), created_at=CREATED - SECOND)
    repository.add(never)
    replaced = with_current(images[1], "v2")
    repository.replace(replaced, expected_revision=1)
    for image, revision in ((images[0], 1), (replaced, 2), (images[2], 1)):
        marker = replace(image, current=a_marker(f"marker-{revision}"))
        repository.replace(marker, expected_revision=revision)
    again = replace(images[2], current=a_marker("another"))
    repository.replace(again, expected_revision=2)
    for query in (ImageQuery(deleted=True), ImageQuery("ada", tags=("cat",), deleted=True)):
        page = repository.search(query, limit=10)
        shown = {image.image_id: image.restorable for image in page.images}
        assert shown == {
            images[0].image_id: images[0].current,
            images[1].image_id: replaced.current,
            images[2].image_id: images[2].current,
            never.image_id: None,
        }
        short = repository.search(query, limit=1)
        assert [image.restorable for image in short.images] == [images[2].current]
    repository.replace(with_current(images[0], "v9"), expected_revision=2)
    assert repository.search(ImageQuery(), limit=10).images[0].restorable is None
