"""What boto3 and obstore raise, read in one place and turned into domain errors.

Both say the same things in different forms: an S3 error code (from the XML body), an HTTP status, or that the server
was never reached. ``diagnose`` reduces either to a ``Failure``; everything else here works on that.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import botocore.exceptions as boto
import urllib3.exceptions
from boto3.exceptions import Boto3Error
from botocore.parsers import ResponseParserError
from obstore import exceptions as obstore_exceptions

from services.errors import (
    BackendMisconfigured,
    BackendUnavailable,
    InvalidInput,
    ObjectNotFound,
    ServiceError,
    StorageFull,
    TooLarge,
    VersionConflict,
)

SDK_ERRORS: tuple[type[Exception], ...] = (
    boto.BotoCoreError,
    boto.ClientError,
    Boto3Error,
    ResponseParserError,
    urllib3.exceptions.HTTPError,
    obstore_exceptions.BaseError,
    OSError,  # obstore's FileNotFoundError, and sockets
)

_NOT_FOUND = {"NoSuchKey", "NoSuchVersion", "MethodNotAllowed", "NoSuchUpload"}
_CONFLICT = {"PreconditionFailed", "ConditionalRequestConflict"}
_THROTTLED = {"SlowDown", "Throttling", "ThrottlingException", "RequestLimitExceeded", "TooManyRequests", "Busy"}
_TRANSIENT = _THROTTLED | {"InternalError", "ServiceUnavailable", "RequestTimeout", "OperationAborted", "ExpiredToken"}
# Server errors that every repetition meets again: NotImplemented (encryption on MinIO without a KMS), the HTTP version.
_PERMANENT = {501, 505}
_FULL = {"QuotaExceeded", "XMinioStorageFull", "XMinioStorageQuotaExceeded", "EntityTooLargeForQuota"}
_NO_CREDENTIALS = (
    boto.NoCredentialsError,
    boto.PartialCredentialsError,
    boto.CredentialRetrievalError,
    boto.ProfileNotFound,
    boto.InvalidConfigError,
    boto.ConfigParseError,
    boto.NoRegionError,
    boto.InvalidRegionError,
    boto.ParamValidationError,
    boto.TokenRetrievalError,
    boto.SSOError,
)
_UNREACHED = (boto.EndpointConnectionError, boto.ConnectTimeoutError, boto.ProxyConnectionError)

_STATUS = re.compile(r"status code: (\d{3})")
_CODE = re.compile(r"<Code>([A-Za-z0-9_.]+)</Code>")
_MESSAGE = re.compile(r"<Message>([^<]*)</Message>")
# What an S3 error body or URL can hold and a log must not: who signed, what was signed, and the signature itself.
_SECRET_ELEMENTS = re.compile(
    r"<(AWSAccessKeyId|StringToSign\w*|SignatureProvided|CanonicalRequest\w*|Token\w*)>.*?</\1>", re.DOTALL
)
_SECRET_PARAMETERS = re.compile(
    r"(?i)\b(x-amz-[a-z-]*(?:signature|credential|token)|signature|awsaccesskeyid)=[^&\s\"'<>]*"
)
_URL_LOGIN = re.compile(r"://[^/\s@]+@")
_LONGEST_DETAIL = 1000


@dataclass(frozen=True, slots=True)
class Failure:
    """One SDK error: S3's code and the HTTP status (empty and 0 if no answer came) and a text fit for the log."""

    code: str
    status: int
    text: str
    unreached: bool = False
    credentials: bool = False

    @property
    def transient(self) -> bool:
        """Whether the same request can succeed a moment later."""
        if self.credentials or self.status in _PERMANENT:
            return False
        return self.code in _TRANSIENT or self.status in {0, 429} or (self.status >= 500 and self.status != 507)

    @property
    def harmless(self) -> bool:
        """Whether the server certainly did nothing: never reached, refused the request, or throttled it."""
        refused = 400 <= self.status < 500 or self.status in _PERMANENT
        return self.unreached or self.credentials or refused or self.code in _THROTTLED

    def domain_error(self) -> ServiceError:
        """The domain error for this failure."""
        kind: type[ServiceError] = BackendMisconfigured
        if self.status == 416 or self.code == "InvalidRange":
            return InvalidInput("The range begins after the end of the object.", code="invalid_range", detail=self.text)
        if self.transient:
            kind = BackendUnavailable
        elif self.code in _FULL or self.status == 507:
            kind = StorageFull
        elif self.code in _CONFLICT or self.status == 412:
            kind = VersionConflict
        elif self.code == "EntityTooLarge" or "larger than the maximum allowable size" in self.text:
            kind = TooLarge
        elif self._not_found:
            kind = ObjectNotFound
        return kind(detail=self.text)

    @property
    def _not_found(self) -> bool:
        if self.code in _NOT_FOUND or (self.status == 404 and self.code in {"", "404", "NotFound"}):
            return True
        return self.code == "InvalidArgument" and "version id" in self.text.lower()


