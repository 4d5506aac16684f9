"""A million images for the listing benchmark, the same in every run, loaded as fast as each database can.

Two owners are compared. Both have, besides the usual tags and words, a pair of tags that often meet (``sea`` and
``summer``), a pair that seldom does (``left`` and ``right``; together in about 60 images of each owner), and a word
(``harbour``) in two fifths of their titles, so that each listing fills a page for both.
"""

from __future__ import annotations

import random
import sqlite3
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any, LiteralString

import psycopg
from sqlalchemy import Engine, Table

from services.metadata.engine import make_engine, sqlite_path
from services.metadata.migrate import upgrade
from services.metadata.sql_rows import image_row, version_row
from services.metadata.sql_terms import Filing
from services.metadata.tables import image_terms, image_versions, images
from services.models import Image, ImageVersion

BIG, SMALL = "big", "small"
START = datetime(2024, 1, 1, tzinfo=UTC)
STEP = timedelta(seconds=60)
MEETINGS = 60
_OTHERS = 1_000
_CHUNK = 20_000
_TAGS = [f"tag{number}" for number in range(200)]
_WORDS = [f"word{number}" for number in range(2_000)]
_TABLES = (images, image_versions, image_terms)


@dataclass(frozen=True, slots=True)
class Size:
    """How many images there are, and how many of them each of the two owners has."""

    images: int = 1_000_000
    big: int = 100_000
    small: int = 1_000

    def third_quarter(self) -> tuple[datetime, datetime]:
        """The third quarter of the time that the images span."""
        return START + self.images // 2 * STEP, START + self.images * 3 // 4 * STEP


def generate(size: Size) -> Iterator[Image]:
    """All images, oldest first; an owner's are spread over the whole time."""
    chance = random.Random(size.images)
    owners = [BIG] * size.big + [SMALL] * size.small
    owners += [f"owner{number % _OTHERS}" for number in range(size.images - len(owners))]
    chance.shuffle(owners)
    made = {BIG: 0, SMALL: 0}
    for number, owner in enumerate(owners):
        tags, title = _usual(chance)
        if owner in made:
            made[owner] += 1
            more, word = _special(chance, made[owner], size.big if owner == BIG else size.small)
            tags, title = tags + more, title + word
        yield _image(chance, number, owner, tuple(dict.fromkeys(tags)), title)


def _usual(chance: random.Random) -> tuple[list[str], str]:
    """Up to three tags and up to four words, some much more frequent than others."""
    tags = [_TAGS[int(chance.random() ** 3 * len(_TAGS))] for _ in range(chance.choice((0, 0, 1, 1, 2, 3)))]
    words = [_WORDS[int(chance.random() ** 3 * len(_WORDS))] for _ in range(chance.choice((0, 1, 2, 2, 3, 4)))]
    return tags, " ".join(words)


