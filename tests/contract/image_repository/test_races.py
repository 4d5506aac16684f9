from __future__ import annotations

import itertools
import multiprocessing
import threading
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor

import pytest

from services.errors import DuplicateImage, VersionConflict
from services.ports import Repository
from tests.contract.image_repository.backends import Backend
from tests.contract.image_repository.racing import Wins, race_in_threads, wait_for_the_others
from tests.contract.image_repository.samples import an_image, with_current

THREADS = 16


@pytest.fixture(autouse=True)
def real_concurrency(backend: Backend) -> None:
    if backend.name == "moto":
        pytest.skip("moto is made to serve one request at a time: there is nothing to race for")


def test_of_threads_that_replace_the_same_version_one_wins(repository: Repository) -> None:
    image = an_image()
    repository.add(image)
    with ThreadPoolExecutor(THREADS) as pool:
        for number in range(1, 21):
            start = threading.Barrier(THREADS)

            def attempt(racer: int, number: int = number, start=start) -> str | None:
                name = f"{number}.{racer}"
                start.wait()
                try:
                    repository.replace(with_current(image, name, title=name), expected_revision=number)
                except VersionConflict:
                    return None
                return name

            winners = [name for name in pool.map(attempt, range(THREADS)) if name]
            assert len(winners) == 1
            current = repository.get(image.image_id)
            assert current is not None
            assert (current.current.version_id, current.title) == (winners[0], winners[0])
    assert len(repository.versions(image.image_id)) == 21


def test_of_threads_that_add_the_same_id_one_wins(repository: Repository) -> None:
    image = an_image()
    start = threading.Barrier(THREADS)

    def attempt(racer: int) -> str | None:
        start.wait()
        try:
            repository.add(with_current(image, f"v{racer}"))
        except DuplicateImage:
            return None
        return f"v{racer}"

    with ThreadPoolExecutor(THREADS) as pool:
        winners = [name for name in pool.map(attempt, range(THREADS)) if name]
    assert [each.version_id for each in repository.versions(image.image_id)] == winners
    assert len(winners) == 1


def test_a_reader_never_sees_a_mixture(repository: Repository) -> None:
    """The title and the version of one write come together."""
    image = an_image(title="v1")
    repository.add(image)
    done = threading.Event()
    seen: set[str] = set()

    def read() -> None:
        while not done.is_set():
            found = repository.get(image.image_id)
            assert found is not None
            assert found.title == found.current.version_id
            seen.add(found.title)

    with ThreadPoolExecutor(4) as pool:
        readers = [pool.submit(read) for _ in range(4)]
        for number in range(2, 100):
            changed = with_current(image, f"v{number}", title=f"v{number}")
            repository.replace(changed, expected_revision=number - 1)
        done.set()
        for reader in readers:
            reader.result()
    assert len(seen) > 2


@pytest.mark.slow
@pytest.mark.timeout(300)  # a busy machine gives each of the processes little
def test_processes_and_threads_form_one_chain(backend: Backend, address: str, repository: Repository) -> None:
    image = an_image(description="1")
    repository.add(image)
    length = 100
    spawn = multiprocessing.get_context("spawn")
    start = spawn.Barrier(4)
    with ProcessPoolExecutor(4, spawn, initializer=wait_for_the_others, initargs=(start,)) as processes:
        racing = [
            processes.submit(race_in_threads, backend.name, address, image, name, THREADS // 4, length)
            for name in "abcd"
        ]
        wins: Wins = [win for each in racing for win in each.result()]
    oldest_first = [each.version_id for each in reversed(repository.versions(image.image_id))]
    assert len(oldest_first) == length
    assert sorted(wins) == sorted(itertools.pairwise(oldest_first)), "each version replaced once"
    assert len({winner.partition(".")[0] for _, winner in wins}) > 1, "more than one process took part"
    current = repository.get(image.image_id)
    assert current is not None
    assert current.title == current.current.version_id == oldest_first[-1]
