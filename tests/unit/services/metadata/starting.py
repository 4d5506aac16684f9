"""A process that starts the service's database; run as ``python -m tests.unit.services.metadata.starting <url> <at>``.

It waits until the time ``at`` (seconds since the epoch), so that many begin together, and prints how long it took.
"""

from __future__ import annotations

import sys
import time

from services.metadata.engine import make_engine
from services.metadata.migrate import upgrade
from services.metadata.sql import SqlImageRepository
from tests.contract.image_repository.samples import an_image


def main() -> None:
    engine = make_engine(sys.argv[1])
    time.sleep(max(0.0, float(sys.argv[2]) - time.time()))
    began = time.monotonic()
    upgrade(engine, lock_path=None)
    print(time.monotonic() - began)
    SqlImageRepository(engine).add(an_image())
    engine.dispose()


if __name__ == "__main__":
    main()
