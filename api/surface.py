"""The blueprint that every surface is made of: flask-smorest's, with JSON bodies read under the same limits as
uploads.
"""

from __future__ import annotations

import json
from copy import deepcopy
from typing import Any

from flask import Request, request
from flask_smorest import Blueprint
from webargs.flaskparser import FlaskParser
from werkzeug.exceptions import UnsupportedMediaType
from werkzeug.routing import BaseConverter

from api.uploads import small_body
from services.errors import InvalidInput


class ImageId(BaseConverter):
    """One path segment that names an image.

    ``upload`` does not: it is a fixed path beside them, which would otherwise seem to take an image's methods too, and
    answer 404 to them instead of 405.
    """

    regex = r"(?!upload$)[^/]+"
    part_isolating = True  # one segment, whatever the slash in the expression looks like


class BoundedParser(FlaskParser):
    """Reads JSON bodies of at most 64 KiB; the library would read one of any size, and nest as deep as it likes."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._without_query: dict[Any, Any] = {}

    def load_json(self, req: Request, schema: Any) -> Any:
        """The decoded body.

        :raises UnsupportedMediaType: when the request does not say that it is JSON.
        :raises InvalidInput: when it is not.
        """
        if not req.is_json:
            raise UnsupportedMediaType
        try:
            return json.loads(small_body())
        except (ValueError, RecursionError) as error:
            raise InvalidInput("The request body is not valid JSON.") from error

    def parse(self, argmap: Any, req: Request | None = None, *, location: str | None = None, **options: Any) -> Any:
        """As the library does; but a request without a query string gets a copy of what the first such request got.

        Most reads are of that kind, and it is a twentieth of their time.
        """
        if location != "query" or request.query_string:
            return super().parse(argmap, req, location=location, **options)
        if argmap not in self._without_query:
            self._without_query[argmap] = super().parse(argmap, req, location=location, **options)
        return deepcopy(self._without_query[argmap])


class Surface(Blueprint):  # type: ignore[misc]  # flask-smorest has no types
    """A group of routes of one published API."""

    ARGUMENTS_PARSER = BoundedParser()
