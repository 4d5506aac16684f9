"""A disk without room: 507, nothing left, and everything works again once there is room."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from tests.wire.deployments import Deployment, deployed
from tests.wire.photos import photo
from tests.wire.problems import assert_problem

pytestmark = pytest.mark.wire

MIB = 1024 * 1024


@pytest.fixture(scope="module")
def small_disk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A file system of 16 MiB in memory."""
    if os.geteuid() != 0:
        pytest.skip("mounting a small file system needs root")
    place = tmp_path_factory.mktemp("disk")
    made = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16m", "tmpfs", place], capture_output=True, check=False)
    if made.returncode:
        pytest.skip(f"a small file system can not be mounted here: {made.stderr.decode().strip()}")
    yield place
    subprocess.run(["umount", "--lazy", place], check=True)


@pytest.fixture(scope="module")
def own(small_disk: Path) -> Iterator[Deployment]:
    with deployed("embedded", small_disk / "data", None) as deployment:
        yield deployment


@pytest.fixture
def filler(small_disk: Path) -> Iterator[Path]:
    path = small_disk / "filler"
    yield path
    path.unlink(missing_ok=True)


def fill(filler: Path, leave: int) -> None:
    """Fill the disk but for ``leave`` bytes."""
    with filler.open("wb", buffering=0) as file:
        try:
            while file.write(bytes(65536)):
                pass
        except OSError:
            pass
        file.truncate(max(0, file.tell() - leave))


@pytest.mark.parametrize("leave", [MIB, 0], ids=["less than the file", "nothing"])
def test_no_room(own: Deployment, filler: Path, leave: int) -> None:
    content = photo(50_000)
    stored = requests.post(own.url + "/upload", files={"file": ("a.jpg", content)}, timeout=30).json()
    with own.audit.nothing_left():
        fill(filler, leave)
        for answer in (
            requests.post(own.url + "/upload", files={"file": ("a.jpg", photo(4 * MIB))}, timeout=30),
            requests.put(f"{own.url}/update/{stored['key']}", data=photo(4 * MIB), timeout=30),
        ):
            assert_problem(answer, 507, "storage_full", secrets=own.secrets)
        assert requests.get(f"{own.url}/image/{stored['key']}", timeout=30).content == content
        filler.unlink()
    again = requests.post(own.url + "/upload", files={"file": ("a.jpg", photo(4 * MIB))}, timeout=30)
    assert again.status_code == 201, again.text
    # Make room for the next test.
    own.audit.consistent()


def test_room_for_the_file_and_none_for_the_row(own: Deployment, filler: Path) -> None:
    """Small files until one does not fit: each is either whole or refused."""
    with_room = own.audit.holdings()
    fill(filler, 200_000)
    for _ in range(40):
        answer = requests.post(own.url + "/upload", files={"file": ("a.jpg", photo(5000))}, timeout=30)
        if answer.status_code == 201:
            assert len(requests.get(f"{own.url}/image/{answer.json()['key']}", timeout=30).content) == 5000
            with_room = own.audit.holdings()
            continue
        assert_problem(answer, 507, "storage_full", secrets=own.secrets)
        assert own.audit.holdings() == with_room
    assert answer.status_code == 507, "the disk never filled"
    filler.unlink()
    assert requests.post(own.url + "/upload", files={"file": ("a.jpg", photo(5000))}, timeout=30).status_code == 201
    own.audit.consistent()
