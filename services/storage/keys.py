"""Which object keys the stores accept: one rule for all, so that an image can move between stores."""

from __future__ import annotations

import re

from services.errors import InvalidInput

_SEGMENT = re.compile(r"[A-Za-z0-9._-]{1,255}")
_LONGEST_KEY = 1024  # Amazon S3 User Guide, "Naming Amazon S3 objects": at most 1,024 bytes


def is_key(text: str) -> bool:
    """Whether ``text`` can be an object key."""
    segments = text.split("/")
    return len(text) <= _LONGEST_KEY and all(
        _SEGMENT.fullmatch(part) is not None and part not in {".", ".."} for part in segments
    )


def checked_key(key: str) -> str:
    """Return ``key`` if it is ``/``-separated segments of ``[A-Za-z0-9._-]``; raise ``InvalidInput`` if not.

    ``.`` and ``..``, empty segments and a leading or trailing ``/`` are refused: no key leaves the file store's root.
    """
    if not is_key(key):
        raise InvalidInput("The object key is not valid.", code="invalid_key", detail=f"object key {key[:200]!r}")
    return key
