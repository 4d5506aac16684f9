"""One tree of domain errors, without HTTP in it; ``api/errors.py`` gives each its status.

    ServiceError
    ├── InvalidInput               the request says something impossible
    │   ├── NoFile                 no file part, or an empty name
    │   └── MalformedBody          the body is not what its headers promise
    ├── Unidentified               nobody is named where the caller must be known
    ├── NotAnImage                 empty, truncated, garbage or header-only bytes
    │   └── TooManyPixels          frames x width x height over the limit
    ├── UnsupportedType            a recognised type that is not stored here
    │   └── ContentTypeMismatch    the declared type contradicts the bytes
    ├── TooLarge                   over the size limit
    ├── ImageNotFound              unknown, foreign or deleted
    │   └── VersionNotFound
    ├── PreconditionFailed         the request's condition does not hold
    ├── AccessDenied               a presigned URL that is forged or expired
    ├── ClientTooSlow              the body came below the minimum rate
    ├── ClientGone                 the connection ended inside the body
    ├── Overloaded                 too much in flight; try later
    └── BackendError               the store or the database
        ├── BackendUnavailable     down, throttling, timed out; try later
        ├── BackendMisconfigured   no such bucket, no permission; an operator must act
        ├── StorageFull            no room left
        ├── ObjectNotFound         the store has no such object version
        ├── DuplicateImage         the repository has that id already
        └── VersionConflict        the row changed since it was read

Every class has a stable ``code`` (snake_case). ``str(error)`` is one line for the caller that says what to do and holds
nothing internal; what only an operator may read is in ``detail``, which is logged and never answered.
"""

from __future__ import annotations


class ServiceError(Exception):
    """Base of all domain errors: ``message`` is for the caller, ``detail`` for the log only."""

    code = "internal_error"
    message = "The service failed to handle the request; try again, and report the request id if it persists."
    retry_after: int | None = None
    """Seconds after which the caller may try again, where trying again can help."""

    def __init__(self, message: str | None = None, *, code: str | None = None, detail: str = "") -> None:
        self.message = message or type(self).message
        self.code = code or type(self).code
        self.detail = detail
        super().__init__(self.message)


class InvalidInput(ServiceError):
    """The request says something that can not be."""

    code = "invalid_input"
    message = "The request is not valid."


class NoFile(InvalidInput):
    """There is no file in the request; the message is the one that clients of seed 000 read."""

    code = "no_file"
    message = "no file provided"


class MalformedBody(InvalidInput):
    """The body does not parse as what its headers promise."""

    code = "malformed_body"
    message = "The request body is malformed; send multipart/form-data with a boundary and CRLF line ends."


class Unidentified(ServiceError):
    """The request does not say who asks, and has to."""

    code = "unauthorized"
    message = "The request does not say who asks; name the user in the X-User-ID header."


class NotAnImage(ServiceError):
    """The bytes are not a whole image."""

    code = "not_an_image"
    message = "The bytes are not a complete image; send a whole JPEG, PNG, GIF, WebP, BMP, TIFF or AVIF file."


class TooManyPixels(NotAnImage):
    """frames x width x height is over ``MAX_PIXELS``."""

    code = "too_many_pixels"
    message = "The image has too many pixels."


class UnsupportedType(ServiceError):
    """A type that the service recognises and does not store."""

    code = "unsupported_type"
    message = "This file type is not supported; send JPEG, PNG, GIF, WebP, BMP, TIFF or AVIF."


class ContentTypeMismatch(UnsupportedType):
    """The declared image type contradicts the bytes (``STRICT_CONTENT_TYPE``, presigned uploads)."""

    code = "content_type_mismatch"
    message = "The declared content type contradicts the bytes."


class TooLarge(ServiceError):
    """More bytes than ``MAX_FILE_SIZE``."""

    code = "too_large"
    message = "The file is too large."


class ImageNotFound(ServiceError):
    """No such image for this caller; the same words for unknown, foreign and deleted."""

    code = "not_found"
    message = "No image with this key."


class VersionNotFound(ImageNotFound):
    """The image has no such version."""

    code = "version_not_found"
    message = "This image has no version with this id; GET /image/<key>/versions lists them."


class PreconditionFailed(ServiceError):
    """``If-Match``, ``If-None-Match`` or ``If-Unmodified-Since`` does not hold for the image as it is now."""

    code = "precondition_failed"
    message = (
        "The request's condition (If-Match, If-None-Match or If-Unmodified-Since) does not hold for the image as it is"
        " now. Read it again and retry."
    )


class AccessDenied(ServiceError):
    """A presigned URL that is forged, expired or used for something else."""

    code = "access_denied"
    message = "This URL is not valid: it was altered, has expired or was signed for another use."


class ClientTooSlow(ServiceError):
    """The body arrived below the minimum rate."""

    code = "client_too_slow"
    message = "The request body arrived too slowly; retry on a better connection."


class ClientGone(ServiceError):
    """The connection ended before the body did; usually nobody is left to read the answer."""

    code = "incomplete_body"
    message = "The request body ended before its announced length; send it again."


class Overloaded(ServiceError):
    """The process holds as many upload bytes as it may."""

    code = "overloaded"
    message = "Too many uploads are in progress; retry after the time in Retry-After."
    retry_after = 2


class BackendError(ServiceError):
    """Something behind the service failed."""


class BackendUnavailable(BackendError):
    """The store or the database is down, throttling or timing out."""

    code = "backend_unavailable"
    message = "The storage behind the service is not answering; retry after the time in Retry-After."
    retry_after = 5


class BackendMisconfigured(BackendError):
    """No such bucket, wrong credentials, missing permission: retrying can not help, an operator must act."""

    code = "backend_misconfigured"
    message = "The service is misconfigured; its operators find the cause in the log under this request id."


class StorageFull(BackendError):
    """No room is left in the store."""

    code = "storage_full"
    message = "The service has no storage left; nothing was stored."


class ObjectNotFound(BackendError):
    """The store has no object, or no such version of it."""

    code = "object_missing"
    message = "The bytes of this image are missing from the store; its operators find more in the log."


class DuplicateImage(BackendError):
    """The repository has an image with this id already."""

    code = "duplicate_image"
    message = "An image with this id exists already."


class VersionConflict(BackendError):
    """The row's current version is not the expected one: somebody else wrote in between."""

    code = "version_conflict"
    message = "The image was changed by somebody else at the same moment; read it again and retry."
