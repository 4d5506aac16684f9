"""The function with its role and its log: made if they are missing, changed where they differ."""

from __future__ import annotations

import base64
import hashlib
import json
import time
from pathlib import Path
from typing import Any

from scripts.aws_storage import Report
from scripts.deploy_plan import TRUST, DeployError, Plan

LOG_DAYS = 30
MEMORY = 1024
"""MiB; Lambda gives processor time in proportion."""
TIMEOUT = 29
"""Seconds; API Gateway waits for no longer."""
POLICY_NAME = "image-service"
ROLE_SECONDS = 60.0
"""A new role is not known everywhere at once; how long to wait for it."""


class FunctionDeployer:
    """Makes one function what its plan says. ``clients`` gives the boto3 client of a service by its name."""

    def __init__(self, clients: Any, plan: Plan, report: Report) -> None:
        self._iam = clients("iam")
        self._logs = clients("logs")
        self._lambda = clients("lambda")
        self._identity = clients("sts")
        self._plan = plan
        self._report = report

    def current(self) -> dict[str, Any] | None:
        """The configuration of the function as it is deployed; None without one."""
        try:
            found: dict[str, Any] = self._lambda.get_function_configuration(FunctionName=self._plan.function)
        except self._lambda.exceptions.ResourceNotFoundException:
            return None
        return found

    def deploy(self, package: Path, environment: dict[str, str]) -> str:
        """Make role, log and function; returns the function's ARN."""
        caller = self._identity.get_caller_identity()
        partition, account = str(caller["Arn"]).split(":")[1], str(caller["Account"])
        self._ensure_log()
        role = self._ensure_role(self._plan.policy(partition, account))
        code = package.read_bytes()
        current = self.current()
        if current is None:
            arn = self._create(role, code, environment)
            self._report(f"function {self._plan.function}", "created")
            return arn
        changed = self._update(current, role, code, environment)
        self._report(f"function {self._plan.function}", "updated" if changed else "unchanged")
        return str(current["FunctionArn"])

    def _ensure_log(self) -> None:
        name = self._plan.log_group
        groups = self._logs.describe_log_groups(logGroupNamePrefix=name)["logGroups"]
        found = next((group for group in groups if group["logGroupName"] == name), None)
        if found is None:
            self._logs.create_log_group(logGroupName=name)
        if found is None or "retentionInDays" not in found:  # else every line would be kept, and paid for, for ever
            self._logs.put_retention_policy(logGroupName=name, retentionInDays=LOG_DAYS)
        self._report(f"log {name}", "unchanged" if found else "created")

    def _ensure_role(self, policy: dict[str, Any]) -> str:
        name = self._plan.role
        done = "unchanged"
        try:
            role = self._iam.get_role(RoleName=name)["Role"]
            if role["AssumeRolePolicyDocument"] != TRUST:
                raise DeployError(f"role {name} exists and does not trust Lambda alone: choose another FUNCTION_NAME")
        except self._iam.exceptions.NoSuchEntityException:
            role = self._iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(TRUST))["Role"]
            done = "created"
        if self._role_policy(name) != policy:
            self._iam.put_role_policy(RoleName=name, PolicyName=POLICY_NAME, PolicyDocument=json.dumps(policy))
            done = "created" if done == "created" else "updated"
        self._report(f"role {name}", done)
        return str(role["Arn"])

    def _role_policy(self, role: str) -> Any:
        try:
            return self._iam.get_role_policy(RoleName=role, PolicyName=POLICY_NAME)["PolicyDocument"]
        except self._iam.exceptions.NoSuchEntityException:
            return None

    def _create(self, role: str, code: bytes, environment: dict[str, str]) -> str:
        deadline = time.monotonic() + ROLE_SECONDS
        while True:
            try:
                made = self._lambda.create_function(
                    FunctionName=self._plan.function,
                    Code={"ZipFile": code},
                    PackageType="Zip",
                    Architectures=[self._plan.architecture],
                    **self._configuration(role, environment),
                )
                break
            except self._lambda.exceptions.InvalidParameterValueException as error:
                if "cannot be assumed" not in str(error) or time.monotonic() > deadline:
                    raise
                time.sleep(2)
        self._lambda.get_waiter("function_active_v2").wait(FunctionName=self._plan.function)
        return str(made["FunctionArn"])

    def _update(self, current: dict[str, Any], role: str, code: bytes, environment: dict[str, str]) -> bool:
        name = self._plan.function
        digest = base64.b64encode(hashlib.sha256(code).digest()).decode()
        architectures = [self._plan.architecture]
        wanted = self._configuration(role, environment)
        present = {key: current.get(key) for key in wanted}
        present["Environment"] = {"Variables": current.get("Environment", {}).get("Variables", {})}
        new_code = current["CodeSha256"] != digest or current.get("Architectures", ["x86_64"]) != architectures
        # The settings first: new code must not meet variables that it does not know how to read.
        if present != wanted:
            self._lambda.update_function_configuration(FunctionName=name, **wanted)
            self._lambda.get_waiter("function_updated_v2").wait(FunctionName=name)
        if new_code:
            self._lambda.update_function_code(FunctionName=name, ZipFile=code, Architectures=architectures)
            self._lambda.get_waiter("function_updated_v2").wait(FunctionName=name)
        return new_code or present != wanted

    def _configuration(self, role: str, environment: dict[str, str]) -> dict[str, Any]:
        return {
            "Runtime": self._plan.runtime,
            "Role": role,
            "Handler": self._plan.handler,
            "Timeout": TIMEOUT,
            "MemorySize": MEMORY,
            "Environment": {"Variables": environment},
        }
