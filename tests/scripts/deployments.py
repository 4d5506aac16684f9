"""Runs deployments against the emulator, and looks at what they made."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import boto3

from scripts.deploy import connect, deploy
from scripts.deploy_plan import read_plan
from scripts.lambda_package import build

ROOT = Path(__file__).resolve().parents[2]


def run(environ: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["bash", "scripts/deploy.sh"], cwd=ROOT, env=environ, capture_output=True, text=True, timeout=110, check=False
    )


def deployed(environ: Mapping[str, str]) -> list[str]:
    """Deploy, in this process since that is faster; the lines that would be on stdout."""
    lines: list[str] = []
    with TemporaryDirectory() as work:
        package = Path(work) / "function.zip"
        build(Path(environ["PACKAGE_DIR"]), package)
        plan = read_plan(environ)
        url = deploy(plan, package, connect(plan, environ), lambda what, done: lines.append(f"{what}: {done}"))
    remember_binary_types(environ["AWS_ENDPOINT_URL"])
    return [*lines, url]


def deployed_by_script(environ: Mapping[str, str]) -> list[str]:
    """The same with the script."""
    done = run(environ)
    assert done.returncode == 0, done.stderr
    remember_binary_types(environ["AWS_ENDPOINT_URL"])
    return done.stdout.splitlines()


def remember_binary_types(endpoint: str) -> None:
    """moto forgets the binary types that an API is made with; ``TestInTheWay`` looks at what is sent."""
    gateway = Account(endpoint).client("apigateway")
    for api in gateway.get_rest_apis()["items"]:
        if not api["binaryMediaTypes"]:
            operation = {"op": "add", "path": "/binaryMediaTypes/*~1*", "value": "*/*"}
            gateway.update_rest_api(restApiId=api["id"], patchOperations=[operation])


class Account:
    """Looks at what is there."""

    def __init__(self, endpoint: str) -> None:
        self.endpoint = endpoint

    def client(self, service: str) -> Any:
        return boto3.client(service, endpoint_url=self.endpoint, region_name="us-east-1")  # type: ignore[call-overload]

    def describe(self) -> dict[str, Any]:
        """Everything that a deployment makes."""
        s3, gateway, function = self.client("s3"), self.client("apigateway"), self.client("lambda")
        bucket = {"Bucket": "image-service-bucket"}
        (api,) = gateway.get_rest_apis()["items"]
        found = {
            "versioning": s3.get_bucket_versioning(**bucket)["Status"],
            "public": s3.get_public_access_block(**bucket)["PublicAccessBlockConfiguration"],
            "encryption": s3.get_bucket_encryption(**bucket)["ServerSideEncryptionConfiguration"],
            "lifecycle": s3.get_bucket_lifecycle_configuration(**bucket)["Rules"],
            "table": self.client("dynamodb").describe_table(TableName="image-metadata")["Table"],
            "ttl": self.client("dynamodb").describe_time_to_live(TableName="image-metadata")["TimeToLiveDescription"],
            "role": self.client("iam").get_role(RoleName="imageService-role")["Role"],
            "policy": self.client("iam").get_role_policy(RoleName="imageService-role", PolicyName="image-service"),
            "log": self.client("logs").describe_log_groups()["logGroups"],
            "function": function.get_function_configuration(FunctionName="imageService"),
            "permission": json.loads(function.get_policy(FunctionName="imageService")["Policy"]),
            "api": api,
            "resources": gateway.get_resources(restApiId=api["id"], embed=["methods"])["items"],
            "deployments": gateway.get_deployments(restApiId=api["id"])["items"],
            "stages": gateway.get_stages(restApiId=api["id"])["item"],
        }
        for each in found.values():
            if isinstance(each, dict):
                each.pop("ResponseMetadata", None)
        return found
