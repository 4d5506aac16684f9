"""Images, versions and direct uploads as DynamoDB items, and back.

An attribute carries the name of the field that it stores. What is empty or has its default value is left out: an item
is paid for by its size, names included. Times are whole microseconds since 1970.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from services.models import PRIVATE, Image, ImageVersion, PendingUpload, UploadFields
from services.words import words_of

Item = dict[str, Any]
"""As the low-level client has it: ``{"title": {"S": "A cat"}}``."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
WORDS = "words"
_VERSION_CREATED = "version_created_at"
_RESTORABLE = "restorable"

IMAGE_ATTRIBUTES = (
    "image_id", "owner", "object_key", "filename", "title", "description", "tags", "created_at", "updated_at",
    "visibility", "revision", "version_id", "content_type", "size", "sha256", "width", "height", "frames",
    "orientation", _VERSION_CREATED, "deleted", _RESTORABLE,
)  # fmt: skip
"""What ``read_image`` reads; for a projection."""


def text(value: str) -> dict[str, str]:
    """A string as an attribute value.

    A lone surrogate raises ``UnicodeEncodeError`` here: escaped in JSON it would get through, and come back changed.
    """
    value.encode()
    return {"S": value}


def number(value: int) -> dict[str, str]:
    """An integer as an attribute value."""
    return {"N": str(value)}


def texts(values: Sequence[str]) -> dict[str, Any]:
    """Strings in their order as an attribute value; a set would lose the order and refuse repeats."""
    return {"L": [text(value) for value in values]}


def moment(value: datetime) -> dict[str, str]:
    """A time as an attribute value; a naive one raises ValueError, since its zone would be a guess."""
    if value.tzinfo is None:
        raise ValueError("a naive datetime can not be stored")
    return number((value - _EPOCH) // _MICROSECOND)


def read_text(item: Mapping[str, Any], name: str, default: str = "") -> str:
    """A string attribute."""
    value: str = item[name]["S"] if name in item else default
    return value


def read_number(item: Mapping[str, Any], name: str, default: int = 0) -> int:
    """An integer attribute."""
    return int(item[name]["N"]) if name in item else default


def read_texts(item: Mapping[str, Any], name: str) -> tuple[str, ...]:
    """A list of strings."""
    return tuple(each["S"] for each in item[name]["L"]) if name in item else ()


def read_moment(item: Mapping[str, Any], name: str) -> datetime:
    """A time, in UTC."""
    return _EPOCH + timedelta(microseconds=read_number(item, name))


def image_item(image: Image, *, revision: int) -> Item:
    """The attributes of an image with its current version; keys are the caller's to add."""
    item: Item = {
        "image_id": text(image.image_id),
        "owner": text(image.owner),
        "object_key": text(image.object_key),
        "created_at": moment(image.created_at),
        "updated_at": moment(image.updated_at),
        "revision": number(revision),
    }
    item |= {name: text(value) for name in ("filename", "title", "description") if (value := getattr(image, name))}
    if image.tags:
        item["tags"] = texts(image.tags)
    if image.visibility != PRIVATE:
        item["visibility"] = text(image.visibility)
    if image.deleted and image.restorable is not None:
        item[_RESTORABLE] = {"M": version_item(image.restorable)}
    version = version_item(image.current)
    version[_VERSION_CREATED] = version.pop("created_at")
    return item | version


def copied(item: Item, title: str) -> Item:
    """The item as a listing's copy: with the words that a filter looks at."""
    words = words_of(title)
    return item | {WORDS: texts(words)} if words else item


def version_item(version: ImageVersion) -> Item:
    """The attributes of one version."""
    item: Item = {"version_id": text(version.version_id), "created_at": moment(version.created_at)}
    item |= {name: text(value) for name in ("content_type", "sha256") if (value := getattr(version, name))}
    defaults = {"size": 0, "width": 0, "height": 0, "frames": 1, "orientation": 1}
    for name, default in defaults.items():
        if (value := getattr(version, name)) != default:
            item[name] = number(value)
    if version.deleted:
        item["deleted"] = {"BOOL": True}
    return item


def read_version(item: Mapping[str, Any], created: str = "created_at") -> ImageVersion:
    """The version that an item stores."""
    return ImageVersion(
        version_id=read_text(item, "version_id"),
        content_type=read_text(item, "content_type"),
        size=read_number(item, "size"),
        sha256=read_text(item, "sha256"),
        width=read_number(item, "width"),
        height=read_number(item, "height"),
        frames=read_number(item, "frames", 1),
        orientation=read_number(item, "orientation", 1),
        created_at=read_moment(item, created),
        deleted="deleted" in item,
    )


def read_image(item: Mapping[str, Any]) -> Image:
    """The image that an item stores: the image's own, or a listing's copy."""
    return Image(
        image_id=read_text(item, "image_id"),
        owner=read_text(item, "owner"),
        object_key=read_text(item, "object_key"),
        filename=read_text(item, "filename"),
        title=read_text(item, "title"),
        description=read_text(item, "description"),
        tags=read_texts(item, "tags"),
        created_at=read_moment(item, "created_at"),
        updated_at=read_moment(item, "updated_at"),
        current=read_version(item, _VERSION_CREATED),
        visibility=read_text(item, "visibility", PRIVATE),
        revision=read_number(item, "revision", 1),
        restorable=read_version(item[_RESTORABLE]["M"]) if _RESTORABLE in item else None,
    )


_PENDING_TEXTS = (
    "image_id", "owner", "object_key", "filename", "content_type", "status", "reason_code", "reason",
)  # fmt: skip


def pending_item(upload: PendingUpload) -> Item:
    """The attributes of a direct upload."""
    item: Item = {name: text(getattr(upload, name)) for name in _PENDING_TEXTS}
    item |= {name: moment(getattr(upload, name)) for name in ("created_at", "expires_at")}
    item["max_size"] = number(upload.max_size)
    given = upload.fields
    # Not given and given empty are different: the one keeps, the other clears.
    for name in ("title", "description", "visibility"):
        if (value := getattr(given, name)) is not None:
            item[name] = text(value)
    if given.tags is not None:
        item["tags"] = texts(given.tags)
    return item


def read_pending(item: Mapping[str, Any]) -> PendingUpload:
    """The direct upload that an item stores."""
    fields: dict[str, Any] = {
        name: read_text(item, name) for name in ("title", "description", "visibility") if name in item
    }
    if "tags" in item:
        fields["tags"] = read_texts(item, "tags")
    return PendingUpload(
        **{name: read_text(item, name) for name in _PENDING_TEXTS},
        max_size=read_number(item, "max_size"),
        fields=UploadFields(**fields),
        created_at=read_moment(item, "created_at"),
        expires_at=read_moment(item, "expires_at"),
    )
