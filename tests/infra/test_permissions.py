"""What the applied policies grant, and whom they trust."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from services.storage import s3, s3_events
from tests.infra import policies
from tests.infra.conftest import Emulated
from tests.infra.policies import several

pytestmark = pytest.mark.timeout(600)

EVERY_RESOURCE = {"ecr:GetAuthorizationToken", "ecs:DescribeTaskDefinition", "ecs:RegisterTaskDefinition"}
"""Actions for which AWS knows no resources."""


def statements(emulated: Emulated) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every statement of every policy that was applied, with where it stands."""
    for deployed in (emulated.minimal, emulated.complete):
        for resource in deployed.resources():
            for path, document in policies.documents(resource["values"]):
                for statement in document["Statement"]:
                    yield f"{resource['address']}{path}: {statement.get('Sid')}", statement


def test_no_statement_allows_a_wildcard(emulated: Emulated) -> None:
    seen = 0
    for where, statement in statements(emulated):
        assert not {"NotAction", "NotResource", "NotPrincipal"} & set(statement), where
        assert statement["Sid"], where
        if statement["Effect"] == "Allow":
            seen += 1
            assert not any(mark in action for action in several(statement["Action"]) for mark in "*?"), where
            assert statement.get("Principal") != "*", where
        elif "*" in "".join(several(statement["Action"])):
            assert (statement["Sid"], statement["Action"]) == ("RefusePlainHttp", "s3:*"), where
    assert seen > 25, "the policies were not read"


def test_every_resource_is_named(emulated: Emulated) -> None:
    for where, statement in statements(emulated):
        if statement["Effect"] == "Allow" and "aws_kms_key" not in where and "Resource" in statement:
            resources = several(statement["Resource"])
            assert resources, where
            if "*" in resources:
                assert set(several(statement["Action"])) <= EVERY_RESOURCE, where


def test_the_service_may_do_what_its_adapters_say_they_need(emulated: Emulated) -> None:
    granted = policies.actions(json.loads(emulated.complete.output("task_policy")))
    said = set(re.findall(r"\b(?:s3|kms):[A-Z]\w+", s3.__doc__ or ""))
    said |= set(re.findall(r"\bsqs:[A-Z]\w+", s3_events.__doc__ or ""))
    assert {action for action in granted if not action.startswith("dynamodb:")} == said
    minimal = policies.actions(json.loads(emulated.minimal.output("task_policy")))
    assert minimal == {action for action in said if action.startswith("s3:")}


def test_the_service_may_touch_its_own_bucket_table_and_queue_only(emulated: Emulated) -> None:
    document = json.loads(emulated.complete.output("task_policy"))
    resources = {resource for statement in document["Statement"] for resource in several(statement["Resource"])}
    (key,) = (resource for resource in resources if ":kms:" in resource)
    assert resources == {
        key,
        "arn:aws:s3:::acme-images",
        "arn:aws:s3:::acme-images/images/*",
        "arn:aws:s3:::acme-images/pending/*",
        "arn:aws:dynamodb:eu-central-1:123456789012:table/images-production",
        "arn:aws:dynamodb:eu-central-1:123456789012:table/images-production/index/by_everyone",
        "arn:aws:sqs:eu-central-1:123456789012:acme-images-arrivals",
    }


def trust(emulated: Emulated, role: str) -> dict[str, Any]:
    document = emulated.client("iam").get_role(RoleName=f"images-production-{role}")["Role"]["AssumeRolePolicyDocument"]
    return dict(document)


def claims(subject: str, audience: str = "sts.amazonaws.com") -> dict[str, str]:
    return {"aud": audience, "sub": subject}


@pytest.mark.parametrize(
    "repository",
    ["acme/image-service", "acme@11/image-service@22"],
    ids=["names", "names and numbers, sent by repositories made or renamed since July 2026"],
)
def test_a_job_in_the_environment_may_deploy(emulated: Emulated, repository: str) -> None:
    assert policies.trusts(trust(emulated, "deploy"), claims(f"repo:{repository}:environment:production"))
    assert policies.trusts(trust(emulated, "build"), claims(f"repo:{repository}:environment:build"))


@pytest.mark.parametrize(
    "subject",
    [
        "",
        "repo:acme/image-service",
        "repo:acme/image-service:environment:",
        "repo:acme/image-service:environment:staging",
        "repo:acme/image-service:environment:Production",
        "repo:acme/image-service:environment:production2",
        "repo:acme/image-service:environment:production:ref:refs/heads/main",
        "repo:acme/image-service:environment:production\n",
        "repo:acme/image-service:environment:*",
        "repo:acme/image-service:ref:refs/heads/main",
        "repo:acme/image-service:ref:refs/tags/v1.0.0",
        "repo:acme/image-service:pull_request",
        "repo:acme@11/image-service@22:pull_request",
        "repo:acme@11/image-service@22:ref:refs/heads/main",
        "repo:mallory/image-service:environment:production",
        "repo:mallory@33/image-service@44:environment:production",
        "repo:acme@33/image-service@22:environment:production",
        "repo:acme@11/image-service@44:environment:production",
        "repo:acme@11/image-service:environment:production",
        "repo:acme/image-service-fork:environment:production",
        "repo:acme/*:environment:production",
        "repo:ACME/image-service:environment:production",
        "xrepo:acme/image-service:environment:production",
    ],
)
def test_nobody_else_may_deploy_or_push(emulated: Emulated, subject: str) -> None:
    assert not policies.trusts(trust(emulated, "deploy"), claims(subject))
    assert not policies.trusts(trust(emulated, "build"), claims(subject))


def test_an_environment_opens_its_own_role_only(emulated: Emulated) -> None:
    assert not policies.trusts(trust(emulated, "build"), claims("repo:acme/image-service:environment:production"))
    assert not policies.trusts(trust(emulated, "deploy"), claims("repo:acme/image-service:environment:build"))


@pytest.mark.parametrize(
    "audience", ["", "https://github.com/acme", "sts.amazonaws.com.cn", "api://AzureADTokenExchange"]
)
def test_a_token_for_somebody_else_opens_nothing(emulated: Emulated, audience: str) -> None:
    subject = "repo:acme/image-service:environment:production"
    assert not policies.trusts(trust(emulated, "deploy"), claims(subject, audience))
    assert not policies.trusts(trust(emulated, "deploy"), {"sub": subject})
    assert not policies.trusts(trust(emulated, "deploy"), {"aud": "sts.amazonaws.com"})


def test_the_evaluation_would_notice_a_wildcard() -> None:
    loose = {
        "Statement": [
            {
                "Effect": "Allow",
                "Action": "sts:AssumeRoleWithWebIdentity",
                "Condition": {"StringLike": {"token.actions.githubusercontent.com:sub": "repo:acme/*"}},
            }
        ]
    }
    assert policies.trusts(loose, claims("repo:acme/image-service:pull_request"))


def test_a_role_is_passed_to_tasks_only_and_no_other_role_is(emulated: Emulated) -> None:
    iam = emulated.client("iam")
    document = iam.get_role_policy(RoleName="images-production-deploy", PolicyName="deploy")["PolicyDocument"]
    (passing,) = (each for each in document["Statement"] if "iam:PassRole" in several(each["Action"]))
    assert passing["Condition"] == {"StringEquals": {"iam:PassedToService": "ecs-tasks.amazonaws.com"}}
    assert set(several(passing["Resource"])) == {
        "arn:aws:iam::123456789012:role/images-production-task",
        "arn:aws:iam::123456789012:role/images-production-execution",
    }
