"""A JSON object as a stream: one long string member comes out in pieces, the rest is small and parsed at the end.

For bodies that carry a file in a member. Reading one whole would cost its size several times over: as bytes, as text,
and decoded.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

_QUOTE, _BACKSLASH, _COLON, _COMMA = b'"\\:,'
_OPEN, _CLOSE = frozenset(b"{["), frozenset(b"}]")
_LONGEST_ESCAPE = 6  # \u002F


class JsonSyntaxError(ValueError):
    """The bytes are not a JSON object as expected; the text says what is wrong."""


class JsonLimitError(JsonSyntaxError):
    """The object is larger than allowed, the long member aside."""


class MemberStream:
    """Takes an object apart: the string ``member`` of its top level leaves in pieces, everything else is kept.

    for chunk in body:
        for piece in stream.feed(chunk):
            ...
    rest = stream.finish()      # the object, with an empty string in the member's place
    """

    def __init__(self, member: str, *, limit: int) -> None:
        """Begin.

        :param limit: the most bytes that the object may have beside the member's value.
        """
        self._member = member
        self._limit = limit
        self._rest = bytearray()
        self._depth = 0
        self._in_string = self._escaped = False
        self._string_starts = 0
        self._key: str | None = None
        self._at_value = False
        self._inside = False
        self._held = b""
        self.seen = False
        """Whether the member has begun as a string."""

    def feed(self, chunk: bytes) -> Iterator[str]:
        """Take the next bytes; yields what of the member's value they hold, unescaped.

        :raises JsonSyntaxError: for a value with broken escapes or raw control characters, or a second such member.
        :raises JsonLimitError: over the limit.
        """
        at = 0
        while at < len(chunk):
            if not self._inside:
                at = self._scan(chunk, at)
                continue
            end = chunk.find(_QUOTE, at)
            piece = self._held + chunk[at : end if end >= 0 else len(chunk)]
            self._held, at = b"", len(chunk) if end < 0 else end + 1
            if end < 0:
                piece, self._held = _whole_escapes(piece)
            self._inside = end < 0
            if piece:
                yield _unescaped(piece)

    def finish(self) -> dict[str, Any]:
        """The object without the member's value; raises ``JsonSyntaxError`` when it is not a whole object."""
        try:
            found = json.loads(self._rest)
        except (ValueError, RecursionError) as error:
            raise JsonSyntaxError("the body is not valid JSON") from error
        if not isinstance(found, dict):
            raise JsonSyntaxError("the body is not a JSON object")
        return found

    def _scan(self, chunk: bytes, at: int) -> int:
        """Keep bytes up to the beginning of the member's value; returns where it got."""
        for place in range(at, len(chunk)):
            byte = chunk[place]
            self._rest.append(byte)
            if self._in_string:
                self._scan_string(byte)
            elif byte == _QUOTE:
                if self._depth == 1 and self._at_value and self._key == self._member:
                    return self._enter(place)
                self._in_string, self._string_starts = True, len(self._rest) - 1
            else:
                self._scan_structure(byte)
            if len(self._rest) > self._limit:
                raise JsonLimitError(f"the members are larger than {self._limit} bytes together")
        return len(chunk)

    def _enter(self, place: int) -> int:
        if self.seen:
            raise JsonSyntaxError(f"{self._member} is given more than once")
        self.seen = self._inside = True
        self._rest.append(_QUOTE)  # the value's place: an empty string
        self._at_value = False
        return place + 1

    def _scan_string(self, byte: int) -> None:
        if self._escaped:
            self._escaped = False
        elif byte == _BACKSLASH:
            self._escaped = True
        elif byte == _QUOTE:
            self._in_string = False
            if self._depth == 1 and not self._at_value:
                self._key = _unescaped(bytes(self._rest[self._string_starts + 1 : -1]))

    def _scan_structure(self, byte: int) -> None:
        if byte in _OPEN:
            self._depth += 1
        elif byte in _CLOSE:
            self._depth -= 1
        elif self._depth == 1 and byte in (_COLON, _COMMA):
            self._at_value = byte == _COLON


def _whole_escapes(piece: bytes) -> tuple[bytes, bytes]:
    """``piece`` without an escape at its end that may go on in the next bytes, and that escape."""
    start = piece.rfind(b"\\", max(0, len(piece) - _LONGEST_ESCAPE + 1))
    run = start + 1 - len(piece[: start + 1].rstrip(b"\\"))
    # The second of two backslashes ends an escape.
    return (piece[:start], piece[start:]) if run % 2 else (piece, b"")


def _unescaped(inner: bytes) -> str:
    try:
        return str(json.loads(b'"' + inner + b'"'))
    except ValueError as error:
        raise JsonSyntaxError("a string has broken escapes, raw control characters or is not UTF-8") from error
