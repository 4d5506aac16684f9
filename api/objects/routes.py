"""The embedded store's own presigned URLs. Mounted only where the store can not serve them itself."""

from __future__ import annotations

from typing import Any

from flask import Response
from flask_smorest import Blueprint
from werkzeug.exceptions import NotFound

from api.context import core
from api.downloads import Representation, send
from api.members import BINARY
from api.openapi import KEPT, SENT, operation
from api.problems import documents
from api.uploads import store_grant
from services.ports import SelfServingStore
from utils.clock import utc_now

blueprint = Blueprint("objects", __name__, description="Presigned URLs of the embedded store.")

TOKEN: dict[str, Any] = {
    "in": "path",
    "name": "token",
    "description": "Signed; comes as part of a whole URL, never on its own.",
    "schema": {"type": "string"},
    "example": "eyJrZXkiOiJpbWFnZXMifQ",
}


def _store() -> SelfServingStore:
    store = core().served_store
    if store is None:
        raise NotFound
    return store


@blueprint.route("/objects/<token>", methods=["GET"], parameters=[TOKEN])
@operation(
    "fetchObject",
    parameters=("Range", "If-Range", "If-Match", "If-None-Match"),
    headers={200: SENT, 206: (*SENT, "Content-Range"), 304: KEPT},
    responses={
        200: {"content": {"image/*": {"schema": BINARY}}},
        206: {"description": "A range of the bytes.", "content": {"image/*": {"schema": BINARY}}},
        304: {"description": "Not modified."},
    },
)
@blueprint.response(200, description="The bytes.", content_type="image/*")
@documents(blueprint, 403, 404, 412, 416)
def fetch(token: str) -> Response:
    """Fetch an object by a presigned URL."""
    grant = _store().redeem(token, "GET")
    remaining = max(0, int((grant.expires_at - utc_now()).total_seconds()))
    what = Representation(
        content_type=grant.content_type,
        size=_store().size_of(grant.key, grant.version_id),
        etag=grant.version_id,
        last_modified=None,
        disposition=grant.disposition,
        cache_control=f"private, max-age={remaining}",
    )
    return send(what, lambda byte_range: core().store.read(grant.key, grant.version_id, byte_range))


@blueprint.route("/objects/<token>", methods=["PUT"], parameters=[TOKEN])
@operation(
    "putObject",
    headers={200: ("x-amz-version-id",)},
    requestBody={"required": True, "content": {"image/*": {"schema": BINARY}}},
)
@blueprint.response(200, description="The object is stored.")
@documents(blueprint, 400, 403, 404, 408, 413, 415, 507)
def put(token: str) -> Response:
    """Store an object by a presigned URL; its Content-Type must be the signed one."""
    grant = _store().redeem(token, "PUT")
    version_id = store_grant(grant, core().store)
    # What a bucket's notification does elsewhere. The bytes are stored whatever becomes of them, so the answer is 200.
    core().direct.noticed(grant.key)
    return Response(status=200, headers={"x-amz-version-id": version_id})
