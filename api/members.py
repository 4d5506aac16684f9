"""How the OpenAPI document describes what callers write: the rules of ``services/names.py`` as JSON Schema keywords.

They only document. What is refused, and in which words, is decided there; the two are held together by tests that send
what these schemas allow and forbid.
"""

from __future__ import annotations

from typing import Any

from services.models import VISIBILITIES
from services.names import MAX_DESCRIPTION, MAX_FILENAME, MAX_OWNER, MAX_TAG, MAX_TAGS, MAX_TITLE

BINARY: dict[str, Any] = {"type": "string", "format": "binary"}

# Written for ECMA-262 (JSON Schema, 6.4) and meaning the same in other dialects: no property escapes, no lookahead.
_CONTROLS = r"\x00-\x1F\x7F-\x9F"
_CONTROLS_BUT_LAYOUT = r"\x00-\x08\x0B\x0C\x0E-\x1F\x7F-\x9F"
_ONE_TAG = rf"[^,{_CONTROLS}]{{0,{MAX_TAG}}}"

LINE: dict[str, Any] = {"pattern": f"^[^{_CONTROLS}]*$"}
"""Text without control characters (Unicode category Cc)."""

TITLE: dict[str, Any] = {**LINE, "maxLength": MAX_TITLE}
DESCRIPTION: dict[str, Any] = {"pattern": f"^[^{_CONTROLS_BUT_LAYOUT}]*$", "maxLength": MAX_DESCRIPTION}
"""Tabs and line breaks are allowed."""
OWNER: dict[str, Any] = {
    "pattern": rf"^[^{_CONTROLS}]*[^\s{_CONTROLS}][^{_CONTROLS}]*$",
    "minLength": 1,
    "maxLength": MAX_OWNER,
}
"""A user's name: not only blanks."""
FILE_NAME: dict[str, Any] = {"pattern": rf"(^|[/\\])[^/\\{_CONTROLS}]{{0,{MAX_FILENAME}}}$"}
"""Of a path only the last segment is looked at."""
VERSION: dict[str, Any] = {"pattern": "^[!-~]*$"}
"""The id of a version: printable ASCII, as S3 and the embedded store make them."""
TAG: dict[str, Any] = {**LINE, "maxLength": MAX_TAG}
JOINED_TAGS: dict[str, Any] = {"pattern": f"^{_ONE_TAG}(,{_ONE_TAG}){{0,{MAX_TAGS - 1}}}$"}
"""Tags in one text, between commas."""
TAGS: list[dict[str, Any]] = [
    {"type": "array", "items": {"type": "string", **TAG}, "maxItems": MAX_TAGS},
    {"type": "string", **JOINED_TAGS},
]
"""What JSON bodies take as ``tags``: a list, or one text."""

FORM_FIELDS: dict[str, Any] = {
    "title": {"type": "string", **TITLE},
    "description": {"type": "string", **DESCRIPTION},
    "tags": {"type": "string", **JOINED_TAGS, "description": "Comma-separated.", "example": "beach, summer"},
}
"""The fields of every upload form beside its file."""

# One pixel. All of it is ASCII, so that the example works when its text is sent as it stands.
_GIF = "GIF89a\x01\0\x01\0\0\0\0,\0\0\0\0\x01\0\x01\0\0\x02\x02D\x01\0;"

VISIBILITY_FIELD: dict[str, Any] = {"type": "string", "enum": [*VISIBILITIES, ""], "description": "Empty: not given."}


def form_body(example: dict[str, Any], **fields: dict[str, Any]) -> dict[str, Any]:
    """The request body of an upload form.

    :param example: its fields beside the file.
    :param fields: the schemas of fields that differ from ``FORM_FIELDS``, or come on top.
    """
    schema = {
        "type": "object",
        "required": ["file"],
        "properties": {"file": {**BINARY, "description": "The image."}, **FORM_FIELDS, **fields},
    }
    content = {"schema": schema, "example": {"file": _GIF, **example}}
    return {"required": True, "content": {"multipart/form-data": content}}
