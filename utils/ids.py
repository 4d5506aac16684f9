"""Identifiers: made here, or checked before they are believed."""

from __future__ import annotations

import re
import uuid

_UUID = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}\Z")
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,128}\Z")


def new_image_id() -> str:
    """A random UUID (RFC 9562, version 4) in its canonical text form: it can not be guessed."""
    return str(uuid.uuid4())


def image_id_of(key: str) -> str | None:
    """The image id in a public key: what stands before the first dot, if it is a canonical UUID.

    The extension is decoration, so any or none finds the image. Upper case is accepted: it is the same UUID.
    """
    candidate = key.partition(".")[0].lower()
    return candidate if _UUID.match(candidate) else None


def request_id_of(header: str | None) -> str:
    """The caller's ``X-Request-ID`` if it is 1 to 128 of ``[A-Za-z0-9._-]``, otherwise a new one."""
    if header is not None and _REQUEST_ID.match(header):
        return header
    return uuid.uuid4().hex
