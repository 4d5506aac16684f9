"""What API Gateway (REST, payload 1.0; HTTP, payload 2.0) and load balancers (ALB) say about a request, put where WSGI
keeps it. ``apig_wsgi`` makes the WSGI environment of an event; here stand its corrections, and the limits of an answer.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from utils.ids import request_id_of

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

ENVELOPE = 64 * 1024
"""Bytes of an answer that status, headers and JSON may take beside the body."""
GATEWAY_LIMIT = 6 * 1024 * 1024
ALB_LIMIT = 1024 * 1024
BODY_LIMIT = "lambda_gateway.body_limit"
"""Where the WSGI environment says how many bytes a binary body may have."""


def payload_limit(event: Mapping[str, Any]) -> int:
    """Bytes of a whole answer that the sender of ``event`` takes, base64 included.

    :raises ValueError: for an event of another source.
    """
    context = event.get("requestContext")
    if not isinstance(context, Mapping) or not ("httpMethod" in event or "http" in context):
        raise ValueError(f"not an HTTP event of API Gateway or a load balancer; it has the members {sorted(event)}")
    return ALB_LIMIT if "elb" in context else GATEWAY_LIMIT


class Gateway:
    """WSGI middleware that corrects what the events leave out or get wrong about the client, the path and the id."""

    def __init__(self, app: WSGIApplication) -> None:
        self._app = app

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Serve one request (PEP 3333)."""
        event = environ["apig_wsgi.full_event"]
        environ[BODY_LIMIT] = (payload_limit(event) - ENVELOPE) // 4 * 3
        _mount(environ, event)
        _client(environ, event)
        environ["HTTP_X_REQUEST_ID"] = _request_id(environ)
        for name, value in environ.items():
            if name.startswith(("HTTP_", "CONTENT_", "PATH_")) and not value.isascii():
                environ[name] = _latin1(value)

        def start(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
            return start_response(status, [_mounted(environ, *header) for header in _folded(headers)], exc_info)

        return self._app(environ, start)


def _request_id(environ: WSGIEnvironment) -> str:
    """The caller's request id, else API Gateway's, else Lambda's: the first that the service would take."""
    gateways = environ["apig_wsgi.request_context"].get("requestId")
    lambdas = getattr(environ["apig_wsgi.context"], "aws_request_id", None)
    given = (environ.get("HTTP_X_REQUEST_ID"), gateways, lambdas)
    return next((request_id for request_id in given if request_id and request_id_of(request_id) == request_id), "")


def _mount(environ: WSGIEnvironment, event: Mapping[str, Any]) -> None:
    """Put what stands before the service's own path (a stage, a base path) where WSGI keeps it, SCRIPT_NAME."""
    context = event["requestContext"]
    stage = f"/{context.get('stage')}"
    path: str = environ["PATH_INFO"]
    if "http" not in context:
        if str(context.get("path")).rstrip("/") == (stage + event["path"]).rstrip("/"):  # the stage was taken off
            environ["SCRIPT_NAME"] = stage
            return
        prefix = _before_proxy(event, path)
    else:
        own_host = context.get("domainPrefix") == context.get("apiId")
        prefix = stage if own_host and (path + "/").startswith(stage + "/") else ""
    environ["SCRIPT_NAME"], environ["PATH_INFO"] = prefix, path[len(prefix) :] or "/"


def _mounted(environ: WSGIEnvironment, name: str, value: str) -> tuple[str, str]:
    """A header of the answer; a Location that is a path of the service leads below the stage, where the service is."""
    prefix = environ["SCRIPT_NAME"]
    inside = value.startswith("/") and not (value + "/").startswith(prefix + "/")
    return (name, prefix + value) if inside and name.lower() == "location" else (name, value)


def _before_proxy(event: Mapping[str, Any], path: str) -> str:
    """The base path of a custom domain: what stands before the part that the resource ``/{proxy+}`` matched."""
    proxy = "/" + unquote((event.get("pathParameters") or {}).get("proxy") or "", encoding="iso-8859-1")
    return path[: -len(proxy)] if event.get("resource") == "/{proxy+}" and path.endswith(proxy) else ""


def _client(environ: WSGIEnvironment, event: Mapping[str, Any]) -> None:
    """Take the client's address from the gateway: the first of X-Forwarded-For is what the client wrote itself."""
    forwarded = environ.get("HTTP_X_FORWARDED_FOR", "").rpartition(",")[2].strip()
    identity = event["requestContext"].get("identity") or {}
    if "http" not in event["requestContext"]:
        environ["REMOTE_ADDR"] = identity.get("sourceIp") or forwarded or environ["REMOTE_ADDR"]
    if environ["wsgi.url_scheme"] not in ("http", "https"):
        environ["wsgi.url_scheme"] = "https"


def _latin1(value: str) -> str:
    """A header or path as WSGI hands it over (PEP 3333): its bytes as Latin-1, however the gateway decoded them."""
    try:
        value.encode("latin-1").decode("utf-8")
    except UnicodeError:
        return value.encode("utf-8", "replace").decode("latin-1")
    return value


def _folded(headers: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """Repeated headers as one line each (RFC 9110, 5.3): of several, single-value events would keep the last only."""
    folded: dict[str, tuple[str, str]] = {}
    cookies = []
    for name, value in headers:
        if name.lower() == "set-cookie":
            cookies.append((name, value))
            continue
        first = folded.get(name.lower())
        folded[name.lower()] = (first[0], f"{first[1]}, {value}") if first else (name, value)
    return [*folded.values(), *cookies]
