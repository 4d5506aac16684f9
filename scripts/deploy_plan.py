"""What is to be deployed, read from the environment: names, the function's own settings, the permissions of its role.

The variables and their defaults are those of ``deploy.sh``; nothing here talks to AWS.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import config
from lambda_handler import load_settings
from services.metadata.dynamo_table import EVERYONE

PROCESS = frozenset(
    (
        "AWS_REGION",  # Lambda sets it
        "AWS_ENDPOINT_URL", "DYNAMO_ENDPOINT_URL", "S3_BUCKET", "DYNAMO_TABLE", "ENVIRONMENT", "SECRET_KEY",
        "DATA_DIR", "HOST", "PORT", "WEB_CONCURRENCY", "THREADS", "MIN_UPLOAD_RATE", "GRACEFUL_TIMEOUT",
        "SQLITE_SYNCHRONOUS", "DECODE_PROCESSES",
    )
)  # fmt: skip
"""Settings that a function is not given as they stand here: they concern a server, or the deployment decides them."""

LOCALSTACK_GATEWAY = "localhost.localstack.cloud:4566"
"""The one name under which LocalStack is reached from this machine and from inside a function alike."""

RUNTIMES = frozenset(("python3.11", "python3.12", "python3.13", "python3.14"))
ARCHITECTURES = frozenset(("x86_64", "arm64"))
OBJECT_PREFIXES = ("images/*", "pending/*")
TRUST: dict[str, Any] = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}


class DeployError(Exception):
    """The deployment can not go on; ``problems`` are lines for the person at the terminal."""

    def __init__(self, *problems: str) -> None:
        self.problems = problems
        super().__init__("\n".join(problems))


@dataclass(frozen=True, slots=True)
class Plan:
    """One deployment. ``table`` is None where the rows are in PostgreSQL; ``endpoint`` is None on AWS."""

    function: str
    api: str
    stage: str
    handler: str
    runtime: str
    architecture: str
    bucket: str
    table: str | None
    region: str
    endpoint: str | None
    settings: Mapping[str, str] = field(repr=False)

    @property
    def role(self) -> str:
        """The name of the function's role."""
        return f"{self.function}-role"

    @property
    def log_group(self) -> str:
        """Where Lambda writes the function's log."""
        return f"/aws/lambda/{self.function}"

    def environment(self, secret_key: str) -> dict[str, str]:
        """The function's variables.

        :raises DeployError: when the service would refuse them; so nothing is made that can not work.
        """
        variables = {**self.settings, "SECRET_KEY": secret_key}
        try:
            load_settings(variables)
        except config.ConfigError as error:
            raise DeployError(*error.problems) from error
        return variables

    def policy(self, partition: str, account: str) -> dict[str, Any]:
        """What the role allows: the prefixes of the service in its bucket, its table, its log, and nothing else."""
        bucket = f"arn:{partition}:s3:::{self.bucket}"
        log = f"arn:{partition}:logs:{self.region}:{account}:log-group:{self.log_group}:*"
        listing = {"StringLike": {"s3:prefix": list(OBJECT_PREFIXES)}}
        statements = [
            _allow("Log", ["logs:CreateLogStream", "logs:PutLogEvents"], [log]),
            _allow("Bucket", ["s3:GetBucketVersioning", "s3:ListBucket"], [bucket]),
            {
                **_allow("Listings", ["s3:ListBucketMultipartUploads", "s3:ListBucketVersions"], [bucket]),
                "Condition": listing,
            },
            _allow(
                "Objects",
                [
                    "s3:AbortMultipartUpload", "s3:DeleteObject", "s3:DeleteObjectVersion", "s3:GetObject",
                    "s3:GetObjectVersion", "s3:ListMultipartUploadParts", "s3:PutObject",
                ],
                [f"{bucket}/{prefix}" for prefix in OBJECT_PREFIXES],
            ),
        ]  # fmt: skip
        if self.table:
            table = f"arn:{partition}:dynamodb:{self.region}:{account}:table/{self.table}"
            statements += [
                _allow(
                    "Rows",
                    [
                        "dynamodb:ConditionCheckItem", "dynamodb:DeleteItem", "dynamodb:DescribeTable",
                        "dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:Query", "dynamodb:UpdateItem",
                    ],
                    [table],
                ),
                _allow("Index", ["dynamodb:Query"], [f"{table}/index/{EVERYONE}"]),
            ]  # fmt: skip
        if key := self.settings.get("S3_KMS_KEY_ID", ""):
            arn = key if key.startswith("arn:") else f"arn:{partition}:kms:{self.region}:{account}:key/{key}"
            statements.append(_allow("Key", ["kms:Decrypt", "kms:GenerateDataKey"], [arn]))
        return {"Version": "2012-10-17", "Statement": statements}


