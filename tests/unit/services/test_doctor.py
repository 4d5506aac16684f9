"""What ``doctor`` finds in a real embedded store and a real SQLite, and what it must leave alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner

from api.ops.doctor import doctor_command
from services.doctor import Doctor, Finding
from services.metadata.engine import make_engine
from services.metadata.migrate import upgrade
from services.metadata.sql import SqlImageRepository
from services.models import Image, ImageVersion, ObjectAttributes
from services.storage.filesystem import FileStore
from utils.clock import utc_now

NOW = datetime(2026, 11, 21, tzinfo=UTC)
JPEG = ObjectAttributes("image/jpeg")


class World:
    def __init__(self, folder: Path, rows: SqlImageRepository) -> None:
        self.store = FileStore(folder, secret="s" * 32, clock=utc_now)
        self.rows = rows

    def write(self, key: str, data: bytes = b"abc") -> str:
        writer = self.store.writer(key, JPEG)
        writer.write(data)
        return writer.commit()

    def add(self, image_id: str) -> Image:
        key = f"images/{image_id}/a.jpg"
        version = ImageVersion(self.write(key), "image/jpeg", 3, "0" * 64, 1, 1, 1, 1, NOW)
        image = Image(image_id, "me", key, "a.jpg", "", "", (), NOW, NOW, version)
        self.rows.add(image)
        return image

    def doctor(self, wait: Callable[[], None] = lambda: None) -> Doctor:
        return Doctor(self.store, self.rows, wait)

    def examine(self, *, remove: bool = False, wait: Callable[[], None] = lambda: None) -> list[Finding]:
        return list(self.doctor(wait).examine(remove=remove))


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    engine = make_engine(f"sqlite:///{tmp_path}/rows.sqlite3", durable=False)
    upgrade(engine, lock_path=None)
    yield World(tmp_path / "objects", SqlImageRepository(engine))
    engine.dispose()


def test_a_healthy_service_has_no_findings(world: World) -> None:
    image = world.add("one")
    marker = ImageVersion(world.store.mark_deleted(image.object_key), "", 0, "", 0, 0, 0, 1, NOW, deleted=True)
    world.rows.replace(replace(image, current=marker), expected_revision=1)
    world.add("two")
    assert world.examine() == []


def test_orphans_are_reported_and_removed_on_request_only(world: World) -> None:
    image = world.add("one")
    stray = world.write(image.object_key, b"12345")
    alone = world.write("images/nobody/b.jpg")
    found = {(finding.key, finding.version_id, finding.size) for finding in world.examine()}
    assert found == {(image.object_key, stray, 5), ("images/nobody/b.jpg", alone, 3)}
    assert all(finding.removed for finding in world.examine(remove=True))
    assert world.examine() == []
    assert b"".join(world.store.read(image.object_key, image.current.version_id)) == b"abc"


def test_an_upload_that_is_being_committed_is_no_orphan(world: World) -> None:
    key = "images/late/a.jpg"
    version = ImageVersion(world.write(key), "image/jpeg", 3, "0" * 64, 1, 1, 1, 1, NOW)
    late = Image("late", "me", key, "a.jpg", "", "", (), NOW, NOW, version)
    assert world.examine(remove=True, wait=lambda: world.rows.add(late)) == []
    assert world.store.size_of(key, version.version_id) == 3


def test_what_lies_outside_images_is_not_touched(world: World) -> None:
    world.write("pending/x/a.jpg")
    assert world.examine(remove=True) == []
    assert list(world.store.list_versions("pending/"))


@pytest.mark.parametrize("deleted", [False, True])
def test_lost_versions_are_reported(world: World, deleted: bool) -> None:
    image = world.add("one")
    if deleted:
        marker = ImageVersion(world.store.mark_deleted(image.object_key), "", 0, "", 0, 0, 0, 1, NOW, deleted=True)
        world.rows.replace(replace(image, current=marker), expected_revision=1)
    world.store.remove_version(image.object_key, image.current.version_id)
    assert world.examine(remove=True) == [Finding("lost", image.object_key, image.current.version_id, 3)]


def test_unfinished_writes_are_reported(world: World) -> None:
    writer = world.store.writer("images/half/a.jpg", JPEG)
    writer.write(b"a")
    assert world.examine() == [Finding("unfinished", "images/half/a.jpg")]
    writer.abort()
    assert world.examine() == []


def test_the_command_prints_findings_and_ends_with_1_while_something_is_wrong(world: World) -> None:
    world.write("images/nobody/b.jpg")
    command = doctor_command(lambda _grace: world.doctor())
    reported = CliRunner().invoke(command, [])
    assert reported.exit_code == 1
    assert '"kind": "orphan", "key": "images/nobody/b.jpg"' in reported.stdout
    assert CliRunner().invoke(command, ["--remove"]).exit_code == 0
    healthy = CliRunner().invoke(command, [])
    assert (healthy.exit_code, healthy.stdout) == (0, "")
