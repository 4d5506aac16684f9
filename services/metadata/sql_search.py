"""Listings: pages read from the end of an index, so that a page costs the same whatever the number of images.

A plain listing walks an index of ``images``. One term (a tag, two tags, a word) walks its list in ``image_terms``. Of
several terms the lists are intersected: the one that is sparsest *here* is walked and the others are probed by primary
key, a piece at a time, and after each piece the sparsest is chosen anew.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cache
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Engine,
    Integer,
    LargeBinary,
    Select,
    Table,
    and_,
    bindparam,
    func,
    select,
    tuple_,
)

from services.metadata.engine import reading, snapshot
from services.metadata.sql_rows import IMAGE_COLUMNS, IS_CURRENT, VERSION_COLUMNS, image_of
from services.metadata.sql_terms import terms_for
from services.metadata.tables import (
    STATUS_DELETED,
    STATUS_READY,
    UtcMicroseconds,
    image_terms,
    image_versions,
    images,
)
from services.models import Image, ImageQuery, ImageVersion, Page, Position

SAMPLE = 64
"""Entries of a list whose reach tells how dense it is, and the first piece that is walked."""
LONGEST_WALK = 4096
"""Entries that one statement walks, so that none runs into the time limit however long the lists are."""

_FIRST = datetime.min.replace(tzinfo=UTC)
_LAST = Position(datetime.max.replace(tzinfo=UTC), chr(0x10FFFF))


@dataclass(frozen=True, slots=True)
class Span:
    """What is still to be listed: created at ``since`` or later, and behind ``behind``."""

    since: datetime
    behind: Position

    @classmethod
    def of(cls, query: ImageQuery, after: Position | None) -> Span:
        """The time range of ``query`` behind the place ``after``."""
        ends = [_LAST]
        if query.until is not None:
            ends.append(Position(query.until, ""))  # no id sorts before the empty one: all of that moment are left out
        if after is not None:
            ends.append(after)
        return cls(query.since or _FIRST, min(ends))

    def parameters(self) -> dict[str, Any]:
        """Those of ``_within``."""
        return {"since": self.since, "time": self.behind.created_at, "id": self.behind.image_id}


def _within(table: Table) -> ColumnElement[bool]:
    place = tuple_(bindparam("time", type_=UtcMicroseconds), bindparam("id"))
    return and_(
        tuple_(table.c.created_at, table.c.image_id) < place,
        table.c.created_at >= bindparam("since", type_=UtcMicroseconds),
    )


# The limit is written into the statement. As a parameter it would make PostgreSQL plan a prepared statement for a tenth
# of all rows: a hash join over whole tables instead of fifty look-ups.
_COUNT: ColumnElement[int] = bindparam("count", type_=Integer, literal_execute=True)


def _newest_first(statement: Select[Any], table: Table) -> Select[Any]:
    return statement.order_by(table.c.created_at.desc(), table.c.image_id.desc()).limit(_COUNT)


def _term(number: int) -> ColumnElement[bytes]:
    return bindparam(f"term_{number}", type_=LargeBinary)


_EVERYBODYS = _newest_first(
    select(*IMAGE_COLUMNS)
    .join_from(images, image_versions, IS_CURRENT)
    .where(images.c.status == bindparam("status"), _within(images)),
    images,
)
_OWNERS = _EVERYBODYS.where(images.c.owner == bindparam("owner"))
_ONE_TERM = _newest_first(
    select(*IMAGE_COLUMNS)
    .join_from(image_terms, images, images.c.image_id == image_terms.c.image_id)
    .join(image_versions, IS_CURRENT)
    .where(image_terms.c.term == _term(0), _within(image_terms)),
    image_terms,
)
_BY_IDS = (
    select(*IMAGE_COLUMNS)
    .join_from(images, image_versions, IS_CURRENT)
    .where(images.c.image_id.in_(bindparam("ids", expanding=True)))
)
_WITH_BYTES = (
    select(image_versions.c.image_id, func.max(image_versions.c.sequence).label("sequence"))
    .where(image_versions.c.image_id.in_(bindparam("ids", expanding=True)), ~image_versions.c.deleted)
    .group_by(image_versions.c.image_id)
    .subquery()
)
_NEWEST_WITH_BYTES = select(image_versions.c.image_id, *VERSION_COLUMNS).join(
    _WITH_BYTES,
    and_(image_versions.c.image_id == _WITH_BYTES.c.image_id, image_versions.c.sequence == _WITH_BYTES.c.sequence),
)
_REACH = (
    select(image_terms.c.created_at)
    .where(image_terms.c.term == _term(0), _within(image_terms))
    .order_by(image_terms.c.created_at.desc(), image_terms.c.image_id.desc())
    .limit(1)
    .offset(SAMPLE - 1)
)


@cache
def _walk(terms: int) -> Select[Any]:
    """Entries of ``term_0`` with, for each of the other terms, whether it has the image too."""
    walked = image_terms.alias("walked")
    probes = []
    for number in range(1, terms):
        probed = image_terms.alias(f"probed_{number}")
        found = select(probed.c.image_id).where(
            probed.c.term == _term(number),
            probed.c.created_at == walked.c.created_at,
            probed.c.image_id == walked.c.image_id,
        )
        # Not EXISTS, for which PostgreSQL may prefer to read the whole other list first.
        probes.append(found.scalar_subquery().is_not(None))
    statement = select(walked.c.created_at, walked.c.image_id, and_(*probes))
    place = tuple_(bindparam("time", type_=UtcMicroseconds), bindparam("id"))
    return (
        statement.where(
            walked.c.term == _term(0),
            tuple_(walked.c.created_at, walked.c.image_id) < place,
            walked.c.created_at >= bindparam("since", type_=UtcMicroseconds),
        )
        .order_by(walked.c.created_at.desc(), walked.c.image_id.desc())
        .limit(_COUNT)
    )


class Search:
    """Reads pages; shared by all threads."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._reader = reading(engine)

    def page(self, query: ImageQuery, *, limit: int, after: Position | None) -> Page:
        """The next ``limit`` images of ``query`` behind ``after``; see ``services.ports.ImageRepository.search``."""
        span = Span.of(query, after)
        terms = terms_for(query)
        found = self._find(query, terms, span, limit + 1)
        shown = tuple(self._restorable(found[:limit]) if query.deleted else found[:limit])
        more = len(found) > limit
        return Page(shown, Position(shown[-1].created_at, shown[-1].image_id) if more else None)

    def _restorable(self, images: Sequence[Image]) -> list[Image]:
        """Deleted images, each with its newest version that has bytes."""
        ids = [image.image_id for image in images]
        with self._reader.connect() as connection:
            rows = connection.execute(_NEWEST_WITH_BYTES, {"ids": ids}).all() if ids else []
        versions = {image_id: ImageVersion(*version) for image_id, *version in rows}
        return [replace(image, restorable=versions.get(image.image_id)) for image in images]

    def _find(self, query: ImageQuery, terms: tuple[bytes, ...], span: Span, count: int) -> list[Image]:
        if len(terms) > 1:
            with snapshot(self._engine) as connection:
                return _intersection(connection, terms, span, count)
        parameters: dict[str, Any] = span.parameters() | {"count": count}
        if terms:
            statement = _ONE_TERM
            parameters["term_0"] = terms[0]
        else:
            statement = _EVERYBODYS if query.owner is None else _OWNERS
            parameters["status"] = STATUS_DELETED if query.deleted else STATUS_READY
            if query.owner is not None:
                parameters["owner"] = query.owner
        with self._reader.connect() as connection:
            return [image_of(row) for row in connection.execute(statement, parameters)]


