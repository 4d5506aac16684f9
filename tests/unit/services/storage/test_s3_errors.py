from __future__ import annotations

import botocore.exceptions as boto
import pytest
from obstore import exceptions as obstore

from services import errors
from services.storage.s3_errors import check_error, diagnose, redacted, translated


def client_error(code: str, status: int, message: str = "words") -> boto.ClientError:
    return boto.ClientError(
        {"Error": {"Code": code, "Message": message}, "ResponseMetadata": {"HTTPStatusCode": status}},  # type: ignore[typeddict-item]
        "PutObject",
    )


def obstore_error(kind: type[Exception], code: str, status: int, message: str = "words") -> Exception:
    body = f"<?xml version='1.0'?><Error><Code>{code}</Code><Message>{message}</Message></Error>"
    text = f"Error performing PUT http://s3/b/k in 2ms - Server returned non-2xx status code: {status} X: {body}"
    return kind(f"{text}\n\nDebug source:\nGeneric {{ kind: Status }}")


ANSWERS = [
    ("NoSuchKey", 404, errors.ObjectNotFound),
    ("NoSuchVersion", 404, errors.ObjectNotFound),
    ("MethodNotAllowed", 405, errors.ObjectNotFound),
    ("NoSuchBucket", 404, errors.BackendMisconfigured),
    ("AccessDenied", 403, errors.BackendMisconfigured),
    ("SignatureDoesNotMatch", 403, errors.BackendMisconfigured),
    ("InvalidAccessKeyId", 403, errors.BackendMisconfigured),
    ("RequestTimeTooSkewed", 403, errors.BackendMisconfigured),
    ("PermanentRedirect", 301, errors.BackendMisconfigured),
    ("PreconditionFailed", 412, errors.VersionConflict),
    ("ConditionalRequestConflict", 409, errors.VersionConflict),
    ("InternalError", 500, errors.BackendUnavailable),
    ("BadGateway", 502, errors.BackendUnavailable),
    ("NotImplemented", 501, errors.BackendMisconfigured),
    ("HTTPVersionNotSupported", 505, errors.BackendMisconfigured),
    ("SlowDown", 503, errors.BackendUnavailable),
    ("TooManyRequests", 429, errors.BackendUnavailable),
    ("RequestTimeout", 400, errors.BackendUnavailable),
    ("QuotaExceeded", 403, errors.StorageFull),
    ("XMinioStorageFull", 507, errors.StorageFull),
    ("EntityTooLarge", 400, errors.TooLarge),
    ("InvalidRange", 416, errors.InvalidInput),
    ("SomethingNew", 400, errors.BackendMisconfigured),
]


@pytest.mark.parametrize(("code", "status", "expected"), ANSWERS)
def test_both_sdks_say_the_same(code: str, status: int, expected: type[Exception]) -> None:
    kinds = {404: FileNotFoundError, 403: obstore.PermissionDeniedError, 412: obstore.PreconditionError}
    for error in (client_error(code, status), obstore_error(kinds.get(status, obstore.GenericError), code, status)):
        domain = diagnose(error).domain_error()
        assert type(domain) is expected, error
        assert code in domain.detail
        assert code not in str(domain)


def test_an_invalid_version_id_is_no_such_version() -> None:
    message = "Invalid version id specified"
    for error in (
        client_error("InvalidArgument", 400, message),
        obstore_error(obstore.GenericError, "InvalidArgument", 400, message),
    ):
        assert type(diagnose(error).domain_error()) is errors.ObjectNotFound


@pytest.mark.parametrize("code", ["404", "NotFound", ""])
def test_a_head_without_a_body(code: str) -> None:
    assert type(diagnose(client_error(code, 404)).domain_error()) is errors.ObjectNotFound


