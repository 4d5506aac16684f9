"""Both S3 SDKs, configured alike from one set of options.

obstore moves small bodies and every read (a tenth of boto3's CPU per call), boto3 does the rest. Endpoint, region,
address style, credentials, timeouts and signing come from here only; nothing is read from ``AWS_*`` variables but what
boto3's credential chain reads. Retries are ours (``s3_attempts``): an SDK that repeats a write whose answer was lost
would leave a second version.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal, TypeVar, cast
from urllib.parse import urlsplit, urlunsplit

import boto3.session
import obstore.store
from botocore.config import Config
from botocore.credentials import RefreshableCredentials
from botocore.exceptions import NoCredentialsError

from services.errors import BackendMisconfigured
from services.storage.s3_errors import redacted, translated
from services.storage.s3_presign import GetPresigner

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client
    from obstore.store import ClientConfig, RetryConfig, S3Config, S3Credential

T = TypeVar("T")

MAX_CONNECTIONS = 64
_PART_THREADS = 16
_BRISK = 3.0
# boto3 renews credentials at the latest 10 minutes before they expire, so a copy of that age is still valid.
_CREDENTIAL_AGE = timedelta(minutes=10)
_RETRY_BUDGET = timedelta(seconds=10)


@dataclass(frozen=True, slots=True)
class S3Options:
    """Where the bucket is and how to talk to it. Sizes in bytes, times in seconds; ``endpoint`` None means AWS.

    ``addressing_style`` "auto" is virtual hosts on AWS and paths elsewhere (and for bucket names with dots, which no
    wildcard certificate covers). ``encryption`` is what each write asks for: "" leaves it to the bucket's default.
    """

    bucket: str
    region: str = "us-east-1"
    endpoint: str | None = None
    addressing_style: Literal["auto", "path", "virtual"] = "auto"
    encryption: Literal["", "AES256", "aws:kms"] = ""
    kms_key_id: str = ""
    part_size: int = 8 * 1024 * 1024
    connect_timeout: float = 3.0
    read_timeout: float = 30.0
    max_attempts: int = 3

    @property
    def path_style(self) -> bool:
        """Whether the bucket goes into the path instead of the host name."""
        if self.addressing_style == "auto":
            return self.endpoint is not None or "." in self.bucket
        return self.addressing_style == "path"

    @property
    def sse_parameters(self) -> dict[str, str]:
        """The boto3 parameters that ask for encryption of a write."""
        if not self.encryption:
            return {}
        key = {"SSEKMSKeyId": self.kms_key_id} if self.kms_key_id and self.encryption == "aws:kms" else {}
        return {"ServerSideEncryption": self.encryption, **key}


class S3Clients:
    """The SDK clients of one store, made on first use in each process, shared by its threads.

    obstore's threads and boto3's sockets do not survive a fork: a child notices by its process id and makes its own.
    """

    def __init__(self, options: S3Options) -> None:
        self.options = options
        self._pid = -1
        self._lock = threading.RLock()
        self._made: dict[str, Any] = {}

    @property
    def boto(self) -> S3Client:
        """The boto3 client."""
        return self._once("boto", lambda: self._boto(self.options.connect_timeout, self.options.read_timeout))

    @property
    def brisk(self) -> S3Client:
        """A boto3 client that gives up within 3 s, for health checks and for cleaning up after a failure."""
        connect, read = min(_BRISK, self.options.connect_timeout), min(_BRISK, self.options.read_timeout)
        return self._once("brisk", lambda: self._boto(connect, read))

    @property
    def uploads(self) -> obstore.store.S3Store:
        """The obstore client for PutObject; it never repeats a request by itself."""
        return self._once("uploads", lambda: self._obstore(retries=0))

    @property
    def downloads(self) -> obstore.store.S3Store:
        """The obstore client for GetObject; it repeats requests and resumes bodies that were cut."""
        return self._once("downloads", lambda: self._obstore(retries=self.options.max_attempts - 1))

    @property
    def presigner(self) -> GetPresigner:
        """Signs GETs at the address that boto3 would use, with the credentials that it would."""
        return self._once("presigner", self._presigner)

    @property
    def parts(self) -> ThreadPoolExecutor:
        """The threads that send parts while the next ones fill."""
        return self._once("parts", lambda: ThreadPoolExecutor(_PART_THREADS, thread_name_prefix="s3-part"))

    def _once(self, name: str, make: Callable[[], T]) -> T:
        if self._pid != os.getpid():
            # A new lock: the inherited one may have been held by a thread that the fork did not copy.
            self._lock, self._made, self._pid = threading.RLock(), {}, os.getpid()
        made = self._made
        if name not in made:
            with self._lock, translated():
                if name not in made:
                    made[name] = _valid(make)
        return cast(T, made[name])

    def _session(self) -> boto3.session.Session:
        return self._once("session", lambda: boto3.session.Session(region_name=self.options.region))

    def _boto(self, connect_timeout: float, read_timeout: float) -> S3Client:
        checksums: Literal["when_required", "when_supported"] = (
            "when_required" if self.options.endpoint else "when_supported"
        )
        config = Config(
            signature_version="s3v4",
            connect_timeout=connect_timeout,
            read_timeout=read_timeout,
            max_pool_connections=MAX_CONNECTIONS,
            retries={"total_max_attempts": 1, "mode": "standard"},
            request_checksum_calculation=checksums,
            response_checksum_validation=checksums,
            ignore_configured_endpoint_urls=True,  # type: ignore[call-arg] # missing in the stubs of botocore
            tcp_keepalive=True,
            s3={
                "addressing_style": "path" if self.options.path_style else "virtual",
                "payload_signing_enabled": False,
                "us_east_1_regional_endpoint": "regional",
            },
        )
        return self._session().client("s3", endpoint_url=self.options.endpoint, config=config)

    def _obstore(self, retries: int) -> obstore.store.S3Store:
        options = self.options
        endpoint = options.endpoint or self.boto.meta.endpoint_url
        if not options.path_style:
            endpoint = _with_bucket(endpoint, options.bucket)
        config: dict[str, Any] = {
            "bucket": options.bucket,
            "region": options.region,
            "endpoint": endpoint,
            "aws_endpoint_url_s3": endpoint,  # else the environment's AWS_ENDPOINT_URL_S3 would win
            "virtual_hosted_style_request": not options.path_style,
            "unsigned_payload": True,
            "skip_signature": False,
            "s3_express": False,
            "request_payer": False,
        }
        if options.encryption:
            config["server_side_encryption"] = options.encryption
        if options.kms_key_id and options.encryption == "aws:kms":
            config["sse_kms_key_id"] = options.kms_key_id
        return obstore.store.S3Store(
            config=cast("S3Config", config),
            client_options=self._client_options(endpoint),
            retry_config=_retry_config(retries),
            credential_provider=self._credential_provider(),
        )

    def _presigner(self) -> GetPresigner:
        credentials = self._session().get_credentials()
        if credentials is None:
            raise NoCredentialsError
        sample = self.boto.generate_presigned_url("get_object", Params={"Bucket": self.options.bucket, "Key": "sample"})
        return GetPresigner(sample, credentials.get_frozen_credentials)

    def _client_options(self, endpoint: str) -> ClientConfig:
        return {
            "allow_http": endpoint.startswith("http://"),
            "connect_timeout": timedelta(seconds=self.options.connect_timeout),
            "read_timeout": timedelta(seconds=self.options.read_timeout),
            # The whole request, body included: a slow reader of a large object must not be cut off.
            "timeout": timedelta(days=1),
            # Less than servers keep idle connections: a PUT that meets their closing has a doubtful outcome.
            "pool_idle_timeout": timedelta(seconds=15),
        }

    def _credential_provider(self) -> Callable[[], S3Credential]:
        credentials = self._session().get_credentials()
        if credentials is None:
            raise NoCredentialsError
        renewed = isinstance(credentials, RefreshableCredentials)

        def provide() -> S3Credential:
            current = credentials.get_frozen_credentials()
            return {
                "access_key_id": current.access_key or "",
                "secret_access_key": current.secret_key or "",
                "token": current.token,
                "expires_at": datetime.now(UTC) + _CREDENTIAL_AGE if renewed else None,
            }

        return provide


def _valid(make: Callable[[], T]) -> T:
    try:
        return make()
    except ValueError as error:  # how both SDKs refuse an endpoint that is no URL
        raise BackendMisconfigured(detail=redacted(str(error))) from None


def _retry_config(retries: int) -> RetryConfig:
    return {
        "max_retries": retries,
        "retry_timeout": _RETRY_BUDGET,
        "backoff": {"init_backoff": timedelta(milliseconds=100), "max_backoff": timedelta(seconds=1), "base": 2},
    }


def _with_bucket(endpoint: str, bucket: str) -> str:
    parts = urlsplit(endpoint)
    return urlunsplit(parts._replace(netloc=f"{bucket}.{parts.netloc}"))
