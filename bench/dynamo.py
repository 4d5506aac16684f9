"""``python -m bench.dynamo``: what a page of a listing costs on DynamoDB, in read units as DynamoDB itself counts them.

Fills a table of the DynamoDB Local at ``TEST_DYNAMODB`` (``.ci/services up``) and asks for pages of 20 through the
repository. The bound is on the units consumed, divided by those of one consistent read of exactly the bytes returned.
Prints Markdown; exit status 1 when a bound is missed.
"""

from __future__ import annotations

import argparse
import math
import os
import sys
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import islice
from typing import Any

import boto3.session

from bench.dynamo_data import START, STEP, TAGS, WORDS, images
from services.metadata import dynamo_keys as keys
from services.metadata.dynamo_client import DynamoOptions, DynamoTable
from services.metadata.dynamo_filing import Filing, write_new
from services.metadata.dynamo_items import image_item
from services.metadata.dynamo_writes import Changes
from services.metadata.dynamodb import DynamoRepository
from services.models import Image, ImageQuery, Position

PAGE = 20
BOUND = 3.0
UNIT = 4096


@dataclass(frozen=True)
class Case:
    """A page to ask for."""

    name: str
    query: ImageQuery
    after: Position | None = None


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


def puts_of(image: Image) -> list[Any]:
    """What ``add`` writes of an image, counters left out, for a batch. One image in a hundred is a deleted one."""
    changes = Changes()
    if image.filename.endswith("50.jpg"):
        deleted = replace(image, current=replace(image.current, deleted=True, size=0))
        Filing(None, {}, deleted, image_item(deleted, revision=2)).add_to(changes)
        return _puts(changes)
    return [put for step in all_of(image) for put in _puts(step)]


def all_of(image: Image) -> list[Changes]:
    """Every transaction that stores a new image."""
    first = Changes()
    filing = write_new(first, image)
    return [first, *filing.steps(1)]


def _puts(changes: Changes) -> list[Any]:
    """The items that are there in the end, for a batch."""
    items = [action["Put"]["Item"] for action in changes.actions if "Put" in action]
    return [{"PutRequest": {"Item": item}} for item in items if item.get("g1pk") != {"S": keys.UNFILED}]


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
        Case("a tag and a word", ImageQuery(tags=("common",), words=("holiday",))),
        Case("an owner's with a tag and a word", ImageQuery("ada", tags=("common",), words=("holiday",))),
        Case("a common tag and a common word", ImageQuery(tags=("left",), words=("holiday",))),
        Case("a tag and a word that seldom meet", ImageQuery(tags=("tag-3",), words=("word1",))),
        Case("a tag and a word, two days", ImageQuery(tags=("common",), words=("holiday",), **days)),
        Case("two tags of images with 6 to 20", ImageQuery(tags=("many", "m3"))),
        Case("an owner's with two of 6 to 20 tags", ImageQuery("ada", tags=("manifold", "m9"))),
        Case("a tag of 6 to 20 and a word", ImageQuery(tags=("many",), words=("word5",))),
        Case("a tag of 6 to 20 and a common word", ImageQuery(tags=("many",), words=("holiday",))),
        Case("two tags, of 20 and of 3", ImageQuery(tags=("tag-3", "tag-4"))),
        Case("three tags of images with 6 to 20", ImageQuery(tags=("many", "manifold", "m3"))),
        Case("five tags of images with 6 to 20", ImageQuery(tags=("many", "manifold", "m3", "m5", "m7"))),
        Case("three tags", ImageQuery(tags=("common", "left", "tag-3"))),
        Case("an owner's with three tags", ImageQuery("ada", tags=("common", "left", "tag-3"))),
        Case("two tags and a word", ImageQuery(tags=("common", "left"), words=("holiday",))),
        Case("a tag and two words", ImageQuery(tags=("common",), words=("holiday", "word1"))),
        Case("three tags, each two of which seldom meet", ImageQuery(tags=("left", "right", "up"))),
        Case("three tags, each two of which often meet, but never all", ImageQuery(tags=("east", "north", "west"))),
        Case("two words of long titles", ImageQuery(words=(WORDS[11], WORDS[12]))),
        Case("a common and a rare word of long titles", ImageQuery(words=("holiday", WORDS[13]))),
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
    held = ratio <= BOUND
    row = f"| {case.name} | {len(page.images)} | {returned / 1024:.1f} | {meter.calls} | {meter.units:g} | {ratio:.2f} "
    return f"{row}| ≤ {BOUND:g}{'' if held else ', **missed**'} |", held


def main() -> int:
    """Fill, ask, print."""
    parser = argparse.ArgumentParser(prog="python -m bench.dynamo", description=__doc__)
    parser.add_argument(
        "--images", type=int, default=4_000, help="images in the table (default 4,000: over 10^5 items)"
    )
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
        print("\n| new image | transactions | actions | write units |\n| --- | ---: | ---: | ---: |")
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
        ("12 tags, a title of 4 words", TAGS[:12], " ".join(WORDS[:4])),
        ("20 tags, a title of 4 words", TAGS[:20], " ".join(WORDS[:4])),
        ("20 tags, a title of 28 words", TAGS[:20], " ".join(WORDS[:28])),
    ):
        image = replace(next(images(1)), tags=tuple(tags), title=title)
        units, actions, steps = 0, 0, all_of(image)
        for action in (action for step in steps for action in step.actions):
            item = action["Put"]["Item"] if "Put" in action else {}
            kilobytes = max(1, math.ceil(sum(len(each) + _length(value) for each, value in item.items()) / 1024))
            units += (3 if "g1pk" in item else 2) * kilobytes
            actions += 1
        yield f"| {name} | {len(steps)} | {actions} | {units} |"


if __name__ == "__main__":
    sys.exit(main())
