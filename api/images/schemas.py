"""Surface 1's requests and answers, as the OpenAPI document shows them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from marshmallow import EXCLUDE, Schema, ValidationError, fields, validate

from api.arguments import Flag, WholeNumber
from api.members import DESCRIPTION, FILE_NAME, JOINED_TAGS, OWNER, TAG, TAGS, TITLE
from api.openapi import Answer
from api.representation import ImageMetadata
from services.listings import MAX_LIMIT
from services.models import PENDING, READY, REJECTED, VISIBILITIES

MAX_PRESIGN_SECONDS = 604800
DEFAULT_LIMIT = 20


def refuse_other_tags(value: Any) -> None:
    """Refuse what is neither a text nor a list of texts."""
    if not isinstance(value, str) and not (isinstance(value, list) and all(isinstance(tag, str) for tag in value)):
        raise ValidationError("Not a list of strings, nor a comma-separated string.")


def _tags() -> fields.Raw:
    return fields.Raw(
        allow_none=True,
        validate=refuse_other_tags,
        metadata={"description": "A list, or a comma-separated string.", "oneOf": [*TAGS, {"type": "null"}]},
    )


def _text(keywords: Mapping[str, Any], description: str = "") -> fields.String:
    return fields.String(
        allow_none=True, metadata={**keywords, **({"description": description} if description else {})}
    )


def _visibility() -> fields.String:
    return fields.String(
        allow_none=True,
        validate=validate.OneOf(VISIBILITIES),
        metadata={"description": "`private` is for the owner, `public` for every caller that proved who it is."},
    )


class Whole(WholeNumber):
    """An integer as JSON Schema knows it: `2.0` is one, `2.5` is none."""

    def _validated(self, value: Any) -> int:
        if isinstance(value, float):
            if not value.is_integer():
                raise self.make_error("invalid", input=value)
            value = int(value)
        return super()._validated(value)


def _pixels() -> fields.Integer:
    return Whole(
        allow_none=True,
        validate=validate.Range(min=1),
        metadata={"description": "Pixels, as stored or as shown; 422 when the bytes say otherwise."},
    )


class ForwardCompatible(Schema):
    """Requests whose unknown members are ignored: clients of two earlier services send more than is read here."""

    class Meta:
        """See above."""

        unknown = EXCLUDE


class BeginUpload(ForwardCompatible):
    """Body of ``POST /images/upload``."""

    user_id = _text(OWNER, "Who will own the image; must agree with X-User-ID.")
    content_type = fields.String(
        required=True,
        validate=validate.Length(1, 255),
        metadata={"description": "What the PUT will say, to the letter.", "example": "image/jpeg"},
    )
    filename = _text(FILE_NAME)
    size = Whole(
        allow_none=True, strict=True, validate=validate.Range(min=1), metadata={"description": "Bytes, where known."}
    )
    title = _text(TITLE)
    description = _text(DESCRIPTION)
    tags = _tags()
    visibility = _visibility()
    expires_in = Whole(
        allow_none=True,
        strict=True,
        validate=validate.Range(1, MAX_PRESIGN_SECONDS),
        metadata={"description": "Life of the URL, in seconds."},
    )


class FormTarget(Answer):
    """A POST policy: the fields go into a form before the file."""

    url = fields.String(required=True)
    fields_ = fields.Dict(
        keys=fields.String(), values=fields.String(), required=True, data_key="fields", attribute="fields"
    )


class UploadTicket(Answer):
    """What ``POST /images/upload`` answers."""

    image_id = fields.UUID(required=True)
    upload_url = fields.String(required=True, metadata={"description": "Takes the bytes by PUT, without credentials."})
    expires_in = fields.Integer(required=True, metadata={"description": "Seconds."})
    headers = fields.Dict(
        keys=fields.String(),
        values=fields.String(),
        required=True,
        metadata={"description": "What the PUT must send; the URL is signed for them."},
    )
    post = fields.Nested(
        FormTarget, metadata={"description": "The same as a form, which also caps the size; on S3 only."}
    )


class EncodedUpload(ForwardCompatible):
    """A JSON ``POST /images`` without ``image``, and the fields of its form."""

    user_id = _text(OWNER, "Who will own the image; must agree with X-User-ID.")
    filename = _text(FILE_NAME)
    content_type = _text({}, "The declared type; compared with the bytes only with `STRICT_CONTENT_TYPE`.")
    title = _text(TITLE)
    description = _text(DESCRIPTION)
    tags = _tags()
    visibility = _visibility()
    width = _pixels()
    height = _pixels()
    size = Whole(
        allow_none=True,
        strict=True,
        validate=validate.Range(min=0),
        metadata={"description": "Bytes after decoding; 400 when the data say otherwise."},
    )


_MOMENT: dict[str, Any] = {"anyOf": [{"format": "date"}, {"format": "date-time"}], "example": "2026-11-21"}


class ListQuery(ForwardCompatible):
    """Query arguments of ``GET /images``."""

    user_id = fields.String(
        metadata={**OWNER, "description": "Whose images; without it everybody's (authentication is off)."}
    )
    tag = fields.List(
        fields.String(metadata=TAG), metadata={"description": "One tag; may be repeated, all must match."}
    )
    tags = fields.List(
        fields.String(metadata=JOINED_TAGS), metadata={"description": "Comma-separated; all must match."}
    )
    title = fields.String(metadata={**TITLE, "description": "Whole words of the title, in any case; all must match."})
    since = fields.String(
        metadata={**_MOMENT, "description": "The first moment of the upload; without an offset, UTC."}
    )
    until = fields.String(metadata={**_MOMENT, "description": "The first moment that is too late."})
    limit = WholeNumber(
        load_default=DEFAULT_LIMIT, validate=validate.Range(1, MAX_LIMIT), metadata={"description": "Most images."}
    )
    last_key = fields.String(
        metadata={"description": "Of the page before, from the same query: the JSON object, or the cursor in it."}
    )
    urls = Flag("Give each image a presigned `url`.")


class ReadQuery(ForwardCompatible):
    """Query arguments of ``GET /images/<image_id>``."""

    download = Flag("Make `url` serve an attachment.")
    expires_in = WholeNumber(
        validate=validate.Range(1, MAX_PRESIGN_SECONDS), metadata={"description": "Life of the URL, in seconds."}
    )


class DownloadQuery(ForwardCompatible):
    """Query arguments of ``GET /images/<image_id>/download``."""

    expires_in = WholeNumber(
        validate=validate.Range(1, MAX_PRESIGN_SECONDS), metadata={"description": "Life of the URL, in seconds."}
    )


class ImageChanges(Schema):
    """Body of ``PATCH /images/<image_id>``: what is given changes, null empties, anything else is refused."""

    user_id = _text(OWNER, "Who asks; must agree with X-User-ID.")
    title = _text(TITLE)
    description = _text(DESCRIPTION)
    tags = _tags()
    visibility = _visibility()


class ImageWithUrl(ImageMetadata):
    """The metadata object and a URL for the bytes."""

    url = fields.String(required=True, metadata={"description": "Fetches the bytes without credentials."})
    expires_in = fields.Integer(required=True, metadata={"description": "Life of `url`, in seconds."})


class JsonUpload(EncodedUpload):
    """A JSON ``POST /images`` as a whole, for the document only: ``image`` is decoded as it arrives."""

    image = fields.String(
        required=True,
        metadata={"format": "byte", "description": "Base64, standard or URL-safe, or a data: URL."},
    )


class PageImage(ImageMetadata):
    """One image of a listing."""

    url = fields.String(metadata={"description": "Fetches the bytes without credentials; with `urls=1`."})


class LastKey(Answer):
    """Where the next page begins."""

    cursor = fields.String(required=True, metadata={"description": "Opaque."})


class ImagePage(Answer):
    """What ``GET /images`` answers."""

    images = fields.List(fields.Nested(PageImage), required=True)
    count = fields.Integer(required=True, metadata={"description": "How many images this page has."})
    last_key = fields.Nested(
        LastKey,
        required=True,
        allow_none=True,
        metadata={"description": "Where the next page begins; null on the last."},
    )


class DownloadUrl(Answer):
    """What ``GET /images/<image_id>/download`` answers."""

    download_url = fields.String(required=True)
    expires_in = fields.Integer(required=True, metadata={"description": "Seconds."})


class DeletedImage(Answer):
    """What a delete answers."""

    message = fields.String(required=True)
    image_id = fields.UUID(required=True)


class UploadStatus(Answer):
    """What became of an upload."""

    image_id = fields.UUID(required=True)
    status = fields.String(required=True, validate=validate.OneOf((PENDING, READY, REJECTED)))
    code = fields.String(
        required=True, allow_none=True, metadata={"description": "Why the bytes were refused, as in problems."}
    )
    reason = fields.String(required=True, allow_none=True, metadata={"description": "The same in words."})