def diagnose(error: Exception) -> Failure:
    """Read one exception of boto3 or obstore."""
    if isinstance(error, boto.ClientError):
        answer = error.response
        code = str(answer.get("Error", {}).get("Code", ""))
        status = int(answer.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
        return Failure(code, status, redacted(str(error)))
    if isinstance(error, obstore_exceptions.BaseError | FileNotFoundError):
        return _of_obstore(error)
    return Failure(
        "",
        0,
        redacted(f"{type(error).__name__}: {error}"),
        unreached=isinstance(error, _UNREACHED),
        credentials=isinstance(error, _NO_CREDENTIALS),
    )


def _of_obstore(error: Exception) -> Failure:
    full = str(error)
    text = full.partition("\n\nDebug source:")[0]
    status, code, message = _STATUS.search(text), _CODE.search(text), _MESSAGE.search(text)
    # Without a status it is our credential provider that failed, not the server that refused.
    credentials = status is None and isinstance(error, obstore_exceptions.UnauthenticatedError)
    short = f"{text.partition(' - Server returned')[0]}: {code[1]} {message[1] if message else ''}" if code else text
    return Failure(
        code[1] if code else "",
        int(status[1]) if status else 0,
        redacted(short),
        unreached="kind: Connect," in full,
        credentials=credentials,
    )


def redacted(text: str) -> str:
    """``text`` without credentials, signatures and signed query strings, cut to a length that suits a log line."""
    text = _SECRET_ELEMENTS.sub(r"<\1/>", text)
    text = _SECRET_PARAMETERS.sub(r"\1=…", text)
    return _URL_LOGIN.sub("://…@", text)[:_LONGEST_DETAIL]


_HINTS = {
    301: "bucket {bucket} is in another region or behind another endpoint: check AWS_REGION and AWS_ENDPOINT_URL",
    400: "bucket {bucket} can not be asked: check AWS_ENDPOINT_URL and AWS_REGION",
    403: "access to bucket {bucket} denied: check AWS_ACCESS_KEY_ID / AWS_SECRET_ACCESS_KEY and the role's policy",
    404: "there is no bucket {bucket}: check S3_BUCKET, AWS_REGION and AWS_ENDPOINT_URL",
}


def check_error(failure: Failure, bucket: str) -> ServiceError:
    """The domain error for a failed question about ``bucket`` itself; its detail names the settings to look at.

    A HEAD is answered without a body, so the status is all that S3 says about the cause.
    """
    if failure.transient:
        return BackendUnavailable(detail=f"bucket {bucket} did not answer: {failure.text}")
    hint = "bucket {bucket}: check AWS_ACCESS_KEY_ID / AWS_SECRET_ACCESS_KEY" if failure.credentials else ""
    hint = hint or _HINTS.get(failure.status, "bucket {bucket} can not be asked: check AWS_ENDPOINT_URL")
    return BackendMisconfigured(detail=f"{hint.format(bucket=bucket)} ({failure.text})")


@contextmanager
def translated() -> Iterator[None]:
    """Turn every SDK error of the block into a domain error, without the original in its printed traceback."""
    try:
        yield
    except SDK_ERRORS as error:
        raise diagnose(error).domain_error() from None
