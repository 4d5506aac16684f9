"""Surface 0: ``/upload``, ``/image``, ``/update``, ``/delete``. Each route parses, calls the core and answers."""

from __future__ import annotations

from functools import partial
from typing import Any

from flask import Response, current_app, jsonify, request

from api.context import absolute, caller, core, located
from api.downloads import CURRENT, PINNED, disposition, etag_of, precondition, send_version
from api.openapi import CALLER, CHANGING, KEPT, READING, SENT, operation
from api.plain import PlainResponse
from api.primary.schemas import (
    DELETED,
    FORM_BODY,
    FORM_OR_RAW_BODY,
    IMAGE_BYTES,
    IMAGE_RANGE,
    KEY_PARAMETER,
    RESTORE,
    STORED_IMAGE,
    STORED_LINKS,
    VERSIONS,
    VERSIONS_LINKS,
    Deleted,
    ImageQuery,
    PresignedUrl,
    RestoreRequest,
    StoredImage,
    Versions,
)
from api.problems import documents
from api.surface import Surface
from api.uploads import store_body, store_form
from services.errors import PreconditionFailed
from services.models import Image, ImageVersion
from services.names import download_name
from utils.clock import iso8601
from utils.ids import image_id_of

blueprint = Surface("primary", __name__, description="Upload, read, replace, delete, restore and presign images.")


@blueprint.route("/upload", methods=["POST"])
@operation(
    "uploadImage",
    parameters=CALLER,
    headers={201: ("Location",)},
    responses={201: {"links": STORED_LINKS}},
    requestBody=FORM_BODY,
)
@blueprint.response(201, StoredImage, example=STORED_IMAGE)
@documents(blueprint, 400, 408, 413, 415, 422, 503, 507)
def upload() -> Response:
    """Store an image from the form field `file`."""
    uploads = core().uploads
    image = store_form(partial(uploads.new, caller()), uploads.limits.refuse_size)
    response = stored(image)
    response.status_code = 201
    response.headers["Location"] = located(f"/image/{image.key}")
    return response


@blueprint.route("/image/<key>", methods=["GET"], parameters=[KEY_PARAMETER])
@operation(
    "readImage",
    parameters=READING,
    headers={200: (*SENT, "Last-Modified"), 206: (*SENT, "Last-Modified", "Content-Range"), 304: KEPT},
    responses={200: IMAGE_BYTES, 206: IMAGE_RANGE, 304: {"description": "Not modified."}},
)
@blueprint.arguments(ImageQuery(), location="query", error_status_code=400)
@blueprint.response(200, description="The image.", content_type="image/*")
@documents(blueprint, 400, 404, 412, 416, 503)
def read(query: dict[str, Any], key: str) -> Response:
    """Read an image's bytes, or with `presign=1` get a URL that reads them without credentials."""
    image, version = _chosen(key, query.get("version"))
    if query["presign"]:
        return _presigned(image, version, query)
    return send_version(
        image,
        version,
        lambda byte_range: core().images.open(image, version, byte_range),
        attachment=query["download"],
        cache_control=PINNED if "version" in query else CURRENT,
    )


@blueprint.route("/update/<key>", methods=["PUT"], parameters=[KEY_PARAMETER])
@operation("replaceImage", parameters=CHANGING, requestBody=FORM_OR_RAW_BODY)
@blueprint.response(200, StoredImage, example=STORED_IMAGE)
@documents(blueprint, 400, 404, 408, 409, 412, 413, 415, 422, 503, 507)
def update(key: str) -> Response:
    """Replace an image's bytes; the earlier ones stay as a version."""
    services = core()
    image = services.images.for_change(image_id_of(key), caller())
    accepts = precondition()
    if accepts and not accepts(image):
        raise PreconditionFailed
    opener = partial(services.uploads.replacement, image, accepts=accepts)
    receive = store_form if request.mimetype == "multipart/form-data" else store_body
    return stored(receive(opener, services.uploads.limits.refuse_size))


