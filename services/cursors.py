"""Cursors: the place where a listing goes on, opaque and signed, good for the query that made it and no other."""

from __future__ import annotations

import hashlib
from dataclasses import asdict
from datetime import UTC, datetime, timedelta

from itsdangerous import BadData, URLSafeSerializer

from services.errors import InvalidInput
from services.models import ImageQuery, Position

MAX_LENGTH = 512

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class Cursors:
    """Makes and reads cursors under one secret, which all processes of a deployment share."""

    def __init__(self, secret: str) -> None:
        self._signer = URLSafeSerializer(
            secret, salt="image-service.cursor", signer_kwargs={"digest_method": hashlib.sha256}
        )

    def write(self, query: ImageQuery, after: Position) -> str:
        """The cursor behind ``after`` in the listing of ``query``: URL-safe text of about 150 characters."""
        microseconds = (after.created_at - _EPOCH) // _MICROSECOND
        return str(self._signer.dumps([_fingerprint(query), microseconds, after.image_id]))

    def read(self, query: ImageQuery, cursor: str) -> Position:
        """The place that ``cursor`` names.

        :raises InvalidInput: when it was not made here, was altered, or belongs to another query.
        """
        try:
            if len(cursor) > MAX_LENGTH:
                raise BadData("too long")
            made_for, microseconds, image_id = self._signer.loads(cursor)
        except (BadData, ValueError) as error:
            raise _refused() from error
        if made_for != _fingerprint(query):
            raise InvalidInput(
                "The cursor belongs to another query; repeat the query that it came from, or leave the cursor out.",
                code="invalid_cursor",
            )
        return Position(_EPOCH + microseconds * _MICROSECOND, image_id)


def _fingerprint(query: ImageQuery) -> str:
    members = asdict(query) | {"tags": sorted(set(query.tags)), "words": sorted(set(query.words))}
    return hashlib.sha256(repr(sorted(members.items())).encode()).hexdigest()[:16]


def _refused() -> InvalidInput:
    return InvalidInput(
        "The cursor is not one that this service handed out; pass it on unchanged, or leave it out.",
        code="invalid_cursor",
    )
