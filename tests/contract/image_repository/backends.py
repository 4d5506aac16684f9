"""Every implementation of ``services.ports.Repository``, as the suite and its racing processes reach it.

To add one, give ``BACKENDS`` an entry; its three functions are all that the suite knows of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from services.metadata.engine import make_engine
from services.metadata.sql import SqlImageRepository
from services.ports import Repository
from tests.contract.image_repository import databases, dynamo


@dataclass(frozen=True)
class Backend:
    """One kind of repository.

    ``empty`` makes storage without rows, ready for use, and yields its address (plain text, good in another process
    too) until the test ends; the folder is the test's own. ``connect`` opens a repository on such an address. ``clear``
    removes every row at an address: the next example of a property begins with nothing. ``examples`` is how many of
    them a property gets; few where each call is an HTTP request.
    """

    name: str
    empty: Callable[[Path], AbstractContextManager[str]]
    connect: Callable[[str], AbstractContextManager[Repository]]
    clear: Callable[[str], None]
    examples: int = 25


def _sql(name: str) -> Backend:
    @contextmanager
    def empty(folder: Path) -> Iterator[str]:
        with databases.empty(name, folder) as url:
            databases.migrate(url)
            yield url

    return Backend(name, empty, connect_sql, databases.clear)


@contextmanager
def connect_sql(url: str) -> Iterator[Repository]:
    """A repository on SQLite or PostgreSQL, with an engine of its own."""
    engine = make_engine(url, durable=False)
    yield SqlImageRepository(engine)
    engine.dispose()


BACKENDS = {
    each.name: each
    for each in (
        _sql("sqlite"),
        _sql("postgres"),
        Backend("moto", dynamo.empty_on_moto, dynamo.connect, dynamo.clear, examples=3),
        Backend("dynamodb", dynamo.empty_on_local, dynamo.connect, dynamo.clear, examples=3),
    )
}

# What a backend needs to run at all: marks, as for pytest.param. One that is not named here needs nothing.
_NEEDS: dict[str, list[Any]] = {"postgres": databases.POSTGRES_MARKS, "dynamodb": dynamo.LOCAL_MARKS}

PARAMETERS = [pytest.param(name, marks=_NEEDS.get(name, [])) for name in BACKENDS]
