"""An upload is committed or it never was: failures at each step, on the real embedded store and a real database."""

from __future__ import annotations

from dataclasses import replace

import pytest

from services.errors import (
    BackendUnavailable,
    ImageNotFound,
    NotAnImage,
    Overloaded,
    PreconditionFailed,
    ServiceError,
    TooLarge,
    TooManyPixels,
)
from services.models import Image, UploadFields
from tests.unit.services.world import ME, Breaking, World, store


def test_a_commit_stores_one_object_and_one_row(world: World, jpeg_photo: bytes) -> None:
    image = store(world.uploads(), jpeg_photo, UploadFields("t", "d", ("x",)))
    assert world.rows.get(image.image_id) == image
    assert image.object_key == f"images/{image.image_id}/a.jpg"
    assert world.objects() == [(image.current.version_id, False)]
    attributes = world.store.describe(image.object_key, image.current.version_id)
    assert (attributes.content_type, attributes.owner, attributes.filename) == ("image/jpeg", "me", "a.jpg")


@pytest.mark.parametrize("size", [1, 13, 4096, 1 << 20])
def test_chunking_changes_nothing(world: World, jpeg_photo: bytes, size: int) -> None:
    data = jpeg_photo if size > 1 else jpeg_photo[:2000] + jpeg_photo[2000:]
    with world.uploads().new(ME) as upload:
        for start in range(0, len(data), size):
            upload.write(data[start : start + size])
        image = upload.commit()
    assert b"".join(world.images().open(image, image.current)) == jpeg_photo


@pytest.mark.parametrize(
    "stop",
    [ZeroDivisionError, KeyboardInterrupt, GeneratorExit, SystemExit],
)
@pytest.mark.parametrize("written", [0, 10, 50_000, None])
def test_leaving_without_a_commit_leaves_nothing(
    world: World, jpeg_photo: bytes, stop: type[BaseException], written: int | None
) -> None:
    with pytest.raises(stop), world.uploads().new(ME) as upload:
        if written != 0:
            upload.write(jpeg_photo[:written])
        raise stop
    assert (world.objects(), world.unfinished()) == ([], [])


def test_leaving_quietly_without_a_commit_leaves_nothing(world: World, jpeg_photo: bytes) -> None:
    with world.uploads().new(ME) as upload:
        upload.write(jpeg_photo)
    assert (world.objects(), world.unfinished()) == ([], [])


def test_refusals_come_while_writing(world: World, jpeg_photo: bytes) -> None:
    with pytest.raises(TooLarge), world.uploads(max_file_size=1000).new(ME) as upload:
        upload.write(jpeg_photo[:1001])
    with pytest.raises(TooManyPixels), world.uploads(max_pixels=1000).new(ME) as upload:
        upload.write(jpeg_photo[:20_000])
    with pytest.raises(NotAnImage), world.uploads().new(ME) as upload:
        upload.commit()
    assert (world.objects(), world.unfinished()) == ([], [])


@pytest.mark.parametrize("method", ["add"])
def test_a_refused_row_takes_the_object_with_it(world: World, jpeg_photo: bytes, method: str) -> None:
    broken = Breaking(world.rows, method, BackendUnavailable())
    with pytest.raises(BackendUnavailable):
        store(world.uploads(broken), jpeg_photo)
    assert (world.objects(), world.unfinished()) == ([], [])


def test_a_row_whose_answer_was_lost_counts(world: World, jpeg_photo: bytes) -> None:
    image = store(world.uploads(Breaking(world.rows, "add", BackendUnavailable(), after=True)), jpeg_photo)
    assert world.rows.get(image.image_id) == image
    assert world.objects() == [(image.current.version_id, False)]


def test_a_failed_replacement_leaves_the_former_version_current(
    world: World, jpeg_photo: bytes, png_photo: bytes
) -> None:
    image = store(world.uploads(), jpeg_photo)
    broken = Breaking(world.rows, "replace", BackendUnavailable())
    with pytest.raises(BackendUnavailable), world.uploads(broken).replacement(image) as upload:
        upload.write(png_photo)
        upload.commit()
    assert world.rows.get(image.image_id) == image
    assert world.objects() == [(image.current.version_id, False)]


def test_a_replacement_whose_answer_was_lost_counts(world: World, jpeg_photo: bytes, png_photo: bytes) -> None:
    image = store(world.uploads(), jpeg_photo)
    lost = Breaking(world.rows, "replace", BackendUnavailable(), after=True)
    with world.uploads(lost).replacement(image) as upload:
        upload.write(png_photo)
        changed = upload.commit()
    assert world.rows.get(image.image_id) == changed


