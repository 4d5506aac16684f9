"""What a worker takes on when few files may be open."""

from __future__ import annotations

import pytest

from utils.gunicorn_room import FILES_OF_A_THREAD, SPARE_FILES, fitting


@pytest.mark.parametrize("files", [256, 300, 600, 1024, 2047])
def test_less_of_both_when_files_are_few(files: int) -> None:
    threads, connections = fitting(512, 1024, files)
    assert SPARE_FILES + connections + FILES_OF_A_THREAD * threads <= files
    assert 2 <= threads < connections, "no connection could be kept alive"
    assert connections >= files // 4, "most of the files would lie idle"


def test_nothing_changes_when_they_fit() -> None:
    assert fitting(512, 1024, SPARE_FILES + 2048) == (512, 1024)


def test_few_threads_leave_the_files_to_connections() -> None:
    assert fitting(8, 520, 512) == (8, 512 - SPARE_FILES - 8 * FILES_OF_A_THREAD)


def test_even_the_fewest_files_leave_a_worker_that_serves() -> None:
    threads, connections = fitting(512, 1024, 10)
    assert 2 <= threads < connections
