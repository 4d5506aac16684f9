"""AWS Lambda: the same application behind API Gateway (REST, payload 1.0; HTTP, payload 2.0) and load balancers (ALB).

``lambda_handler(event, context)`` is the function's entry. The application is built at the first request of a container
and serves all that follow; a request is served in the thread that Lambda calls. One thing may outlive its request: a
listing's looks at direct uploads that the store did not answer in two seconds (``services.looks``). They are frozen
until the next request, or lost with the container; either way the upload stays pending and is looked at again. What
can not work on Lambda (a store or a database on its
throw-away disk) is refused with one log line and answered with a 500 problem.

A response of Lambda has a size limit (6 MB, 1 MB behind an ALB; base64 takes a third of that). An image, or a range of
one, that does not fit is answered 307 with a presigned URL of the store; anything else that does not fit is a problem.
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

from apig_wsgi import make_lambda_handler
from flask import Flask, Response, request

import config
from api.access import AccessLog
from api.downloads import disposition
from api.errors import problem_response, status_of
from app import build_core, create_app, prepare
from services.core import Core
from services.errors import ServiceError
from services.images import Images
from services.models import ByteRange, Image, ImageVersion
from services.names import download_name
from services.ports import ObjectReader
from utils import logger
from utils.lambda_gateway import BODY_LIMIT, ENVELOPE, Gateway, payload_limit

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

log = logging.getLogger("image-service")

SCRATCH = "/tmp/image-service"  # noqa: S108 - the only folder that a function may write; nothing of ours ends there
ESCAPED = 6
"""Bytes that one byte of text can become in JSON."""
REDIRECT_SECONDS = 300
TOO_LARGE = "The answer is larger than this gateway passes on; ask for less, for example with a smaller limit."


class BodyTooLarge(Exception):
    """An image that does not fit into a response of Lambda is about to be sent."""

    def __init__(self, image: Image, version: ImageVersion) -> None:
        self.image = image
        self.version = version
        super().__init__(image.image_id)


class BoundedImages:
    """``Images``, but what is opened for a response must fit into one."""

    def __init__(self, inner: Images) -> None:
        self._inner = inner

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def open(self, image: Image, version: ImageVersion, byte_range: ByteRange | None = None) -> ObjectReader:
        """As in ``Images``; raises ``BodyTooLarge`` before anything is read."""
        length = byte_range.stop - byte_range.start if byte_range else version.size
        if length > request.environ.get(BODY_LIMIT, length):
            raise BodyTooLarge(image, version)
        return self._inner.open(image, version, byte_range)


def load_settings(environ: Mapping[str, str]) -> config.Settings:
    """The settings of a function.

    :raises config.ConfigError: when they are unusable, or name what does not outlive a container.
    """
    settings = config.load({"DATA_DIR": SCRATCH, **environ})
    problems = []
    if not settings.s3_bucket:
        problems.append("S3_BUCKET is not set: on Lambda it should name the bucket, since the disk is thrown away")
    if not settings.dynamo_table and settings.database_url.startswith("sqlite"):
        problems.append(
            "DYNAMO_TABLE is not set: on Lambda it should name the table (or DATABASE_URL a PostgreSQL), since "
            "a SQLite file would be thrown away"
        )
    if not environ.get("SECRET_KEY"):
        problems.append("SECRET_KEY is not set: on Lambda it should be, since every container would make its own")
    if settings.rate_limit and settings.rate_limit_storage.startswith("memory:"):
        problems.append("RATE_LIMIT is counted in memory: on Lambda set RATE_LIMIT_STORAGE to a Redis")
    if settings.verify_decode:
        problems.append("VERIFY_DECODE is 1: on Lambda it should be 0, since the decoder is not part of the package")
    if problems:
        raise config.ConfigError(problems)
    return settings


def build_app(settings: config.Settings) -> Flask:
    """The application with the bounds of Lambda; looks at store and database as a server does before it starts.

    :raises services.errors.ServiceError: when one of them can not be used.
    """
    prepare(settings)
    core = build_core(settings)
    return bounded(create_app(settings, services=replace(core, images=cast(Images, BoundedImages(core.images)))), core)


def bounded(app: Flask, core: Core) -> Flask:
    """``app``, answering ``BodyTooLarge`` with a redirect to the store."""

    def redirect(error: BodyTooLarge) -> Response:
        name = download_name(error.image.filename, error.version.content_type)
        attachment = request.args.get("download", "") in ("1", "true")
        url = core.images.presign(
            error.image,
            error.version,
            expires_in=min(REDIRECT_SECONDS, core.presigned_expiration),
            disposition=disposition(name, attachment=attachment),
        )
        response = Response(status=307, headers={"Location": url})
        response.headers["Cache-Control"] = "no-store"  # a cached redirect would outlive the URL in it
        return response

    app.register_error_handler(BodyTooLarge, redirect)
    return app


class Function:
    """What a container keeps between its invocations; see the module."""

    def __init__(self, build: Callable[[], Flask]) -> None:
        """Wire a function.

        :param build: makes the application; called at the first request, and again while a backend keeps it from
            being made.
        """
        self._build = build
        self._app: Flask | None = None
        self._refused = False

    def __call__(self, event: Mapping[str, Any], context: Any) -> dict[str, Any]:
        """Answer one event.

        :raises ValueError: for an event of another source, which then counts as failed instead of as done.
        """
        limit = payload_limit(event)
        try:
            if self._refused or not self._ready():
                return _respond(_problem(None, ServiceError()), event, context)
            answer = _respond(cast(Flask, self._app), event, context)
        except ServiceError as error:
            log.error("%s: %s", error.code, error.detail or error)
            return _respond(_problem(self._app, error), event, context)
        except Exception:
            log.exception("the answer could not be made")
            return _respond(_problem(self._app, ServiceError()), event, context)
        if _fits(answer, limit):
            return answer
        log.error("an answer of %d bytes does not fit into %d bytes", len(answer["body"]), limit)
        return _respond(_problem(self._app, ServiceError(TOO_LARGE, code="response_too_large")), event, context)

    def _ready(self) -> bool:
        """Make the application unless it is there; False when the settings can not be used.

        :raises services.errors.ServiceError: when a backend can not be used, which somebody may mend meanwhile.
        """
        try:
            self._app = self._app or self._build()
        except config.ConfigError as error:
            log.error("the settings can not be used: %s", "; ".join(error.problems))
            self._refused = True  # another try in this container would read the same variables
        return not self._refused


def _respond(app: WSGIApplication, event: Mapping[str, Any], context: Any) -> dict[str, Any]:
    handler = make_lambda_handler(Gateway(app), binary_support=True)
    return handler(dict(event), context)


def _fits(answer: Mapping[str, Any], limit: int) -> bool:
    body = answer["body"]
    if answer["isBase64Encoded"]:
        return len(body) + ENVELOPE <= limit
    return len(body) * ESCAPED + ENVELOPE <= limit or len(json.dumps(body)) + ENVELOPE <= limit


def _problem(app: Flask | None, error: ServiceError) -> WSGIApplication:
    """A WSGI application that answers with ``error``, in the words of the surface of ``app`` that was asked."""

    def answer(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        with (app or Flask(__name__, static_folder=None)).request_context(environ):
            response = problem_response(status_of(error), error.code, error.message)
            if error.retry_after is not None:
                response.headers["Retry-After"] = str(error.retry_after)
            return response(environ, start_response)

    return AccessLog(answer)


def _from_environment() -> Flask:
    logger.configure("INFO")  # so that a refusal of the settings is a JSON line too
    settings = load_settings(os.environ)
    logger.configure(settings.log_level)
    app = build_app(settings)
    log.info("ready on Lambda (%s)", settings.summary)
    return app


_function = Function(_from_environment)


def lambda_handler(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
    """Answer one event of API Gateway or an ALB; the function's handler is ``lambda_handler.lambda_handler``."""
    return _function(event, context)
