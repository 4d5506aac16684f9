"""One engine per process, for many short transactions from many threads: nothing holds a connection across a transfer.

Make it after forking: a SQLite or PostgreSQL connection must not be used on both sides of a fork.

By default every commit is synchronous (``durable=True``): on SQLite that is ``synchronous=FULL``. Either setting
survives the death of every process; only FULL survives the death of the machine. The embedded store fsyncs an image's
bytes before its row is written, so a row that a power cut can take back would lose an image that was answered 201.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

from sqlalchemy import URL, Connection, Engine, create_engine, event, exc, make_url

from services.errors import BackendMisconfigured, BackendUnavailable

BUSY_TIMEOUT = 10.0
"""Seconds that a SQLite writer waits for another process's transaction, unless the URL says ``?timeout=``."""

POOL_TIMEOUT = 5.0
"""Seconds that a thread waits for a connection, or for its turn to write to SQLite."""

CONNECT_TIMEOUT = 3
"""Seconds that connecting to one PostgreSQL host may take."""

STATEMENT_TIMEOUT = 5
"""Seconds that one statement on PostgreSQL may take, waiting for locks included."""

PLANNER = ("sort", "bitmapscan", "seqscan", "hashjoin", "mergejoin")
"""What PostgreSQL is told not to do for a statement of this service: each of them walks an index in its order and stops
early. A planner that knows the average list of ``image_terms`` to be short would read and sort all of a long one."""

_POSTGRES_SCHEMES = frozenset({"postgres", "postgresql", "postgresql+psycopg"})
_SQLITE_SCHEMES = frozenset({"sqlite", "sqlite+pysqlite"})


def make_engine(url: str, *, durable: bool = True, pool_size: int = 10) -> Engine:
    """The engine of ``url``: ``sqlite:///relative.db``, ``sqlite:////absolute.db`` or ``postgresql://user@host/name``.

    ``durable=False`` lets commits of the last moments before a power cut be lost, for throw-away databases; a process
    that dies loses nothing either way. ``pool_size`` bounds the connections of this process. A SQLite file's directory
    is made when missing. Does not connect. Raises ``BackendMisconfigured``, never quoting a password.
    """
    parsed = _parse(url)
    if parsed.drivername in _SQLITE_SCHEMES:
        return _sqlite(parsed, durable=durable, pool_size=pool_size)
    return _postgres(parsed.set(drivername="postgresql+psycopg"), durable=durable, pool_size=pool_size)


def reading(engine: Engine) -> Engine:
    """A view of ``engine``, on the same pool, for single SELECTs: without a transaction's BEGIN and COMMIT."""
    if engine.dialect.name == "sqlite":
        return engine  # its connections begin nothing on their own, see _sqlite
    return engine.execution_options(isolation_level="AUTOCOMMIT")


@contextmanager
def snapshot(engine: Engine) -> Iterator[Connection]:
    """A connection for several SELECTs that all see the database of one moment; it must not write."""
    if engine.dialect.name == "sqlite":
        with engine.connect() as connection, connection.begin():
            connection.exec_driver_sql("BEGIN")  # deferred: a reader takes no lock that a writer would wait for
            yield connection
        return
    with engine.connect().execution_options(isolation_level="REPEATABLE READ") as connection:
        yield connection


class Writer:
    """Transactions that change rows. Share one per engine.

    SQLite has one writer at a time and lets the others poll, holding a connection of the pool each. So the threads of a
    process take turns before they take a connection. Measured with 64 writing threads: reads p99 1.5 ms instead of
    130 ms, slowest write 0.3 s instead of 1.2 s, the same writes per second.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._turns = threading.Lock() if engine.dialect.name == "sqlite" else None

    @contextmanager
    def begin(self) -> Iterator[Connection]:
        """A connection in a transaction that commits when the block ends, and is undone when it raises."""
        with self._turn(), self._engine.connect() as connection, transaction(connection):
            yield connection

    @contextmanager
    def begin_direct(self) -> Iterator[sqlite3.Connection]:
        """The same for SQLite, with the driver's connection and the driver's errors."""
        with self._turn(), lent(self._engine) as connection:
            connection.execute("BEGIN IMMEDIATE")  # see transaction()
            yield connection
            connection.execute("COMMIT")

    @contextmanager
    def _turn(self) -> Iterator[None]:
        if self._turns is None:
            yield
            return
        if not self._turns.acquire(timeout=POOL_TIMEOUT):
            raise BackendUnavailable(detail=f"other threads were writing for {POOL_TIMEOUT:g} s")
        try:
            yield
        finally:
            self._turns.release()


@contextmanager
def lent(engine: Engine) -> Iterator[sqlite3.Connection]:
    """A connection of a SQLite engine's pool as the driver knows it; what it has not committed is undone."""
    pooled = engine.raw_connection()
    try:
        yield cast(sqlite3.Connection, pooled.driver_connection)
    finally:
        pooled.close()  # the pool rolls back


