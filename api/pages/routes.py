"""The pages themselves: ``/<image_id>`` and ``/admin``. They work without JavaScript, and better with it."""

from __future__ import annotations

from functools import partial
from typing import Any

from flask import Blueprint, Response, render_template, request, url_for
from flask.blueprints import BlueprintSetupState

from api.context import caller, core
from api.errors import status_of
from api.pages import charts, shown
from api.pages.admin import DAYS, require_admin
from api.pages.labels import PageName, adding_to, clean_label
from api.pages.schemas import PAGE_SIZE, Search
from api.pages.search import found_members, query_of
from api.surface import Surface
from api.uploads import store_form
from services.errors import InvalidInput, ServiceError
from services.listings import Listing
from services.models import Caller, ImageQuery
from utils.clock import utc_now

blueprint = Blueprint(
    "pages", __name__, template_folder="templates", static_folder="static", static_url_path="/pages/static"
)

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; connect-src 'self'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'; trusted-types 'none'"
)
"""No inline script or style, nothing from elsewhere; ``blob:`` is for previews of files that are not uploaded yet.
Thumbnails come through ``/image/<key>``, so that no store's address has to be let in.
"""


@blueprint.record_once
def _set_up(state: BlueprintSetupState) -> None:
    state.app.url_map.converters["page"] = PageName
    shown.add_filters(state.app.jinja_env)


@blueprint.after_request
def harden(response: Response) -> Response:
    """The headers of everything in here; pages, not their scripts and styles, are never kept by a cache."""
    response.headers["Content-Security-Policy"] = POLICY
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Referrer-Policy"] = "same-origin"
    if response.mimetype == "text/html":
        response.headers["Cache-Control"] = "no-store"
    return response


@blueprint.get("/admin")
def admin_page() -> Response:
    """Totals, uploads per day, and a search over everybody's images."""
    require_admin()
    search: dict[str, Any] = Surface.ARGUMENTS_PARSER.parse(Search(), request, location="query", error_status_code=400)
    listing, error = Listing((), None), None
    try:
        cursor = search.get("cursor")
        listing = core().listings.page(query_of(search), caller(), limit=PAGE_SIZE, cursor=cursor)
    except InvalidInput as refused:
        error = refused.message
    found = core().listings.totals(days=DAYS)
    page = render_template(
        "pages/admin.html",
        totals=found,
        chart=charts.per_day(found.days, today=utc_now().date(), days=DAYS),
        search={name: value for name, value in search.items() if name not in ("limit", "cursor")},
        images=[shown.found_image(found_members(image)) for image in listing.images],
        following=_following(listing),
        error=error,
    )
    return Response(page, status=400 if error else 200, mimetype="text/html")


@blueprint.get("/<page:image_id>")
def upload_page(image_id: str) -> Response:
    """The upload page of one label, with the newest of its images."""
    return _upload_page(clean_label(image_id), cursor=request.args.get("cursor"))


@blueprint.post("/<page:image_id>")
def upload_without_script(image_id: str) -> Response:
    """Store the form's file and go back to the page: how browsers without JavaScript upload."""
    label = clean_label(image_id)
    owner, uploads = adding_to(label), core().uploads
    try:
        store_form(partial(uploads.new, owner), uploads.limits.refuse_size)
    except ServiceError as error:
        if status_of(error) >= 500:
            raise
        return _upload_page(label, error=error.message, status=status_of(error))
    return Response(status=303, headers={"Location": url_for(".upload_page", image_id=label, uploaded=1)})


def _upload_page(label: str, *, cursor: str | None = None, error: str | None = None, status: int = 200) -> Response:
    services = core()
    listing = services.listings.page(ImageQuery(owner=label), Caller(label), limit=PAGE_SIZE, cursor=cursor)
    page = render_template(
        "pages/upload.html",
        label=label,
        images=[shown.gallery_image(image) for image in listing.images],
        following=_following(listing),
        first_page=cursor is None,
        max_size=services.uploads.limits.max_file_size,
        page_size=PAGE_SIZE,
        error=error,
        uploaded="uploaded" in request.args,
    )
    return Response(page, status=status, mimetype="text/html")


def _following(listing: Listing) -> str | None:
    """The address of the listing's next page, with the query that it belongs to."""
    if listing.cursor is None:
        return None
    arguments: dict[str, Any] = {**request.args.to_dict(), **(request.view_args or {}), "cursor": listing.cursor}
    arguments.pop("uploaded", None)
    return url_for(str(request.endpoint), **arguments)
