"""A process that writes until it is killed; run as ``python -m tests.unit.services.metadata.writing <url>``.

Each write that was answered is printed as one line, ``<image_id> <version_id>``, before the next begins.
"""

from __future__ import annotations

import sys
import threading

from services.metadata.engine import make_engine
from services.metadata.sql import SqlImageRepository
from tests.contract.image_repository.samples import an_image, with_current


def write(repository: SqlImageRepository, lock: threading.Lock) -> None:
    while True:
        image = an_image(description="x" * 3000)
        repository.add(image)
        report(lock, f"{image.image_id} v1")
        for number in range(2, 5):
            repository.replace(with_current(image, f"v{number}"), expected_revision=number - 1)
            report(lock, f"{image.image_id} v{number}")


def report(lock: threading.Lock, line: str) -> None:
    with lock:
        sys.stdout.write(line + "\n")
        sys.stdout.flush()


def main() -> None:
    repository = SqlImageRepository(make_engine(sys.argv[1]))
    lock = threading.Lock()
    for _ in range(4):
        threading.Thread(target=write, args=(repository, lock)).start()


if __name__ == "__main__":
    main()
