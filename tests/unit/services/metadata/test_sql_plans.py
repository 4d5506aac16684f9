"""Every page is read from the end of an index: nothing is scanned or sorted, whatever the planner knows of the rows."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from sqlalchemy import Engine, event, insert, text

from services.metadata.engine import transaction
from services.metadata.sql import SqlImageRepository
from services.metadata.sql_rows import image_row, version_row
from services.metadata.sql_terms import Filing
from services.metadata.tables import image_terms, image_versions, images
from services.models import ImageQuery, Position
from tests.contract.image_repository import databases
from tests.contract.image_repository.samples import CREATED, a_version, an_image

HERE = Position(CREATED + timedelta(seconds=900), "x")
QUERIES = {
    "everybody's": ImageQuery(),
    "an owner's": ImageQuery(owner="o1"),
    "deleted": ImageQuery(deleted=True),
    "a date range": ImageQuery(owner="o1", since=CREATED, until=CREATED + timedelta(seconds=500)),
    "a tag": ImageQuery(tags=("common",)),
    "two tags": ImageQuery(owner="o1", tags=("common", "other")),
    "a word": ImageQuery(owner="o1", words=("photo",)),
    "a tag in a range": ImageQuery(tags=("common",), since=CREATED, until=CREATED + timedelta(seconds=500)),
    "three tags": ImageQuery(owner="o1", tags=("common", "other", "third")),
    "a tag and two words": ImageQuery(tags=("common",), words=("photo", "odd")),
}
COUNT = 1_000
ALLOWED_ON_SQLITE = re.compile(r"SEARCH \w+ USING (COVERING )?(INDEX|PRIMARY KEY) |CORRELATED SCALAR SUBQUERY \d+$")


@pytest.fixture
def filled(engine: Engine) -> Engine:
    stored = []
    for number in range(COUNT):
        owner = "o1" if number % 5 == 0 else f"o{number % 50}"
        stored.append(
            an_image(
                a_version(f"v{number}"),
                owner=owner,
                tags=("common", "other", "third")[: number % 4],
                title="photo odd" if number % 2 else "",
                created_at=CREATED + timedelta(seconds=number),
            )
        )
    terms = [
        {"term": term, "created_at": image.created_at, "image_id": image.image_id}
        for image in stored
        for term in Filing.of(image).terms()
    ]
    with engine.connect() as connection, transaction(connection):
        connection.execute(insert(images), [image_row(image) | {"sequence": 1} for image in stored])
        connection.execute(insert(image_versions), [version_row(image, sequence=1) for image in stored])
        connection.execute(insert(image_terms), terms)
    return engine


@contextmanager
def noted(engine: Engine) -> Iterator[list[tuple[str, Any]]]:
    """The statements, with their parameters, that reach the driver inside the block."""
    seen: list[tuple[str, Any]] = []

    def note(_connection, _cursor, statement: str, parameters: Any, *_rest) -> None:
        seen.append((statement, parameters))

    event.listen(engine, "before_cursor_execute", note)
    yield seen
    event.remove(engine, "before_cursor_execute", note)


def selects(engine: Engine, query: ImageQuery, after: Position | None) -> list[tuple[str, Any]]:
    with noted(engine) as seen:
        SqlImageRepository(engine).search(query, limit=50, after=after)
    found = [each for each in seen if each[0].startswith("SELECT")]
    assert found
    return found


def known(engine: Engine) -> Iterator[str]:
    """Without statistics of the rows, then with them."""
    yield "not analyzed"
    with engine.connect() as connection, transaction(connection):
        connection.execute(text("ANALYZE"))
    yield "analyzed"


CASES = list(itertools.product(QUERIES.items(), (None, HERE)))


@pytest.mark.parametrize("empty_url", ["sqlite"], indirect=True)
def test_sqlite_walks_an_index(filled: Engine) -> None:
    for knowing in known(filled):
        for (name, query), after in CASES:
            for statement, parameters in selects(filled, query, after):
                with filled.connect() as connection:
                    rows = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
                    plan = rows.scalars("detail").all()
                for line in plan:
                    assert ALLOWED_ON_SQLITE.match(line), f"{knowing}, {name}: {plan}"
                # The index is entered at the place of the page, and left at the end of the range.
                bounded = any("created_at>? AND (created_at,image_id)<(?,?)" in line for line in plan)
                assert bounded or "image_id=?" in plan[0], f"{knowing}, {name}: {plan}"


@pytest.mark.parametrize("empty_url", databases.ALL[1:], indirect=True)
def test_postgres_walks_an_index(filled: Engine) -> None:
    """For known parameters, and for any: what a prepared statement may get from its sixth execution on."""
    for knowing in known(filled):
        for mode in ("force_custom_plan", "force_generic_plan"):
            for (name, query), after in CASES:
                for plan in prepared_plans(filled, query, after, mode):
                    for unwanted in ("Seq Scan", "Sort", "Hash", "Bitmap", "Merge", "Materialize"):
                        assert unwanted not in plan, f"{knowing}, {mode}, {name}: {plan}"
                    assert "Index" in plan
                    # The index is entered at the place of the page, and left at the end of the range.
                    walked = re.search(r"Index Cond: .*ROW\(created_at, image_id\) < ROW\(.*created_at >= ", plan)
                    assert walked or "image_id = ANY" in plan, f"{knowing}, {mode}, {name}: {plan}"


def prepared_plans(engine: Engine, query: ImageQuery, after: Position | None, mode: str) -> Iterator[str]:
    with engine.connect() as connection:
        connection.exec_driver_sql(f"SET plan_cache_mode = {mode}")
        driver = connection.connection.driver_connection
        assert isinstance(driver, psycopg.Connection)
        cursor = psycopg.ClientCursor(driver)
        for statement, parameters in selects(engine, query, after):
            names: list[str] = re.findall(r"%\((\w+)\)s", statement)
            numbered = statement
            for number, name in enumerate(names, 1):
                numbered = numbered.replace(f"%({name})s", f"${number}")
            cursor.execute(f"PREPARE statement AS {numbered}".encode())
            marks = ", ".join(["%s"] * len(names))
            cursor.execute(f"EXPLAIN EXECUTE statement ({marks})", [parameters[name] for name in names])
            yield "\n".join(row[0] for row in cursor.fetchall())
            cursor.execute("DEALLOCATE statement")
