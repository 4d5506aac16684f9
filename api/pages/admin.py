"""What the administration page asks for: totals, and a search over everybody's images.

Versions, restore and undelete are the primary surface's ``/image/<key>/versions`` and ``/image/<key>/restore``.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from flask import Response, jsonify
from werkzeug.exceptions import Forbidden

from api.context import caller, core
from api.openapi import operation
from api.pages.api_schemas import DIALECT
from api.pages.schemas import FOUND, TOTALS, Found, Search, StoredTotals
from api.pages.search import found_members, query_of
from api.problems import documents
from api.surface import Surface

blueprint = Surface("admin", __name__, description="Totals and searches for operators.")
errors = partial(documents, blueprint, dialect=DIALECT)

DAYS = 30
"""How far back the totals go, day by day; today included."""


def require_admin() -> None:
    """Raise ``Forbidden`` unless the caller may see what others own; with authentication off everybody may."""
    if not caller().sees_all:
        raise Forbidden


@blueprint.route("/admin/totals", methods=["GET"])
@operation("adminTotals")
@blueprint.response(200, StoredTotals, example=TOTALS)
@errors(400, 403, 503)
def totals() -> Response:
    """Count what is stored, and what was uploaded on each of the last 30 days that has uploads."""
    require_admin()
    found = core().listings.totals(days=DAYS)
    days = [{"day": day.day.isoformat(), "images": day.images, "size": day.size} for day in found.days]
    members = {"images": found.images, "size": found.size, "deleted": found.deleted, "days": days}
    return _private(members)


@blueprint.route("/admin/images", methods=["GET"])
@operation("adminImages", empty_allowed=True)
@blueprint.arguments(Search(), location="query", error_status_code=400)
@blueprint.response(200, Found, example=FOUND)
@errors(400, 403, 503)
def images(search: dict[str, Any]) -> Response:
    """Search everybody's images, newest first; with `deleted=true` the deleted ones."""
    require_admin()
    listing = core().listings.page(
        query_of(search), caller(), limit=search["limit"], cursor=search.get("cursor") or None
    )
    found = [found_members(image) for image in listing.images]
    return _private({"images": found, "count": len(found), "cursor": listing.cursor})


def _private(members: dict[str, Any]) -> Response:
    response = jsonify(members)
    response.headers["Cache-Control"] = "no-store"
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response
