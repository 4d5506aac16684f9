"""User supplied strings: normalised, bounded, and only then data. Nothing else lets one in.

Text is NFC-normalised (Unicode Annex 15), trimmed and refused when it holds control characters, so that nothing in it
can reach a path, a header, a query, a log line or a page unescaped.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

from services.errors import InvalidInput
from services.models import EXTENSIONS, VISIBILITIES

MAX_TITLE = 255
MAX_DESCRIPTION = 4000
MAX_OWNER = 128
MAX_FILENAME = 255
MAX_TAG = 64
MAX_TAGS = 20
MAX_OBJECT_NAME = 100

_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")
_LAYOUT = frozenset("\t\n\r")
_SPELLINGS = {
    "image/jpeg": (".jpg", ".jpeg", ".jpe", ".jfif"),
    "image/tiff": (".tiff", ".tif"),
    "image/bmp": (".bmp", ".dib"),
}


def clean_text(value: str, *, field: str, limit: int, multiline: bool = False) -> str:
    """``value`` normalised and trimmed.

    :param limit: the most characters (code points) allowed after normalising.
    :param multiline: allow tabs and line breaks.
    :raises InvalidInput: naming ``field``, when it is too long or holds control characters or lone surrogates.
    """
    # Before normalising, which is not linear in time on hostile input: no honest value is four times its limit.
    if len(value) > 4 * limit:
        raise InvalidInput(f"{field} is too long; the limit is {limit} characters.", code="invalid_field")
    text = unicodedata.normalize("NFC", value)
    if len(text.strip()) > limit:
        raise InvalidInput(f"{field} is too long; the limit is {limit} characters.", code="invalid_field")
    # Cc are controls, Cs lone surrogates that no database can store as UTF-8; nothing printable is either.
    for character in "" if text.isprintable() else text:
        if unicodedata.category(character) in ("Cc", "Cs") and not (multiline and character in _LAYOUT):
            raise InvalidInput(f"{field} contains control characters; remove them.", code="invalid_field")
    return text.strip()


def clean_title(value: str) -> str:
    """A title: one line of at most 255 characters."""
    return clean_text(value, field="title", limit=MAX_TITLE)


def clean_description(value: str) -> str:
    """A description: at most 4,000 characters, line breaks allowed."""
    return clean_text(value, field="description", limit=MAX_DESCRIPTION, multiline=True)


def clean_owner(value: str) -> str:
    """An owner's name: one line of 1 to 128 characters."""
    owner = clean_text(value, field="user_id", limit=MAX_OWNER)
    if not owner:
        raise InvalidInput("user_id is empty; name a user or leave it out.", code="invalid_field")
    return owner


def clean_tags(values: Iterable[str]) -> tuple[str, ...]:
    """Tags in their given order without repeats: at most 20 of at most 64 characters; empty ones are dropped."""
    tags = dict.fromkeys(tag for value in values if (tag := clean_text(value, field="tags", limit=MAX_TAG)))
    if len(tags) > MAX_TAGS:
        raise InvalidInput(f"tags has too many entries; the limit is {MAX_TAGS}.", code="invalid_field")
    return tuple(tags)


def split_tags(value: str) -> tuple[str, ...]:
    """Tags from one comma-separated string."""
    if len(value) > 4 * MAX_TAG * MAX_TAGS:
        raise InvalidInput(
            f"tags is too long; the limit is {MAX_TAGS} tags of {MAX_TAG} characters.", code="invalid_field"
        )
    return clean_tags(value.split(","))


def clean_visibility(value: str) -> str:
    """``private`` or ``public``; anything else is ``InvalidInput``."""
    if value not in VISIBILITIES:
        raise InvalidInput("visibility is unknown; send private or public.", code="invalid_field")
    return value


def clean_filename(value: str) -> str:
    """The caller's file name as data: its last path segment (both separators), at most 255 characters; may be empty."""
    return clean_text(value.replace("\\", "/").rpartition("/")[2], field="the file name", limit=MAX_FILENAME)


def object_name(filename: str, content_type: str) -> str:
    """The last segment of an object key: ASCII letters, digits, ``.``, ``_``, ``-``, ending in the true type's
    extension.

    Accents are dropped (``café`` becomes ``cafe``), everything else outside the set becomes ``-``. An extension of the
    true type is kept as spelt (``.jpeg``); any other image extension gives way to the true one.
    """
    plain = unicodedata.normalize("NFKD", filename).encode("ascii", "ignore").decode("ascii")
    name = _UNSAFE.sub("-", plain).strip(".-_")
    stem, dot, suffix = name.rpartition(".")
    extension = f"{dot}{suffix.lower()}"
    true = EXTENSIONS[content_type]
    if extension in _SPELLINGS.get(content_type, (true,)):
        true = extension
    elif not any(extension in _SPELLINGS.get(kind, (spelling,)) for kind, spelling in EXTENSIONS.items()):
        stem = name
    stem = stem.strip(".-_")[: MAX_OBJECT_NAME - len(true)].rstrip(".-_")
    return (stem or "image") + true


def download_name(filename: str, content_type: str) -> str:
    """The name under which an image is served: the caller's, with the true type's extension.

    ``evil.html`` with PNG bytes must not be saved as a page, and a right-to-left mark must not hide an extension.
    """
    if not filename.isascii():
        filename = "".join(character for character in filename if unicodedata.category(character) != "Cf")
    visible = filename.strip(". ")
    stem, dot, suffix = visible.rpartition(".")
    extension = f"{dot}{suffix.lower()}"
    true = EXTENSIONS[content_type]
    if extension in _SPELLINGS.get(content_type, (true,)):
        return visible if stem else "image" + true
    if dot and any(extension in _SPELLINGS.get(kind, (spelling,)) for kind, spelling in EXTENSIONS.items()):
        visible = stem
    return (visible or "image") + true
