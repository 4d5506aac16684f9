"""What the OpenAPI document says beside schemas: headers that recur, operation ids, the shape of a route's entry.

Everything here runs while the application is built; no request passes through it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from typing import Any, TypeVar

from apispec import APISpec, BasePlugin
from flask_smorest import Blueprint
from marshmallow import EXCLUDE, Schema

from api.members import OWNER

Route = TypeVar("Route", bound=Callable[..., Any])

DESCRIPTION = (
    "Streams images through the server into a private, versioned bucket. Authentication is off in this release, so no "
    "operation has a security scheme: `X-User-ID` (or `user_id`) says who asks and is not checked. Put the service "
    "behind something that does check."
)

_TEXT = {"type": "string"}
_REQUEST_ID = {"type": "string", "pattern": "^[A-Za-z0-9._-]{1,128}$"}
_TAG = '"9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"'
_DATE = "Sat, 21 Nov 2026 13:00:00 GMT"

PARAMETERS: dict[str, dict[str, Any]] = {
    "X-Request-ID": {
        "in": "header",
        # No pattern: a malformed one is no reason to refuse a request.
        "description": "Names the request in the answer and the log. One is made when it is missing, or is not 1 to "
        "128 letters, digits, `.`, `_` and `-`.",
        "schema": _TEXT,
        "example": "622c73135df548088a5585c85dcf927a",
    },
    "X-User-ID": {
        "in": "header",
        "description": "Who asks; must own the image that is changed. UTF-8.",
        "schema": {"type": "string", **OWNER},
        "example": "user-123",
    },
    "user_id": {
        "in": "query",
        "description": "The same as X-User-ID, for clients without headers; where both are sent they must agree.",
        "schema": {"type": "string", **OWNER},
        "example": "user-123",
    },
    "Range": {
        "in": "header",
        "description": "One range of bytes (RFC 9110, 14.2).",
        "schema": _TEXT,
        "example": "bytes=0-1023",
    },
    "If-Range": {"in": "header", "description": "Send the range only of this ETag.", "schema": _TEXT},
    "If-Match": {"in": "header", "description": "Only if the image has one of these ETags; else 412.", "schema": _TEXT},
    "If-None-Match": {"in": "header", "description": "Only if it has none of these ETags; else 304.", "schema": _TEXT},
    "If-Modified-Since": {"in": "header", "description": "Only if it is newer; else 304.", "schema": _TEXT},
    "If-Unmodified-Since": {"in": "header", "description": "Only if it is not newer; else 412.", "schema": _TEXT},
}
"""Parameters that operations name; the key is the parameter's name."""

HEADERS: dict[str, dict[str, Any]] = {
    "X-Request-ID": {"description": "The request's id, in every answer.", "schema": _REQUEST_ID},
    "ETag": {"description": "The strong entity tag: the SHA-256 of the bytes.", "schema": _TEXT, "example": _TAG},
    "Last-Modified": {"description": "When this version was stored.", "schema": _TEXT, "example": _DATE},
    "Accept-Ranges": {"description": "Ranges of bytes are served.", "schema": {"type": "string", "const": "bytes"}},
    "Content-Range": {"description": "The range sent, or the size.", "schema": _TEXT, "example": "bytes 0-1023/65536"},
    "Cache-Control": {"description": "How long the answer may be kept.", "schema": _TEXT},
    "Content-Disposition": {"description": "The file name; `attachment` with `download=1`.", "schema": _TEXT},
    "Location": {"description": "Where the image is read.", "schema": {"type": "string", "format": "uri-reference"}},
    "Link": {"description": "The next page, where there is one (RFC 8288).", "schema": _TEXT},
    "Retry-After": {"description": "Seconds to wait, where known.", "schema": {"type": "integer", "minimum": 0}},
    "WWW-Authenticate": {"description": "What the request lacks.", "schema": _TEXT},
    "x-amz-version-id": {"description": "The id of the stored version.", "schema": _TEXT},
}
"""Headers that answers name."""

_EMPTY_ALLOWED = "x-empty-allowed"
"""Marks an operation until its query arguments, which are schemas at first, have become parameters."""

