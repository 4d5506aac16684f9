"""What a change writes: the actions of one transaction, and how often it is tried."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any, TypeVar

from services.errors import BackendUnavailable
from services.metadata import dynamo_keys as keys
from services.metadata.dynamo_client import Contention
from services.metadata.dynamo_errors import translated
from services.metadata.dynamo_items import Item, number, text, version_item
from services.models import Image

T = TypeVar("T")

ATTEMPTS = 8
_FIRST_PAUSE = 0.05
_LONGEST_PAUSE = 1.0

ABSENT = "attribute_not_exists(pk)"


def patiently(step: Callable[[], T]) -> T:
    """Run a step again, after a random pause from nothing to twice the last longest, while others are in its way.

    :raises InvalidInput: when a text can not be stored.
    :raises BackendUnavailable: when they still are after ``ATTEMPTS`` tries, at most some 4 seconds.
    """
    for number_of_try in range(ATTEMPTS):
        try:
            with translated():
                return step()
        except Contention as error:
            reason = str(error)
        pause = min(_LONGEST_PAUSE, _FIRST_PAUSE * 2**number_of_try)
        time.sleep(random.uniform(0, pause))  # noqa: S311 - spreads retries, hides nothing
    raise BackendUnavailable(detail=f"gave up after {ATTEMPTS} tries: {reason}")


class Changes:
    """The actions of one transaction, in order; ``put`` and the others return their index."""

    def __init__(self) -> None:
        self.actions: list[dict[str, Any]] = []

    def put(self, pk: str, sk: str, item: Item, *, label: str | None = None, condition: dict[str, Any]) -> int:
        """Store an item under its keys; with a ``label`` the index has it as well."""
        keyed = {"pk": text(pk), "sk": text(sk)} | ({"g1pk": text(label)} if label else {})
        return self._append("Put", {"Item": keyed | item, **condition})

    def delete(self, pk: str, sk: str, condition: dict[str, Any]) -> int:
        """Remove an item."""
        return self._append("Delete", {**_key(pk, sk), **condition})

    def require(self, pk: str, sk: str, condition: dict[str, Any]) -> int:
        """Require something of an item that stays as it is."""
        return self._append("ConditionCheck", {**_key(pk, sk), **condition})

    def forget(self, pk: str, sk: str, name: str, condition: dict[str, Any]) -> int:
        """Remove an attribute of an item."""
        names = condition.get("ExpressionAttributeNames", {}) | {"#gone": name}
        changed = {**condition, "UpdateExpression": "REMOVE #gone", "ExpressionAttributeNames": names}
        return self._append("Update", {**_key(pk, sk), **changed})

    def count(self, pk: str, sk: str, deltas: dict[str, int]) -> int:
        """Add numbers to the attributes of an item, which is made when it is missing."""
        names = {f"#{place}": name for place, name in enumerate(deltas)}
        values = {f":{place}": number(delta) for place, delta in enumerate(deltas.values())}
        added = ", ".join(f"#{place} :{place}" for place in range(len(deltas)))
        return self._append(
            "Update",
            {
                **_key(pk, sk),
                "UpdateExpression": f"ADD {added}",
                "ExpressionAttributeNames": names,
                "ExpressionAttributeValues": values,
            },
        )

    def _append(self, kind: str, parameters: dict[str, Any]) -> int:
        self.actions.append({kind: parameters})
        return len(self.actions) - 1


def _key(pk: str, sk: str) -> dict[str, Any]:
    return {"Key": {"pk": text(pk), "sk": text(sk)}}


ALWAYS: dict[str, Any] = {}
IF_ABSENT: dict[str, Any] = {"ConditionExpression": ABSENT}


def if_equal(**values: dict[str, str]) -> dict[str, Any]:
    """The condition that the item is there and its attributes have these values."""
    return {
        "ConditionExpression": " AND ".join(f"#{name} = :{name}" for name in values),
        "ExpressionAttributeNames": {f"#{name}": name for name in values},
        "ExpressionAttributeValues": {f":{name}": value for name, value in values.items()},
    }


def write_version(changes: Changes, image: Image, *, sequence: int) -> int:
    """The current version of ``image`` as a version that is not there yet."""
    item = version_item(image.current) | {"sequence": number(sequence)}
    pk = keys.image_pk(image.image_id)
    return changes.put(pk, keys.version_sk(image.current.version_id), item, condition=IF_ABSENT)


def write_counters(changes: Changes, before: Image | None, after: Image) -> None:
    """Add what the change adds to, and takes from, the counters of its day and of all days."""
    deltas: dict[str, dict[str, int]] = {}
    for image, sign in ((before, -1), (after, 1)):
        if image is not None:
            for sk, name, value in _counted(image):
                of_item = deltas.setdefault(sk, {})
                of_item[name] = of_item.get(name, 0) + sign * value
    for sk, of_item in deltas.items():
        changed = {name: value for name, value in of_item.items() if value}
        if changed:
            changes.count(keys.shard_of(after.image_id), sk, changed)


def _counted(image: Image) -> Iterable[tuple[str, str, int]]:
    if image.deleted:
        return [(keys.TOTAL, "deleted", 1)]
    sums = (("images", 1), ("size", image.current.size))
    return [(sk, name, value) for sk in (day_of(image.created_at), keys.TOTAL) for name, value in sums]


def day_of(when: datetime) -> str:
    """The sort key of the counters of a day."""
    return when.astimezone(UTC).date().isoformat()
