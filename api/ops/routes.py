"""The service's own endpoints: health and documentation."""

from __future__ import annotations

from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

from flask import Blueprint as PlainBlueprint
from flask import Response, render_template, send_from_directory
from flask_smorest import Blueprint
from werkzeug.exceptions import NotFound

from api.context import core
from api.errors import problem_response
from api.openapi import operation
from api.ops.schemas import Health, Live, Ready
from api.problems import documents
from utils.clock import iso8601, utc_now

blueprint = Blueprint("ops", __name__, description="Health of the service.")
pages = PlainBlueprint(
    "docs", __name__, template_folder="templates", static_folder="static", static_url_path="/docs/static"
)

UI_FILES = frozenset(("swagger-ui.css", "swagger-ui-bundle.js", "favicon-32x32.png"))
DOCS_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
RETRY_SECONDS = 5
"""When to ask again after "not ready"."""


@blueprint.after_request
@pages.after_request
def keep_type(response: Response) -> Response:
    """Forbid guessing the type of what these endpoints and pages answer."""
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response


@blueprint.route("/health", methods=["GET"])
@operation("health")
@blueprint.response(200, Health)
@documents(blueprint, limited=False)
def health() -> dict[str, str]:
    """Say that the process is up, without asking its backends."""
    return {"status": "healthy", "timestamp": iso8601(utc_now()), "environment": core().environment}


@blueprint.route("/health/live", methods=["GET"])
@operation("healthLive")
@blueprint.response(200, Live)
@documents(blueprint, limited=False)
def live() -> dict[str, str]:
    """Liveness: restart the process when this fails."""
    return {"status": "live"}


@blueprint.route("/health/ready", methods=["GET"])
@operation("healthReady")
@blueprint.response(200, Ready)
@documents(blueprint, 503, limited=False)
def ready() -> dict[str, Any] | Response:
    """Readiness: send no traffic while this fails; the answer names what is down."""
    passed = core().readiness.report()
    checks = {name: "up" if up else "down" for name, up in passed.items()}
    if all(passed.values()):
        return {"status": "ready", "checks": checks}
    down = ", ".join(name for name, up in passed.items() if not up)
    response = problem_response(503, "not_ready", f"Not ready: {down} is down.", checks=checks)
    response.headers["Retry-After"] = str(RETRY_SECONDS)
    return response


@pages.get("/docs")
def docs() -> Response:
    """The API's documentation as a page, all of it served from this machine."""
    response = Response(render_template("docs.html"), mimetype="text/html")
    response.headers["Content-Security-Policy"] = DOCS_POLICY
    return response


@pages.get("/docs/ui/<name>")
def swagger_ui(name: str) -> Response:
    """One file of Swagger UI, out of the installed package."""
    if name not in UI_FILES:
        raise NotFound
    with as_file(files("flask_swagger_ui") / "dist") as folder:
        return send_from_directory(Path(folder), name, max_age=86400)
