"""How often a request to S3 is tried, and what is done when its outcome is unknown."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import TypeVar

from services.storage.s3_errors import SDK_ERRORS, diagnose

T = TypeVar("T")

BUDGET = 5.0
CLEANUP_BUDGET = 1.0
"""For cleaning up after a failure: a server that does not even accept connections is asked once, not thrice."""
_FIRST_PAUSE = 0.1


def attempt(
    call: Callable[[], T], tries: int, recover: Callable[[], T | None] | None = None, budget: float = BUDGET
) -> T:
    """Call until it succeeds, at most ``tries`` times; no new try begins later than ``budget`` seconds after the first.

    ``recover`` is for calls that must not happen twice: after a failure that may have reached the server it looks for
    what the call should have made, and what it finds is the result. Raises the domain error of the last failure.
    """
    started = time.monotonic()
    doubtful = False
    for number in range(1, tries + 1):
        try:
            return call()
        except SDK_ERRORS as error:
            failure = diagnose(error)
        doubtful = doubtful or not failure.harmless
        if doubtful and recover is not None and (found := recover()) is not None:
            return found
        pause = _FIRST_PAUSE * 2**number * random.uniform(0.5, 1.0)  # noqa: S311 - spreads retries, hides nothing
        if not failure.transient or number == tries or time.monotonic() - started + pause > budget:
            break
        time.sleep(pause)
    raise failure.domain_error() from None
