from __future__ import annotations

import fcntl
import logging
import subprocess
import sys
import time
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Column, Engine, MetaData, Text, event, func, inspect, select, text

from services.errors import BackendMisconfigured, BackendUnavailable
from services.metadata.engine import make_engine, transaction
from services.metadata.migrate import alembic_config, upgrade
from services.metadata.sql import SqlImageRepository
from services.metadata.tables import images, metadata
from tests.contract.image_repository.samples import an_image

ROOT = Path(__file__).resolve().parents[4]


def tables(engine: Engine) -> set[str]:
    with engine.connect() as connection:
        return set(inspect(connection).get_table_names())


def differences(engine: Engine, wanted: MetaData) -> list:
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_server_default": True})
        return list(compare_metadata(context, wanted))


def test_the_migrations_make_exactly_the_tables(engine: Engine) -> None:
    assert differences(engine, metadata) == []


def test_a_column_without_a_migration_is_noticed(engine: Engine) -> None:
    changed = MetaData(naming_convention=metadata.naming_convention)
    for table in metadata.sorted_tables:
        table.to_metadata(changed)
    changed.tables["images"].append_column(Column("forgotten", Text))
    assert len(differences(engine, changed)) == 1


def test_constraints_have_the_names_that_later_migrations_will_use(engine: Engine) -> None:
    with engine.connect() as connection:
        inspector = inspect(connection)
        for table in metadata.sorted_tables:
            named = {str(each.name) for each in table.constraints}
            found = {inspector.get_pk_constraint(table.name)["name"]}
            found |= {each["name"] for each in inspector.get_unique_constraints(table.name)}
            found |= {each["name"] for each in inspector.get_foreign_keys(table.name)}
            assert found == named


def test_upgrading_again_keeps_the_rows_and_takes_no_time(engine: Engine) -> None:
    image = an_image()
    SqlImageRepository(engine).add(image)
    seconds = []
    for _ in range(5):
        began = time.perf_counter()
        upgrade(engine, lock_path=None)
        seconds.append(time.perf_counter() - began)
    assert min(seconds) < 0.1, "a busy machine may slow some of them, not all"
    assert SqlImageRepository(engine).get(image.image_id) == image


def test_no_connection_of_the_migration_comes_back_to_requests(empty_engine: Engine) -> None:
    upgrade(empty_engine, lock_path=None)
    opened = []
    event.listen(empty_engine, "connect", lambda connection, _record: opened.append(connection))
    with empty_engine.connect():
        assert len(opened) == 1, "its settings and its lock would have come with it"


def test_down_and_up_again(engine: Engine) -> None:
    config = alembic_config()
    with engine.connect() as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, "base")
    assert tables(engine) == {"alembic_version"}
    upgrade(engine, lock_path=None)
    assert tables(engine) == {"alembic_version", *metadata.tables}
    SqlImageRepository(engine).add(an_image())


def test_a_migration_that_fails_leaves_nothing(empty_engine: Engine) -> None:
    with empty_engine.connect() as connection, transaction(connection):
        connection.execute(text("CREATE TABLE image_versions (in_the_way integer)"))
    with pytest.raises(BackendMisconfigured) as caught:
        upgrade(empty_engine, lock_path=None)
    assert "image_versions" in caught.value.detail
    assert "images" not in tables(empty_engine)
    with empty_engine.connect() as connection, transaction(connection):
        connection.execute(text("DROP TABLE image_versions"))
    upgrade(empty_engine, lock_path=None)
    SqlImageRepository(empty_engine).check()


def test_a_database_of_a_newer_release_is_refused_untouched(engine: Engine) -> None:
    with engine.connect() as connection, transaction(connection):
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(BackendMisconfigured) as caught:
        upgrade(engine, lock_path=None)
    for said in (str(caught.value), caught.value.detail):
        assert "9999" in said
        assert "newer release" in said
    with engine.connect() as connection:
        assert connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one() == "9999"


@pytest.mark.slow
def test_eight_processes_start_at_once(empty_url: str) -> None:
    at = time.time() + 3
    command_line = [sys.executable, "-W", "error", "-m", "tests.unit.services.metadata.starting", empty_url, str(at)]
    processes = [
        subprocess.Popen(command_line, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(8)
    ]
    for process in processes:
        out, errors = process.communicate(timeout=60)
        assert (process.returncode, errors) == (0, "")
        assert float(out) < 10
    engine = make_engine(empty_url)
    with engine.connect() as connection:
        assert connection.execute(select(func.count()).select_from(images)).scalar_one() == 8
        assert len(connection.execute(text("SELECT * FROM alembic_version")).all()) == 1
    engine.dispose()


def test_a_lock_that_stays_taken_ends_the_wait(tmp_path: Path) -> None:
    engine = make_engine(f"sqlite:///{tmp_path / 'images.db'}")
    lock = tmp_path / "lock"
    with lock.open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        with pytest.raises(BackendUnavailable) as caught:
            upgrade(engine, lock_path=lock, wait=0.2)
    assert "lock" in caught.value.detail
    assert not (tmp_path / "images.db").exists(), "nothing is touched before the lock is held"
    upgrade(engine, lock_path=lock, wait=0.2)
    SqlImageRepository(engine).check()
    engine.dispose()


@pytest.mark.postgres
def test_an_advisory_lock_that_stays_taken_ends_the_wait(postgres_url: str) -> None:
    engine = make_engine(postgres_url)
    with engine.connect() as other:
        other.execute(text("SELECT pg_advisory_lock(:key)"), {"key": 0x696D_6167_6573})
        with pytest.raises(BackendUnavailable):
            upgrade(engine, lock_path=None, wait=0.2)
        other.execute(text("SELECT pg_advisory_unlock_all()"))
    upgrade(engine, lock_path=None, wait=5)
    engine.dispose()


def test_a_lock_that_can_not_be_opened(tmp_path: Path) -> None:
    engine = make_engine(f"sqlite:///{tmp_path / 'images.db'}")
    with pytest.raises(BackendMisconfigured) as caught:
        upgrade(engine, lock_path=tmp_path / "missing" / "lock")
    assert "lock" in caught.value.detail


def test_logging_is_left_alone(empty_engine: Engine) -> None:
    logger = logging.getLogger("image-service.test")
    before = (list(logging.root.handlers), logging.root.level, logger.disabled)
    upgrade(empty_engine, lock_path=None)
    assert (list(logging.root.handlers), logging.root.level, logger.disabled) == before


def test_there_is_one_line_of_revisions() -> None:
    assert len(ScriptDirectory.from_config(alembic_config()).get_heads()) == 1


def test_a_developer_can_use_the_command_line(tmp_path: Path) -> None:
    (tmp_path / "alembic.ini").write_text(
        f"[alembic]\nscript_location = {ROOT / 'services' / 'metadata' / 'migrations'}\nprepend_sys_path = {ROOT}\n"
    )
    database = tmp_path / "images.db"
    alembic = [sys.executable, "-m", "alembic", "-c", "alembic.ini", "-x", f"url=sqlite:///{database}"]
    for words in (["upgrade", "head"], ["check"]):
        subprocess.run([*alembic, *words], cwd=tmp_path, check=True, capture_output=True)
    engine = make_engine(f"sqlite:///{database}")
    SqlImageRepository(engine).check()
    engine.dispose()
