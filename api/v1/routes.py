"""Surface 2: ``/api/v1``. Each route parses, calls the core and answers; all but health require ``X-User-ID``."""

from __future__ import annotations

from functools import partial
from typing import Any

from flask import Response, jsonify, request

from api.context import core, header_caller, located
from api.downloads import CURRENT, precondition, send_version
from api.openapi import KEPT, READING, SENT, operation
from api.problems import documents
from api.representation import metadata, next_page, presigned
from api.surface import Surface
from api.uploads import store_form
from api.v1.documentation import (
    CHANGED,
    CHANGES,
    CONDITIONS,
    DELETED,
    DIALECT,
    FORM_BODY,
    HEALTHY,
    IMAGE_BYTES,
    IMAGE_ID,
    IMAGE_RANGE,
    LISTED,
    UPLOADED,
    UPLOADED_LINKS,
    USER,
)
from api.v1.schemas import ApiHealth, Changes, Listed, ListQuery, Message, ReadQuery, Uploaded
from services.errors import InvalidInput, Unidentified
from services.models import Caller, ImageQuery, UploadFields
from services.names import clean_description, clean_owner, clean_tags, clean_title, split_tags
from services.words import words_asked
from utils.clock import iso8601, utc_now
from utils.ids import image_id_of

UNTITLED = "Untitled"

blueprint = Surface("v1", __name__, url_prefix="/api/v1", description="Images with titles and tags, by X-User-ID.")
surface_errors = partial(documents, blueprint, dialect=DIALECT)


@blueprint.before_request
def identify() -> None:
    """Refuse a request that names nobody, before anything of it is looked at."""
    if request.endpoint != f"{blueprint.name}.{health.__name__}":
        _caller()


@blueprint.route("/images/upload", methods=["POST"])
@operation(
    "uploadImageAsUser",
    parameters=(USER,),
    headers={201: ("Location",)},
    responses={201: {"links": UPLOADED_LINKS}},
    requestBody=FORM_BODY,
)
@blueprint.response(201, Uploaded, example=UPLOADED)
@surface_errors(400, 401, 408, 413, 415, 422, 503, 507)
def upload() -> Response:
    """Store an image from the form field `file`."""
    uploads = core().uploads
    image = store_form(partial(uploads.new, _caller()), uploads.limits.refuse_size, default_title=UNTITLED)
    response = jsonify({"message": "Image uploaded successfully", **metadata(image)})
    response.status_code = 201
    response.headers["Location"] = located(f"{blueprint.url_prefix}/images/{image.image_id}")
    return response


@blueprint.route("/images", methods=["GET"])
@operation("listImagesAsUser", parameters=(USER,), headers={200: ("Cache-Control",)})
@blueprint.arguments(ListQuery(), location="query", error_status_code=400)
@blueprint.response(200, Listed, example=LISTED)
@surface_errors(400, 401, 404, 503)
def listed(query: dict[str, Any]) -> Response:
    """List a user's images, or search everybody's by tags or by the words of their title; newest first."""
    page = core().listings.page(_wanted(query), _caller(), limit=query["limit"], cursor=query.get("cursor"))
    response = jsonify(
        {
            "count": len(page.images),
            "filter": query["filter_by"],
            "images": [{**metadata(image), "url": presigned(image)} for image in page.images],
            "cursor": page.cursor,
            "next": next_page(page.cursor),
        }
    )
    response.headers["Cache-Control"] = "no-store"  # a cached answer would outlive the URLs in it
    return response


@blueprint.route("/images/<image:image_id>", methods=["GET"], parameters=[IMAGE_ID])
@operation(
    "readImageAsUser",
    parameters=(USER, *READING),
    headers={200: (*SENT, "Last-Modified"), 206: (*SENT, "Last-Modified", "Content-Range"), 304: KEPT},
    responses={200: IMAGE_BYTES, 206: IMAGE_RANGE, 304: {"description": "Not modified."}},
)
@blueprint.arguments(ReadQuery(), location="query", error_status_code=400)
@blueprint.response(200, description="The image.", content_type="image/*")
@surface_errors(400, 401, 404, 412, 416, 503)
def read(query: dict[str, Any], image_id: str) -> Response:
    """Read an image's bytes; with `download=1` as an attachment."""
    images = core().images
    image = images.get(image_id_of(image_id))
    return send_version(
        image,
        image.current,
        partial(images.open, image, image.current),
        attachment=query["download"],
        cache_control=CURRENT,
    )


@blueprint.route("/images/<image:image_id>", methods=["PUT"], parameters=[IMAGE_ID])
@operation("describeImageAsUser", parameters=(USER, *CONDITIONS))
@blueprint.arguments(Changes(), error_status_code=400, example=CHANGES)
@blueprint.response(200, Message, example=CHANGED)
@surface_errors(400, 401, 404, 408, 409, 412, 413, 415, 503, 507)
def update(body: dict[str, Any], image_id: str) -> dict[str, Any]:
    """Change an image's title, description or tags; what is not given, or null, stays."""
    core().images.describe(image_id_of(image_id), _caller(), _fields(body), accepts=precondition())
    return {"message": "Metadata updated successfully"}


@blueprint.route("/images/<image:image_id>", methods=["DELETE"], parameters=[IMAGE_ID])
@operation("deleteImageAsUser", parameters=(USER, *CONDITIONS))
@blueprint.response(200, Message, example=DELETED)
@surface_errors(400, 401, 404, 409, 412, 503, 507)
def delete(image_id: str) -> dict[str, Any]:
    """Delete an image; its versions stay and can be restored."""
    core().images.delete(image_id_of(image_id), _caller(), accepts=precondition())
    return {"message": "Image deleted successfully"}


@blueprint.route("/health", methods=["GET"])
@operation("healthBelowVersion")
@blueprint.response(200, ApiHealth, example=HEALTHY)
@documents(blueprint, limited=False)
def health() -> dict[str, str]:
    """Say that the process is up: `/health` for clients that put the base URL before every path."""
    return {"status": "healthy", "timestamp": iso8601(utc_now()), "environment": core().environment}


def _caller() -> Caller:
    # By the header alone: `user_id` in a query says here whose images to list, not who asks.
    named = header_caller()
    if named is None:
        raise Unidentified
    return named


def _wanted(query: dict[str, Any]) -> ImageQuery:
    # All of them, whatever is listed by: what is not valid is refused, not ignored.
    owner = clean_owner(query["user_id"]) if "user_id" in query else None
    tags = split_tags(query.get("tags", ""))
    words = words_asked(clean_title(query.get("title", "")))
    if query["filter_by"] == "tags":
        if not tags:
            raise InvalidInput("tags is required with filter_by=tags; name at least one.", code="invalid_field")
        return ImageQuery(owner=owner, tags=tags)
    if query["filter_by"] == "title":
        if not words:
            raise InvalidInput("title is required with filter_by=title; give at least one word.", code="invalid_field")
        return ImageQuery(owner=owner, words=words)
    return ImageQuery(owner=owner or _caller().owner)


def _fields(body: dict[str, Any]) -> UploadFields:
    title, description, tags = (body.get(name) for name in ("title", "description", "tags"))
    return UploadFields(
        title=None if title is None else clean_title(title),
        description=None if description is None else clean_description(description),
        tags=None if tags is None else split_tags(tags) if isinstance(tags, str) else clean_tags(tags),
    )
