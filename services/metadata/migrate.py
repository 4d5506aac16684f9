"""Bring a database's tables up to date, safely from any number of processes that start at once."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, text

from services.errors import BackendMisconfigured, BackendUnavailable
from services.metadata.engine import sqlite_path
from services.metadata.failures import translated

_SCRIPTS = Path(__file__).with_name("migrations")
_ADVISORY_LOCK = 0x696D_6167_6573  # any number, the same in every release
_POLL = 0.05


def upgrade(engine: Engine, *, lock_path: Path | None, wait: float = 600.0) -> None:
    """Run every migration that ``engine``'s database lacks, in one transaction; cheap when it lacks none.

    One process at a time does so, others wait up to ``wait`` seconds: by a lock on the file ``lock_path`` for SQLite
    (by default beside the database), by an advisory lock for PostgreSQL, which needs no file. Leaves no connection in
    the engine's pool. Raises ``BackendMisconfigured`` when the database belongs to a newer release or can not be
    migrated, ``BackendUnavailable`` when it does not answer or stays locked.
    """
    config = alembic_config()
    scripts = ScriptDirectory.from_config(config)
    with translated(), _alone(engine, lock_path, wait) as connection:
        if _outdated(connection, scripts):
            config.attributes["connection"] = connection
            command.upgrade(config, "head")


def alembic_config() -> Config:
    """Alembic's configuration, made here so that no file has to be found at run time; logging is left alone."""
    config = Config()
    config.set_main_option("script_location", str(_SCRIPTS).replace("%", "%%"))
    return config


def _outdated(connection: Connection, scripts: ScriptDirectory) -> bool:
    current = set(MigrationContext.configure(connection).get_current_heads())
    connection.rollback()
    unknown = current - {script.revision for script in scripts.walk_revisions()}
    if unknown:
        words = (
            f"The database is at revision {', '.join(sorted(unknown))}, which this release does not know: a newer"
            " release migrated it. Start that release, or restore the backup made before its first start."
        )
        raise BackendMisconfigured(words, detail=words)
    return current != set(scripts.get_heads())


@contextmanager
def _alone(engine: Engine, lock_path: Path | None, wait: float) -> Iterator[Connection]:
    """A connection of its own, outside the pool, while no other process migrates."""
    if engine.dialect.name == "sqlite":
        with _file_lock(lock_path or _beside(engine), wait), _detached(engine) as connection:
            yield connection
        return
    with _detached(engine) as connection:
        # A migration may take longer than a request's statement, and so may waiting for another's.
        connection.execute(text("SET statement_timeout = 0"))
        connection.execute(text("SET idle_in_transaction_session_timeout = 0"))
        connection.commit()
        _poll(lambda: _advisory_lock(connection), wait)
        yield connection  # closing the session releases the lock, however it ends


@contextmanager
def _detached(engine: Engine) -> Iterator[Connection]:
    with engine.connect() as connection:
        connection.detach()  # its session's settings and locks must not come back to a request through the pool
        yield connection


@contextmanager
def _file_lock(path: Path, wait: float) -> Iterator[None]:
    try:
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    except OSError as error:
        raise BackendMisconfigured(detail=f"the migration lock can not be opened: {error}") from error
    try:
        _poll(lambda: _flock(handle), wait)
        yield
    finally:
        os.close(handle)


def _flock(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _advisory_lock(connection: Connection) -> bool:
    taken: bool = connection.execute(text("SELECT pg_try_advisory_lock(:key)"), {"key": _ADVISORY_LOCK}).scalar_one()
    connection.commit()
    return taken


def _poll(attempt: Callable[[], bool], wait: float) -> None:
    deadline = time.monotonic() + wait
    while not attempt():
        if time.monotonic() >= deadline:
            raise BackendUnavailable(detail=f"another process held the migration lock for {wait:g} s")
        time.sleep(_POLL)


def _beside(engine: Engine) -> Path:
    path = sqlite_path(engine)
    if path is None:
        raise BackendMisconfigured(detail="a SQLite file: URI needs an explicit lock_path for its migrations")
    return path.with_name(f"{path.name}.migrate-lock")
