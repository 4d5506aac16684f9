"""``multipart/form-data`` (RFC 7578) as a stream: bytes in, events out, strict, bounded, without I/O.

A thin face over the ``multipart`` library's push parser: it fixes our limits and turns the library's errors into the
two that callers must tell apart.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import multipart
from multipart import MultipartError, MultipartSegment, ParserLimitReached, PushMultipartParser, parse_options_header

MAX_PARTS = 64
MAX_HEADER_LINE = 8 * 1024
MAX_HEADERS = 8
MAX_PREAMBLE = 4 * 1024
MAX_BOUNDARY = 200  # RFC 2046, section 5.1.1 says 70; Werkzeug's test client sends 71 now and then, others more


class FormSyntaxError(ValueError):
    """The bytes are not the multipart form that the headers announced; the text says what is wrong."""


class FormLimitError(FormSyntaxError):
    """The form has more parts, more headers or longer headers than anybody needs."""


@dataclass(frozen=True, slots=True)
class Part:
    """The head of one part. ``filename`` is None for a plain field; ``content_type`` has no parameters."""

    name: str
    filename: str | None
    content_type: str | None


Event = Part | bytes | None
"""A part's head, a piece of its payload, or None at its end."""


def boundary_of(content_type: str) -> str:
    """The boundary that a ``Content-Type`` header names.

    :raises FormSyntaxError: when the type is not ``multipart/form-data`` or the boundary is missing or malformed.
    """
    kind, options = parse_options_header(content_type)
    if kind != "multipart/form-data":
        raise FormSyntaxError("the Content-Type is not multipart/form-data")
    boundary = options.get("boundary", "")
    if not boundary or len(boundary) > MAX_BOUNDARY or not boundary.isascii() or not boundary.isprintable():
        raise FormSyntaxError("the Content-Type names no usable boundary")
    return str(boundary)


def parse_form(chunks: Iterable[bytes], boundary: str) -> Iterator[Event]:
    """Parse a form as it arrives.

    :param chunks: the body, in pieces of any size; an exception that it raises passes through.
    :raises FormSyntaxError: on malformed input or a body that ends before the closing boundary.
    :raises FormLimitError: over a limit of this module.
    """
    try:
        parser = PushMultipartParser(
            boundary,
            max_header_size=MAX_HEADER_LINE,
            max_header_count=MAX_HEADERS,
            max_segment_count=MAX_PARTS,
            strict=True,
        )
        yield from _events(parser, chunks, b"\r\n--" + boundary.encode("ascii"))
        parser.close()
    except ParserLimitReached as error:
        raise FormLimitError(_sentence(error)) from error
    except MultipartError as error:
        raise FormSyntaxError(_sentence(error)) from error


def _events(parser: PushMultipartParser, chunks: Iterable[bytes], delimiter: bytes) -> Iterator[Event]:
    """Give the library the parts' heads and the delimiters, and look for the delimiters here.

    It could do that too, but joins every piece to what it holds back: a copy of each byte of a file.

    The blank line below a part's header may be missing where the part is empty (RFC 2046, section 5.1.1: ``body-part :=
    MIME-part-headers [CRLF *OCTET]``; Werkzeug's client writes its empty fields so). The library would take the
    delimiter's line break for the blank line, and then the delimiter and the whole next part for payload: here, the
    break counts twice.
    """
    rest, dashed = b"", delimiter[2:]
    segment: MultipartSegment | None = None  # the part whose payload comes next
    opens = False
    for chunk in chunks:
        rest = rest + chunk if rest else chunk
        while rest and not _ended(parser):
            if _too_little(parser, rest, dashed, opens):
                break  # without more the form is cut, and close() says so
            if segment is None:
                end = _end_of_head(parser, rest, dashed)
                segment = next((each for each in list(parser.parse(rest[:end])) if each), None)
                rest, opens = rest[end:], segment is not None
                if segment:
                    yield Part(segment.name or "", segment.filename, segment.content_type)
                continue
            if opens and rest.startswith(dashed):
                rest = b"\r\n" + rest
            opens = False
            end, delimited = _end_of_payload(rest, delimiter)
            if end:
                _count(segment, end)
                yield rest[:end]
                rest = rest[end:]
            if not delimited:
                break
            yield from parser.parse(rest[: len(delimiter) + 2])  # its end, or why not
            rest, segment = rest[len(delimiter) + 2 :], None
        if _ended(parser):
            return


def _too_little(parser: PushMultipartParser, rest: bytes, dashed: bytes, opens: bool) -> bool:
    """Whether ``rest`` may be the beginning of a delimiter that is looked for.

    The library wants the first one in the first piece: where the network cuts must make no difference.
    """
    if parser._state is multipart._PREAMBLE:
        at = rest.find(dashed)
        return (at < 0 or len(rest) < at + len(dashed) + 2) and len(rest) <= MAX_PREAMBLE
    return opens and len(rest) < len(dashed) and dashed.startswith(rest)


def _end_of_head(parser: PushMultipartParser, rest: bytes, dashed: bytes) -> int:
    """How much of ``rest`` the parser may be given so that it does not read past the next head's end."""
    held = bytes(parser._buffer)
    data = held + rest
    opening = parser._state is multipart._PREAMBLE
    first = data.find(dashed) if opening else 0
    if parser._state is multipart._HEADER and data.startswith(b"\r\n"):
        found, tail = 0, 2
    elif opening and first >= 0 and data.startswith(dashed + b"--", first):  # a form without parts
        found, tail = first, len(dashed) + 2
    else:
        found, tail = (data.find(b"\r\n\r\n", first) if first >= 0 else -1), 4
    end = found + tail if found >= 0 else len(data)
    head = data[max(0, first) : end]
    if head.count(b"\n") != head.count(b"\r\n"):  # which the library sees only where a line has not all come
        raise FormSyntaxError("invalid line break in segment header")
    return end - len(held)


def _end_of_payload(rest: bytes, delimiter: bytes) -> tuple[int, bool]:
    """How much of ``rest`` is payload for sure, and whether a delimiter and the two bytes behind it come next."""
    at = rest.find(delimiter)
    if at >= 0:
        return at, len(rest) >= at + len(delimiter) + 2
    at = rest.rfind(b"\r", max(0, len(rest) - len(delimiter) + 1))
    return (at if at >= 0 and delimiter.startswith(rest[at:]) else len(rest)), False


def _count(segment: MultipartSegment, size: int) -> None:
    """What the library does for payload that it sees: at a part's end it compares the count with its Content-Length."""
    segment.bytes_received += size
    declared = segment.header("Content-Length")
    if declared is not None and segment.bytes_received > int(declared):
        raise FormSyntaxError("segment content-length exceeded")


def _ended(parser: PushMultipartParser) -> bool:
    """Whether the closing boundary has been read.

    The parser says so only by refusing the next bytes, which would refuse honest forms whose last line break comes in a
    packet of its own. What follows the closing boundary means nothing (RFC 2046, section 5.1.1).
    """
    return parser._state is multipart._COMPLETE


def _sentence(error: MultipartError) -> str:
    # Only the first argument: some errors carry the offending bytes as a second one.
    return str(error.args[0]).lower() if error.args else "malformed"
