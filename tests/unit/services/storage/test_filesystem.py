"""What only the embedded store promises: order of ids, crashes, full disks, permissions, other processes."""

from __future__ import annotations

import errno
import os
import resource
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from services.errors import BackendMisconfigured, BackendUnavailable, ObjectNotFound, StorageFull
from services.models import ObjectAttributes
from services.storage.file_errors import domain_error
from services.storage.file_layout import VersionIds
from services.storage.filesystem import FileStore

PNG = ObjectAttributes("image/png", "somebody", "a.png")
KEY = "images/1/a.png"
PROJECT = Path(__file__).parents[4]
NOW = datetime(2030, 1, 1, tzinfo=UTC)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "store"


@pytest.fixture
def store(root: Path) -> FileStore:
    return FileStore(root, secret="secret", clock=lambda: datetime.now(UTC))


def put(store: FileStore, body: bytes = b"abc", key: str = KEY) -> str:
    writer = store.writer(key, PNG)
    writer.write(body)
    return writer.commit()


def files(root: Path) -> list[str]:
    return sorted(str(path.relative_to(root)) for path in root.rglob("*") if path.name != "@staging")


def test_nothing_happens_on_construction(root: Path) -> None:
    FileStore(root, secret="secret", clock=lambda: NOW)

    assert not root.exists()


def test_ids_grow_while_the_clock_stands_still_or_goes_back() -> None:
    times = iter([NOW, NOW, NOW - timedelta(days=1), NOW + timedelta(microseconds=1)])
    ids = VersionIds(lambda: next(times))

    made = [ids.after("") for _ in range(4)]

    assert made == sorted(made)
    assert len({one[:14] for one in made}) == 4


def test_another_process_with_a_slow_clock_still_writes_on_top(root: Path) -> None:
    first = put(FileStore(root, secret="s", clock=lambda: NOW))

    second = put(FileStore(root, secret="s", clock=lambda: NOW - timedelta(hours=1)))

    assert second > first
    assert [v.version_id for v in FileStore(root, secret="s", clock=lambda: NOW).list_versions("")] == [second, first]


def test_an_abort_leaves_no_file_and_no_folder(store: FileStore, root: Path) -> None:
    writer = store.writer(KEY, PNG)
    writer.write(b"abc")

    writer.abort()

    assert files(root) == []


def test_removing_the_last_version_leaves_no_file_and_no_folder(store: FileStore, root: Path) -> None:
    store.remove_version(KEY, put(store))

    assert files(root) == []


def test_a_version_is_two_files_that_only_the_owner_reads(store: FileStore, root: Path) -> None:
    version_id = put(store)

    folder = root / KEY
    assert sorted(path.name for path in folder.iterdir()) == [f"@{version_id}", f"@{version_id}.json"]
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o600}


def test_a_restored_version_shares_its_bytes(store: FileStore, root: Path) -> None:
    first = put(store)

    copy = store.copy_version(KEY, first, PNG)

    assert (root / KEY / f"@{copy}").stat().st_ino == (root / KEY / f"@{first}").stat().st_ino


@pytest.mark.parametrize("key", ["images/1", "images/1/a.png/b"])
def test_a_key_may_lie_below_another(store: FileStore, key: str) -> None:
    inner = put(store, b"inner", key)
    outer = put(store, b"outer")

    assert [(v.key, v.version_id) for v in store.list_versions(key) if v.key == key] == [(key, inner)]
    store.remove_version(key, inner)
    assert b"".join(store.read(KEY, outer)) == b"outer"


def test_a_symbolic_link_is_not_followed(store: FileStore, root: Path, tmp_path: Path) -> None:
    version_id = put(store)
    path = root / KEY / f"@{version_id}"
    path.unlink()
    (tmp_path / "secret").write_bytes(b"secret")
    path.symlink_to(tmp_path / "secret")

    with pytest.raises(BackendMisconfigured):
        store.read(KEY, version_id)


def test_marking_what_is_not_there_is_not_found_and_leaves_no_folder(store: FileStore, root: Path) -> None:
    with pytest.raises(ObjectNotFound):
        store.mark_deleted(KEY)

    assert files(root) == []