def read_plan(environ: Mapping[str, str]) -> Plan:
    """The deployment that the environment describes.

    :raises DeployError: with every problem at once.
    """

    def value(name: str, default: str = "") -> str:
        return environ.get(name, "").strip() or default

    problems: list[str] = []

    def checked(name: str, default: str, pattern: str, expects: str) -> str:
        given = value(name, default)
        if not re.fullmatch(pattern, given):
            problems.append(f"{name} is {given!r}: it should be {expects}")
        return given

    localstack = value("USE_LOCALSTACK") in ("1", "true", "True")
    endpoint = value("AWS_ENDPOINT_URL") or (config.LOCALSTACK_URL if localstack else None)
    bucket = value("S3_BUCKET") or value("BUCKET_NAME", "image-service-bucket")
    in_sql = bool(value("DATABASE_URL"))
    table = None if in_sql else value("DYNAMO_TABLE") or value("TABLE_NAME", "image-metadata")
    plan = Plan(
        function=checked("FUNCTION_NAME", "imageService", r"[A-Za-z0-9_-]{1,59}", "1 to 59 of A-Z, a-z, 0-9, _ and -"),
        api=value("API_NAME", "image-api"),
        stage=checked("STAGE_NAME", "dev", r"[A-Za-z0-9_-]{1,128}", "1 to 128 of A-Z, a-z, 0-9, _ and -"),
        handler=value("HANDLER_NAME", "lambda_handler.lambda_handler"),
        runtime=checked("LAMBDA_RUNTIME", "python3.12", "|".join(RUNTIMES), "python3.11 to python3.14"),
        architecture=checked("LAMBDA_ARCHITECTURE", "x86_64", "|".join(ARCHITECTURES), "x86_64 or arm64"),
        bucket=bucket,
        table=table,
        region=value("AWS_REGION") or value("AWS_DEFAULT_REGION", "us-east-1"),
        endpoint=endpoint,
        settings={
            **_passed_on(environ),
            "S3_BUCKET": bucket,
            **({"DYNAMO_TABLE": table} if table else {}),
            **({"AWS_ENDPOINT_URL": _inside(endpoint, localstack)} if endpoint else {}),
            "ENVIRONMENT": value("ENVIRONMENT") or value("FLASK_ENV", "development" if endpoint else "production"),
        },
    )
    if problems:
        raise DeployError(*problems)
    return plan


def _passed_on(environ: Mapping[str, str]) -> dict[str, str]:
    """Every setting of the service that is set here, by its documented name."""
    found = {}
    for row in config.TABLE:
        names = (row.name, *row.aliases)
        if row.name not in PROCESS and (text := next((environ[name] for name in names if environ.get(name)), "")):
            found[row.name] = text
    return found


def _inside(endpoint: str, localstack: bool) -> str:
    return f"http://{LOCALSTACK_GATEWAY}" if localstack else endpoint


def _allow(sid: str, actions: list[str], resources: list[str]) -> dict[str, Any]:
    return {"Sid": sid, "Effect": "Allow", "Action": actions, "Resource": resources}
