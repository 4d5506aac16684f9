"""Filing an image: a copy of it under each of its labels (see ``dynamo_keys``), where listings look for it.

Copies that fit are written by the transaction that changes the image. An image with more is filed in steps, and each
state in between lists it rightly, to other readers and after a crash alike:

1. The transaction of the change puts a copy into the list of the *unfiled*, which every search for tags or words reads
   as well. That copy decides what the image is; others of it may be missing or old. What old ones there can be, the
   image itself remembers (``OLDER``).
2. Further transactions write the copies and remove the old ones, each only while the image is as step 1 left it:
   whoever changes it in between has taken over what is left to do.
3. The last of them takes the image out of the list of the unfiled.

A process that dies in between leaves an image that costs searches a little more, until its next change.
"""

from __future__ import annotations

import logging
from typing import Any

from services.errors import ServiceError
from services.metadata import dynamo_keys as keys
from services.metadata.dynamo_client import MAX_ACTIONS, ConditionFailed, DynamoTable
from services.metadata.dynamo_items import Item, copied, image_item, number, read_text, read_texts, text, texts
from services.metadata.dynamo_writes import (
    ALWAYS,
    IF_ABSENT,
    Changes,
    if_equal,
    patiently,
    write_counters,
    write_version,
)
from services.models import Image

log = logging.getLogger(__name__)

OLDER = "older"
"""The attribute of an unfiled image that tells under which owner, title and tags older copies may be filed."""

_OTHERS = 9
"""Actions of a change beside the copies: the image, its version, three of an upload, up to four counters."""

Entry = tuple[str, str, str]
"""Where a copy is: its partition, its sort key, its label."""

Filed = tuple[str, str, tuple[str, ...]]
"""What copies are filed under: owner, title and tags."""


class Filing:
    """The copies of one change: ``remembered`` goes into the image, ``add_to`` fills the change, ``finish`` follows."""

    def __init__(self, before: Image | None, stored: Item, after: Image, item: Item) -> None:
        """Find out what is to be put and what is to go.

        :param before: the image as ``stored``, the item that the table has; None with an empty item for a new image.
        :param item: ``after`` as an item.
        """
        self._after = after
        self._copy = copied(item, after.title)
        self._sort_key = keys.entry(after.created_at, after.image_id)
        older = _read_older(stored)
        if before is not None and not before.deleted:
            older.append((before.owner, before.title, before.tags))
        self._older = [*dict.fromkeys(older)]
        present = [] if after.deleted else [(after.owner, after.title, after.tags)]
        self._whole = self._entry(after.owner, keys.whole_list(after))
        self._unfiled = self._entry(after.owner, keys.UNFILED)
        gone = []
        if before is not None:
            gone.append(self._entry(before.owner, keys.whole_list(before)))
            gone += [self._entry(before.owner, keys.UNFILED)] if OLDER in stored else []
        self._gone_at_once = [each for each in gone if each != self._whole]
        self._wanted = self._entries(present)
        kept = set(self._wanted)
        self._gone = [each for each in dict.fromkeys(self._entries(self._older)) if each not in kept]
        self._at_once = len(self._wanted) + len(self._gone) + 3 + _OTHERS <= MAX_ACTIONS

    def remembered(self) -> Item:
        """Attributes of the image: nothing when all copies fit into its change."""
        return {} if self._at_once else {OLDER: _older_item(self._older)}

    def add_to(self, changes: Changes) -> None:
        """Step 1, or everything."""
        self._put(changes, self._whole)
        kept = () if self._at_once else (self._unfiled,)
        for gone in (each for each in self._gone_at_once if each not in kept):
            changes.delete(gone[0], gone[1], ALWAYS)
        if not self._at_once:
            self._put(changes, self._unfiled)
            return
        for entry in self._wanted:
            self._put(changes, entry)
        for gone in self._gone:
            changes.delete(gone[0], gone[1], ALWAYS)

    def steps(self, revision: int) -> list[Changes]:
        """Steps 2 and 3, for the image of this revision; none where everything was done at once."""
        if self._at_once:
            return []
        unchanged = if_equal(revision=number(revision))
        pk = keys.image_pk(self._after.image_id)
        steps = []
        room = MAX_ACTIONS - 1
        for first in range(0, len(self._wanted) + len(self._gone), room):
            step = Changes()
            step.require(pk, keys.IMAGE, unchanged)
            for entry in self._wanted[first : first + room]:
                self._put(step, entry)
            for gone in self._gone[max(0, first - len(self._wanted)) : max(0, first + room - len(self._wanted))]:
                step.delete(gone[0], gone[1], ALWAYS)
            steps.append(step)
        last = Changes()
        last.forget(pk, keys.IMAGE, OLDER, unchanged)
        last.delete(*self._unfiled[:2], ALWAYS)
        return [*steps, last]

    def finish(self, table: DynamoTable, revision: int) -> None:
        """Take the steps behind a change that is committed; what fails here leaves the image listed and is logged.

        Raised, it would deny the change: an upload would then remove the bytes of a row that is there.
        """
        try:
            for step in self.steps(revision):
                _transact(table, step.actions)
        except ConditionFailed:
            return  # changed since: by somebody who files it anew
        except ServiceError as error:
            log.warning("image %s stays unfiled until its next change: %s", self._after.image_id, error.detail or error)

    def _put(self, changes: Changes, entry: Entry) -> None:
        changes.put(entry[0], entry[1], self._copy, label=entry[2], condition=ALWAYS)

    def _entry(self, owner: str, label: str) -> Entry:
        return keys.owner_pk(owner, label), self._sort_key, label

    def _entries(self, filed: list[Filed]) -> list[Entry]:
        return [self._entry(owner, label) for owner, title, tags in filed for label in keys.value_labels(tags, title)]


def write_new(changes: Changes, image: Image) -> Filing:
    """A new image with its first version, whose conditions are on the first two actions appended; to be finished."""
    item = image_item(image, revision=1)
    filing = Filing(None, {}, image, item)
    pk = keys.image_pk(image.image_id)
    changes.put(pk, keys.IMAGE, item | {"sequence": number(1)} | filing.remembered(), condition=IF_ABSENT)
    write_version(changes, image, sequence=1)
    filing.add_to(changes)
    write_counters(changes, None, image)
    return filing


def _transact(table: DynamoTable, actions: list[dict[str, Any]]) -> None:
    patiently(lambda: table.transact(actions))


def _older_item(older: list[Filed]) -> dict[str, Any]:
    return {
        "L": [{"M": {"owner": text(owner), "title": text(title), "tags": texts(tags)}} for owner, title, tags in older]
    }


def _read_older(stored: Item) -> list[Filed]:
    maps = [each["M"] for each in stored[OLDER]["L"]] if OLDER in stored else []
    return [(read_text(each, "owner"), read_text(each, "title"), read_texts(each, "tags")) for each in maps]
