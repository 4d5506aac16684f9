"""From a request's body to the core, as it arrives. The only file that touches ``request.stream``.

Nothing here reads a body whole: no ``request.files``, ``request.form`` or ``get_data()``, which would spool to memory
or to a temporary file before the first check.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from typing import Protocol

from flask import request
from werkzeug.exceptions import ClientDisconnected

from services.errors import (
    ClientGone,
    ClientTooSlow,
    ContentTypeMismatch,
    InvalidInput,
    MalformedBody,
    NoFile,
    ServiceError,
    TooLarge,
)
from services.models import Image, ObjectAttributes, UploadFields
from services.names import clean_description, clean_title, split_tags
from services.ports import AccessGrant, ObjectStore
from services.uploads import Upload
from utils.multipart import FormLimitError, FormSyntaxError, Part, boundary_of, parse_form
from utils.trace import count_bytes_in

READ_SIZE = 256 * 1024
FILE_FIELD = "file"
MAX_FIELD_BYTES = 64 * 1024
"""All form fields of one upload together; also what a form may be longer than its file."""

_COMMON_FIELDS = frozenset(("title", "description", "tags"))


class Opener(Protocol):
    """Begins an upload in the core, once the request has told what it knows about the file."""

    def __call__(self, *, filename: str, declared_type: str | None) -> Upload:
        """See ``services.uploads.Uploads``."""


class Extras(Protocol):
    """Form fields that one surface takes beside ``title``, ``description`` and ``tags``."""

    names: frozenset[str]

    def apply(self, upload: Upload, texts: Mapping[str, Sequence[str]], fields: UploadFields) -> UploadFields:
        """Tell ``upload`` what the fields that have come by now say; returns ``fields`` with what belongs there.

        Called before the file's first byte and again before the commit. Raises ``InvalidInput``.
        """


def store_form(
    open_upload: Opener,
    refuse_size: Callable[[int], None],
    *,
    default_title: str | None = None,
    extras: Extras | None = None,
) -> Image:
    """Store the ``file`` part of a ``multipart/form-data`` body; commit after the last field has been validated.

    :param refuse_size: raises ``TooLarge`` for a file of that many bytes.
    :param default_title: the title of an image whose form has no such field.
    :param extras: the surface's further fields; without it a form's ``user_id`` is refused.
    :raises NoFile: when there is no such part, it has no file name, or the body is no form.
    :raises MalformedBody, InvalidInput: when the form or one of its fields is not valid.
    """
    content_type, length = request.content_type or "", request.content_length
    if content_type.partition(";")[0].strip().lower() != "multipart/form-data":
        raise NoFile
    if length == 0:
        raise NoFile
    if length is not None:
        # What the fields may take is allowed on top; the exact limit is enforced while reading.
        refuse_size(length - MAX_FIELD_BYTES)
    form = _Form(open_upload, extras)
    with form.stack:
        try:
            boundary = boundary_of(content_type)
            chunks = body_chunks()
            for event in parse_form(chunks, boundary):
                form.take(event)
            _drop_epilogue(chunks)
        except FormLimitError as error:
            raise MalformedBody(f"The form is over a limit: {error}.", code="form_too_complex") from error
        except FormSyntaxError as error:
            raise MalformedBody(f"The multipart body is malformed: {error}.") from error
        if form.upload is None:
            raise NoFile
        fields = form.applied(form.upload)
        if fields.title is None:
            fields = replace(fields, title=default_title)
        return form.upload.commit(fields)


def store_body(open_upload: Opener, refuse_size: Callable[[int], None]) -> Image:
    """Store the request's raw body as the file.

    :raises NoFile: when the body is empty.
    """
    length = request.content_length
    if length is not None:
        refuse_size(length)
    with ExitStack() as stack:
        upload: Upload | None = None
        for chunk in body_chunks():
            if upload is None:
                upload = stack.enter_context(open_upload(filename="", declared_type=request.mimetype or None))
            upload.write(chunk)
        if upload is None:
            raise NoFile
        return upload.commit()


def store_grant(grant: AccessGrant, store: ObjectStore) -> str:
    """Store the request's raw body as the object that a presigned URL allows; returns the version's id.

    Nothing is inspected here: what arrives becomes an image only after the core has checked it.

    :raises ContentTypeMismatch: unless the Content-Type is exactly the signed one.
    :raises TooLarge: over the signed size.
    """
    if request.mimetype != grant.content_type.lower():
        raise ContentTypeMismatch(f"This URL takes a body of Content-Type {grant.content_type} only.")
    if (request.content_length or 0) > grant.max_size:
        raise TooLarge(f"This URL takes at most {grant.max_size} bytes.")
    writer = store.writer(grant.key, ObjectAttributes(grant.content_type))
    received = 0
    try:
        for chunk in body_chunks():
            received += len(chunk)
            if received > grant.max_size:
                raise TooLarge(f"This URL takes at most {grant.max_size} bytes.")
            writer.write(chunk)
        return writer.commit()
    except BaseException:
        writer.abort()
        raise


def small_body() -> bytes:
    """The request's body, for the JSON requests, which are small; at most 64 KiB.

    :raises TooLarge: as soon as it is known to be larger.
    """
    if (request.content_length or 0) > MAX_FIELD_BYTES:
        raise TooLarge(f"The request body is larger than {MAX_FIELD_BYTES} bytes.")
    body = bytearray()
    for chunk in body_chunks():
        body += chunk
        if len(body) > MAX_FIELD_BYTES:
            raise TooLarge(f"The request body is larger than {MAX_FIELD_BYTES} bytes.")
    return bytes(body)


def body_chunks() -> Iterator[bytes]:
    """The request's body in pieces of at most 256 KiB.

    :raises ClientGone: when the connection ends before the announced length or the last chunk.
    :raises ClientTooSlow: when the server gave up waiting for more.
    :raises MalformedBody: when the chunked framing is broken.
    """
    announced, stream = request.content_length, request.stream
    # What is there, where the server can tell: waiting for a whole piece, a wrong file would be refused a piece too
    # late, which from a slow client is minutes.
    read: Callable[[int], bytes] = getattr(stream, "read1", stream.read)
    received = 0
    while piece := _read(read):
        received += len(piece)
        count_bytes_in(len(piece))
        yield piece
    if announced is not None and received < announced:
        raise ClientGone


def _drop_epilogue(chunks: Iterator[bytes]) -> None:
    """Read what stands behind a form's closing boundary (RFC 2046, 5.1.1), so that a body that was cut there, or whose
    framing is broken, is not taken for whole.
    """
    dropped = 0
    for chunk in chunks:
        dropped += len(chunk)
        if dropped > MAX_FIELD_BYTES:
            raise MalformedBody("There is more behind the form's closing boundary; end the body there.")


def _read(read: Callable[[int], bytes]) -> bytes:
    try:
        return read(READ_SIZE)
    except ServiceError:
        raise
    except TimeoutError as error:
        raise ClientTooSlow from error
    except (OSError, ClientDisconnected) as error:
        raise ClientGone from error
    except Exception as error:
        # The server's own classes for broken chunk framing, which differ between servers and derive from Exception.
        raise MalformedBody("The chunked request body is malformed.") from error


class _Form:
    """The parts of one form as they come: at most one file, which goes straight to the core, and a few small fields."""

    def __init__(self, open_upload: Opener, extras: Extras | None) -> None:
        self.stack = ExitStack()
        self.upload: Upload | None = None
        self._open_upload = open_upload
        self._extras = extras
        self._taken = _COMMON_FIELDS | (extras.names if extras else frozenset())
        self._into_file = False
        self._misnamed = False
        self._field = ""
        self._value = bytearray()
        self._field_bytes = 0
        self._texts: dict[str, list[str]] = {}

    def take(self, event: Part | bytes | None) -> None:
        """One event of the parser, in order."""
        if isinstance(event, Part):
            self._begin(event)
        elif event is None:
            self._end()
        elif self._into_file and self.upload is not None:
            self.upload.write(event)
        else:
            self._field_bytes += len(event)
            if self._field_bytes > MAX_FIELD_BYTES:
                if self._misnamed and self.upload is None:
                    raise NoFile  # not "too large", which a photograph under another name is as well
                raise TooLarge(f"The form's fields are larger than {MAX_FIELD_BYTES} bytes together.")
            self._value += event

    def fields(self) -> UploadFields:
        """The validated fields."""
        return UploadFields(
            title=clean_title(self._single("title")) if "title" in self._texts else None,
            description=clean_description(self._single("description")) if "description" in self._texts else None,
            tags=split_tags(",".join(self._texts["tags"])) if "tags" in self._texts else None,
        )

    def applied(self, upload: Upload) -> UploadFields:
        """The validated fields, after the surface's own have been told to ``upload``."""
        fields = self.fields()
        return self._extras.apply(upload, self._texts, fields) if self._extras else fields

    def _begin(self, part: Part) -> None:
        self._into_file = part.name == FILE_FIELD and part.filename is not None
        if not self._into_file:
            self._field, self._value = part.name, bytearray()
            self._misnamed = part.name not in self._taken and (part.filename is not None or part.name == FILE_FIELD)
            return
        if not part.filename:
            raise NoFile
        if self.upload is not None:
            raise MalformedBody(
                "The form has more than one file part; send one image in a request.", code="duplicate_file"
            )
        self.fields()  # what came before the file is refused before its bytes are read
        self.upload = self.stack.enter_context(
            self._open_upload(filename=part.filename, declared_type=part.content_type)
        )
        self.applied(self.upload)

    def _end(self) -> None:
        if self._into_file:
            self._into_file = False
            return
        if self._field == "user_id" and "user_id" not in self._taken:
            # Ignoring it would store or change in another name than the caller believes.
            raise InvalidInput(
                "Name the user in X-User-ID or in the query's user_id, not in the form.", code="invalid_field"
            )
        if self._field in self._taken:
            try:
                self._texts.setdefault(self._field, []).append(self._value.decode("utf-8"))
            except UnicodeDecodeError as error:
                raise InvalidInput(f"{self._field} is not UTF-8.", code="invalid_field") from error

    def _single(self, name: str) -> str:
        values = self._texts[name]
        if len(values) > 1:
            raise InvalidInput(f"{name} is given more than once.", code="invalid_field")
        return values[0]