CALLER = ("X-User-ID", "user_id")
READING = ("Range", "If-Range", "If-Match", "If-None-Match", "If-Modified-Since", "If-Unmodified-Since")
CHANGING = (*CALLER, "If-Match", "If-Unmodified-Since")
KEPT = ("ETag", "Cache-Control")
"""What a 304 has; the server leaves Last-Modified out of one."""
SENT = (*KEPT, "Accept-Ranges", "Content-Disposition")


class Answer(Schema):
    """What answers derive from: clients must expect members that are added later."""

    class Meta:
        """Not ``RAISE``, which the document would show as closed."""

        unknown = EXCLUDE


class Shared(BasePlugin):
    """Puts the headers into the document once, and ``X-Request-ID`` on every operation and answer."""

    def init_spec(self, spec: APISpec) -> None:
        """Register what operations refer to by name."""
        for name, parameter in PARAMETERS.items():
            members = {**parameter, "name": name}
            spec.components.parameter(name, members["in"], members)
        for name, header in HEADERS.items():
            spec.components.header(name, dict(header))

    def operation_helper(
        self, path: str | None = None, operations: dict[str, Any] | None = None, **kwargs: Any
    ) -> None:
        """Complete the operations of one path."""
        for operation in (operations or {}).values():
            if operation.pop(_EMPTY_ALLOWED, False):
                for each in operation["parameters"]:
                    each["allowEmptyValue"] = True
            operation.setdefault("parameters", []).append("X-Request-ID")
            for answer in operation["responses"].values():
                answer.setdefault("headers", {})["X-Request-ID"] = "X-Request-ID"
        if operations and 304 in operations.get("get", {}).get("responses", {}):
            operations["head"] = _without_body(operations["get"])


def _without_body(get: dict[str, Any]) -> dict[str, Any]:
    """The HEAD operation beside a GET of an image's bytes: ranges do not apply (RFC 9110, 14.2)."""
    head = deepcopy(get)
    head["operationId"] += "Headers"
    head["summary"] = "The headers of the same GET, without the bytes."
    head["parameters"] = [each for each in head["parameters"] if each not in ("Range", "If-Range")]
    head["responses"] = {status: answer for status, answer in head["responses"].items() if status not in (206, 416)}
    head["responses"][200].pop("content", None)
    head.pop("description", None)
    return head


def links(parameters: Mapping[str, str], *operation_ids: str) -> dict[str, dict[str, Any]]:
    """Links of an answer to the operations that take it up (OpenAPI 3.1, Link Object), under their own ids.

    :param parameters: the operations' parameters as runtime expressions.
    """
    return {each: {"operationId": each, "parameters": dict(parameters)} for each in operation_ids}


def operation(
    name: str,
    *,
    parameters: Sequence[str | dict[str, Any]] = (),
    headers: Mapping[int, Sequence[str]] | None = None,
    responses: Mapping[int, Mapping[str, Any]] | None = None,
    empty_allowed: bool = False,
    **members: Any,
) -> Callable[[Route], Route]:
    """Document a route; put it above ``response`` and ``arguments``.

    :param name: the operation's id, which generated clients name their methods by: never change one.
    :param parameters: names out of ``PARAMETERS``.
    :param headers: for each status, names out of ``HEADERS``.
    :param responses: answers, or members of them, that the other decorators do not describe.
    :param empty_allowed: the query arguments may be sent empty, which is as good as not at all. All must be of
        ``arguments``.
    :param members: further members of the operation.
    """

    def decorate(route: Route) -> Route:
        answers = {status: dict(answer) for status, answer in (responses or {}).items()}
        for status, names in (headers or {}).items():
            answers.setdefault(status, {})["headers"] = {each: each for each in names}
        arguments = getattr(route, "_apidoc", {}).get("arguments", {}).get("parameters", [])
        # Given parameters replace those of `arguments`, so both are named; a body is no parameter.
        named = [*(each for each in arguments if each["in"] == "query"), *parameters]
        extra: dict[str, Any] = {"parameters": named} if named else {}
        if empty_allowed:
            extra[_EMPTY_ALLOWED] = True
        documented: Any = Blueprint.doc(operationId=name, responses=answers, **extra, **members)(route)
        # Only what it says is kept: called, the layer would cost every request a little.
        route._apidoc = documented._apidoc  # type: ignore[attr-defined]  # where flask-smorest keeps it
        return route

    return decorate
