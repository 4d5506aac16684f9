"""How the errors of one surface differ from everybody else's: a registry that each surface fills for itself.

The published APIs disagree on some statuses, and one adds a member to every error. What they agree on is in
``api/errors.py``, which asks here before it answers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from flask import Flask, current_app, request
from flask.globals import request_ctx
from werkzeug.exceptions import HTTPException, MethodNotAllowed

from services.errors import ServiceError

_EXTENSION = "image-service.dialects"


@dataclass(frozen=True, slots=True)
class Dialect:
    """What is particular in the errors of one surface.

    ``status`` overrides the status of domain errors, subclasses included unless they are listed too. ``members`` are in
    every problem body. ``paths`` are the prefixes of the surface's URLs, by which it is known when no route matched.
    """

    status: Mapping[type[ServiceError], int] = field(default_factory=dict)
    members: Mapping[str, Any] = field(default_factory=dict)
    paths: tuple[str, ...] = ()


COMMON = Dialect()


def register(app: Flask, dialects: Mapping[str, Dialect]) -> None:
    """Say which dialect each blueprint, by its name, speaks; the others speak the common one."""
    app.extensions[_EXTENSION] = dict(dialects)


def spoken() -> Dialect:
    """The dialect of the running request: its route's; without a route, the one whose paths it asked for."""
    dialects: dict[str, Dialect] = current_app.extensions.get(_EXTENSION, {})
    blueprint = request.blueprint or _refused_by(request.routing_exception)
    if blueprint is not None:
        return dialects.get(blueprint, COMMON)
    return next((each for each in dialects.values() if request.path.startswith(each.paths)), COMMON)


def _refused_by(error: HTTPException | None) -> str | None:
    """The blueprint whose URL was asked with a method that it does not take; None for any other error."""
    adapter = request_ctx.url_adapter
    if not isinstance(error, MethodNotAllowed) or not error.valid_methods or adapter is None:
        return None
    # The router says which methods would match, but not whose: so it is asked again with one of them.
    rule, _ = adapter.match(method=min(error.valid_methods), return_rule=True)
    return str(rule.endpoint).rpartition(".")[0] or None
