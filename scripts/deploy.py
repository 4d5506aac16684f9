"""Creates or updates everything that the function needs; ``deploy.sh`` builds the package and calls this.

    python -m scripts.deploy package.zip

Running it again changes only what differs. The last line on stdout is the API's URL.
"""

from __future__ import annotations

import argparse
import os
import secrets
import sys
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import boto3.session
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from scripts.aws_api import ApiDeployer
from scripts.aws_function import FunctionDeployer
from scripts.aws_storage import Report, ensure_table, ensure_versioned_bucket, secure_bucket
from scripts.deploy_plan import DeployError, Plan, read_plan


def deploy(plan: Plan, package: Path, clients: Callable[[str], Any], report: Report, secret_key: str = "") -> str:
    """Carry out a plan; returns the API's URL.

    :param clients: gives the boto3 client of a service by its name.
    :param secret_key: the function's ``SECRET_KEY``; by default the one it has, or a new one.
    :raises DeployError: when something is in the way that somebody must decide.
    """
    function = FunctionDeployer(clients, plan, report)
    current = (function.current() or {}).get("Environment", {}).get("Variables", {})
    # Before anything is made: settings that the service would refuse.
    environment = plan.environment(secret_key or current.get("SECRET_KEY") or secrets.token_urlsafe(48))
    s3 = clients("s3")
    made, secured = ensure_versioned_bucket(s3, plan.bucket, plan.region), secure_bucket(s3, plan.bucket)
    report(f"bucket {plan.bucket}", made if made != "unchanged" else secured)
    if plan.table:
        report(f"table {plan.table}", ensure_table(clients("dynamodb"), plan.table))
    return ApiDeployer(clients, plan, report).deploy(function.deploy(package, environment))


def connect(plan: Plan, environ: Mapping[str, str]) -> Callable[[str], Any]:
    """Clients for AWS, or for what stands at the plan's endpoint."""
    localstack = bool(plan.endpoint) and environ.get("USE_LOCALSTACK") in ("1", "true", "True")
    # LocalStack takes any credentials, but boto3 refuses to sign without some.
    given = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
    session = boto3.session.Session(region_name=plan.region)
    if localstack and session.get_credentials() is None:
        session = boto3.session.Session(region_name=plan.region, **given)  # type: ignore[arg-type]

    @cache
    def client(service: str) -> Any:
        config = Config(
            retries={"mode": "standard", "total_max_attempts": 5},
            s3={"addressing_style": "path" if plan.endpoint else "auto"},
        )
        return session.client(service, endpoint_url=plan.endpoint, config=config)  # type: ignore[call-overload]

    return client


def main(arguments: list[str] | None = None) -> int:
    """The command line; returns the exit code."""
    parser = argparse.ArgumentParser(prog="scripts.deploy")
    parser.add_argument("package", type=Path)
    package = parser.parse_args(arguments).package
    try:
        plan = read_plan(os.environ)
        clients = connect(plan, os.environ)
        print(deploy(plan, package, clients, _show, os.environ.get("SECRET_KEY", "")))
    except DeployError as error:
        for problem in error.problems:
            print(f"deploy: {problem}", file=sys.stderr)
        return 1
    except (BotoCoreError, ClientError) as error:
        print(f"deploy: {error}", file=sys.stderr)
        return 1
    return 0


def _show(what: str, done: str) -> None:
    print(f"{what}: {done}")


if __name__ == "__main__":
    sys.exit(main())
