"""HTTP in, HTTP out: every published API as a surface over one core."""

from __future__ import annotations

from flask import Flask, Response, current_app, json, request
from flask_smorest import Api

from api import dialects, errors, images, objects, ops, pages, primary, v1
from api.openapi import DESCRIPTION, Shared
from api.problems import Problem
from api.surface import ImageId

API_OPTIONS = {
    "API_TITLE": "Image Service",
    "API_VERSION": "v1",
    "OPENAPI_VERSION": "3.1.0",
    "OPENAPI_URL_PREFIX": "/",
    "OPENAPI_JSON_PATH": "openapi.json",
    "API_SPEC_OPTIONS": {
        "info": {
            "description": DESCRIPTION,
            "license": {"name": "MIT", "identifier": "MIT"},
        },
    },
}

SURFACES = (ops.blueprint, primary.blueprint, images.blueprint, v1.blueprint, *pages.blueprints)
"""What is always mounted, in the order of the OpenAPI document."""

DIALECTS = {v1.blueprint.name: v1.DIALECT, **pages.dialects}
"""Whose errors differ from everybody else's, and how."""


class _Api(Api):  # type: ignore[misc]  # flask-smorest has no types
    """Documents our errors instead of the extension's own."""

    ERROR_SCHEMA = Problem
    DEFAULT_ERROR_RESPONSE_NAME = None

    def _register_pagination_header(self) -> None:
        """Nothing: no answer has that header, and its schema would be listed all the same."""

    def _openapi_json(self) -> Response:
        # Clients resolve the server's address against the document's, and append paths to it (OpenAPI 3.1.0, 4.8.5).
        # A fixed "/" would send them past the prefix that the service may be mounted below.
        document = {**self.spec.to_dict(), "servers": [{"url": request.script_root or "/"}]}
        response: Response = current_app.response_class(
            json.dumps(document, indent=2, sort_keys=False), mimetype="application/json"
        )
        response.headers["X-Content-Type-Options"] = "nosniff"
        return response


def register(app: Flask, *, serve_objects: bool) -> None:
    """Mount every surface.

    :param serve_objects: also mount the embedded store's presigned URLs.
    """
    app.config.update(API_OPTIONS)
    app.url_map.converters["image"] = ImageId
    api = _Api(app, spec_kwargs={"extra_plugins": [Shared()]})
    for blueprint in (*SURFACES, *([objects.blueprint] if serve_objects else [])):
        api.register_blueprint(blueprint)
    app.register_blueprint(ops.pages)
    app.register_blueprint(pages.pages)  # behind all others: its rule yields to the fixed paths that are there
    dialects.register(app, DIALECTS)
    errors.register(app)  # after the extension, whose own handlers these replace
