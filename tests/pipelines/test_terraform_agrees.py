"""The workflows and Terraform's roles for them: environments, subjects, outputs, actions, alarms, commands."""

from __future__ import annotations

import re
from typing import Any

import boto3.session
import pytest
from flask import Flask

from tests.pipelines.runner import ROOT, jobs, workflow

IDENTITY = (ROOT / "terraform/modules/identity/github.tf").read_text()
COMPLETE = (ROOT / "terraform/examples/complete/variables.tf").read_text()
ROOT_OUTPUTS = (ROOT / "terraform/outputs.tf").read_text()
SERVICE = (ROOT / "terraform/modules/service/main.tf").read_text()
DOCUMENTS = ROOT / "docs/deployment.md"


def environments() -> dict[str, str]:
    """GitHub environment -> which of Terraform's roles its jobs take."""
    found: dict[str, str] = {}
    for file, name, job in jobs():
        if any(step.get("uses") == "./.github/actions/aws" for step in job.get("steps", [])):
            environment = job["environment"]["name"]
            role = "build" if file == "build.yml" else "deploy"
            callers = [call["with"]["environment"] for _, _, call in jobs() if call.get("uses", "").endswith(file)]
            found |= dict.fromkeys(callers if environment == "${{ inputs.environment }}" else [environment], role)
            assert name
    return found


def subjects(repository: str, environment: str) -> list[str]:
    """The subjects that Terraform's trust policy names, from its own text."""
    templates = re.findall(r'^\s*"(repo:[^"]+)",$', IDENTITY, re.MULTILINE)
    assert len(templates) == 2
    values = {
        "var.github.repository": repository,
        "local.numbered": "acme@11/image-service@22",
        "each.value": environment,
    }
    return [re.sub(r"\$\{([^}]+)\}", lambda found: values[found[1]], template) for template in templates]


def test_every_job_with_a_role_names_its_environment() -> None:
    assert environments() == {"build": "build", "staging": "deploy", "production": "deploy"}


def test_the_subject_that_github_sends_is_one_that_terraform_trusts() -> None:
    for environment in environments():
        sent = [f"repo:acme/image-service:environment:{environment}"]
        sent += [f"repo:acme@11/image-service@22:environment:{environment}"]
        assert subjects("acme/image-service", environment) == sent


def test_no_subject_names_a_branch_a_tag_or_a_pull_request() -> None:
    assert "StringEquals" in IDENTITY
    assert "StringLike" not in IDENTITY
    for environment in environments():
        for subject in subjects("acme/image-service", environment):
            assert not re.search(r"ref:|pull_request|[*?]", subject)


def test_the_roles_are_terraforms_outputs() -> None:
    made = re.search(r"for role, environment in \{(.+?)\}", IDENTITY)
    assert made
    assert dict(re.findall(r"(\w+) = var\.github\.(\w+)", made[1])) == {
        "deploy": "environment",
        "build": "build_environment",
    }
    assert set(environments().values()) == {"deploy", "build"}
    assert 'build_environment = optional(string, "build")' in COMPLETE


def test_no_credential_is_asked_for_elsewhere() -> None:
    for file, name, job in jobs():
        if "uses" in job:
            continue
        takes_role = any(step.get("uses") == "./.github/actions/aws" for step in job["steps"])
        assert takes_role == ("id-token" in job["permissions"]) == ("environment" in job), f"{file} {name}"


def test_branch_and_tag_rules_of_the_environments_are_those_of_the_workflows() -> None:
    rule = r"environments/(\w+)/deployment-branch-policies\" -f '?name=([^' ]+)'? -f type=(\w+)"
    documented = {name: (kind, pattern) for name, pattern, kind in re.findall(rule, DOCUMENTS.read_text())}
    assert documented == {"build": ("branch", "main"), "staging": ("tag", "v*.*.*"), "production": ("tag", "v*.*.*")}
    assert workflow("build.yml")["on"]["push"] == {"branches": ["main"]}
    assert workflow("release.yml")["on"]["push"] == {"tags": ["v*.*.*"]}


def test_the_deployments_output_has_what_the_commands_read() -> None:
    output = re.search(r'output "deployment" \{(.+?)^\}', ROOT_OUTPUTS, re.DOTALL | re.MULTILINE)
    assert output
    names = re.findall(r"^    (\w+) +=", output[1], re.MULTILINE)
    assert {"cluster", "services", "families", "alarms"} <= set(names)
    root = (ROOT / "terraform/main.tf").read_text()
    assert 'service_names = { web = "${var.name}-web", ingest = "${var.name}-ingest" }' in root


def test_the_containers_are_called_like_the_parts() -> None:
    for part in ("web", "ingest"):
        assert re.search(rf'name +=\s"{part}"', SERVICE), part
    assert 'family                   = "${var.name}-${each.key}"' in SERVICE


def test_the_migration_gate_runs_a_command_that_the_service_has(make_app: Any) -> None:
    app: Flask = make_app()
    assert {"migrate", "ingest", "doctor"} <= set(app.cli.commands)


CALLED = {
    "ecs": {
        *("DescribeServices", "DescribeTaskDefinition", "RegisterTaskDefinition", "UpdateService", "RunTask"),
        "DescribeTasks",
    },
    "ecr": {"DescribeImages", "BatchGetImage", "PutImage"},
    "cloudwatch": {"DescribeAlarms"},
}


def test_every_call_of_the_commands_is_granted_to_the_deploy_role() -> None:
    policy = IDENTITY.partition("deploy_policy = jsonencode")[2].partition("build_policy = jsonencode")[0]
    granted = set(re.findall(r'"((?:ecs|ecr|cloudwatch):\w+)"', policy))
    assert {f"{service}:{call}" for service, calls in CALLED.items() for call in calls} <= granted


@pytest.mark.parametrize("service", sorted(CALLED))
def test_the_list_of_calls_is_what_the_commands_call(service: str) -> None:
    session: Any = boto3.session.Session()
    client = session.client(service, region_name="eu-central-1", aws_access_key_id="x", aws_secret_access_key="x")
    names = dict(client.meta.method_to_api_mapping)
    text = "".join(path.read_text() for path in sorted((ROOT / "scripts/pipeline").glob("*.py")))
    called = {names[name] for name in re.findall(r"(?:client|_client)\.(\w+)\(", text) if name in names}
    assert called == CALLED[service]