@pytest.mark.parametrize(
    ("error", "expected", "harmless"),
    [
        (boto.EndpointConnectionError(endpoint_url="http://s3"), errors.BackendUnavailable, True),
        (boto.ConnectTimeoutError(endpoint_url="http://s3"), errors.BackendUnavailable, True),
        (boto.ReadTimeoutError(endpoint_url="http://s3"), errors.BackendUnavailable, False),
        (boto.ConnectionClosedError(endpoint_url="http://s3"), errors.BackendUnavailable, False),
        (boto.NoCredentialsError(), errors.BackendMisconfigured, True),
        (boto.ProfileNotFound(profile="x"), errors.BackendMisconfigured, True),
        (obstore.GenericError("HTTP error\n\nDebug source:\n kind: Connect,\n"), errors.BackendUnavailable, True),
        (obstore.GenericError("HTTP error\n\nDebug source:\n kind: Timeout,\n"), errors.BackendUnavailable, False),
        (obstore.UnauthenticatedError("External AWS credential provider"), errors.BackendMisconfigured, True),
        (ConnectionResetError(104, "reset"), errors.BackendUnavailable, False),
    ],
)
def test_without_an_answer(error: Exception, expected: type[Exception], harmless: bool) -> None:
    failure = diagnose(error)

    assert type(failure.domain_error()) is expected
    assert failure.harmless == harmless, "a request that may have arrived must not count as one that did not"


@pytest.mark.parametrize(
    ("code", "status"), [("AccessDenied", 403), ("SlowDown", 503), ("NoSuchBucket", 404), ("NotImplemented", 501)]
)
def test_a_refusal_did_nothing(code: str, status: int) -> None:
    assert diagnose(client_error(code, status)).harmless


@pytest.mark.parametrize("status", [500, 502, 504])
def test_a_server_error_may_have_done_it(status: int) -> None:
    assert not diagnose(client_error("InternalError", status)).harmless


@pytest.mark.parametrize(
    "text",
    [
        "<AWSAccessKeyId>SECRET</AWSAccessKeyId>",
        "<StringToSign>AWS4\nSECRET\nx</StringToSign><StringToSignBytes>SECRET</StringToSignBytes>",
        "<SignatureProvided>SECRET</SignatureProvided><CanonicalRequest>GET\nSECRET</CanonicalRequest>",
        "GET http://s3/b?X-Amz-Credential=SECRET%2Fx&X-Amz-Security-Token=SECRET&X-Amz-Signature=SECRET",
        "GET http://s3/b?AWSAccessKeyId=SECRET&Signature=SECRET",
        "proxy http://user:SECRET@proxy:3128/",
    ],
)
def test_secrets_do_not_reach_the_log(text: str) -> None:
    assert "SECRET" in text
    assert "SECRET" not in redacted(f"before {text} after")
    assert redacted(f"before {text} after").endswith("after")


def test_the_sdk_exception_is_not_printed_with_ours() -> None:
    with pytest.raises(errors.BackendUnavailable) as error, translated():
        raise client_error("SlowDown", 503)

    assert error.value.__suppress_context__


def test_other_exceptions_pass() -> None:
    with pytest.raises(KeyError), translated():
        raise KeyError("a bug stays a bug")


@pytest.mark.parametrize(
    ("error", "hint"),
    [
        (client_error("403", 403), "access to bucket photos denied: check AWS_ACCESS_KEY_ID / AWS_SECRET_ACCESS_KEY"),
        (client_error("400", 400), "check AWS_ENDPOINT_URL"),
        (client_error("301", 301), "check AWS_REGION"),
        (client_error("404", 404), "there is no bucket photos: check S3_BUCKET"),
        (client_error("405", 405), "check AWS_ENDPOINT_URL"),
        (client_error("501", 501), "check AWS_ENDPOINT_URL"),
        (boto.NoCredentialsError(), "check AWS_ACCESS_KEY_ID"),
    ],
)
def test_a_failed_check_names_the_bucket_and_the_setting(error: Exception, hint: str) -> None:
    domain = check_error(diagnose(error), "photos")

    assert type(domain) is errors.BackendMisconfigured
    assert hint in domain.detail
    assert "photos" in domain.detail
    assert "photos" not in str(domain)


@pytest.mark.parametrize("error", [client_error("503", 503), boto.EndpointConnectionError(endpoint_url="http://s3")])
def test_a_check_without_an_answer_is_unavailable_and_names_the_bucket(error: Exception) -> None:
    domain = check_error(diagnose(error), "photos")

    assert type(domain) is errors.BackendUnavailable
    assert "photos" in domain.detail
