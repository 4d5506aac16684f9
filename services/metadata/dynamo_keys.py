"""Which items there are, and how their keys are written.

    pk                     sk                     what
    I#<id>                 I                      the image with its current version
    I#<id>                 V#<version_id>         one of its versions
    O#<owner>#<label>      <created>#<id>!        a copy of the image, where a listing of <label> finds it
    P#<id>                 P                      an upload that goes straight to the store
    PO#<owner>             <created>#<id>!        a copy of it while it is pending
    PX                     <expires>#<id>!        a copy of it, by when it expires
    S#<n>                  <day>, "all"           counters: one of ``SHARDS`` summands

A copy of an image has its label as ``g1pk`` too, so the index lists the images of everybody. A visible image has the
label ``A``, one for each of its *values*, which are its tags (``T``) and the words of its title (``W``), and one for
each pair of values: a listing of two tags, of two words or of a tag and a word then reads what it returns and nothing
else. The pairs grow with the square, so an image with more than ``PAIRED_VALUES`` has none; its values' labels are in
lower case (``t#``, ``w#``), where a listing of a pair finds and filters it. A deleted image has the one label ``D``.
``U`` is for images whose copies are being filed, see ``dynamo_filing``.

``<created>`` counts microseconds since the year 1 in 18 digits, so that text sorts as time does. The ``!`` behind the
id is there so that ``<created>#<id>`` alone, the end of a page, sorts before the item: ``BETWEEN`` then excludes it.
"""

from __future__ import annotations

import base64
import hashlib
import zlib
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from itertools import combinations
from urllib.parse import quote

from services.models import Image, ImageQuery, Position
from services.words import words_of

ALL = "A"
DELETED = "D"
UNFILED = "U"
IMAGE = "I"
PENDING = "P"
EXPIRES = "PX"
TOTAL = "all"
VERSIONS = "V#"

SHARDS = 16
"""Counters are spread over this many items, since all writers of one item wait for each other."""

PAIRED_VALUES = 24
"""Up to so many tags and words together, every pair has a label: that is 276 beside the 24 single ones."""

LOWEST = "0"
HIGHEST = ":"
"""Below and above every ``<created>``."""

_YEAR_ONE = datetime(1, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_LONGEST_TOKEN = 64


def token(text: str) -> str:
    """``text`` as a part of a key: percent-encoded, so that no ``#`` is left; a long one gives way to its digest.

    Raises ``UnicodeEncodeError`` for lone surrogates, which no key can hold.
    """
    encoded = quote(text, safe="")
    if len(encoded) <= _LONGEST_TOKEN:
        return encoded
    # "=" is percent-encoded in all others, so a digest is never another text's own encoding.
    return "=" + base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).decode().rstrip("=")


def moment(when: datetime) -> str:
    """An aware time as 18 digits."""
    return f"{max(0, (when - _YEAR_ONE) // _MICROSECOND):018d}"


def place(when: datetime, image_id: str) -> str:
    """The end of a page: sorts directly before the item of ``entry``."""
    return f"{moment(when)}#{image_id}"


def entry(when: datetime, image_id: str) -> str:
    """The sort key of a copy."""
    return f"{moment(when)}#{image_id}!"


def position(sort_key: str) -> Position:
    """The place in a listing that the sort key of a copy stands for."""
    digits, _, rest = sort_key.partition("#")
    return Position(_YEAR_ONE + int(digits) * _MICROSECOND, rest[:-1])


def image_pk(image_id: str) -> str:
    """The partition of an image and its versions."""
    return f"I#{token(image_id)}"


def version_sk(version_id: str) -> str:
    """The sort key of a version."""
    return VERSIONS + token(version_id)


def owner_pk(owner: str, label: str) -> str:
    """The partition that lists an owner's images of a label."""
    return f"O#{token(owner)}#{label}"


def pending_pk(image_id: str) -> str:
    """The partition of a direct upload."""
    return f"P#{token(image_id)}"


def pending_owner_pk(owner: str) -> str:
    """The partition that lists an owner's pending uploads."""
    return f"PO#{token(owner)}"


def shard_pk(number: int) -> str:
    """The partition of one shard of the counters."""
    return f"S#{number}"


def shard_of(image_id: str) -> str:
    """The partition of the counters that changes of an image go to.

    An image's changes must wait for each other anyway; those of different images rarely meet.
    """
    return shard_pk(zlib.crc32(image_id.encode()) % SHARDS)


Value = tuple[str, str]
"""A tag, ``("T", tag)``, or a word of a title, ``("W", word)``."""


def values_of(tags: Iterable[str], words: Iterable[str]) -> list[Value]:
    """Tags and words as values, each once."""
    return [*(("T", tag) for tag in dict.fromkeys(tags)), *(("W", word) for word in dict.fromkeys(words))]


def values_asked(query: ImageQuery) -> list[Value]:
    """The values of a query, those first that fewer images are expected to have: words, the longest before others."""
    values = values_of(query.tags, query.words)
    return sorted(values, key=lambda value: (value[0] == "W", len(value[1])), reverse=True)


def whole_list(image: Image) -> str:
    """The label of the listing without a filter that an image belongs to."""
    return DELETED if image.deleted else ALL


def value_labels(tags: Iterable[str], title: str) -> list[str]:
    """The labels of a visible image beside ``ALL``, each once."""
    values = values_of(tags, words_of(title))
    if len(values) > PAIRED_VALUES:
        return [single(value, paired=False) for value in values]
    return [single(value, paired=True) for value in values] + [pair(both) for both in combinations(values, 2)]


def single(value: Value, *, paired: bool) -> str:
    """The label of one value, of images with or without labels of pairs."""
    kind, text = value
    return f"{kind if paired else kind.lower()}#{token(text)}"


def pair(values: Iterable[Value]) -> str:
    """The label of two values, whatever their order."""
    return "P#" + "#".join(sorted(kind + token(text) for kind, text in values))