def _special(chance: random.Random, number: int, of: int) -> tuple[list[str], str]:
    tags = []
    if chance.random() < 0.4:
        tags += ["sea", "summer"]
    if number % max(1, of // MEETINGS) == 0:
        tags += ["left", "right"]
    elif chance.random() < 0.6:
        tags.append(chance.choice(("left", "right")))
    return tags, " Harbour" if chance.random() < 0.4 else ""


def _image(chance: random.Random, number: int, owner: str, tags: tuple[str, ...], title: str) -> Image:
    image_id = str(uuid.UUID(int=chance.getrandbits(128), version=4))
    when = START + number * STEP
    digest = f"{number:064x}"
    version = ImageVersion(f"v-{image_id}", "image/jpeg", 100_000 + number, digest, 4000, 3000, 1, 1, when)
    return Image(
        image_id=image_id, owner=owner, object_key=f"images/{image_id}/photo.jpg", filename="photo.jpg", title=title,
        description="", tags=tags, created_at=when, updated_at=when, current=version,
    )  # fmt: skip


def load(url: str, size: Size) -> None:
    """Make the tables at ``url`` and put the images in."""
    engine = make_engine(url, durable=False)
    upgrade(engine, lock_path=None)
    rows = _rows(engine, size)
    if engine.dialect.name == "sqlite":
        _into_sqlite(engine, rows)
    else:
        _into_postgres(engine, rows)
    engine.dispose()


def _rows(engine: Engine, size: Size) -> Iterator[dict[Table, list[tuple[Any, ...]]]]:
    """Rows of each table in its order of columns, as the database stores them, in chunks."""
    processors = {
        table: [
            (column.name, column.type.dialect_impl(engine.dialect).bind_processor(engine.dialect)) for column in table.c
        ]
        for table in (images, image_versions)
    }
    microseconds = dict(processors[images])["created_at"]
    assert microseconds is not None

    def stored(table: Table, row: dict[str, Any]) -> tuple[Any, ...]:
        return tuple(process(row[name]) if process else row[name] for name, process in processors[table])

    everything = generate(size)
    while chunk := list(islice(everything, _CHUNK)):
        yield {
            images: [stored(images, image_row(image) | {"sequence": 1}) for image in chunk],
            image_versions: [stored(image_versions, version_row(image, sequence=1)) for image in chunk],
            image_terms: [
                (term, when, image.image_id)
                for image in chunk
                if image.tags or image.title
                for when in (microseconds(image.created_at),)
                for term in Filing.of(image).terms()
            ],
        }


def _into_sqlite(engine: Engine, chunks: Iterator[dict[Table, list[tuple[Any, ...]]]]) -> None:
    path = sqlite_path(engine)
    assert path is not None
    connection = sqlite3.connect(path, isolation_level=None)
    for pragma in ("journal_mode = OFF", "synchronous = OFF", "cache_size = -1000000"):
        connection.execute(f"PRAGMA {pragma}")
    connection.execute("BEGIN")
    # A B-tree that is filled in random order takes hours; sorted, minutes.
    connection.execute("CREATE TEMP TABLE unsorted AS SELECT * FROM image_terms")
    for chunk in chunks:
        for table, rows in chunk.items():
            marks = ",".join("?" * len(table.c))
            name = "unsorted" if table is image_terms else table.name
            connection.executemany(f"INSERT INTO {name} VALUES ({marks})", rows)
    connection.execute("INSERT INTO image_terms SELECT * FROM unsorted ORDER BY 1, 2, 3")
    connection.execute("COMMIT")
    connection.execute("PRAGMA journal_mode = WAL")
    connection.close()


def _into_postgres(engine: Engine, chunks: Iterator[dict[Table, list[tuple[Any, ...]]]]) -> None:
    with engine.connect() as pooled:
        connection = pooled.connection.driver_connection
        assert isinstance(connection, psycopg.Connection)
        cursor = connection.cursor()
        for statement in _BEFORE_COPY:
            cursor.execute(statement)
        for chunk in chunks:
            for table, rows in chunk.items():
                with cursor.copy(f"COPY {table.name} FROM STDIN".encode()) as copy:
                    for row in rows:
                        copy.write_row(row)
        for statement in _AFTER_COPY:
            cursor.execute(statement)
        connection.commit()
        connection.autocommit = True
        cursor.execute("VACUUM ANALYZE")
        pooled.detach()


# An index is faster made whole than row by row. A trigger that updates one row a thousand times in one transaction gets
# slower each time.
_BEFORE_COPY: tuple[LiteralString, ...] = (
    "SET statement_timeout = 0",
    "SET idle_in_transaction_session_timeout = 0",
    "SET maintenance_work_mem = '1GB'",
    "SET enable_seqscan = on",
    "SET enable_hashjoin = on",
    "ALTER TABLE images DISABLE TRIGGER USER",
    "ALTER TABLE image_terms DROP CONSTRAINT pk_image_terms",
    "ALTER TABLE image_versions DROP CONSTRAINT fk_image_versions_image_id",
)
_AFTER_COPY: tuple[LiteralString, ...] = (
    "ALTER TABLE image_terms ADD CONSTRAINT pk_image_terms PRIMARY KEY (term, created_at, image_id)",
    "ALTER TABLE image_versions ADD CONSTRAINT fk_image_versions_image_id FOREIGN KEY (image_id) REFERENCES images",
    "ALTER TABLE images ENABLE TRIGGER USER",
    "INSERT INTO daily_totals SELECT created_at / 86400000000, 0, count(*), sum(size), 0 FROM images GROUP BY 1",
)
