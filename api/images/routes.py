"""Surface 1: ``/images``. Each route parses, calls the core and answers."""

from __future__ import annotations

from typing import Any

from flask import Response, jsonify, request
from werkzeug.exceptions import UnsupportedMediaType

from api.context import absolute, caller, core, header_caller, located
from api.downloads import precondition
from api.images.bodies import store_encoded, store_upload_form
from api.images.documentation import (
    BEGIN,
    BEGUN_LINKS,
    CHANGES,
    CREATED_LINKS,
    DELETED,
    DOWNLOAD,
    IMAGE_ID,
    PAGE,
    STATUS,
    TICKET,
    UPLOAD_BODY,
    WITH_URL,
)
from api.images.reading import changes, cursor_of, described, named_caller, wanted
from api.images.schemas import (
    BeginUpload,
    DeletedImage,
    DownloadQuery,
    DownloadUrl,
    ImageChanges,
    ImagePage,
    ImageWithUrl,
    ListQuery,
    ReadQuery,
    UploadStatus,
    UploadTicket,
)
from api.openapi import CALLER, CHANGING, operation
from api.problems import documents
from api.representation import METADATA, ImageMetadata, metadata, next_page, presigned
from api.surface import Surface
from services.errors import BackendError, BackendUnavailable, ImageNotFound
from services.listings import Listing
from services.models import READY, Caller, Image
from utils.ids import image_id_of

blueprint = Surface("images", __name__, url_prefix="/images", description="Uploads straight to S3, listing, sharing.")


@blueprint.route("/upload", methods=["POST"])
@operation(
    "beginUpload",
    parameters=CALLER,
    headers={201: ("Cache-Control", "Location")},
    responses={201: {"links": BEGUN_LINKS}},
)
@blueprint.arguments(BeginUpload(), error_status_code=400, example=BEGIN)
@blueprint.response(201, UploadTicket, example=TICKET)
@documents(blueprint, 400, 408, 413, 415, 503, 507)
def begin(body: dict[str, Any]) -> Response:
    """Get a URL that takes one image by PUT. It is visible once its bytes have arrived and were found to be one."""
    ticket = core().direct.begin(
        named_caller(body.get("user_id")),
        content_type=body["content_type"],
        filename=body.get("filename") or "",
        size=body.get("size"),
        fields=described(body),
        expires_in=body.get("expires_in"),
    )
    members: dict[str, Any] = {
        "image_id": ticket.upload.image_id,
        "upload_url": absolute(ticket.url),
        "expires_in": ticket.expires_in,
        "headers": ticket.headers,
    }
    if ticket.post:
        members["post"] = {"url": ticket.post.url, "fields": ticket.post.fields}
    response = _unkept(members, 201)
    response.headers["Location"] = located(f"{blueprint.url_prefix}/{ticket.upload.image_id}/status")
    return response


@blueprint.route("", methods=["POST"])
@operation(
    "createImage",
    parameters=CALLER,
    headers={201: ("Location",)},
    responses={201: {"links": CREATED_LINKS}},
    requestBody=UPLOAD_BODY,
)
@blueprint.response(201, ImageMetadata, example=METADATA)
@documents(blueprint, 400, 408, 413, 415, 422, 503, 507)
def create() -> Response:
    """Store an image from the form field `file`, or from base64 in the JSON member `image`."""
    if request.mimetype == "multipart/form-data":
        image = store_upload_form()
    elif request.is_json:
        image = store_encoded()
    else:
        raise UnsupportedMediaType
    response = jsonify(metadata(image))
    response.status_code = 201
    response.headers["Location"] = located(f"{blueprint.url_prefix}/{image.image_id}")
    return response


@blueprint.route("", methods=["GET"])
@operation("listImages", headers={200: ("Cache-Control", "Link")})
@blueprint.arguments(ListQuery(), location="query", error_status_code=400)
@blueprint.response(200, ImagePage, example=PAGE)
@documents(blueprint, 400, 404, 503)
def listed(query: dict[str, Any]) -> Response:
    """List images, newest first, page by page."""
    asked = wanted(query)
    cursor = cursor_of(query.get("last_key"), empty=asked is None)
    page = Listing((), None)
    if asked is not None:
        # Here user_id says whose images are wanted; who asks is told by the header alone.
        asks = header_caller() or Caller()
        page = core().listings.page(asked, asks, limit=query["limit"], cursor=cursor)
    images = [{**metadata(image), "url": _url(image)} if query["urls"] else metadata(image) for image in page.images]
    last_key = {"cursor": page.cursor} if page.cursor else None
    response = _unkept({"images": images, "count": len(images), "last_key": last_key})
    if following := next_page(page.cursor, "last_key"):
        response.headers["Link"] = f'<{following}>; rel="next"'
    return response


