"""Racers for ``test_races``; started in processes of their own, so this module must be importable there."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from multiprocessing.synchronize import Barrier

from services.errors import VersionConflict
from services.models import Image
from services.ports import ImageRepository
from tests.contract.image_repository.backends import BACKENDS
from tests.contract.image_repository.samples import with_current

Wins = list[tuple[str, str]]


def race(repository: ImageRepository, image_id: str, racer: str, length: int, wins: Wins) -> None:
    """Replace whatever is current until the image has ``length`` versions; note (replaced, new) for each success."""
    number = 0
    while True:
        image = repository.get(image_id)
        assert image is not None
        written = int(image.description)
        if written >= length:
            return
        number += 1
        changed = with_current(image, f"{racer}.{number}", title=f"{racer}.{number}", description=str(written + 1))
        try:
            repository.replace(changed, expected_revision=image.revision)
        except VersionConflict:
            continue
        wins.append((image.current.version_id, changed.current.version_id))


def wait_for_the_others(start: Barrier) -> None:
    """Begin a racing process together with the others: a slow one would find the race over."""
    start.wait(timeout=60)


def race_in_threads(backend: str, address: str, image: Image, name: str, threads: int, length: int) -> Wins:
    """What one process does: ``threads`` racers on a connection of its own. Returns the successes of all of them."""
    wins: Wins = []
    with BACKENDS[backend].connect(address) as repository, ThreadPoolExecutor(threads) as pool:
        racers = [
            pool.submit(race, repository, image.image_id, f"{name}.{each}", length, wins) for each in range(threads)
        ]
        for racer in racers:
            racer.result()
    return wins
