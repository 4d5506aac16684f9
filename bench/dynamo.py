"""``python -m bench.dynamo``: what a page of a listing costs on DynamoDB, in read units as DynamoDB itself counts them.

Fills a table of the DynamoDB Local at ``TEST_DYNAMODB`` (``.ci/services up``) and asks for pages of 20 through the
repository. The bound is on the units consumed, divided by those of one consistent read of exactly the bytes returned.
Prints Markdown; exit status 1 when a bound is missed.
"""

from __future__ import annotations

import argparse
import math
import os
import random
import sys
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any

import boto3.session

from services.metadata.dynamo_client import DynamoOptions, DynamoTable
from services.metadata.dynamo_items import image_item
from services.metadata.dynamo_writes import Changes, write_listings, write_new
from services.metadata.dynamodb import DynamoRepository
from services.models import Image, ImageQuery, ImageVersion, Position

PAGE = 20
BOUND = 3.0
UNIT = 4096
START = datetime(2025, 1, 1, tzinfo=UTC)
STEP = timedelta(minutes=5)
TAGS = [f"tag-{number}" for number in range(200)]
WORDS = [f"word{number}" for number in range(2000)]


@dataclass(frozen=True)
class Case:
    """A page to ask for. ``bounded`` is False where the filter combines what no label can say."""

    name: str
    query: ImageQuery
    after: Position | None = None
    bounded: bool = True


class Meter:
    """Adds up the capacity that a client's reads consume.

    DynamoDB Local says 0 for a query that finds nothing; DynamoDB charges the least that a read can cost.
    """

    def __init__(self, table: DynamoTable) -> None:
        self.units = 0.0
        self.calls = 0
        self._least = 0.0
        table.client.meta.events.register("provide-client-params.dynamodb.Query", self._ask)
        table.client.meta.events.register("after-call.dynamodb.Query", self._count)

    def _ask(self, params: dict[str, Any], **_: object) -> None:
        params["ReturnConsumedCapacity"] = "TOTAL"
        self._least = 1.0 if params.get("ConsistentRead") else 0.5

    def _count(self, parsed: dict[str, Any], **_: object) -> None:
        self.calls += 1
        self.units += max(self._least, parsed["ConsumedCapacity"]["CapacityUnits"])

    def reset(self) -> None:
        """Begin again at nothing."""
        self.units, self.calls = 0.0, 0


def images(count: int) -> Iterator[Image]:
    """Images of many owners; ``left`` and ``right`` are common tags that seldom meet."""
    chance = random.Random(4)
    for number in range(count):
        tags = set(chance.choices(TAGS, k=chance.randint(0, 3)))
        side = chance.random()
        if side < 0.2:
            tags |= {"left"} if side < 0.1 else {"right"}
        if number % 500 == 0:
            tags |= {"left", "right"}
        if number % 3 == 0:
            tags.add("common")
        if number % 20_000 == 7:
            tags.add("rare")
        words = [*chance.choices(WORDS, k=chance.randint(1, 3)), *(["holiday"] if number % 4 == 0 else [])]
        owner = "ada" if number % 10 == 0 else f"owner-{chance.randrange(500)}"
        created = START + number * STEP
        image_id = str(uuid.UUID(int=chance.getrandbits(128), version=4))
        version = ImageVersion(
            f"{chance.getrandbits(128):032x}", "image/jpeg", 2_000_000, f"{chance.getrandbits(256):064x}",
            4000, 3000, 1, 1, created, deleted=False,
        )  # fmt: skip
        name = f"IMG_{number:06}.jpg"
        yield Image(
            image_id, owner, f"images/{image_id}/{name}", name, " ".join(words),
            "Taken on the way, in the evening light.", tuple(sorted(tags)), created, created, version,
        )  # fmt: skip


def puts_of(image: Image) -> list[Any]:
    """What ``add`` writes of an image, counters left out, for a batch. One image in a hundred is a deleted one."""
    changes = Changes()
    if image.filename.endswith("50.jpg"):
        deleted = replace(image, current=replace(image.current, deleted=True, size=0))
        write_listings(changes, None, deleted, image_item(deleted, revision=2))
    else:
        write_new(changes, image)
    return [{"PutRequest": {"Item": action["Put"]["Item"]}} for action in changes.actions if "Put" in action]


