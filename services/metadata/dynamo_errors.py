"""Where the errors of botocore end: each becomes one of ``services.errors``.

``detail`` of the error made here is for the log: DynamoDB's code and the first line of its words.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import urllib3.exceptions
from botocore import exceptions as boto
from botocore.parsers import ResponseParserError

from services.errors import BackendMisconfigured, BackendUnavailable, InvalidInput, ServiceError

SDK_ERRORS: tuple[type[Exception], ...] = (
    boto.BotoCoreError,
    boto.ClientError,
    ResponseParserError,
    urllib3.exceptions.HTTPError,
    OSError,
)

# Said with status 400, and worth another try all the same.
# https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Programming.Errors.html
_TRANSIENT = {
    "InternalServerError",
    "ItemCollectionSizeLimitExceededException",
    "LimitExceededException",
    "ProvisionedThroughputExceededException",
    "ReplicatedWriteConflictException",
    "RequestLimitExceeded",
    "ServiceUnavailable",
    "ThrottlingException",
    "Throttling",
    "TransactionConflictException",
    "TransactionInProgressException",
}
# The SDK found, before it asked anybody, that it can not.
_OF_THE_SETUP = (
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
    boto.UnknownServiceError,
)
_TOO_LARGE = ("Item size has exceeded", "Item size to update has exceeded", "Collection size exceeded")
_LONGEST_DETAIL = 500


def domain_error(error: Exception) -> ServiceError:
    """The domain error that says what ``error`` means, with what the log needs in ``detail``."""
    if isinstance(error, boto.ClientError):
        return _of_answer(error)
    detail = _first_line(f"{type(error).__name__}: {error}")
    if isinstance(error, _OF_THE_SETUP):
        return BackendMisconfigured(detail=f"{detail}; check AWS_REGION and the credentials")
    return BackendUnavailable(detail=detail)


def _of_answer(error: boto.ClientError) -> ServiceError:
    answer = error.response
    code = str(answer.get("Error", {}).get("Code", ""))
    words = str(answer.get("Error", {}).get("Message", ""))
    status = int(answer.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
    detail = _first_line(f"{error.operation_name} {status} {code}: {words}")
    if code in _TRANSIENT or status >= 500 or status == 429:
        return BackendUnavailable(detail=detail)
    if code == "ValidationException" and any(each in words for each in _TOO_LARGE):
        return InvalidInput("The image's texts are too long to be stored.", code="invalid_field", detail=detail)
    if code == "SerializationException":  # a text that is no Unicode, such as a lone surrogate
        return InvalidInput(detail=detail)
    if code == "ResourceNotFoundException":
        detail += "; check DYNAMO_TABLE, AWS_REGION and DYNAMO_ENDPOINT_URL"
    return BackendMisconfigured(detail=detail)


def _first_line(words: str) -> str:
    # A refused signature is answered with the string that was to be signed, session token included, on later lines.
    return words.partition("\n")[0][:_LONGEST_DETAIL]


@contextmanager
def translated() -> Iterator[None]:
    """Run a step against DynamoDB and raise only ``services.errors`` from it."""
    try:
        yield
    except SDK_ERRORS as error:
        raise domain_error(error) from None
    except UnicodeEncodeError as error:
        raise InvalidInput(detail="a text with lone surrogates can not be stored") from error
