"""The two steps that every upload and every read take, run by sqlite3 itself.

SQLAlchemy makes the SQL, once; running it through SQLAlchemy costs ten times what SQLite needs for it (a read of a row
195 us instead of 50), and that was a tenth of every request. PostgreSQL, where a statement is a network round trip, and
everything else go the ordinary way.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from typing import Any

from sqlalchemy import Dialect, Engine, Insert, Select

from services.metadata.engine import Writer, lent
from services.metadata.sql_rows import ADD_IMAGE, ADD_VERSION, image_of, image_row, version_row
from services.models import Image


class SqliteDirect:
    """``get``, and ``add`` of an image that is filed under no term, for ``SqlImageRepository`` on SQLite.

    Raises the errors of ``sqlite3``.
    """

    def __init__(self, engine: Engine, writer: Writer, get: Select[Any]) -> None:
        self._engine = engine
        self._writer = writer
        self._get = _Select(get, engine.dialect)
        self._add_image = _Insert(ADD_IMAGE, engine.dialect)
        self._add_version = _Insert(ADD_VERSION, engine.dialect)

    def add(self, image: Image) -> None:
        """Store a new image, which has neither tags nor title, with its first version."""
        with self._writer.begin_direct() as connection:
            self._add_image.run(connection, image_row(image) | {"sequence": 1})
            self._add_version.run(connection, version_row(image, sequence=1))

    def get(self, image_id: str) -> Image | None:
        """The image with its current version; None when there is none."""
        with lent(self._engine) as connection:
            row = self._get.first(connection, image_id)
        return image_of(row) if row else None


class _Insert:
    """An INSERT of all columns of a table."""

    def __init__(self, statement: Insert, dialect: Dialect) -> None:
        compiled = statement.compile(dialect=dialect)
        self._sql = str(compiled)
        columns = statement.table.c
        self._columns = [(name, columns[name].type.bind_processor(dialect)) for name in compiled.positiontup or ()]

    def run(self, connection: sqlite3.Connection, row: Mapping[str, Any]) -> None:
        """Insert ``row``, whose keys are the columns' names."""
        values = [convert(row[name]) if convert else row[name] for name, convert in self._columns]
        connection.execute(self._sql, values)


class _Select:
    """A SELECT with one parameter."""

    def __init__(self, statement: Select[Any], dialect: Dialect) -> None:
        self._sql = str(statement.compile(dialect=dialect))
        converters = (column.type.result_processor(dialect, None) for column in statement.selected_columns)
        self._converters = [(place, convert) for place, convert in enumerate(converters) if convert]

    def first(self, connection: sqlite3.Connection, parameter: str) -> list[Any] | None:
        """The first row, None when there is none."""
        found = connection.execute(self._sql, (parameter,)).fetchone()
        if found is None:
            return None
        row = list(found)
        for place, convert in self._converters:
            row[place] = convert(row[place])
        return row