def fill(table: DynamoTable, count: int) -> int:
    """Store images in batches; how many items they are."""

    def store(chunk: list[Image]) -> int:
        puts = [put for image in chunk for put in puts_of(image)]
        number = len(puts)
        while puts:
            answer = table.client.batch_write_item(RequestItems={table.options.table: puts[:25]})
            puts = [*answer["UnprocessedItems"].get(table.options.table, []), *puts[25:]]
        return number

    source, items = images(count), 0
    with ThreadPoolExecutor(4) as pool:
        while waiting := [pool.submit(store, chunk) for _ in range(100) if (chunk := list(islice(source, 25)))]:
            items += sum(each.result() for each in waiting)
            print(".", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    return items


def cases(count: int) -> list[Case]:
    """Every filter alone, and what callers combine."""
    middle = START + count // 2 * STEP
    half_way = Position(middle, "f")
    days: dict[str, Any] = {"since": middle - timedelta(days=2), "until": middle}
    return [
        Case("everybody's, first page", ImageQuery()),
        Case("everybody's, half way down", ImageQuery(), half_way),
        Case("everybody's, two days", ImageQuery(**days)),
        Case("an owner's, first page", ImageQuery("ada")),
        Case("an owner's, half way down", ImageQuery("ada"), half_way),
        Case("an owner's, two days", ImageQuery("ada", **days)),
        Case("a small owner's", ImageQuery("owner-7")),
        Case("a tag that every third image has", ImageQuery(tags=("common",))),
        Case("a tag, half way down", ImageQuery(tags=("tag-3",)), half_way),
        Case("a tag that a handful have", ImageQuery(tags=("rare",))),
        Case("a tag that nothing has", ImageQuery(tags=("nothing",))),
        Case("an owner's with a tag", ImageQuery("ada", tags=("common",))),
        Case("two common tags", ImageQuery(tags=("common", "left"))),
        Case("two common tags that seldom meet", ImageQuery(tags=("left", "right"))),
        Case("an owner's with two tags", ImageQuery("ada", tags=("common", "right"))),
        Case("a title word", ImageQuery(words=("holiday",))),
        Case("a title word, two days", ImageQuery(words=("holiday",), **days)),
        Case("two title words", ImageQuery(words=("holiday", "word1"))),
        Case("deleted", ImageQuery(deleted=True)),
        Case("a tag and a word", ImageQuery(tags=("common",), words=("holiday",)), bounded=False),
        Case("a common tag and a common word", ImageQuery(tags=("left",), words=("holiday",)), bounded=False),
        Case("a tag and a word that seldom meet", ImageQuery(tags=("tag-3",), words=("word1",)), bounded=False),
        Case("three tags", ImageQuery(tags=("common", "left", "tag-3")), bounded=False),
    ]


def size_of(image: Image) -> int:
    """Bytes that DynamoDB counts for an image's attributes: names and values."""
    return sum(len(name) + _length(value) for name, value in image_item(image, revision=1).items())


def _length(value: dict[str, Any]) -> int:
    ((kind, content),) = value.items()
    if kind == "L":
        return 3 + sum(1 + _length(each) for each in content)
    return {"N": (len(str(content)) + 1) // 2 + 1, "BOOL": 1}.get(kind, len(str(content).encode()))


@contextmanager
def a_table(endpoint: str) -> Iterator[DynamoTable]:
    """A new table, which is dropped at the end."""
    session = boto3.session.Session(aws_access_key_id="test", aws_secret_access_key="testtest")
    table = DynamoTable(DynamoOptions(f"bench-{uuid.uuid4().hex}", endpoint=endpoint, read_timeout=60.0), session)
    table.create_missing()
    try:
        yield table
    finally:
        table.client.delete_table(TableName=table.options.table)
        table.close()


def measure(repository: DynamoRepository, meter: Meter, case: Case) -> tuple[str, bool]:
    """One row of the table, and whether its bound holds."""
    meter.reset()
    page = repository.search(case.query, limit=PAGE, after=case.after)
    returned = sum(size_of(image) for image in page.images)
    ratio = meter.units / max(1, math.ceil(returned / UNIT))
    held = ratio <= BOUND or not case.bounded
    bound = f"≤ {BOUND:g}" if case.bounded else "none"
    row = f"| {case.name} | {len(page.images)} | {returned / 1024:.1f} | {meter.calls} | {meter.units:g} | {ratio:.2f} "
    return f"{row}| {bound}{'' if held else ' MISSED'} |", held


def main() -> int:
    """Fill, ask, print."""
    parser = argparse.ArgumentParser(prog="python -m bench.dynamo", description=__doc__)
    parser.add_argument("--images", type=int, default=10_000, help="images in the table (default 10,000: 10^5 items)")
    parser.add_argument("--endpoint", default=os.environ.get("TEST_DYNAMODB"), help="default: TEST_DYNAMODB")
    options = parser.parse_args()
    if not options.endpoint:
        parser.error("set TEST_DYNAMODB to the URL of a DynamoDB Local: moto does not count capacity")
    with a_table(options.endpoint) as table:
        started = time.perf_counter()
        items = fill(table, options.images)
        print(f"filled in {time.perf_counter() - started:.0f} s", file=sys.stderr)
        repository, meter = DynamoRepository(table), Meter(table)
        rows = [measure(repository, meter, case) for case in cases(options.images)]
        print(f"{options.images:,} images, {items:,} items, pages of {PAGE}\n")
        print("| listing | images | kB returned | calls | read units | ÷ size | bound |")
        print("| --- | ---: | ---: | ---: | ---: | ---: | --- |")
        print("\n".join(row for row, _ in rows))
        print("\n| new image | items | write units |\n| --- | ---: | ---: |")
        print("\n".join(writes()))
    return 0 if all(held for _, held in rows) else 1


def writes() -> Iterator[str]:
    """What storing an image costs, by DynamoDB's published rules: DynamoDB Local does not count transactions so.

    Each item is 2 units for each kB begun, since it is part of a transaction, and 1 more in the index.
    """
    for name, tags, title in (
        ("no tags, no title", (), ""),
        ("3 tags, a title of 3 words", TAGS[:3], " ".join(WORDS[:3])),
        ("5 tags, a title of 6 words", TAGS[:5], " ".join(WORDS[:6])),
        ("20 tags, a title of 27 words", TAGS[:20], " ".join(WORDS[:27])),
    ):
        written = Changes()
        write_new(written, replace(next(images(1)), tags=tuple(tags), title=title))
        units = 0
        for action in written.actions:
            item = action["Put"]["Item"] if "Put" in action else {}
            kilobytes = max(1, math.ceil(sum(len(each) + _length(value) for each, value in item.items()) / 1024))
            units += (3 if "g1pk" in item else 2) * kilobytes
        yield f"| {name} | {len(written.actions)} | {units} |"


if __name__ == "__main__":
    sys.exit(main())
