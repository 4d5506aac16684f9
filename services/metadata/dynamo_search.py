"""Listings: which partitions hold a query's images, and pages read from them, newest first.

Every page is read with ``Query`` on partitions that hold little else than what it returns; ``Scan`` is never used. What
a label can not express (a third tag or word) is filtered by DynamoDB, which charges for what it looked at:
``MAX_QUERIES`` bounds that, and the page then ends early with the place where it stopped.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations, islice
from typing import Any, NamedTuple

from services.metadata import dynamo_keys as keys
from services.metadata.dynamo_client import DynamoTable
from services.metadata.dynamo_items import IMAGE_ATTRIBUTES, WORDS, Item, read_image, text
from services.metadata.dynamo_table import EVERYONE
from services.models import Image, ImageQuery, Page, Position
from services.words import words_of

MAX_QUERIES = 32
"""Calls for one page at most. A call reads at most 1 MB, so a page costs 4,096 read units in the worst case."""
_SAMPLE = 5
"""Copies that tell how dense a label is, and the first reach into a label that is expected to be nearly empty. Five of
usual size are charged as the least that a call can be."""
_MOST_CANDIDATES = 6
_BIGGEST_CHUNK = 1000
_MOST_FILTERED = 60
"""Values in a filter expression, which may have 4 kB; what is asked for beyond them is compared here."""

Answer = Mapping[str, Any]
"""What ``Query`` says."""


class Found(NamedTuple):
    """A sort key and its copy; None instead of the copy where reading stopped before the end."""

    sort_key: str
    item: Item | None
    unfiled: bool = False


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
        self._filtered_here = len(keys.values_asked(query)) > _MOST_FILTERED

    def page(self) -> Page:
        """The page."""
        if self._range.low > self._range.high:
            return Page((), None)  # DynamoDB refuses a BETWEEN whose ends are crossed
        images: list[Image] = []
        seen = ""
        for found in self._merged():
            if found.item is None:
                return Page(tuple(images), keys.position(found.sort_key))
            if found.sort_key == seen:
                continue  # an image that is being filed may have several copies; the first one decides
            seen, image = found.sort_key, read_image(found.item)
            if (found.unfiled or self._filtered_here) and not _matches(self._query, image):
                continue
            if len(images) == self._limit:
                return Page(tuple(images), Position(images[-1].created_at, images[-1].image_id))
            images.append(image)
        return Page(tuple(images), None)

    def _merged(self) -> Iterator[Found]:
        (first, *others), answer = self._chosen()
        few = min(_SAMPLE, self._limit + 1)
        streams = []
        if first not in (keys.ALL, keys.DELETED):
            # Before all others: of equal keys a merge gives that of the earlier stream first.
            streams.append(self._stream(keys.UNFILED, few, unfiled=True))
        # The first label holds nearly all; one more than the page shows whether there is a next one.
        streams.append(self._stream(first, self._limit + 1, answer))
        streams += [self._stream(label, few) for label in others]
        return heapq.merge(*streams, key=lambda found: found.sort_key, reverse=True)

    def _chosen(self) -> tuple[tuple[str, ...], Answer | None]:
        """Labels that hold all matches between them and as few others as can be known cheaply; the beginning of the
        first one, where it has been read for that.
        """
        candidates = _candidates(self._query)
        if len(candidates) == 1:
            return candidates[0], None
        sampled = []
        for labels in candidates:
            answer = self._ask(labels[0], _SAMPLE, None)
            # The sparsest is the one whose first few copies reach back furthest.
            reach = str(answer["LastEvaluatedKey"]["sk"]["S"]) if "LastEvaluatedKey" in answer else ""
            sampled.append((reach, labels, answer))
            if not reach:
                break  # it has been read to its end, and nothing can be cheaper
        _, labels, answer = min(sampled, key=lambda each: each[0])
        return labels, answer

    def _stream(
        self, label: str, first: int, answer: Answer | None = None, *, unfiled: bool = False
    ) -> Iterator[Found]:
        """A label's copies, newest first, beginning with ``answer`` or else with so many as ``first``."""
        chunk = first if answer is None else _SAMPLE
        answer = answer or self._ask(label, chunk, None, unfiled=unfiled)
        while True:
            for item in answer["Items"]:
                yield Found(item["sk"]["S"], item, unfiled)
            start = answer.get("LastEvaluatedKey")
            if start is None:
                return
            if self._calls_left <= 0:
                yield Found(start["sk"]["S"], None)
                return
            chunk = self._next_chunk(chunk, len(answer["Items"]))
            answer = self._ask(label, chunk, start, unfiled=unfiled)

    def _next_chunk(self, chunk: int, matched: int) -> int:
        if 3 * matched >= chunk:  # dense: a bigger chunk would be paid for and thrown away
            return max(chunk, self._limit + 1)
        return min(_BIGGEST_CHUNK, 2 * max(chunk, self._limit + 1))

    def _ask(self, label: str, chunk: int, start: Item | None, *, unfiled: bool = False) -> Answer:
        self._calls_left -= 1
        return self._table.query(
            **self._conditions(label, filtered=not unfiled),
            **({"ExclusiveStartKey": start} if start else {}),
            Limit=chunk,
            ScanIndexForward=False,
        )

    def _conditions(self, label: str, *, filtered: bool) -> dict[str, Any]:
        owner = self._query.owner
        partition = label if owner is None else keys.owner_pk(owner, label)
        names = {f"#{place}": name for place, name in enumerate(IMAGE_ATTRIBUTES)}
        parameters: dict[str, Any] = {
            "KeyConditionExpression": f"{'g1pk' if owner is None else 'pk'} = :pk AND sk BETWEEN :low AND :high",
            "ExpressionAttributeValues": {
                ":pk": text(partition), ":low": text(self._range.low), ":high": text(self._range.high),
            },
            "ProjectionExpression": ", ".join(("sk", *names)),
            "ExpressionAttributeNames": names,
            # An index can not be read consistently; an owner sees at once what they have just stored.
            **({"IndexName": EVERYONE} if owner is None else {"ConsistentRead": True}),
        }  # fmt: skip
        if filtered and self._filter:
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
    values = keys.values_asked(query)
    if len(values) == 1:
        return [(keys.single(values[0], paired=True), keys.single(values[0], paired=False))]
    both = islice(combinations(values, 2), _MOST_CANDIDATES)
    return [(keys.pair(each), keys.single(each[0], paired=False)) for each in both] or [(keys.ALL,)]


def _matches(query: ImageQuery, image: Image) -> bool:
    """What ``_filter`` and the labels say together."""
    words = words_of(image.title)
    return image.deleted == query.deleted and set(query.tags).issubset(image.tags) and set(query.words).issubset(words)


def _filter(query: ImageQuery) -> tuple[str, Mapping[str, Any]] | None:
    """Every tag and word, as far as there is room, unless one label says all of it."""
    asked = keys.values_asked(query)
    if len(asked) < (1 if query.deleted else 2):
        return None
    values: dict[str, Any] = {}
    parts = []
    for kind, value in asked[:_MOST_FILTERED]:
        placeholder = f":v{len(values)}"
        values[placeholder] = text(value)
        parts.append(f"contains({'#tags' if kind == 'T' else '#words'}, {placeholder})")
    return " AND ".join(parts), values
