"""The root element of a text document: enough to tell SVG from other text, without parsing XML."""

from __future__ import annotations

import re

_BOMS = ((b"\xef\xbb\xbf", "utf-8"), (b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be"))
_BLANK = b" \t\r\n\f"
_NAME = re.compile(rb"<(?:[\w.-]{1,63}:)?([\w.-]{1,63})[\s/>]")
_LONGEST_NAME = 130


def root_element(head: bytes) -> bytes | None:
    """The name (without prefix) of the first element in ``head``; None while it may still come, b"" if it can not."""
    text = _text(head)
    at = 0
    while at < len(text):
        if not text.startswith(b"<", at):
            return b""
        end = _end_of_prolog(text, at)
        if end is None:
            found = _NAME.match(text, at)
            if found:
                return found[1]
            return b"" if len(text) - at > _LONGEST_NAME else None
        if not end:
            return None
        at = end
        while text[at : at + 1] and text[at] in _BLANK:
            at += 1
    return None


def _text(head: bytes) -> bytes:
    """``head`` as UTF-8 (or another superset of ASCII) from its first character that is not blank."""
    for bom, encoding in _BOMS:
        if head.startswith(bom):
            head = head[len(bom) :].decode(encoding, "replace").encode("utf-8", "replace")
            break
    return head.lstrip(_BLANK)


def _end_of_prolog(text: bytes, at: int) -> int | None:
    """Behind the declaration, comment or document type at ``at``; 0 when it does not end yet, None if it is neither."""
    for opening, closing in ((b"<!--", b"-->"), (b"<?", b"?>")):
        if text.startswith(opening, at):
            end = text.find(closing, at + len(opening))
            return end + len(closing) if end >= 0 else 0
    if not text.startswith(b"<!", at):
        return None
    end = text.find(b">", at) + 1
    subset = text.find(b"[", at, end or len(text))
    # An internal subset holds declarations with ">" of their own.
    if subset >= 0:
        close = text.find(b"]", subset)
        return text.find(b">", close) + 1 if close >= 0 else 0
    return end
