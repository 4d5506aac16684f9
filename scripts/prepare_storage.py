"""Makes the versioned bucket and the table that the settings name, on a local S3 and DynamoDB; ``docker-compose.yml``
runs it before the service starts.

    python -m scripts.prepare_storage

Waits until both answer. Running it again changes nothing.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import boto3.session
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, ConnectionError, HTTPClientError

import config
from scripts.aws_storage import ensure_table, ensure_versioned_bucket
from scripts.deploy_plan import DeployError

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient
    from mypy_boto3_s3.client import S3Client

WAIT_SECONDS = 60.0


def prepare(settings: config.Settings, wait: float = WAIT_SECONDS) -> None:
    """Make bucket and table, as far as the settings name them.

    :param wait: seconds to wait for a server that does not answer yet.
    :raises scripts.deploy_plan.DeployError: when one belongs to something else.
    """
    session = boto3.session.Session(region_name=settings.aws_region)
    quick = Config(connect_timeout=2, read_timeout=10, retries={"total_max_attempts": 1, "mode": "standard"})
    if bucket := settings.s3_bucket:
        path_style = quick.merge(Config(s3={"addressing_style": "path"}))
        s3: S3Client = session.client("s3", endpoint_url=settings.aws_endpoint_url, config=path_style)
        done = _patiently(lambda: ensure_versioned_bucket(s3, bucket, settings.aws_region), wait)
        print(f"bucket {bucket}: {done}")
    if table := settings.dynamo_table:
        dynamo: DynamoDBClient = session.client("dynamodb", endpoint_url=settings.dynamo_endpoint_url, config=quick)
        print(f"table {table}: {_patiently(lambda: ensure_table(dynamo, table), wait)}")


def _patiently(step: Callable[[], Any], wait: float) -> Any:
    deadline = time.monotonic() + wait
    while True:
        try:
            return step()
        except (ConnectionError, HTTPClientError):
            if time.monotonic() > deadline:
                raise
            time.sleep(0.5)


def main() -> int:
    """Prepare what the environment names; returns the exit code."""
    try:
        prepare(config.load())
    except config.ConfigError as error:
        lines = error.problems
    except DeployError as error:
        lines = error.problems
    except (BotoCoreError, ClientError) as error:
        lines = (str(error),)
    else:
        return 0
    for line in lines:
        print(f"prepare_storage: {line}", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
