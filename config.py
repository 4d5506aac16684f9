"""Settings: one described table of environment variables, read once, validated as a whole, frozen.

``load()`` reads ``.env`` and the environment (the environment wins), accepts the aliases of earlier services, and
raises ``ConfigError`` with *every* problem, one line each: the variable, what it holds and what it should hold.
Nothing else in the project reads the environment, except the AWS SDKs for their credentials.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Literal

from dotenv import load_dotenv
from marshmallow import fields as mf
from marshmallow import validate

from utils.secrets import kept_secret
from utils.settings import Setting, matches, one_of, read, row, whole

LOCALSTACK_URL = "http://localhost:4566"
SECURED_ENVIRONMENTS = ("production", "staging")
MIN_SECRET_LENGTH = 32
MIB = 1024 * 1024


class ConfigError(Exception):
    """The settings are unusable; ``problems`` holds one line for each reason."""

    def __init__(self, problems: Iterable[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(self.problems))


def _localstack(text: str) -> str | None:
    if text not in mf.Boolean.truthy | mf.Boolean.falsy:
        raise ValueError("1 or 0")
    return LOCALSTACK_URL if text in mf.Boolean.truthy else None


def _sqlite_url(path: str) -> str:
    if "?" in path:
        raise ValueError("a SQLite file's path, without '?'")
    return "sqlite:///" + str(Path(path))


HTTP_URL = r"https?://[^\s/?#@]+/?"
DATABASE_URLS = r"(?:sqlite:///[^?]+(?:\?timeout=\d+)?|postgres(?:ql)?(?:\+psycopg)?://.+)"

TABLE: tuple[Setting, ...] = (
    row("S3_BUCKET", matches(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]"), None,
         "a bucket name: 3 to 63 of a-z, 0-9, '.' and '-'",
         "The versioned bucket that holds the images. Without it: the embedded store in `DATA_DIR`.",
         "S3_BUCKET_NAME", "BUCKET_NAME", "AWS_BUCKET_NAME"),
    row("AWS_ENDPOINT_URL", matches(HTTP_URL), None, "an http:// or https:// URL",
         "Another S3 server than AWS. `USE_LOCALSTACK=1` means `http://localhost:4566`.",
         "LOCALSTACK_ENDPOINT", USE_LOCALSTACK=_localstack),
    row("AWS_REGION", matches(r"[a-z0-9-]{2,32}"), "us-east-1", "an AWS region such as eu-central-1",
         "Region of the bucket.", "AWS_DEFAULT_REGION"),
    row("S3_ADDRESSING_STYLE", one_of("auto", "path", "virtual"), "auto", "auto, path or virtual",
         "How the bucket is addressed; `auto` means path with `AWS_ENDPOINT_URL`, else virtual."),
    row("S3_ENCRYPTION", one_of("", "AES256", "aws:kms"), "", "AES256 or aws:kms",
         "Server-side encryption asked for with every write; empty leaves it to the bucket's default."),
    row("S3_KMS_KEY_ID", mf.String(), "", "a KMS key id or ARN",
         "The key for `S3_ENCRYPTION=aws:kms`; empty means the account's own S3 key."),
    row("DYNAMO_TABLE", matches(r"[A-Za-z0-9_.-]{3,255}"), None,
         "a table name: 3 to 255 of A-Z, a-z, 0-9, '.', '_' and '-'",
         "The DynamoDB table that holds the metadata. Without it: SQL.", "DYNAMODB_TABLE_NAME", "TABLE_NAME"),
    row("DYNAMO_ENDPOINT_URL", matches(HTTP_URL), None, "an http:// or https:// URL",
         "Another DynamoDB than that of `AWS_ENDPOINT_URL`; development makes the table there."),
    row("DATABASE_URL", matches(DATABASE_URLS), None, "sqlite:///path or postgresql://user@host/database",
         "Where the metadata lives. Default: SQLite in `DATA_DIR`. `DATABASE_PATH` names a SQLite file.",
         secret=True, DATABASE_PATH=_sqlite_url),
    row("SQLITE_SYNCHRONOUS", one_of("auto", "full", "normal"), "auto", "auto, full or normal",
         "`full` keeps every answered row through a power cut, `normal` through the death of every process only. "
         "`auto`: full beside the embedded store, normal with a bucket."),
    row("PRESIGNED_EXPIRATION", whole(1, 604800), "3600", "seconds, 1 to 604800",
         "Life of a presigned URL for which the caller named none.", "PRESIGNED_URL_EXPIRATION"),
    row("INGEST_QUEUE_URL", matches(r"https?://[^\s/?#@]+/[^\s?#]+"), None, "an SQS queue's URL",
         "Queue of the bucket's notifications, read by `flask ingest`. Without it, uploads are looked at on demand."),
    row("MAX_FILE_SIZE", whole(1, 5 * 1024**4), "10485760", "bytes, at least 1",
         "Largest accepted file, in bytes.", "MAX_IMAGE_SIZE"),
    row("MAX_PIXELS", whole(1, 2**40), "50000000", "pixels, at least 1",
         "Largest accepted image: frames × width × height."),
    row("STRICT_CONTENT_TYPE", mf.Boolean(), "0", "1 or 0",
         "Refuse a declared image type that the bytes contradict (415)."),
    row("VERIFY_DECODE", mf.Boolean(), "0", "1 or 0",
         "Decode every image whole, in a child process with limits, before it is stored."),
    row("DECODE_PROCESSES", whole(1, 1024), "16", "processes, 1 to 1024",
         "Decoding children of one worker with `VERIFY_DECODE`; more uploads wait, then get 503."),
    row("DATA_DIR", matches(r"[^?\x00]+"), "./data", "a folder, without '?' in its path",
         "Home of the embedded store, SQLite and the generated `SECRET_KEY`."),
    row("HOST", matches(r"[A-Za-z0-9.-]+|[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*"), "127.0.0.1",
         "a host name or an address, without brackets",
         "Address that the server listens on."),
    row("PORT", whole(1, 65535), "5000", "a port, 1 to 65535", "Port that the server listens on."),
    row("PUBLIC_URL", matches(HTTP_URL), None, "an http:// or https:// URL",
         "The service's address as callers see it, used in the URLs it hands out. Default: the request's own."),
    row("ENVIRONMENT", one_of("development", "testing", *SECURED_ENVIRONMENTS), "development",
         "development, testing, staging or production",
         "`production` and `staging` refuse to start insecurely.", "FLASK_ENV"),
    row("LOG_LEVEL", one_of("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"), "INFO",
         "DEBUG, INFO, WARNING, ERROR or CRITICAL", "Lowest level that is logged."),
    row("SECRET_KEY", mf.String(validate=validate.Length(min=1)), None, "a long random string",
         "Signs the embedded store's URLs and the cursors of all listings. Default: made once and kept in `DATA_DIR`; "
         "required in production.",
         secret=True),
    row("AUTH", one_of("none"), "none", "none (apikey, jwt and iam are not in this release)",
         "How callers prove who they are."),
    row("ALLOW_ANONYMOUS", mf.Boolean(), "0", "1 or 0",
         "Lets `AUTH=none` start in production, for a service that only trusted callers reach."),
    row("RATE_LIMIT", mf.String(validate=validate.Length(min=1)), None, "a limit such as 100/minute",
         "Requests allowed to one client address; several limits are separated by `;`."),
    row("RATE_LIMIT_STORAGE", matches(r"(?:memory|redis|rediss|redis\+cluster)://.*"), "memory://",
         "memory:// or redis://host:port",
         "Where `RATE_LIMIT` counts. `memory://` counts in the process, so one worker is started.", secret=True),
    row("WEB_CONCURRENCY", whole(1, 64), None, "worker processes, 1 to 64",
         "Worker processes. Default: one for each core, at most 4."),
    row("THREADS", whole(2, 4096), "512", "threads, 2 to 4096",
         "Requests that one worker serves at once; most of them wait for slow clients."),
    row("UPLOAD_MEMORY", whole(16 * MIB, 2**40), str(512 * MIB), f"bytes, at least {16 * MIB}",
         "Upload bytes that one worker may hold; more wait, then get 503."),
    row("MIN_UPLOAD_RATE", whole(0, 2**30), "512", "bytes per second; 0 for no minimum",
         "A body that stays below this rate for 30 seconds is ended (408)."),
    row("GRACEFUL_TIMEOUT", whole(1, 3600), "30", "seconds, 1 to 3600",
         "How long running requests may take to finish when the server stops."),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Settings:
    """The validated settings; members are the table's names in lower case. Sizes in bytes, times in seconds."""

    s3_bucket: str | None
    aws_endpoint_url: str | None
    aws_region: str
    s3_addressing_style: Literal["auto", "path", "virtual"]
    s3_encryption: Literal["", "AES256", "aws:kms"]
    s3_kms_key_id: str
    dynamo_table: str | None
    dynamo_endpoint_url: str | None
    database_url: str
    sqlite_synchronous: Literal["auto", "full", "normal"]
    presigned_expiration: int
    ingest_queue_url: str | None
    max_file_size: int
    max_pixels: int
    strict_content_type: bool
    verify_decode: bool
    decode_processes: int
    data_dir: Path
    host: str
    port: int
    public_url: str | None
    environment: str
    log_level: str
    secret_key: str
    auth: str
    allow_anonymous: bool
    rate_limit: str | None
    rate_limit_storage: str
    web_concurrency: int
    threads: int
    upload_memory: int
    min_upload_rate: int
    graceful_timeout: int

    @property
    def summary(self) -> str:
        """Where the bytes and the rows go, in words for a log: no credentials in it."""
        bytes_in = f"bucket {self.s3_bucket}" if self.s3_bucket else f"embedded store in {self.data_dir}"
        if self.aws_endpoint_url and self.s3_bucket:
            bytes_in += f" at {self.aws_endpoint_url}"
        if self.dynamo_table:
            return f"{bytes_in}, metadata in DynamoDB table {self.dynamo_table}"
        return f"{bytes_in}, metadata in {'SQLite' if self.database_url.startswith('sqlite') else 'PostgreSQL'}"