def test_the_last_commit_wins(world: World, jpeg_photo: bytes, png_photo: bytes) -> None:
    image = store(world.uploads(), jpeg_photo)
    with world.uploads().replacement(image) as slow:
        slow.write(png_photo)
        with world.uploads().replacement(image) as fast:
            fast.write(jpeg_photo)
            fast.commit()
        last = slow.commit()
    assert world.rows.get(image.image_id) == last
    assert len(world.rows.versions(image.image_id)) == 3


def test_a_precondition_is_asked_again_at_the_commit(world: World, jpeg_photo: bytes, png_photo: bytes) -> None:
    image = store(world.uploads(), jpeg_photo)

    def unchanged(base: Image) -> bool:
        return base.current.sha256 == image.current.sha256

    with pytest.raises(PreconditionFailed), world.uploads().replacement(image, accepts=unchanged) as slow:
        slow.write(jpeg_photo)
        with world.uploads().replacement(image) as fast:
            fast.write(png_photo)
            winner = fast.commit()
        slow.commit()
    assert world.rows.get(image.image_id) == winner
    assert len(world.objects()) == 2


def test_an_image_deleted_meanwhile_is_not_brought_back(world: World, jpeg_photo: bytes, png_photo: bytes) -> None:
    image = store(world.uploads(), jpeg_photo)
    with pytest.raises(ImageNotFound), world.uploads().replacement(image) as upload:
        upload.write(png_photo)
        world.images().delete(image.image_id, ME)
        upload.commit()
    assert [deleted for _, deleted in world.objects()] == [True, False]


def test_a_full_budget_is_an_answer_not_a_crash(
    world: World, jpeg_photo: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    uploads = world.uploads()
    monkeypatch.setattr("services.uploads.RESERVATION_TIMEOUT", 0.01)
    monkeypatch.setattr("services.uploads.FREE_BYTES", 1000)
    assert uploads.budget.share().grow(64 * 1024 * 1024, 0)
    with pytest.raises(Overloaded), uploads.new(ME) as upload:
        upload.write(jpeg_photo)
    assert uploads.budget.held == 64 * 1024 * 1024


def test_a_slow_client_holds_what_it_has_sent_and_no_more(
    world: World, jpeg_photo: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.uploads.FREE_BYTES", 1000)
    monkeypatch.setattr("services.uploads.STEP_BYTES", 1000)
    uploads = world.uploads()
    with uploads.new(ME) as upload:
        for sent in (2000, 20_000, 100_000):
            upload.write(jpeg_photo[upload.size : sent])
            assert sent <= uploads.budget.held <= 2 * sent
    assert uploads.budget.held == 0


def test_the_budget_is_given_back_after_success_and_failure(
    world: World, jpeg_photo: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.uploads.FREE_BYTES", 1000)
    uploads = world.uploads()
    store(uploads, jpeg_photo)
    with pytest.raises(NotAnImage):
        store(uploads, jpeg_photo[:-9])
    assert uploads.budget.held == 0


def test_a_verifier_is_fed_judges_and_is_closed(world: World, jpeg_photo: bytes) -> None:
    calls: list[str] = []

    class Judge:
        def feed(self, chunk: bytes) -> None:
            calls.append("feed")

        def finish(self) -> None:
            calls.append("finish")
            raise NotAnImage("It does not decode.")

        def close(self) -> None:
            calls.append("close")

    uploads = world.uploads()
    uploads.verifier = Judge
    with pytest.raises(NotAnImage, match="decode"):
        store(uploads, jpeg_photo)
    assert calls == ["feed", "finish", "close"]
    assert (world.objects(), world.unfinished()) == ([], [])


def test_a_failed_clean_up_does_not_hide_the_cause(
    world: World, jpeg_photo: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    stuck = Breaking(world.store, "remove_version", BackendUnavailable(detail="down"))
    broken = Breaking(world.rows, "add", ServiceError("the cause"))
    with pytest.raises(ServiceError, match="the cause"):
        store(world.uploads(broken, stuck), jpeg_photo)
    assert "could not undo" in caplog.text


def test_images_are_values(world: World, jpeg_photo: bytes) -> None:
    image = store(world.uploads(), jpeg_photo)
    assert replace(image, title="x") != image
