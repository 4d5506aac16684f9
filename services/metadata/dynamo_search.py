"""Listings: which partitions hold a query's images, and pages read from them, newest first.

Every page is read with ``Query`` on partitions that hold little else than what it returns; ``Scan`` is never used. What
a label can not express (a third tag, a tag together with a word) is filtered by DynamoDB, which charges for what it
looked at: ``MAX_QUERIES`` bounds that, and the page then ends early with the place where it stopped.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations, islice
from typing import Any

from services.metadata import dynamo_keys as keys
from services.metadata.dynamo_client import DynamoTable
from services.metadata.dynamo_items import IMAGE_ATTRIBUTES, WORDS, Item, read_image, text
from services.metadata.dynamo_table import EVERYONE
from services.models import Image, ImageQuery, Page, Position

MAX_QUERIES = 32
"""Calls for one page at most. A call reads at most 1 MB, so a page costs 4,096 read units in the worst case."""
_SAMPLE = 5
"""Copies that tell how dense a label is, and the first reach into a label that is expected to be nearly empty. Five of
usual size are charged as the least that a call can be."""
_MOST_CANDIDATES = 6
_BIGGEST_CHUNK = 1000

Found = tuple[str, Item | None]
"""A sort key and its copy; None instead of the copy where reading stopped before the end."""


@dataclass(frozen=True, slots=True)
class Range:
    """The sort keys of a page: both ends included, though no copy has exactly ``high``."""

    low: str
    high: str

    @classmethod
    def of(cls, query: ImageQuery, after: Position | None) -> Range:
        """What is left of the query's time range behind ``after``."""
        ends = [keys.HIGHEST]
        if query.until is not None:
            ends.append(keys.moment(query.until))
        if after is not None:
            ends.append(keys.place(after.created_at, after.image_id))
        return cls(keys.moment(query.since) if query.since is not None else keys.LOWEST, min(ends))


class Search:
    """Reads one page; made for each."""

    def __init__(self, table: DynamoTable, query: ImageQuery, limit: int, after: Position | None) -> None:
        self._table = table
        self._query = query
        self._limit = limit
        self._range = Range.of(query, after)
        self._calls_left = MAX_QUERIES
        self._filter = _filter(query)

    def page(self) -> Page:
        """The page."""
        if self._range.low > self._range.high:
            return Page((), None)  # DynamoDB refuses a BETWEEN whose ends are crossed
        images: list[Image] = []
        for sort_key, item in self._merged(self._labels()):
            if item is None:
                return Page(tuple(images), keys.position(sort_key))
            if len(images) == self._limit:
                return Page(tuple(images), Position(images[-1].created_at, images[-1].image_id))
            images.append(read_image(item))
        return Page(tuple(images), None)

    def _labels(self) -> tuple[str, ...]:
        """Labels that hold all matches between them, and as few others as can be known cheaply."""
        candidates = _candidates(self._query)
        if len(candidates) == 1:
            return candidates[0]
        # The sparsest is the one whose first few copies reach back furthest.
        return min(candidates, key=lambda labels: self._reach(labels[0]))

    def _reach(self, label: str) -> str:
        self._calls_left -= 1
        answer = self._table.query(
            **self._key_condition(label), Limit=_SAMPLE, ScanIndexForward=False, ProjectionExpression="sk"
        )
        return str(answer["LastEvaluatedKey"]["sk"]["S"]) if "LastEvaluatedKey" in answer else ""

    def _merged(self, labels: tuple[str, ...]) -> Iterator[Found]:
        # The first label holds nearly all; one more than the page shows whether there is a next one.
        firsts = [self._limit + 1] + [min(_SAMPLE, self._limit + 1)] * (len(labels) - 1)
        streams = [self._stream(label, first) for label, first in zip(labels, firsts, strict=True)]
        return heapq.merge(*streams, key=lambda found: found[0], reverse=True)

    def _stream(self, label: str, first: int) -> Iterator[Found]:
        parameters = self._key_condition(label, filtered=True)
        chunk, start = first, None
        while True:
            if start is not None and self._calls_left <= 0:
                yield start["sk"]["S"], None
                return
            self._calls_left -= 1
            answer = self._table.query(
                **parameters, **({"ExclusiveStartKey": start} if start else {}), Limit=chunk, ScanIndexForward=False
            )
            for item in answer["Items"]:
                yield item["sk"]["S"], item
            start = answer.get("LastEvaluatedKey")
            if start is None:
                return
            chunk = self._next_chunk(chunk, len(answer["Items"]))

    def _next_chunk(self, chunk: int, matched: int) -> int:
        if 3 * matched >= chunk:  # dense: a bigger chunk would be paid for and thrown away
            return max(chunk, self._limit + 1)
        return min(_BIGGEST_CHUNK, 2 * max(chunk, self._limit + 1))

    def _key_condition(self, label: str, *, filtered: bool = False) -> dict[str, Any]:
        owner = self._query.owner
        partition = label if owner is None else keys.owner_pk(owner, label)
        parameters: dict[str, Any] = {
            "KeyConditionExpression": f"{'g1pk' if owner is None else 'pk'} = :pk AND sk BETWEEN :low AND :high",
            "ExpressionAttributeValues": {
                ":pk": text(partition), ":low": text(self._range.low), ":high": text(self._range.high),
            },
            # An index can not be read consistently; an owner sees at once what they have just stored.
            **({"IndexName": EVERYONE} if owner is None else {"ConsistentRead": True}),
        }  # fmt: skip
        if not filtered:
            return parameters
        names = {f"#{place}": name for place, name in enumerate(IMAGE_ATTRIBUTES)}
        parameters["ProjectionExpression"] = ", ".join(("sk", *names))
        parameters["ExpressionAttributeNames"] = names
        if self._filter:
            expression, values = self._filter
            parameters["FilterExpression"] = expression
            parameters["ExpressionAttributeValues"] |= values
            parameters["ExpressionAttributeNames"] |= {
                name: of for name, of in {"#tags": "tags", "#words": WORDS}.items() if name in expression
            }
        return parameters


def _candidates(query: ImageQuery) -> list[tuple[str, ...]]:
    """Ways to find all images of a query, each a tuple of labels without an image in common."""
    if query.deleted:
        return [(keys.DELETED,)]
    ways: list[tuple[str, ...]] = []
    for kind, values in (("T", query.tags), ("W", query.words)):
        different = tuple(dict.fromkeys(values))
        if len(different) == 1:
            ways.append((keys.single(kind, different[0]), keys.single(kind.lower(), different[0])))
        for both in islice(combinations(different, 2), _MOST_CANDIDATES):
            ways.append((keys.pair(kind, both), keys.single(kind.lower(), both[0])))
    return ways[:_MOST_CANDIDATES] or [(keys.ALL,)]


def _filter(query: ImageQuery) -> tuple[str, Mapping[str, Any]] | None:
    """Every tag and word, unless one label says all of it."""
    tags, words = dict.fromkeys(query.tags), dict.fromkeys(query.words)
    if len(tags) + len(words) < (1 if query.deleted else 2):
        return None
    values: dict[str, Any] = {}
    parts = []
    for name, asked in (("#tags", tags), ("#words", words)):
        for value in asked:
            placeholder = f":v{len(values)}"
            values[placeholder] = text(value)
            parts.append(f"contains({name}, {placeholder})")
    return " AND ".join(parts), values