def load(environ: Mapping[str, str] | None = None) -> Settings:
    """Read, validate and freeze the settings.

    :param environ: variables to read instead of ``.env`` and the process environment.
    :raises ConfigError: with every problem at once.
    """
    if environ is None:
        # Into os.environ, because the AWS SDKs look for their credentials there. utf-8-sig: Windows editors write a
        # BOM.
        try:
            load_dotenv(Path.cwd() / ".env", encoding="utf-8-sig")
        except ValueError as error:
            raise ConfigError([".env is not UTF-8: save it as UTF-8"]) from error
        environ = os.environ
    problems: list[str] = []
    values = {setting.attribute: read(setting, environ, problems) for setting in TABLE}
    problems += _combinations(values)
    if problems:
        raise ConfigError(problems)
    data_dir = Path(values["data_dir"]).expanduser().absolute()
    values["data_dir"] = data_dir
    values["database_url"] = values["database_url"] or f"sqlite:///{data_dir / 'metadata.sqlite3'}"
    values["dynamo_endpoint_url"] = values["dynamo_endpoint_url"] or values["aws_endpoint_url"]
    values["secret_key"] = values["secret_key"] or _kept_secret(data_dir)
    values["web_concurrency"] = values["web_concurrency"] or _default_workers(values)
    return Settings(**{field.name: values[field.name] for field in fields(Settings)})


