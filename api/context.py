"""What every surface needs of the running request: the core, the caller, and addresses as the caller sees them."""

from __future__ import annotations

from urllib.parse import quote

from flask import current_app, request

from services.core import Core
from services.errors import InvalidInput
from services.models import Caller
from services.names import clean_owner

EXTENSION = "image-service"


def core() -> Core:
    """The core that this application was wired with."""
    found: Core = current_app.extensions[EXTENSION]
    return found


def caller() -> Caller:
    """Who asks: ``X-User-ID``, else the query's ``user_id``, else nobody.

    :raises InvalidInput: when the two differ, or the name is not one.
    """
    named: list[str] = []
    header = _user_header()
    if header is not None:
        named.append(clean_owner(header))
    if request.query_string:
        named += [clean_owner(name) for name in request.args.getlist("user_id")]
    if len(set(named)) > 1:
        raise InvalidInput("X-User-ID and user_id name different users; send one.", code="invalid_field")
    return Caller(named[0] if named else None)


def header_caller() -> Caller | None:
    """Who asks by ``X-User-ID`` alone, for surfaces where ``user_id`` means something else; None when it is missing or
    blank.

    :raises InvalidInput: when the name is not one.
    """
    header = _user_header()
    return Caller(clean_owner(header)) if header is not None and header.strip() else None


def _user_header() -> str | None:
    header = request.headers.get("X-User-ID")
    if header is None:
        return None
    try:
        # WSGI hands headers over as Latin-1 (PEP 3333); clients send UTF-8.
        return header.encode("latin-1").decode("utf-8")
    except UnicodeError:
        # Latin-1 it is, then, as HTTP once had it (RFC 9110, 5.5). Replacing what is no UTF-8 would give one name to
        # different users.
        return header


def located(path: str) -> str:
    """``path`` of this service as ``Location`` names it (RFC 9110, 10.2.2): below what the service is mounted at, an
    API Gateway's stage or a proxy's path, since clients resolve it against the host.
    """
    root = request.script_root
    return quote(root, safe="/!$&'()*+,;=:@~") + path if root else path


def absolute(url: str) -> str:
    """A path of this service as a whole URL; a URL that leads elsewhere stays as it is.

    It never raises: answers are made after the change is committed, and an error then would deny what has happened.
    """
    if not url.startswith("/"):
        return url
    if public_url := core().public_url:
        return public_url.rstrip("/") + url
    path = request.script_root + url  # below an API Gateway's stage
    # Werkzeug gives an empty host for a Host header that is none: a path still leads back here.
    host = request.host
    return f"{request.scheme}://{host}{path}" if host else path
