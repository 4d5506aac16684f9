"""Base64 (RFC 4648) as a stream: text in, bytes out, with or without a ``data:`` URL's head (RFC 2397)."""

from __future__ import annotations

import binascii
import re

_HEAD = re.compile(r"data:(?P<type>[^;,]*)(?:;[^;,]*)*;base64,", re.IGNORECASE)
_LONGEST_HEAD = 256
_BLANKS = {ord(blank): None for blank in " \t\r\n"}
_MOST_PADDING = 2
_LETTERS = re.compile(r"[A-Za-z0-9+/_=-]*")
_URL_SAFE = str.maketrans("-_", "+/")


class Base64Error(ValueError):
    """The text is not base64; the message says why."""


class Base64Stream:
    """Decodes one text in pieces of any size. Standard and URL-safe letters, blanks between them; padding is required
    (RFC 4648, section 3.2).
    """

    def __init__(self) -> None:
        self.media_type = ""
        """What a ``data:`` URL says that the bytes are; empty without one."""
        self._begun = self._ended = False
        self._held = ""

    def feed(self, piece: str) -> bytes:
        """The bytes that ``piece`` completes; raises ``Base64Error``."""
        self._held += piece.translate(_BLANKS)
        if not self._begun and not self._begin():
            return b""
        # All of it, also what is not decoded yet: what is no base64 must be called that, not judged by its first bytes.
        if _LETTERS.fullmatch(self._held) is None:
            raise Base64Error("it has characters that are not base64")
        whole = len(self._held) - len(self._held) % 4
        ready, self._held = self._held[:whole], self._held[whole:]
        if not ready:
            return b""
        if self._ended:
            raise Base64Error("there is more behind its padding")
        padding = len(ready) - len(ready.rstrip("="))
        if padding > _MOST_PADDING:  # which the decoder lets through behind a whole group
            raise Base64Error("it has padding where none belongs")
        self._ended = padding > 0
        try:
            return binascii.a2b_base64(ready.translate(_URL_SAFE), strict_mode=True)
        except ValueError as error:
            raise Base64Error("it has padding where none belongs") from error

    def finish(self) -> None:
        """Raise ``Base64Error`` unless the text ended where base64 may."""
        if not self._begun and self._held:
            raise Base64Error("its data: URL is not one in base64")
        if self._held:
            raise Base64Error("its length is not a multiple of four: it was cut, or its padding is missing")

    def _begin(self) -> bool:
        """Take off a ``data:`` URL's head; False while it is not whole."""
        start = self._held[:5].lower()
        if not "data:".startswith(start):
            self._begun = True
        elif "," in self._held[:_LONGEST_HEAD]:
            head = _HEAD.match(self._held)
            if head is None:
                raise Base64Error("its data: URL is not one in base64")
            self.media_type = head["type"].lower()
            self._held = self._held[head.end() :]
            self._begun = True
        elif len(self._held) >= _LONGEST_HEAD:
            raise Base64Error("its data: URL is not one in base64")
        return self._begun