def _combinations(values: Mapping[str, Any]) -> list[str]:
    """What single rows can not see: combinations that are insecure or impossible."""
    problems = []
    secured = values["environment"] in SECURED_ENVIRONMENTS
    where = f"with ENVIRONMENT={values['environment']}"
    if values["dynamo_table"] and values["database_url"]:
        problems.append(
            f"DYNAMO_TABLE is {values['dynamo_table']!r} and DATABASE_URL is set too: the metadata lives in one place, "
            "unset one of them"
        )
    if secured and values["auth"] == "none" and not values["allow_anonymous"]:
        problems.append(
            f"AUTH is 'none' {where}: anybody could read and change every image; set ALLOW_ANONYMOUS=1 if only "
            "trusted callers reach the service"
        )
    if secured and len(values["secret_key"] or "") < MIN_SECRET_LENGTH:
        held = f"has {len(values['secret_key'])} characters" if values["secret_key"] else "is not set"
        problems.append(f"SECRET_KEY {held} {where}: it should be {MIN_SECRET_LENGTH} random characters or more")
    if values["ingest_queue_url"] and not values["s3_bucket"]:
        problems.append(
            "INGEST_QUEUE_URL is set without S3_BUCKET: the embedded store sends no notifications; set both"
        )
    if values["s3_kms_key_id"] and values["s3_encryption"] != "aws:kms":
        problems.append("S3_KMS_KEY_ID is set without S3_ENCRYPTION=aws:kms: set both or neither")
    if values["rate_limit"] and (wrong := _bad_limit(values["rate_limit"])):
        problems.append(wrong)
    if values["rate_limit"] and _counts_in_memory(values) and (values["web_concurrency"] or 1) > 1:
        problems.append(
            f"WEB_CONCURRENCY is {values['web_concurrency']} with RATE_LIMIT counted in memory: every worker would "
            "allow the whole limit; set RATE_LIMIT_STORAGE to a Redis or WEB_CONCURRENCY to 1"
        )
    return problems


def _bad_limit(text: str) -> str | None:
    from limits import parse_many  # noqa: PLC0415 - only where a limit is set: it costs a tenth of the start

    wrong = f"RATE_LIMIT is {text!r}: it should be a limit such as 100/minute"
    try:
        return None if all(limit.amount for limit in parse_many(text)) else wrong
    except ValueError:
        return wrong


def _counts_in_memory(values: Mapping[str, Any]) -> bool:
    return (values["rate_limit_storage"] or "").startswith("memory:")


def _default_workers(values: Mapping[str, Any]) -> int:
    if values["rate_limit"] and _counts_in_memory(values):
        return 1  # two workers that each count for themselves would allow twice the limit
    return min(os.cpu_count() or 1, 4)


def _kept_secret(data_dir: Path) -> str:
    try:
        return kept_secret(data_dir / "secret_key")
    except ValueError as error:
        raise ConfigError([str(error)]) from error
    except OSError as error:
        raise ConfigError(
            [f"DATA_DIR is {str(data_dir)!r}: it should be a writable folder ({error.strerror})"]
        ) from error
