"""From a stored image to a response: validators, conditions, ranges, and headers that keep a browser from guessing.

Conditions and ranges as in RFC 9110, sections 13 and 14. The validators come from the row, so a 304, a 412, a 416 or a
HEAD costs the object store nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import quote

from flask import Response, request
from werkzeug.exceptions import RequestedRangeNotSatisfiable
from werkzeug.http import dump_options_header, http_date

from api.plain import PlainResponse
from services.errors import PreconditionFailed
from services.models import ByteRange, Image, ImageVersion
from services.names import download_name
from services.ports import ObjectReader
from utils.clock import utc_now

_ONE_RANGE = re.compile(r"(?i:bytes)=[ \t]*(?=\d|-\d)(\d*)-(\d*)[ \t]*\Z")
_BEYOND = 10**18
"""A position past the end of every image."""

CURRENT = "private, no-cache"
"""For the unversioned URL: keep it, but ask before every use, because a replace must show at once."""
PINNED = "private, max-age=31536000, immutable"
"""For a URL that names a version: its bytes never change."""


def etag_of(version: ImageVersion) -> str:
    """The strong entity tag of a version, with its quotes: the digest of its bytes."""
    return f'"{version.sha256}"'


def disposition(filename: str, *, attachment: bool) -> str:
    """A ``Content-Disposition`` value with an ASCII name for old clients and the real one by RFC 8187."""
    kind = "attachment" if attachment else "inline"
    plain = filename.encode("ascii", "replace").decode("ascii").replace("?", "_").replace("%", "_")
    options = {"filename": plain}
    if plain != filename:
        options["filename*"] = "UTF-8''" + quote(filename, safe="!#$&+^_`|~.-")
    return dump_options_header(kind, options)


@dataclass(frozen=True, slots=True)
class Representation:
    """What is about to be served: ``etag`` without quotes, ``size`` in bytes, the rest as header values."""

    content_type: str
    size: int
    etag: str
    last_modified: datetime | None
    disposition: str
    cache_control: str


def send(what: Representation, open_reader: Callable[[ByteRange | None], ObjectReader]) -> Response:
    """Answer a GET or HEAD.

    :param open_reader: opens the bytes, or a range of them; called only when bytes are sent.
    :raises PreconditionFailed: when ``If-Match`` or ``If-Unmodified-Since`` fails.
    :raises RequestedRangeNotSatisfiable: when the range lies outside the image.
    """
    _check_preconditions(what)
    etag = f'"{what.etag}"'
    headers = [
        ("ETag", etag),
        ("Cache-Control", what.cache_control),
        ("X-Content-Type-Options", "nosniff"),
        # Should a browser render the bytes as a page after all, that page may do nothing.
        ("Content-Security-Policy", "default-src 'none'; sandbox"),
    ]
    if what.last_modified is not None:
        # Versions that follow each other fast are dated ahead (see services.commits); a header may not be (8.8.2.1).
        headers.append(("Last-Modified", http_date(min(what.last_modified, utc_now()))))
    if _is_unchanged(what):
        response = PlainResponse(status=304, headers=headers)
        del response.headers["Content-Type"]
        return response
    byte_range = _requested_range(what)
    status, length = 200, what.size
    if byte_range is not None:
        status, length = 206, byte_range.stop - byte_range.start
        headers.append(("Content-Range", f"bytes {byte_range.start}-{byte_range.stop - 1}/{what.size}"))
    headers += [
        ("Accept-Ranges", "bytes"),
        ("Content-Disposition", what.disposition),
        ("Content-Length", str(length)),
        ("Content-Type", what.content_type),
    ]
    response = PlainResponse(status=status, headers=headers)
    if request.method != "HEAD":
        reader = open_reader(byte_range)
        response.call_on_close(reader.close)
        response.response = reader
        response.direct_passthrough = True
    return response


def send_version(
    image: Image,
    version: ImageVersion,
    open_reader: Callable[[ByteRange | None], ObjectReader],
    *,
    attachment: bool,
    cache_control: str,
) -> Response:
    """Answer a GET or HEAD for one version of an image; see ``send``."""
    filename = download_name(image.filename, version.content_type)
    return send(
        Representation(
            content_type=version.content_type,
            size=version.size,
            etag=version.sha256,
            last_modified=version.created_at,
            disposition=disposition(filename, attachment=attachment),
            cache_control=cache_control,
        ),
        open_reader,
    )


def _check_preconditions(what: Representation) -> None:
    if not _holds(what.etag, what.last_modified):
        raise PreconditionFailed


def _is_unchanged(what: Representation) -> bool:
    """RFC 9110, section 13.2.2, steps 3 and 4: ``If-None-Match``, else ``If-Modified-Since``.

    Decided here because the library judges ``If-Match`` once more at this point and lets it overrule both.
    """
    if "If-None-Match" in request.headers:
        return request.if_none_match.contains_weak(what.etag)
    since = request.if_modified_since
    return since is not None and what.last_modified is not None and what.last_modified.replace(microsecond=0) <= since


def precondition() -> Callable[[Image], bool] | None:
    """The request's condition on a change, to be asked of the image's state at the moment of the change; None
    without.
    """
    named = "If-Match" in request.headers or "If-None-Match" in request.headers
    if not named and not request.if_unmodified_since:
        return None
    return _allows_change


def _allows_change(image: Image) -> bool:
    """RFC 9110, section 13.2.2, steps 1 to 3; a deleted image has no representation that could match a tag."""
    etag = image.current.sha256
    if not _holds(etag, image.current.created_at):
        return False
    return image.deleted or not request.if_none_match.contains_weak(etag)


def _holds(etag: str, last_modified: datetime | None) -> bool:
    """RFC 9110, section 13.2.2, steps 1 and 2: ``If-Match``, else ``If-Unmodified-Since``."""
    if "If-Match" in request.headers:
        return bool(request.if_match.star_tag or request.if_match.contains(etag))
    since = request.if_unmodified_since
    return not (since and last_modified and last_modified.replace(microsecond=0) > since)


def _requested_range(what: Representation) -> ByteRange | None:
    """The one range to send, or None for the whole: several ranges or a malformed header are ignored (section 14.2).

    Parsed here because the library reads ``bytes=-0`` as the whole and refuses a suffix longer than the image.
    """
    wanted = _ONE_RANGE.match(request.headers.get("Range", ""))
    if request.method != "GET" or wanted is None or not _range_is_current(what):
        return None
    first, last = wanted.groups()
    if not first:
        start, stop = max(0, what.size - _position(last)), what.size
    else:
        start, stop = _position(first), min(_position(last) + 1, what.size) if last else what.size
        if last and _position(last) < start:
            return None
    if start >= what.size:
        raise RequestedRangeNotSatisfiable(length=what.size)
    return ByteRange(start, stop)


def _position(digits: str) -> int:
    """The number, or ``_BEYOND`` for a longer one: the interpreter refuses to read thousands of digits."""
    significant = digits.lstrip("0")
    return int(significant or 0) if len(significant) <= 18 else _BEYOND


def _range_is_current(what: Representation) -> bool:
    """``If-Range`` (section 13.1.5): only a strong tag matches. A date never does, for it is a weak validator (8.8.2.2)
    and the bytes of two versions mixed would be no image.
    """
    if "If-Range" not in request.headers:
        return True
    return request.if_range.etag == what.etag and not request.headers["If-Range"].startswith("W/")