def _intersection(connection: Connection, terms: Sequence[bytes], span: Span, count: int) -> list[Image]:
    """The first ``count`` images that all terms have; ``connection`` sees one moment."""
    ids: list[str] = []
    length = SAMPLE
    while len(ids) < count:
        entries = _walked(connection, _sparsest_first(connection, terms, span), span, length)
        ids += [image_id for _, image_id, matches in entries if matches]
        if len(entries) < length:
            break
        created_at, image_id, _ = entries[-1]
        span = replace(span, behind=Position(created_at, image_id))
        length = min(2 * length, LONGEST_WALK)
    if not ids:
        return []
    found = [image_of(row) for row in connection.execute(_BY_IDS, {"ids": ids[:count]})]
    return sorted(found, key=lambda image: (image.created_at, image.image_id), reverse=True)


def _sparsest_first(connection: Connection, terms: Sequence[bytes], span: Span) -> list[bytes]:
    """The terms, first the one whose next entries reach back furthest: it has the fewest on the way."""

    def reach(term: bytes) -> datetime:
        reached: datetime | None = connection.execute(_REACH, span.parameters() | {"term_0": term}).scalar()
        return reached or _FIRST  # fewer than that are left

    return sorted(terms, key=reach)


def _walked(connection: Connection, terms: Sequence[bytes], span: Span, length: int) -> Sequence[Any]:
    named = {f"term_{number}": term for number, term in enumerate(terms)}
    return connection.execute(_walk(len(terms)), named | span.parameters() | {"count": length}).all()
