"""Surface 3, the JSON half: uploads under a label, its latest image, all its images.

``image_id`` in this API is the caller's own label for a set of uploads, which the core knows as their owner; the
image's own id is in ``key``, with which every other surface finds it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from flask import Response, current_app, jsonify, stream_with_context

from api.context import absolute, caller, core, located
from api.openapi import CALLER, operation
from api.pages.api_schemas import (
    DIALECT,
    FORM_BODY,
    LABEL,
    LATEST,
    OF_LABEL,
    STORED,
    STORED_LINKS,
    LabelLatest,
    LabelListed,
    LabelQuery,
    LabelUploaded,
)
from api.pages.labels import adding_to, clean_label
from api.problems import documents
from api.representation import metadata, next_page, presigned
from api.surface import Surface
from api.uploads import store_form
from services.errors import BackendError, ImageNotFound
from services.listings import MAX_LIMIT, Listing
from services.models import Image, ImageQuery
from utils.clock import iso8601

log = logging.getLogger(__name__)

blueprint = Surface("labels", __name__, description="Uploads under a label of the caller's own.")
surface_errors = partial(documents, blueprint, dialect=DIALECT)


@blueprint.route("/upload/<image_id>", methods=["POST"], parameters=[LABEL])
@operation(
    "uploadToLabel",
    parameters=CALLER,
    headers={201: ("Cache-Control", "Location")},
    responses={201: {"links": STORED_LINKS}},
    requestBody=FORM_BODY,
)
@blueprint.response(201, LabelUploaded, example=STORED)
@surface_errors(400, 404, 408, 413, 415, 422, 503, 507)
def upload(image_id: str) -> Response:
    """Store an image from the form field `file` under a label."""
    uploads = core().uploads
    image = store_form(partial(uploads.new, adding_to(clean_label(image_id))), uploads.limits.refuse_size)
    response = _unkept(
        {"success": True, "message": "Image uploaded successfully", **_described(image, _url_after_commit(image))}
    )
    response.status_code = 201
    response.headers["Location"] = located(f"/image/{image.key}")
    return response


@blueprint.route("/api/url/<image_id>", methods=["GET"], parameters=[LABEL])
@operation("latestOfLabel", headers={200: ("Cache-Control",)})
@blueprint.response(200, LabelLatest, example=LATEST)
@surface_errors(400, 404, 503)
def latest(image_id: str) -> Response:
    """Say where a label's newest image is read."""
    label = clean_label(image_id)
    page = core().listings.page(ImageQuery(owner=label), caller(), limit=1)
    if not page.images:
        raise ImageNotFound("There is no image under this image_id.")
    return _unkept({"success": True, **_described(page.images[0], presigned(page.images[0]))})


@blueprint.route("/api/images/<image_id>", methods=["GET"], parameters=[LABEL])
@operation("listLabel", headers={200: ("Cache-Control",)})
@blueprint.arguments(LabelQuery(), location="query", error_status_code=400)
@blueprint.response(200, LabelListed, example=OF_LABEL)
@surface_errors(400, 503)
def listed(query: dict[str, Any], image_id: str) -> Response:
    """List all of a label's images, newest first; with `limit`, page by page."""
    label = clean_label(image_id)
    limit = query.get("limit")
    page = partial(core().listings.page, ImageQuery(owner=label), caller(), limit=limit or MAX_LIMIT)
    # Before the answer begins, so that a bad cursor and a failing database have a status of their own.
    first = page(cursor=query.get("cursor"))
    if limit is None and first.cursor:
        pieces = stream_with_context(_pieces(label, first, lambda cursor: page(cursor=cursor)))
        return _never_kept(Response(pieces, mimetype="application/json"))
    return _unkept(
        {
            "success": True,
            "image_id": label,
            "count": len(first.images),
            "images": [_described(image, presigned(image)) for image in first.images],
            "cursor": first.cursor,
            "next": next_page(first.cursor),
        }
    )


def _pieces(label: str, listing: Listing, following: Callable[[str], Listing]) -> Iterator[str]:
    """The same answer, as JSON in pieces of one page each, whose memory does not grow with the label.

    Pages are read as the client takes them, with nothing held in between. An error behind the first one ends the answer
    before its last chunk, so that the client knows it for incomplete (RFC 9112, 8).
    """
    text = partial(current_app.json.dumps, separators=(",", ":"))
    yield f'{{"success":true,"image_id":{text(label)},"images":['
    count = len(listing.images)
    yield ",".join(text(_described(image, presigned(image))) for image in listing.images)
    while listing.cursor:
        listing = following(listing.cursor)
        count += len(listing.images)
        yield "".join("," + text(_described(image, presigned(image))) for image in listing.images)
    yield f'],"count":{count},"cursor":null,"next":null}}\n'


def _described(image: Image, url: str) -> dict[str, Any]:
    """An image in the words of this API, with the metadata object's members beside them."""
    return {
        **metadata(image),
        "image_id": image.owner,
        "s3_url": url,
        "file_size": image.current.size,
        "uploaded_at": iso8601(image.created_at),
    }


def _url_after_commit(image: Image) -> str:
    """A URL of an image that has just been stored: an error would deny that it has, so where none can be signed it is
    the service's own.
    """
    try:
        return presigned(image)
    except BackendError as error:
        log.warning("could not sign a URL of a stored image: %s", error.detail or error)
        return absolute(f"/image/{image.key}")


def _unkept(members: dict[str, Any]) -> Response:
    return _never_kept(jsonify(members))


def _never_kept(response: Response) -> Response:
    response.headers["Cache-Control"] = "no-store"  # a cached answer would outlive the URLs in it
    return response
