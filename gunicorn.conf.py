"""How gunicorn serves the application: ``gunicorn -c gunicorn.conf.py 'app:create_app()'``.

Settings are checked, the database is brought up to date and the store is looked at here, once, before any worker
starts: what can not work is refused with one clear line instead of a traceback from every worker.
"""

from __future__ import annotations

import gc
import logging
import os
import signal
import sys
from pathlib import Path
from typing import Any, NoReturn

# By name: a module called `config` here would be taken for gunicorn's own setting of that name.
from config import ConfigError, load
from utils import logger
from utils.gunicorn_address import unusable
from utils.gunicorn_room import fitting, raise_file_limit
from utils.gunicorn_worker import JsonLogger, PacedWorker
from utils.pacing import Pace


def _refuse(*lines: str) -> NoReturn:
    for line in lines:
        print(f"image-service: {line}", file=sys.stderr)
    sys.exit(1)


try:
    settings = load()
except ConfigError as error:
    _refuse(*error.problems)

logger.configure(settings.log_level)
PacedWorker.pace = Pace(minimum_rate=settings.min_upload_rate)

host = f"[{settings.host}]" if ":" in settings.host else settings.host
bind = f"{host}:{settings.port}"
workers = settings.web_concurrency
files = raise_file_limit()
wanted = settings.threads, settings.threads + 512  # kept-alive connections on top of the busy ones
threads, worker_connections = fitting(*wanted, files)
if (threads, worker_connections) != wanted:
    logging.getLogger("image-service").warning(
        "a process may open only %d files: each worker takes %d connections and %d requests at once, not %d and %d;"
        " raise the limit (ulimit -n) or lower THREADS", files, worker_connections, threads, wanted[1], wanted[0],
    )  # fmt: skip
worker_class = PacedWorker
keepalive = 75
graceful_timeout = settings.graceful_timeout
timeout = 60  # of the worker's main loop, not of a request
logger_class = JsonLogger
# Never the C parser, even if something installs it: gunicorn_h1c 0.6.9 takes bare line feeds and folded headers, which
# let a request hide inside another behind a proxy that reads them differently.
http_parser = "python"
# The default takes SCRIPT_NAME and PATH_INFO from a trusted peer, and a proxy on this machine, trusted for its
# X-Forwarded-Proto, passes on what its clients sent: they would choose the route and where Location points.
forwarder_headers = ""
loglevel = settings.log_level.lower()
control_socket_disable = True  # else a remote control in the home folder, one for all services of this user
worker_tmp_dir = "/dev/shm" if Path("/dev/shm").is_dir() else None  # a heartbeat on a busy disk stalls


def on_starting(server: Any) -> None:
    """In the master, before it listens."""
    inherits = server.master_pid or "LISTEN_FDS" in os.environ  # it is given its sockets by the one that has them
    if not inherits and server.cfg.bind == [bind] and (problem := unusable(settings.host, settings.port)):
        _refuse(problem)
    from app import prepare  # noqa: PLC0415 - after the settings were found to be usable
    from services.errors import BackendUnavailable, ServiceError  # noqa: PLC0415

    try:
        prepare(settings)
    except BackendUnavailable as error:
        _refuse(f"a backend does not answer: {error.detail or error}")
    except ServiceError as error:
        _refuse(error.detail or str(error))


def when_ready(_server: Any) -> None:
    """Ctrl-C stops as SIGTERM does, letting running uploads finish; a second Ctrl-C stops at once."""

    def interrupted(_signal: int, _frame: Any) -> None:
        signal.signal(signal.SIGINT, lambda *_: os.kill(os.getpid(), signal.SIGQUIT))
        os.kill(os.getpid(), signal.SIGTERM)

    signal.signal(signal.SIGINT, interrupted)
    logging.getLogger("image-service").info("ready on http://%s (%s)", bind, settings.summary)


def child_exit(_server: Any, worker: Any) -> None:
    """In the master, when a worker has ended, be it by a signal."""
    worker.crowds.leave(worker.age)


def post_worker_init(_worker: Any) -> None:
    """Ready a worker: the terminal sends it Ctrl-C too, but only the master decides."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # What was imported stays for ever: do not let the collector walk it again and again under load.
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)
