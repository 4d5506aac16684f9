from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import Engine

from services.errors import BackendMisconfigured
from services.metadata.engine import PLANNER, Writer, make_engine, snapshot, transaction


@pytest.mark.parametrize(
    "url",
    [
        "",
        "nonsense",
        "mysql://root:hunter2@db/images",
        "postgresql+asyncpg://app:hunter2@db/images",
        "postgresql://app:hunter2@db:port/images",
        "sqlite://",
        "sqlite:///:memory:",
        "sqlite:///file:x?mode=memory&uri=true",
        "sqlite://data/images.db",
    ],
)
def test_a_url_that_can_not_work_is_refused_with_what_to_write(url: str) -> None:
    with pytest.raises(BackendMisconfigured) as caught:
        make_engine(url)
    assert "postgresql://user@host:5432/name" in caught.value.detail
    assert "hunter2" not in caught.value.detail + str(caught.value)


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg"])
def test_every_spelling_of_postgresql_means_psycopg_3(scheme: str) -> None:
    engine = make_engine(f"{scheme}://app:hunter2@db:5433/images?sslmode=require")
    assert engine.dialect.driver == "psycopg"
    assert (engine.url.host, engine.url.port, engine.url.database) == ("db", 5433, "images")


def test_the_directory_of_the_file_is_made(tmp_path: Path) -> None:
    make_engine(f"sqlite:///{tmp_path / 'a' / 'b c' / 'images.db'}")
    assert (tmp_path / "a" / "b c").is_dir()


def test_a_directory_that_can_not_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(BackendMisconfigured, match="misconfigured") as caught:
        make_engine(f"sqlite:///{tmp_path / 'file' / 'images.db'}")
    assert "directory" in caught.value.detail


@pytest.mark.parametrize(("durable", "synchronous"), [(True, 2), (False, 1)])
def test_every_sqlite_connection_is_set_up(sqlite_url: str, durable: bool, synchronous: int) -> None:
    engine = make_engine(sqlite_url, durable=durable)
    with engine.connect() as one, engine.connect() as two:
        for connection in (one, two):
            assert connection.exec_driver_sql("PRAGMA journal_mode").scalar_one() == "wal"
            assert connection.exec_driver_sql("PRAGMA synchronous").scalar_one() == synchronous
            assert connection.exec_driver_sql("PRAGMA foreign_keys").scalar_one() == 1
            assert connection.exec_driver_sql("PRAGMA busy_timeout").scalar_one() == 10_000
    engine.dispose()


@pytest.mark.postgres
@pytest.mark.parametrize(("durable", "commit"), [(True, "on"), (False, "off")])
def test_every_postgres_connection_is_set_up(postgres_url: str, durable: bool, commit: str) -> None:
    engine = make_engine(postgres_url, durable=durable)
    with engine.connect() as connection:

        def setting(name: str) -> str:
            value: str = connection.exec_driver_sql(f"SHOW {name}").scalar_one()
            return value

        assert setting("statement_timeout") == "5s"
        assert setting("idle_in_transaction_session_timeout") == "5s"
        assert setting("synchronous_commit") == commit
        assert {setting(f"enable_{each}") for each in PLANNER} == {"off"}
        assert setting("search_path").startswith("test_"), "the URL's own options are kept"
    engine.dispose()


def test_a_transaction_that_raises_leaves_nothing(engine: Engine) -> None:
    with engine.connect() as connection:
        connection.exec_driver_sql("CREATE TABLE numbers (n integer)")
        connection.commit()
    writer = Writer(engine)
    with pytest.raises(KeyboardInterrupt), writer.begin() as connection:
        connection.exec_driver_sql("INSERT INTO numbers VALUES (1)")
        raise KeyboardInterrupt
    with writer.begin() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM numbers").scalar_one() == 0
        connection.exec_driver_sql("INSERT INTO numbers VALUES (2)")
    with engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT n FROM numbers").scalars().all() == [2]
    assert engine.pool.checkedout() == 0  # type: ignore[attr-defined]  # QueuePool's


def test_transactions_that_read_and_then_write_do_not_deadlock(sqlite_url: str) -> None:
    """Deferred ones would: the second writer is told "locked" at once, whatever the busy timeout."""
    engines = [make_engine(sqlite_url, durable=False) for _ in range(2)]
    with engines[0].connect() as connection:
        connection.exec_driver_sql("CREATE TABLE counter AS SELECT 0 AS n")
    start = threading.Barrier(8)

    def count(engine: Engine) -> None:
        writer = Writer(engine)
        start.wait()
        for _ in range(25):
            with writer.begin() as connection:
                number = connection.exec_driver_sql("SELECT n FROM counter").scalar_one()
                connection.exec_driver_sql("UPDATE counter SET n = ?", (number + 1,))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(count, engines * 4))
    with engines[0].connect() as connection:
        assert connection.exec_driver_sql("SELECT n FROM counter").scalar_one() == 200
    for engine in engines:
        engine.dispose()


def test_waiting_writers_hold_no_connection(sqlite_url: str) -> None:
    engine = make_engine(sqlite_url, pool_size=2)
    writer = Writer(engine)
    with ThreadPoolExecutor(8) as pool:
        with writer.begin():

            def write() -> None:
                with writer.begin():
                    pass

            waiting = [pool.submit(write) for _ in range(8)]
            time.sleep(0.2)
            assert engine.pool.checkedout() == 1  # type: ignore[attr-defined]  # QueuePool's
        for each in waiting:
            each.result(timeout=10)
    engine.dispose()


def test_a_snapshot_sees_one_moment(engine: Engine) -> None:
    with engine.connect() as connection:
        connection.exec_driver_sql("CREATE TABLE numbers (n integer)")
        connection.commit()
    count = "SELECT count(*) FROM numbers"
    with snapshot(engine) as reader:
        assert reader.exec_driver_sql(count).scalar_one() == 0
        with engine.connect() as connection, transaction(connection):
            connection.exec_driver_sql("INSERT INTO numbers VALUES (1)")
        assert reader.exec_driver_sql(count).scalar_one() == 0
    with snapshot(engine) as reader:
        assert reader.exec_driver_sql(count).scalar_one() == 1
    with Writer(engine).begin() as connection:  # what follows on the same connection is as ever
        connection.exec_driver_sql("INSERT INTO numbers VALUES (2)")
