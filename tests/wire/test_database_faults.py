"""The database refusing the row after the object was written."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from typing import Any

import pytest
import requests

from tests.wire.conftest import Servers
from tests.wire.deployments import Deployment, deployed, kinds
from tests.wire.photos import photo
from tests.wire.problems import assert_problem

pytestmark = [pytest.mark.wire, pytest.mark.slow]

Change = Callable[[Deployment, dict[str, Any]], requests.Response]

CHANGES: dict[str, Change] = {
    "upload": lambda own, _: requests.post(own.url + "/upload", files={"file": ("a.jpg", photo())}, timeout=60),
    "large upload": lambda own, _: requests.post(
        own.url + "/upload", files={"file": ("a.jpg", photo(9 * 1024 * 1024))}, timeout=60
    ),
    "update": lambda own, stored: requests.put(f"{own.url}/update/{stored['key']}", data=photo(), timeout=60),
    "delete": lambda own, stored: requests.delete(f"{own.url}/delete/{stored['key']}", timeout=60),
    "restore": lambda own, stored: requests.post(
        f"{own.url}/image/{stored['key']}/restore", json={"version_id": stored["version_id"]}, timeout=60
    ),
}


@pytest.fixture(scope="module", params=kinds())
def own(
    request: pytest.FixtureRequest, servers: Servers, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Deployment]:
    """A server whose database may be broken."""
    with deployed(request.param, tmp_path_factory.mktemp("own") / "data", servers.s3(request.param)) as deployment:
        yield deployment


@pytest.fixture
def stored(own: Deployment) -> dict[str, Any]:
    content = photo()
    answer = requests.post(own.url + "/upload", files={"file": ("a.jpg", content)}, timeout=30)
    assert answer.status_code == 201, answer.text
    return {**answer.json(), "content": content}


@contextmanager
def database(own: Deployment) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(own.audit.database, timeout=10, isolation_level=None)) as connection:
        yield connection


@contextmanager
def refusing(own: Deployment) -> Iterator[None]:
    """Triggers that refuse every row that is written."""
    with database(own) as connection:
        for event in ("INSERT", "UPDATE"):
            for table in ("images", "image_versions"):
                connection.execute(
                    f"CREATE TRIGGER refuse_{event}_{table} BEFORE {event} ON {table} "
                    "BEGIN SELECT RAISE(ABORT, 'refused by the test'); END"
                )
        try:
            yield
        finally:
            for event in ("INSERT", "UPDATE"):
                for table in ("images", "image_versions"):
                    connection.execute(f"DROP TRIGGER refuse_{event}_{table}")


@contextmanager
def without_table(own: Deployment, table: str) -> Iterator[None]:
    with database(own) as connection:
        connection.execute(f"ALTER TABLE {table} RENAME TO gone")
        try:
            yield
        finally:
            connection.execute(f"ALTER TABLE gone RENAME TO {table}")


@pytest.mark.parametrize("change", CHANGES)
def test_a_refused_row(own: Deployment, stored: dict[str, Any], change: str) -> None:
    with own.audit.nothing_left():
        with refusing(own):
            answer = CHANGES[change](own, stored)
        assert_problem(answer, {500, 503}, secrets=own.secrets)
        assert_still_there(own, stored)
    own.audit.consistent()


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("table", ["images", "image_versions"])
def test_a_missing_table(own: Deployment, stored: dict[str, Any], table: str, change: str) -> None:
    with own.audit.nothing_left():
        with without_table(own, table):
            answer = CHANGES[change](own, stored)
        assert_problem(answer, {500, 503}, secrets=own.secrets)
        assert_still_there(own, stored)
    own.audit.consistent()


def test_a_lock_that_outlasts_the_patience(own: Deployment) -> None:
    """All changes at once, each on an image of its own, behind one lock; reads go on meanwhile."""
    images = {}
    for change in CHANGES:
        content = photo()
        answer = requests.post(own.url + "/upload", files={"file": ("a.jpg", content)}, timeout=30)
        images[change] = {**answer.json(), "content": content}
    with own.audit.nothing_left(), ThreadPoolExecutor(len(CHANGES)) as pool:
        with database(own) as connection:
            connection.execute("BEGIN EXCLUSIVE")
            try:
                running = {change: pool.submit(CHANGES[change], own, images[change]) for change in CHANGES}
                assert_still_there(own, images["update"])
                answers = {change: future.result(timeout=60) for change, future in running.items()}
            finally:
                connection.execute("ROLLBACK")
        for change, answer in answers.items():
            assert_problem(answer, 503, "backend_unavailable", secrets=own.secrets), change
            assert_still_there(own, images[change])
    own.audit.consistent()


def test_a_lock_that_is_lifted_in_time(own: Deployment, stored: dict[str, Any]) -> None:
    with ThreadPoolExecutor(1) as pool, database(own) as connection:
        connection.execute("BEGIN EXCLUSIVE")
        running = pool.submit(CHANGES["update"], own, stored)
        with pytest.raises(TimeoutError):
            running.result(timeout=1.5)
        connection.execute("ROLLBACK")
        assert running.result(timeout=15).status_code == 200
    own.audit.consistent()


def assert_still_there(own: Deployment, stored: dict[str, Any]) -> None:
    answer = requests.get(f"{own.url}/image/{stored['key']}", timeout=30)
    assert (answer.status_code, answer.content) == (200, stored["content"])
