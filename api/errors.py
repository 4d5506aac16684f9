"""The one place where an error becomes a response: ``application/problem+json`` (RFC 9457) plus the members of the
seeds.

The core raises domain errors that know nothing of HTTP; their status is decided here. What is logged (``detail``, stack
traces) and what is answered (``message``, ``code``) never mix.
"""

from __future__ import annotations

import json
import logging
from http import HTTPStatus
from typing import Any

from flask import Flask, Response, request
from werkzeug.exceptions import HTTPException, RequestedRangeNotSatisfiable

from api.dialects import spoken
from services import errors as domain
from utils import trace

log = logging.getLogger(__name__)

PROBLEM_TYPE = "application/problem+json"
CHALLENGE = 'X-User-ID realm="image-service"'
"""What a 401 asks for (RFC 9110, 15.5.2): with authentication off, the header that names the user."""

STATUS: dict[type[domain.ServiceError], int] = {
    domain.ServiceError: 500,
    domain.InvalidInput: 400,
    domain.Unidentified: 401,
    domain.NotAnImage: 422,
    domain.UnsupportedType: 415,
    domain.TooLarge: 413,
    domain.ImageNotFound: 404,
    domain.PreconditionFailed: 412,
    domain.AccessDenied: 403,
    domain.ClientTooSlow: 408,
    domain.ClientGone: 400,
    domain.Overloaded: 503,
    domain.BackendError: 500,
    domain.BackendUnavailable: 503,
    domain.StorageFull: 507,
    domain.VersionConflict: 409,
}
"""The status of each domain error; a class that is not listed has its base's."""

HTTP_CODES = {
    400: ("bad_request", "The request is malformed."),
    401: ("unauthorized", "This needs credentials."),
    403: ("forbidden", "This is not allowed."),
    404: ("not_found", "There is nothing at this URL; GET /docs lists what is."),
    405: ("method_not_allowed", "This URL does not take this method; the Allow header lists those that it takes."),
    408: ("client_too_slow", "The request arrived too slowly."),
    411: ("length_required", "Send a Content-Length or a chunked body."),
    413: ("too_large", "The request body is too large."),
    414: ("uri_too_long", "The URL is too long."),
    415: ("unsupported_media_type", "This URL does not take a body of this Content-Type."),
    416: ("range_not_satisfiable", "The Range lies outside the image; Content-Range tells its size."),
    422: ("invalid_input", "The request is not valid."),
    429: ("rate_limited", "Too many requests; retry after the time in Retry-After."),
    431: ("headers_too_large", "The request headers are too large."),
    501: ("not_implemented", "The server does not support this."),
}


def status_of(error: domain.ServiceError) -> int:
    """The HTTP status of a domain error: its class's, or the nearest base's; the running surface's own comes first."""
    statuses = {**STATUS, **spoken().status}
    return next(statuses[kind] for kind in type(error).__mro__ if kind in statuses)


def problem(status: int, code: str, detail: str, **members: Any) -> dict[str, Any]:
    """The members of a problem body. ``type`` is ``about:blank``, so ``title`` is the status's phrase (RFC 9457,
    4.2.1).
    """
    current = trace.current()
    return {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "error": detail,
        "code": code,
        "request_id": current.request_id if current else None,
        **members,
    }


def problem_response(status: int, code: str, detail: str, **members: Any) -> Response:
    """A whole problem response, with the members that the running surface adds to each."""
    body = json.dumps(problem(status, code, detail, **spoken().members, **members), ensure_ascii=False)
    response = Response(body + "\n", status=status, content_type=PROBLEM_TYPE)
    # An error about an image that exists in a moment must not outlive that moment in a cache.
    response.headers["Cache-Control"] = "no-store"
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response


def register(app: Flask) -> None:
    """Make every error of ``app``, of unmatched URLs too, a problem response. Call after the extensions are set up."""
    app.register_error_handler(domain.ServiceError, _domain_error)
    app.register_error_handler(HTTPException, _http_error)
    app.register_error_handler(Exception, _unexpected_error)


def _domain_error(error: domain.ServiceError) -> Response:
    status = status_of(error)
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        log.error("%s: %s", error.code, error.detail or error, exc_info=error if status != 503 else None)
    response = problem_response(status, error.code, error.message)
    if error.retry_after is not None:
        response.headers["Retry-After"] = str(error.retry_after)
    if status == HTTPStatus.UNAUTHORIZED:
        response.headers["WWW-Authenticate"] = CHALLENGE
    return response


def _http_error(error: HTTPException) -> Response:
    status = error.code or 500
    code, detail = HTTP_CODES.get(status, ("http_error", HTTPStatus(status).description or HTTPStatus(status).phrase))
    members: dict[str, Any] = {}
    # Arguments that did not validate: webargs attaches what is wrong with each.
    messages = getattr(error, "data", {}).get("messages") if isinstance(getattr(error, "data", None), dict) else None
    if messages:
        code, detail = "invalid_input", _explain(messages)
        members["errors"] = messages
    response = problem_response(status, code, detail, **members)
    if status == HTTPStatus.METHOD_NOT_ALLOWED:
        response.headers["Allow"] = ", ".join(sorted(getattr(error, "valid_methods", None) or ()))
    if isinstance(error, RequestedRangeNotSatisfiable) and error.length is not None:
        response.headers["Content-Range"] = f"bytes */{error.length}"
    for name, value in error.get_headers():
        if name in ("Retry-After", "WWW-Authenticate"):
            response.headers[name] = value
    return response


def _unexpected_error(error: Exception) -> Response:
    log.error("unhandled error on %s %s", request.method, request.path, exc_info=error)
    return problem_response(500, domain.ServiceError.code, domain.ServiceError.message)


def _explain(messages: Any) -> str:
    """One line from marshmallow's nested messages: ``limit: Must be at least 1.``"""
    parts: list[str] = []

    def walk(node: Any, path: tuple[str, ...]) -> None:
        if isinstance(node, dict):
            for name, inner in node.items():
                walk(inner, path if name in _LOCATIONS else (*path, str(name)))
        elif isinstance(node, list | tuple):
            for inner in node:
                walk(inner, path)
        else:
            parts.append(f"{'.'.join(path)}: {node}" if path else str(node))

    walk(messages, ())
    return " ".join(parts) or "The request is not valid."


_LOCATIONS = frozenset(("query", "json", "path", "headers", "form", "json_or_form", "_schema"))