@contextmanager
def file_size_limit(size: int) -> Iterator[None]:
    """The closest thing to a full disk that a test may make: writes beyond ``size`` fail with EFBIG."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_full_disk_is_storage_full_and_leaves_nothing(store: FileStore, root: Path) -> None:
    writer = store.writer(KEY, PNG)
    with file_size_limit(100_000):
        writer.write(b"x" * 90_000)
        with pytest.raises(StorageFull):
            writer.write(b"x" * 90_000)
        with pytest.raises(StorageFull):
            writer.commit()
    writer.abort()

    assert files(root) == []


def test_no_room_for_the_attributes_leaves_nothing(store: FileStore, root: Path) -> None:
    with file_size_limit(1), pytest.raises(StorageFull):
        store.writer(KEY, PNG)

    assert files(root) == []


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        (errno.ENOSPC, StorageFull),
        (errno.EDQUOT, StorageFull),
        (errno.EACCES, BackendMisconfigured),
        (errno.EROFS, BackendMisconfigured),
        (errno.EIO, BackendUnavailable),
        (errno.EMFILE, BackendUnavailable),
    ],
)
def test_system_errors(number: int, expected: type[Exception]) -> None:
    error = domain_error(OSError(number, os.strerror(number), "/data/x"), "writing")

    assert type(error) is expected
    assert "/data/x" in error.detail
    assert "/data/x" not in str(error)


def test_a_root_that_is_a_file_is_misconfigured_for_every_call(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    store = FileStore(tmp_path / "file", secret="s", clock=lambda: NOW)

    for call in (store.check, lambda: put(store), lambda: store.mark_deleted(KEY), lambda: store.read(KEY, "0" * 32)):
        with pytest.raises(BackendMisconfigured):
            call()


UNPRIVILEGED_CHECK = """
import os, sys
from datetime import UTC, datetime
from pathlib import Path
from services.errors import BackendMisconfigured
from services.storage.filesystem import FileStore
os.chdir(sys.argv[1])
if os.getuid() == 0:
    os.setuid(65534)
try:
    FileStore(Path("."), secret="s", clock=lambda: datetime.now(UTC)).check()
except BackendMisconfigured as error:
    print("refused", error.detail)
"""


def test_check_notices_a_folder_that_can_not_be_written(root: Path) -> None:
    (root / "@staging").mkdir(parents=True)
    (root / "@staging").chmod(0o555)

    done = subprocess.run(
        [sys.executable, "-c", UNPRIVILEGED_CHECK, str(root)], cwd=PROJECT, capture_output=True, text=True, check=True
    )

    assert done.stdout.startswith("refused probing"), done.stderr


WRITER = """
import os, sys, time
from datetime import UTC, datetime
from pathlib import Path
from services.models import ObjectAttributes
from services.storage.filesystem import FileStore
store = FileStore(Path(sys.argv[1]), secret="s", clock=lambda: datetime.now(UTC))
writer = store.writer("images/1/a.png", ObjectAttributes("image/png"))
writer.write(b"half")
print("ready", flush=True)
time.sleep(60)
"""


@contextmanager
def other_writer(root: Path) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(root)], cwd=PROJECT, stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        yield process
    finally:
        process.kill()
        process.communicate()


def test_a_sweep_spares_living_writers_and_removes_what_killed_ones_left(store: FileStore, root: Path) -> None:
    kept = put(store)
    with other_writer(root) as process:
        assert store.sweep() == 0
        assert list(store.list_unfinished("images/1/")) == [KEY]
        assert list(store.list_unfinished("images/2/")) == []

        process.send_signal(signal.SIGKILL)
        process.wait()

        assert store.sweep() == 1
    assert list(store.list_unfinished("")) == []
    assert files(root / "@staging") == []
    assert [v.version_id for v in store.list_versions("")] == [kept]


def test_a_sweep_removes_attributes_whose_bytes_never_came(store: FileStore, root: Path) -> None:
    kept = put(store)
    with other_writer(root) as process:
        process.send_signal(signal.SIGKILL)
        process.wait()
    (staged,) = (root / "@staging").glob("*.json")
    os.link(staged, root / KEY / f"@{'f' * 32}.json")  # as if killed between the two steps of publishing

    store.sweep()

    assert sorted(path.name for path in (root / KEY).iterdir()) == [f"@{kept}", f"@{kept}.json"]


def test_a_sweep_of_nothing(store: FileStore) -> None:
    assert store.sweep() == 0
