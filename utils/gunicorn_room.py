"""How many connections fit, and what gives way when they do not: open files, idle and silent connections.

A connection that says nothing costs a descriptor and a place among ``worker_connections``. The stock worker gives it
5 seconds of a thread and then keeps it for the keep-alive time, so a few thousand of them lock everybody out; and it
ends, with every upload that it serves, when the kernel has no descriptor for a new connection.
"""

from __future__ import annotations

import errno
import resource
from collections import deque
from time import monotonic
from typing import Any

from gunicorn.workers.gthread import TConn, ThreadWorker

from utils.pacing import readable

EXHAUSTED = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})
AMPLE_FILES = 65_536
SPARE_FILES = 128
"""Descriptors of one process besides its connections and uploads: the database's pool, pipes, listeners, logs."""
FILES_OF_A_THREAD = 2
"""Descriptors that a request in a thread has open besides its connection: in the store, or to it."""

SILENT_SECONDS = 10.0
"""How long a new connection may stay without its first byte."""
PAUSE_SECONDS = 0.2
EPISODE_SECONDS = 60.0
TURN_SECONDS = 0.05


def raise_file_limit() -> int:
    """Let this process and its children open as many files as the system allows, up to ``AMPLE_FILES``.

    Many systems start services with 1024, which is for programs that use ``select``; nothing here does.

    :returns: how many files each may have open.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY:
        return AMPLE_FILES
    wanted = AMPLE_FILES if hard == resource.RLIM_INFINITY else min(hard, AMPLE_FILES)
    if wanted <= soft:
        return soft
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    return wanted


def fitting(threads: int, connections: int, files: int) -> tuple[int, int]:
    """The threads and connections of one worker that ``files`` descriptors are enough for.

    :returns: what was asked for when it fits, else less of both: some connections more than threads remain, since
        those without a thread are the kept-alive ones.
    """
    room = max(files - SPARE_FILES, 16)
    if connections + FILES_OF_A_THREAD * threads <= room:
        return threads, connections
    threads = min(threads, room // (FILES_OF_A_THREAD + 2))
    return threads, min(connections, room - FILES_OF_A_THREAD * threads)


class RoomyWorker(ThreadWorker):  # type: ignore[misc]  # gunicorn has no types
    """A threaded worker that goes on when it is full: whoever says nothing gives way to who comes."""

    alive: bool
    nr_conns: int
    worker_connections: int
    pending_conns: deque[TConn]
    keepalived_conns: deque[TConn]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._paused_until = self._exhausted_at = float("-inf")

    def accept(self, listener: Any) -> None:
        """Accept a connection if the kernel has what it takes; else look again in a moment."""
        try:
            super().accept(listener)
        except OSError as error:
            if error.errno not in EXHAUSTED:
                raise
            now = monotonic()
            if now - self._exhausted_at > EPISODE_SECONDS:
                self.log.warning("connections have to wait, %d are open: %s", self.nr_conns, error)
            self._exhausted_at, self._paused_until = now, now + PAUSE_SECONDS
            # Only stop listening: a listener that stays readable would keep this loop at full speed.
            super().set_accept_enabled(False)

    def set_accept_enabled(self, enabled: bool) -> None:
        """Begin or stop to take connections; begin not before the pause is over."""
        if not enabled or monotonic() >= self._paused_until:
            super().set_accept_enabled(enabled)

    def finish_request(self, conn: TConn, fs: Any) -> None:
        """After a thread is done with a connection: one that has said nothing yet does not get the keep-alive time."""
        super().finish_request(conn, fs)
        if self.pending_conns and self.pending_conns[-1] is conn:
            conn.timeout = monotonic() + SILENT_SECONDS

    def wait_for_and_dispatch_events(self, timeout: float) -> None:
        """One turn of the main loop; a short one while new connections are not looked at."""
        super().wait_for_and_dispatch_events(timeout if self._accepting else min(timeout, TURN_SECONDS))

    def murder_pending(self) -> None:
        """After each turn, when none of its events is left: close what is over its time, or in the way."""
        super().murder_pending()
        full = self.nr_conns >= self.worker_connections or monotonic() < self._paused_until
        if full and self.alive and any(readable(listener, 0) for listener in self.sockets):
            self._make_room(max(1, self.worker_connections // 16))

    def _make_room(self, places: int) -> None:
        """Close the oldest silent connections; without such, the oldest idle ones, where clients repeat a request."""
        for _ in range(places):
            conns = self.pending_conns or self.keepalived_conns
            # Those in the queue have not been looked at: most of them are silent when there are many.
            if not conns or (conns is self.keepalived_conns and not self.tpool._work_queue.empty()):
                return
            conn = conns.popleft()
            self.poller.unregister(conn.sock)
            self.nr_conns -= 1
            conn.close()
