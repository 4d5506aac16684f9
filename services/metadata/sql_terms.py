"""Terms: what an image is found by, and what a query looks up.

An image is filed under each of its tags, each *pair* of its tags, and each word of its title, and under all of these
twice: among its owner's images and among everybody's. A deleted image is filed apart in the same way. So a query by one
tag, two tags or one word reads one list in ``image_terms``, in order, and nothing that it does not return. Without the
pairs, two tags that are common but seldom meet would cost a walk over all images of the rarer one.

A term is stored as a digest of 16 bytes: tags and words may be longer than an index entry may be, and short ones take
less room this way.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import combinations, pairwise

from services.models import Image, ImageQuery
from services.words import words_of

_TAG, _TAGS, _WORD = "tag", "tags", "word"
_encode = json.JSONEncoder(separators=(",", ":")).encode


@dataclass(frozen=True, slots=True)
class Filing:
    """The members of an image that decide where it is filed."""

    owner: str
    title: str
    tags: tuple[str, ...]
    created_at: datetime
    deleted: bool

    @classmethod
    def of(cls, image: Image) -> Filing:
        """Those of ``image``."""
        return cls(image.owner, image.title, image.tags, image.created_at, image.deleted)

    def terms(self) -> frozenset[bytes]:
        """Every term that the image is found by."""
        return frozenset(
            _term(self.deleted, owner, label)
            for label in _labels(self.tags, self.title)
            for owner in (self.owner, None)
        )


def terms_for(query: ImageQuery) -> tuple[bytes, ...]:
    """Terms whose lists have exactly the images of ``query`` in common, but for its times; none for a plain listing."""
    tags = sorted(set(query.tags))
    # A chain of pairs holds every tag; each pair is rarer than its tags.
    of_tags: Iterable[tuple[str, ...]] = [(_TAGS, *two) for two in pairwise(tags)] or [(_TAG, each) for each in tags]
    labels = [*of_tags, *((_WORD, word) for word in sorted(set(query.words)))]
    return tuple(_term(query.deleted, query.owner, label) for label in labels)


def _labels(tags: Iterable[str], title: str) -> Iterator[tuple[str, ...]]:
    different = sorted(set(tags))
    yield from ((_TAG, tag) for tag in different)
    yield from ((_TAGS, *two) for two in combinations(different, 2))
    yield from ((_WORD, word) for word in words_of(title))


def _term(deleted: bool, owner: str | None, label: tuple[str, ...]) -> bytes:
    # JSON keeps the members apart whatever characters are in them, and takes a lone surrogate that UTF-8 refuses.
    return hashlib.blake2b(_encode([deleted, owner, *label]).encode(), digest_size=16).digest()