@blueprint.route("/<image:image_id>", methods=["GET"], parameters=[IMAGE_ID])
@operation("describeImage", headers={200: ("Cache-Control",)})
@blueprint.arguments(ReadQuery(), location="query", error_status_code=400)
@blueprint.response(200, ImageWithUrl, example=WITH_URL)
@documents(blueprint, 400, 404, 503)
def read(query: dict[str, Any], image_id: str) -> Response:
    """Read an image's metadata, with a URL that fetches its bytes without credentials."""
    image = core().images.get(image_id_of(image_id))
    expires_in = query.get("expires_in", core().presigned_expiration)
    url = _url(image, expires_in, attachment=query["download"])
    return _unkept({**metadata(image), "url": url, "expires_in": expires_in})


@blueprint.route("/<image:image_id>/download", methods=["GET"], parameters=[IMAGE_ID])
@operation("downloadImage", headers={200: ("Cache-Control",)})
@blueprint.arguments(DownloadQuery(), location="query", error_status_code=400)
@blueprint.response(200, DownloadUrl, example=DOWNLOAD)
@documents(blueprint, 400, 404, 503)
def download(query: dict[str, Any], image_id: str) -> Response:
    """Get a URL that downloads an image without credentials."""
    image = core().images.get(image_id_of(image_id))
    expires_in = query.get("expires_in", core().presigned_expiration)
    return _unkept({"download_url": _url(image, expires_in, attachment=True), "expires_in": expires_in})


@blueprint.route("/<image:image_id>/status", methods=["GET"], parameters=[IMAGE_ID])
@operation("readUploadStatus", headers={200: ("Cache-Control",)})
@blueprint.response(200, UploadStatus, example=STATUS)
@documents(blueprint, 404, 503)
def status(image_id: str) -> Response:
    """Say what became of an upload: pending, ready, or rejected and why."""
    known = image_id_of(image_id)
    try:
        image = core().images.get(known)
    except ImageNotFound:
        upload = core().direct.status(known) if known else None
        if upload is None:
            raise
        answer = {"image_id": known, "status": upload.status}
        return _unkept({**answer, "code": upload.reason_code or None, "reason": upload.reason or None})
    return _unkept({"image_id": image.image_id, "status": READY, "code": None, "reason": None})


@blueprint.route("/<image:image_id>", methods=["PATCH"], parameters=[IMAGE_ID])
@operation("changeImage", parameters=CHANGING)
@blueprint.arguments(ImageChanges(), error_status_code=400, example=CHANGES)
@blueprint.response(200, ImageMetadata, example=METADATA)
@documents(blueprint, 400, 404, 408, 409, 412, 413, 415, 503, 507)
def change(body: dict[str, Any], image_id: str) -> Response:
    """Change an image's title, description, tags or visibility; what is not given stays, null empties."""
    asks = named_caller(body.pop("user_id", None))
    image = core().images.describe(image_id_of(image_id), asks, changes(body), accepts=precondition())
    return jsonify(metadata(image))


@blueprint.route("/<image:image_id>", methods=["DELETE"], parameters=[IMAGE_ID])
@operation("removeImage", parameters=CHANGING)
@blueprint.response(200, DeletedImage, example=DELETED)
@documents(blueprint, 400, 404, 409, 412, 503, 507)
def delete(image_id: str) -> dict[str, Any]:
    """Delete an image; its versions stay and can be restored."""
    image = core().images.delete(image_id_of(image_id), caller(), accepts=precondition())
    return {"message": "Image deleted successfully", "image_id": image.image_id}


def _url(image: Image, expires_in: int | None = None, *, attachment: bool = False) -> str:
    try:
        return presigned(image, expires_in=expires_in, attachment=attachment)
    except BackendError as error:
        # Whatever the cause: the contract has one answer for it, and the log has the cause.
        raise BackendUnavailable(detail=f"presigning failed: {error.detail or error}") from error


def _unkept(members: dict[str, Any], status_code: int = 200) -> Response:
    """An answer that no cache keeps: it would outlive the URLs in it, or the state that it tells."""
    response = jsonify(members)
    response.status_code = status_code
    response.headers["Cache-Control"] = "no-store"
    return response