@contextmanager
def transaction(connection: Connection) -> Iterator[None]:
    """Run the block in a transaction of ``connection``; the only way to begin one on SQLite."""
    with connection.begin():
        if connection.dialect.name == "sqlite":
            # A deferred transaction that reads and then writes is told "locked" at once, without waiting, when another
            # writer came in between: so every transaction takes the write lock first, waiting up to BUSY_TIMEOUT.
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        yield


def sqlite_path(engine: Engine) -> Path | None:
    """The file of a SQLite engine, None for a server or a ``file:`` URI."""
    database = engine.url.database
    if engine.dialect.name != "sqlite" or not database or database.startswith("file:"):
        return None
    return Path(database)


def _parse(url: str) -> URL:
    try:
        parsed = make_url(url)
    except (exc.ArgumentError, ValueError) as error:
        raise _bad_url("it does not parse as a URL") from error
    if parsed.drivername not in _SQLITE_SCHEMES | _POSTGRES_SCHEMES:
        raise _bad_url(f"its scheme is {parsed.drivername!r}")
    if parsed.drivername in _SQLITE_SCHEMES:
        if parsed.host:
            raise _bad_url("SQLite needs three slashes before a relative path, four before an absolute one")
        if parsed.database in (None, "", ":memory:") or parsed.query.get("mode") == "memory":
            raise _bad_url("a database in memory would forget every image with its process")
    return parsed


def _bad_url(why: str) -> BackendMisconfigured:
    text = f"DATABASE_URL can not be used, {why}; write sqlite:///path/to/file.db or postgresql://user@host:5432/name"
    return BackendMisconfigured(text, detail=text)


def _sqlite(url: URL, *, durable: bool, pool_size: int) -> Engine:
    engine = create_engine(
        url,
        pool_size=pool_size,
        max_overflow=0,
        pool_timeout=POOL_TIMEOUT,
        connect_args={} if "timeout" in url.query else {"timeout": BUSY_TIMEOUT},
        hide_parameters=True,
    )
    path = sqlite_path(engine)
    if path is not None:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            text = f"the directory of the SQLite file can not be made: {error.strerror}: {path.parent}"
            raise BackendMisconfigured(detail=text) from error

    @event.listens_for(engine, "connect")
    def configure(connection: sqlite3.Connection, _record: object) -> None:
        # sqlite3 would begin deferred transactions on its own; see transaction(). An event of SQLAlchemy could send
        # the BEGIN, but its dispatch costs every SELECT 50 us, a third of the whole.
        connection.isolation_level = None
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute(f"PRAGMA synchronous = {'FULL' if durable else 'NORMAL'}")
        connection.execute("PRAGMA foreign_keys = ON")

    return engine


def _postgres(url: URL, *, durable: bool, pool_size: int) -> Engine:
    milliseconds = STATEMENT_TIMEOUT * 1000
    defaults = [
        f"-c statement_timeout={milliseconds}",
        # A process that was stopped in the middle of a transaction must not keep its row locks for ever.
        f"-c idle_in_transaction_session_timeout={milliseconds}",
        *(f"-c enable_{each}=off" for each in PLANNER),
    ]
    if not durable:
        defaults.append("-c synchronous_commit=off")
    given = url.query.get("options", ())
    options = [*defaults, *((given,) if isinstance(given, str) else given)]  # the URL's come last and win
    connect_args: dict[str, Any] = {
        "connect_timeout": CONNECT_TIMEOUT,
        "application_name": "image-service",
        # A server that vanished without a word is noticed after about 20 s instead of two hours.
        "keepalives_idle": 10,
        "keepalives_interval": 3,
        "keepalives_count": 3,
        "tcp_user_timeout": 10_000,
        **{name: value for name, value in url.query.items() if name != "options"},
        "options": " ".join(options),
    }
    try:
        return create_engine(
            url.set(query={}),
            pool_size=pool_size,
            max_overflow=0,
            pool_timeout=POOL_TIMEOUT,
            pool_pre_ping=True,  # a restarted server costs a reconnect, not an error for each pooled connection
            pool_recycle=1800,
            connect_args=connect_args,
            hide_parameters=True,
        )
    except ImportError as error:
        raise BackendMisconfigured(detail="PostgreSQL needs the package psycopg[binary]") from error
