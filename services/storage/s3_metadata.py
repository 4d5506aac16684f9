"""Object attributes as S3 user metadata, which is ASCII only, and back."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import quote, unquote

from services.models import ANONYMOUS, ObjectAttributes
from services.storage.s3_traces import WRITE_ID


def user_metadata(attributes: ObjectAttributes, write_id: str) -> dict[str, str]:
    """The user metadata of a write; owner and file name are percent-encoded UTF-8 (RFC 3986)."""
    return {
        "owner": quote(attributes.owner, safe=""),
        "filename": quote(attributes.filename, safe=""),
        WRITE_ID: write_id,
    }


def attributes_of(content_type: str, metadata: Mapping[str, str]) -> ObjectAttributes:
    """The attributes that ``user_metadata`` and the content type were made from."""
    owner = unquote(metadata.get("owner", "")) or ANONYMOUS
    return ObjectAttributes(content_type, owner, unquote(metadata.get("filename", "")))
