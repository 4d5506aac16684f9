"""Surface 3, the JSON half: uploads under a label, its latest image, all its images.

``image_id`` in this API is the caller's own label for a set of uploads, which the core knows as their owner; the
image's own id is in ``key``, with which every other surface finds it.
"""

from __future__ import annotations

import logging
from functools import partial
from typing import Any

from flask import Response, jsonify

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
    """List a label's images, newest first."""
    label = clean_label(image_id)
    page = core().listings.page(ImageQuery(owner=label), caller(), limit=query["limit"], cursor=query.get("cursor"))
    return _unkept(
        {
            "success": True,
            "image_id": label,
            "count": len(page.images),
            "images": [_described(image, presigned(image)) for image in page.images],
            "cursor": page.cursor,
            "next": next_page(page.cursor),
        }
    )


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
    response = jsonify(members)
    response.headers["Cache-Control"] = "no-store"  # a cached answer would outlive the URL in it
    return response
