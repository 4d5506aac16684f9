"""Totals from sharded counters: a bounded number of small reads, however many images there are."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, date, datetime

from services.metadata import dynamo_keys as keys
from services.metadata.dynamo_client import DynamoTable
from services.metadata.dynamo_items import read_number, read_text, text
from services.models import DayTotal, Totals

_NAMES = ("images", "size", "deleted")


def totals(table: DynamoTable, *, days: int, now: datetime) -> Totals:
    """One ``Query`` for each shard: its sum over all days and those of the last ``days`` days, today included."""
    sums: dict[str, Counter[str]] = {}
    first = date.fromordinal(max(1, now.astimezone(UTC).toordinal() - days + 1)).isoformat()
    for number in range(keys.SHARDS):
        start = None
        while True:
            answer = table.query(
                KeyConditionExpression="pk = :pk AND sk >= :first",
                ExpressionAttributeValues={":pk": text(keys.shard_pk(number)), ":first": text(first)},
                **({"ExclusiveStartKey": start} if start else {}),
            )
            for item in answer["Items"]:
                sums.setdefault(read_text(item, "sk"), Counter()).update(
                    {name: read_number(item, name) for name in _NAMES}
                )
            start = answer.get("LastEvaluatedKey")
            if start is None:
                break
    whole = sums.pop(keys.TOTAL, Counter())
    return Totals(
        images=whole["images"],
        size=whole["size"],
        deleted=whole["deleted"],
        days=tuple(
            DayTotal(date.fromisoformat(day), of_day["images"], of_day["size"])
            for day, of_day in sorted(sums.items())
            if of_day["images"]
        ),
    )