@blueprint.route("/delete/<key>", methods=["DELETE"], parameters=[KEY_PARAMETER])
@operation("deleteImage", parameters=CHANGING)
@blueprint.response(200, Deleted, example=DELETED)
@documents(blueprint, 400, 404, 409, 412, 503, 507)
def delete(key: str) -> dict[str, Any]:
    """Delete an image; its versions stay and can be restored."""
    image = core().images.delete(image_id_of(key), caller(), accepts=precondition())
    return {"key": image.key, "deleted": True}


@blueprint.route("/image/<key>/versions", methods=["GET"], parameters=[KEY_PARAMETER])
@operation("listVersions", responses={200: {"links": VERSIONS_LINKS}})
@blueprint.response(200, Versions, example=VERSIONS)
@documents(blueprint, 404, 503)
def versions(key: str) -> dict[str, Any]:
    """List an image's versions and delete markers, newest first; also of a deleted image."""
    found = core().images.versions(image_id_of(key))
    return {"versions": [_listed(version, is_latest=place == 0) for place, version in enumerate(found)]}


@blueprint.route("/image/<key>/restore", methods=["POST"], parameters=[KEY_PARAMETER])
@operation("restoreVersion", parameters=CHANGING)
@blueprint.arguments(RestoreRequest(), error_status_code=400, example=RESTORE)
@blueprint.response(200, StoredImage, example=STORED_IMAGE)
@documents(blueprint, 400, 404, 408, 409, 412, 413, 415, 503, 507)
def restore(body: dict[str, Any], key: str) -> Response:
    """Make an earlier version's bytes the newest version; this also undoes a delete."""
    return stored(core().images.restore(image_id_of(key), body["version_id"], caller(), accepts=precondition()))


def stored(image: Image) -> Response:
    """What tells a caller about an image it has just stored: the members of ``StoredImage``.

    Every member is JSON already; passing each through the schema would cost an upload a twentieth of its time. A test
    holds the two together.
    """
    version = image.current
    members = {
        "key": image.key,
        "image_id": image.image_id,
        "url": absolute(f"/image/{image.key}"),
        "content_type": version.content_type,
        "size": version.size,
        "width": version.width,
        "height": version.height,
        "frames": version.frames,
        "orientation": version.orientation,
        "sha256": version.sha256,
        "etag": etag_of(version),
        "version_id": version.version_id,
        "title": image.title,
        "description": image.description,
        "tags": list(image.tags),
        "original_filename": image.filename,
        "created_at": iso8601(image.created_at),
        "updated_at": iso8601(image.updated_at),
    }
    text = current_app.json.dumps(members, separators=(",", ":"))
    return PlainResponse(text + "\n", mimetype="application/json")


def _chosen(key: str, version_id: str | None) -> tuple[Image, ImageVersion]:
    images = core().images
    if version_id is not None:
        return images.version(image_id_of(key), version_id)
    image = images.get(image_id_of(key))
    return image, image.current


def _presigned(image: Image, version: ImageVersion, query: dict[str, Any]) -> Response:
    expires_in = query.get("expires_in", core().presigned_expiration)
    url = core().images.presign(
        image,
        version,
        expires_in=expires_in,
        disposition=disposition(download_name(image.filename, version.content_type), attachment=query["download"]),
    )
    response = jsonify(PresignedUrl().dump({"url": absolute(url), "expires_in": expires_in}))
    response.headers["Cache-Control"] = "no-store"  # a cached answer would outlive the URL in it
    return response


def _listed(version: ImageVersion, *, is_latest: bool) -> dict[str, Any]:
    return {
        "version_id": version.version_id,
        "size": version.size,
        "sha256": version.sha256 or None,
        "content_type": version.content_type or None,
        "created_at": iso8601(version.created_at),
        "is_latest": is_latest,
        "deleted": version.deleted,
    }
