"""How errors look in the OpenAPI document."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus
from typing import Any, TypeVar

from flask_smorest import Blueprint
from marshmallow import Schema, fields

Route = TypeVar("Route", bound=Callable[..., Any])


class Problem(Schema):
    """Every error of every surface (RFC 9457)."""

    type = fields.String(required=True, metadata={"example": "about:blank"})
    title = fields.String(required=True)
    status = fields.Integer(required=True)
    detail = fields.String(required=True)
    error = fields.String(
        required=True, metadata={"description": "The same line, for clients of the earlier services."}
    )
    code = fields.String(required=True, metadata={"description": "Stable, snake_case.", "example": "not_an_image"})
    request_id = fields.String(required=True, allow_none=True)


def documents(blueprint: Blueprint, *statuses: int) -> Callable[[Route], Route]:
    """Document that a route may answer with these error statuses."""

    def decorate(route: Route) -> Route:
        documented: Any = route
        for status in statuses:
            documented = blueprint.alt_response(
                status, schema=Problem, description=HTTPStatus(status).phrase, content_type="application/problem+json"
            )(documented)
        # Only what these layers say is kept: called, each would cost every request a little.
        route._apidoc = documented._apidoc  # type: ignore[attr-defined]  # where flask-smorest keeps it
        return route

    return decorate
