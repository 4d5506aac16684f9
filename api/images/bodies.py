"""Surface 1's two ways to send bytes through the service: a form, and JSON with base64."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from flask import request
from marshmallow import ValidationError
from werkzeug.exceptions import BadRequest

from api.context import caller, core
from api.images.reading import described, expectation, named_caller
from api.images.schemas import EncodedUpload
from api.uploads import MAX_FIELD_BYTES, body_chunks, store_form
from services.errors import InvalidInput, MalformedBody, NoFile, TooLarge
from services.models import Image, UploadFields
from services.uploads import Upload
from utils.base64_stream import Base64Error, Base64Stream
from utils.json_stream import JsonLimitError, JsonSyntaxError, MemberStream

IMAGE_MEMBER = "image"


class FormFields:
    """The fields of surface 1's form beside the common ones."""

    names = frozenset(("user_id", "width", "height", "visibility"))

    def apply(self, upload: Upload, texts: Mapping[str, Sequence[str]], fields: UploadFields) -> UploadFields:
        """See ``api.uploads.Extras``."""
        for name in self.names & texts.keys():
            if len(texts[name]) > 1:
                raise InvalidInput(f"{name} is given more than once.", code="invalid_field")
        # A page sends every field of its form, the empty ones too.
        given = {name: texts[name][0] for name in self.names & texts.keys() if name == "user_id" or texts[name][0]}
        members = _validated(given)
        owner = named_caller(members.get("user_id")).owner
        upload.learn(owner=owner, expects=expectation(members.get("width"), members.get("height"), None))
        return replace(fields, visibility=members.get("visibility"))


def store_upload_form() -> Image:
    """Store the form's ``file``; errors as for ``api.uploads.store_form``."""
    return store_form(_open, core().uploads.limits.refuse_size, extras=FormFields())


def store_encoded() -> Image:
    """Store the base64 in the member ``image`` of a JSON body, decoded as it arrives.

    :raises NoFile: when there is no such member.
    :raises MalformedBody, InvalidInput: when the JSON, the base64 or another member is not valid.
    :raises TooLarge: as soon as more bytes than allowed have been decoded, or can not but follow.
    """
    limits = core().uploads.limits
    # Four letters for three bytes, and some room for line breaks and for escaped slashes.
    bound = limits.max_file_size * 3 // 2 + MAX_FIELD_BYTES
    if (request.content_length or 0) > bound:
        limits.refuse_size(request.content_length or 0)
    stream, decoder = MemberStream(IMAGE_MEMBER, limit=MAX_FIELD_BYTES), Base64Stream()
    received = 0
    with _open(filename="", declared_type=None) as upload:
        try:
            for chunk in body_chunks():
                received += len(chunk)
                if received > bound:
                    limits.refuse_size(received)
                for piece in stream.feed(chunk):
                    if data := decoder.feed(piece):
                        upload.write(data)
            members = _members(stream, decoder)
        except JsonLimitError as error:
            raise TooLarge(f"The request body is too large: {error}.") from error
        except JsonSyntaxError as error:
            raise MalformedBody(f"The request body is malformed: {error}.") from error
        except Base64Error as error:
            raise InvalidInput(f"image is not base64: {error}.", code="invalid_base64") from error
        return _commit(upload, members, decoder.media_type)


def _open(*, filename: str, declared_type: str | None) -> Upload:
    upload = core().uploads.new(caller(), filename=filename, declared_type=declared_type)
    # The owner, and with JSON the file name, may come behind the bytes.
    upload.wait_for_names()
    return upload


def _members(stream: MemberStream, decoder: Base64Stream) -> dict[str, Any]:
    members = stream.finish()
    if not stream.seen:
        if members.get(IMAGE_MEMBER) is not None:
            raise InvalidInput("image is not a string; send base64.", code="invalid_base64")
        raise NoFile
    decoder.finish()
    return _validated(members)


def _commit(upload: Upload, members: Mapping[str, Any], media_type: str) -> Image:
    size = members.get("size")
    if size is not None and size != upload.size:
        raise InvalidInput(f"size is {size}, and image decodes to {upload.size} bytes.", code="invalid_field")
    core().uploads.limits.refuse_media(media_type)
    declared = members.get("content_type") or media_type or None
    upload.learn(
        owner=named_caller(members.get("user_id")).owner,
        filename=members.get("filename"),
        expects=expectation(members.get("width"), members.get("height"), declared),
    )
    return upload.commit(described(members))


def _validated(members: Mapping[str, Any]) -> dict[str, Any]:
    try:
        loaded: dict[str, Any] = EncodedUpload().load(members)
    except ValidationError as error:
        # As for every body that a schema reads: the error handler shows each member's problem.
        refusal = BadRequest()
        refusal.data = {"messages": {"json": error.messages}}  # type: ignore[attr-defined]
        raise refusal from error
    return loaded
