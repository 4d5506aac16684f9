"""Whether what the service stands on answers, within a short time."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping

from services.errors import ServiceError

log = logging.getLogger(__name__)


class Readiness:
    """Runs named checks, each in a thread of its own with a time limit.

    A check that hangs is reported as failed and not started again until it returns, so that a dead backend under a busy
    load balancer's probes costs one thread, not one for each probe.
    """

    def __init__(self, checks: Mapping[str, Callable[[], None]], *, limit: float = 3.0) -> None:
        self._checks = dict(checks)
        self._limit = limit
        self._lock = threading.Lock()
        self._running: dict[str, tuple[threading.Event, list[bool]]] = {}

    def report(self) -> dict[str, bool]:
        """For each check whether it passed within ``limit`` seconds; the checks run side by side."""
        started = {name: self._start(name) for name in self._checks}
        return {name: done.wait(self._limit) and passed == [True] for name, (done, passed) in started.items()}

    def _start(self, name: str) -> tuple[threading.Event, list[bool]]:
        with self._lock:
            if name not in self._running:
                self._running[name] = (threading.Event(), [])
                threading.Thread(target=self._run, args=(name, *self._running[name]), daemon=True).start()
            return self._running[name]

    def _run(self, name: str, done: threading.Event, passed: list[bool]) -> None:
        try:
            self._checks[name]()
            passed.append(True)
        except ServiceError as error:
            log.error("%s is not ready: %s", name, error.detail or error)
        except Exception:
            log.exception("%s could not be checked", name)
        finally:
            with self._lock:
                del self._running[name]
            done.set()
