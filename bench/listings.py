"""Does a page of a listing cost the same whatever the number of images? On SQLite and on PostgreSQL.

The time of ``search`` itself is measured, in this process: nothing of HTTP hides a difference. An owner with many of a
million images is compared with an owner who has few of them, and with a database that holds nothing but those few. The
three take turns, request by request, so that they see the same machine.
"""

from __future__ import annotations

import random
import statistics
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

from sqlalchemy import Engine

from bench.listings_data import BIG, SMALL, Size, load
from bench.listings_urls import listings_with_urls
from bench.postgres import postgres_database, postgres_server
from bench.report import Figure, Report, Table
from services.metadata.engine import make_engine
from services.metadata.sql import SqlImageRepository
from services.models import ImageQuery, Position

PAGE = 50
FULL = Size()
QUICK = Size(images=5_000, big=1_000, small=500)


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of listing. ``bound`` is on ratios of p95; None shows them for information.

    ``deep`` begins behind half of the owner's images: of 100,000, at the 1,000th page. ``ranged`` asks for the third
    quarter of the database's time only.
    """

    name: str
    query: ImageQuery
    bound: float | None
    deep: bool = False
    ranged: bool = False


KINDS = (
    Kind("first page", ImageQuery(), 1.5),
    Kind("1,000th page", ImageQuery(), 1.5, deep=True),
    Kind("two tags that often meet", ImageQuery(tags=("sea", "summer")), 2),
    Kind("two tags that seldom meet", ImageQuery(tags=("left", "right")), 2),
    Kind("a title word", ImageQuery(words=("harbour",)), 2),
    Kind("a date range", ImageQuery(), 2, ranged=True),
    Kind("two tags and a word", ImageQuery(tags=("sea", "summer"), words=("harbour",)), None),
)


@dataclass(frozen=True, slots=True)
class Subject:
    """An owner in a database, with the places from which pages are read."""

    repository: SqlImageRepository
    query: ImageQuery
    starts: list[Position | None]

    @classmethod
    def of(cls, engine: Engine, size: Size, kind: Kind, owner: str) -> Subject:
        """``owner`` in ``engine``'s database of ``size``."""
        repository, query = SqlImageRepository(engine), replace(kind.query, owner=owner)
        if kind.ranged:
            since, until = size.third_quarter()
            query = replace(query, since=since, until=until)
        pages = (size.big if owner == BIG else size.small) // 2 // PAGE
        first = pages if kind.deep else 0
        starts = list(islice(_ends(repository, query), first, first + (5 if kind.deep else 1)))
        return cls(repository, query, starts)

    def seconds(self, chance: random.Random) -> float:
        """One page, timed."""
        after = chance.choice(self.starts)
        began = time.perf_counter()
        page = self.repository.search(self.query, limit=PAGE, after=after)
        took = time.perf_counter() - began
        if len(page.images) != PAGE:
            raise RuntimeError(f"a page of {len(page.images)} can not be compared with one of {PAGE}: {self.query}")
        return took


def _ends(repository: SqlImageRepository, query: ImageQuery) -> Iterator[Position | None]:
    after = None
    while True:
        yield after
        after = repository.search(query, limit=PAGE, after=after).after


def listings(folder: Path, report: Report, *, rounds: int, quick: bool) -> None:
    """Build the databases, measure, and put figures and times into ``report``."""
    size = QUICK if quick else FULL
    many_of, few_of = f"{size.big:,} of {size.images:,}", f"{size.small:,} of {size.images:,}"
    alone = f"{size.small:,} of {size.small:,}"
    title = f"`search` for a page of {PAGE}: p50 / p95 in ms, by the owner's images of all images"
    table = Table(title, ("listing", "database", many_of, few_of, alone))
    report.tables.append(table)
    for name in ("SQLite", "PostgreSQL"):
        with ExitStack() as stack:
            full = stack.enter_context(_database(name, folder / "full", size))
            few = Size(size.small, 0, size.small)
            alone_in = stack.enter_context(_database(name, folder / "alone", few))
            for kind in KINDS:
                subjects = {
                    many_of: Subject.of(full, size, kind, BIG),
                    few_of: Subject.of(full, size, kind, SMALL),
                    alone: Subject.of(alone_in, few, kind, SMALL),
                }
                times = _times(subjects, rounds, 20 if quick else 200)
                report.raw[f"listings: {name}, {kind.name}"] = times
                table.rows.append((kind.name, name, *map(_shown, times.values())))
                for other in (few_of, alone):
                    text = f"{name}, {kind.name}: {many_of} ÷ {other}"
                    report.figures.append(
                        Figure(text, _ratio(times[many_of], times[other]), "", at_most=kind.bound, note="of p95")
                    )
            report.figures.append(_totals(name, full, size))
    listings_with_urls(folder / "urls", report, rounds=rounds, quick=quick)


@contextmanager
def _database(name: str, folder: Path, size: Size) -> Iterator[Engine]:
    with ExitStack() as stack:
        if name == "SQLite":
            url = f"sqlite:///{folder / 'images.db'}"
        else:
            url = stack.enter_context(postgres_database(stack.enter_context(postgres_server())))
        load(url, size)
        engine = make_engine(url)
        stack.callback(engine.dispose)
        yield engine


def _times(subjects: dict[str, Subject], rounds: int, requests: int) -> dict[str, list[list[float]]]:
    """Seconds for each subject, by round."""
    chance = random.Random(0)
    times: dict[str, list[list[float]]] = {name: [] for name in subjects}
    for number in range(rounds + 1):
        taken: dict[str, list[float]] = {name: [] for name in subjects}
        for _ in range(requests):
            for name, subject in subjects.items():
                taken[name].append(subject.seconds(chance))
        for name in subjects if number else ():  # the first round fills caches and is not counted
            times[name].append(taken[name])
    return times


def _totals(name: str, engine: Engine, size: Size) -> Figure:
    repository = SqlImageRepository(engine)
    seconds = []
    for _ in range(21):
        began = time.perf_counter()
        found = repository.totals(days=90)
        seconds.append(time.perf_counter() - began)
    if found.images != size.images:
        raise RuntimeError(f"the totals count {found.images} images")
    return Figure(f"{name}, totals of {size.images:,} images", statistics.median(seconds) * 1000, "ms", note="median")


def _ratio(ours: list[list[float]], theirs: list[list[float]]) -> float:
    return statistics.median(_p95(one) / _p95(other) for one, other in zip(ours, theirs, strict=True))


def _p95(seconds: list[float]) -> float:
    return statistics.quantiles(seconds, n=20)[-1]


def _shown(rounds: list[list[float]]) -> str:
    p50 = statistics.median(statistics.median(each) for each in rounds)
    return f"{p50 * 1000:.2f} / {statistics.median(map(_p95, rounds)) * 1000:.2f}"
