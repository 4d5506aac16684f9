"""Object attributes as S3 user metadata, which is ASCII only and at most 2 KB, and back."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import quote, unquote

from services.models import ANONYMOUS, ObjectAttributes
from services.storage.s3_traces import WRITE_ID

_OWNER = "owner"
_FILENAME = "filename"
# S3 counts the bytes of all names and values, up to 2,048 (AWS: "Working with object metadata"), and answers more with
# 400 MetadataTooLarge. Some servers count the prefix of the header as well.
_LIMIT = 1999
_NAMES = sum(len(f"x-amz-meta-{name}") for name in (_OWNER, _FILENAME, WRITE_ID))


def user_metadata(attributes: ObjectAttributes, write_id: str) -> dict[str, str]:
    """The user metadata of a write, below 2,000 bytes; owner and file name are percent-encoded UTF-8 (RFC 3986).

    A character takes up to 12 bytes. What does not fit is cut off the end of the file name, between two characters, and
    only then off the owner: both are whole in the image's row, from which every answer is made.
    """
    room = _LIMIT - _NAMES - len(write_id)
    owner = _encoded(attributes.owner, room)
    return {_OWNER: owner, _FILENAME: _encoded(attributes.filename, room - len(owner)), WRITE_ID: write_id}


def attributes_of(content_type: str, metadata: Mapping[str, str]) -> ObjectAttributes:
    """The attributes that ``user_metadata`` and the content type were made from, the file name possibly cut."""
    owner = unquote(metadata.get(_OWNER, "")) or ANONYMOUS
    return ObjectAttributes(content_type, owner, unquote(metadata.get(_FILENAME, "")))


def _encoded(text: str, room: int) -> str:
    """As many whole characters of ``text``, from its start, as fit ``room`` bytes when encoded."""
    whole = quote(text, safe="")
    if len(whole) <= room:
        return whole
    encoded: list[str] = []
    for character in text:
        piece = quote(character, safe="")
        room -= len(piece)
        if room < 0:
            break
        encoded.append(piece)
    return "".join(encoded)
