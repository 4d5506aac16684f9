"""How errors look in the OpenAPI document."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus
from typing import Any, TypeVar

from flask_smorest import Blueprint
from marshmallow import INCLUDE, Schema, fields

from api.dialects import COMMON, Dialect
from api.errors import HTTP_CODES, problem
from services import errors as domain

Route = TypeVar("Route", bound=Callable[..., Any])


class Problem(Schema):
    """Every error of every surface (RFC 9457)."""

    class Meta:
        """A problem may carry more than these (RFC 9457, section 3.2)."""

        unknown = INCLUDE

    type = fields.String(required=True, metadata={"example": "about:blank"})
    title = fields.String(required=True)
    status = fields.Integer(required=True)
    detail = fields.String(required=True)
    error = fields.String(
        required=True, metadata={"description": "The same line, for clients of the earlier services."}
    )
    code = fields.String(required=True, metadata={"description": "Stable, snake_case.", "example": "not_an_image"})
    request_id = fields.String(required=True, allow_none=True)
    success = fields.Boolean(metadata={"description": "`false`, from the upload pages' API."})
    errors = fields.Dict(metadata={"description": "What is wrong with each argument, where arguments are not valid."})
    checks = fields.Dict(
        keys=fields.String(), values=fields.String(), metadata={"description": "Each backend, `up` or `down`."}
    )


_EXAMPLES: dict[int, type[domain.ServiceError]] = {
    400: domain.NoFile,
    401: domain.Unidentified,
    404: domain.ImageNotFound,
    408: domain.ClientTooSlow,
    409: domain.VersionConflict,
    412: domain.PreconditionFailed,
    413: domain.TooLarge,
    415: domain.UnsupportedType,
    422: domain.NotAnImage,
    500: domain.ServiceError,
    503: domain.BackendUnavailable,
    507: domain.StorageFull,
}
"""One error of each status; the statuses that are not listed come from HTTP alone."""

_ANYWHERE = (414, 429, 431, 500)
_HEADERS = {401: ("WWW-Authenticate",), 416: ("Content-Range",), 429: ("Retry-After",), 503: ("Retry-After",)}


def example(status: int, **members: Any) -> dict[str, Any]:
    """A problem of this status, with the members that a surface adds."""
    kind = _EXAMPLES.get(status)
    code, line = (kind.code, kind.message) if kind else HTTP_CODES[status]
    return {**problem(status, code, line, **members), "request_id": "622c73135df548088a5585c85dcf927a"}


def documents(
    blueprint: Blueprint, *statuses: int, limited: bool = True, dialect: Dialect = COMMON
) -> Callable[[Route], Route]:
    """Document that a route may answer with these error statuses, and with 500.

    :param limited: its requests vary in length and are counted, as all are but the probes', so that it may answer with
        414, 429 and 431 too.
    :param dialect: what is particular in the surface's errors.
    """

    def decorate(route: Route) -> Route:
        documented: Any = route
        for status in (*statuses, *(_ANYWHERE if limited else (500,))):
            documented = blueprint.alt_response(
                status,
                schema=Problem,
                description=HTTPStatus(status).phrase,
                content_type="application/problem+json",
                example=example(status, **dialect.members),
                headers={name: name for name in ("Cache-Control", *_HEADERS.get(status, ()))},
            )(documented)
        # Only what these layers say is kept: called, each would cost every request a little.
        route._apidoc = documented._apidoc  # type: ignore[attr-defined]  # where flask-smorest keeps it
        return route

    return decorate
