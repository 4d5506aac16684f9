"""``deploy.sh`` against an emulator of AWS: everything is made, a second run changes nothing, a change changes it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from scripts.deploy_plan import read_plan
from services.metadata.dynamo_table import definition
from tests.scripts.deployments import ROOT, Account, deployed, deployed_by_script


def test_a_first_run_makes_everything(environ: dict[str, str], account: Account) -> None:
    lines = deployed_by_script(environ)
    found = account.describe()
    api = found["api"]["id"]
    assert lines[-1] == f"{account.endpoint}/restapis/{api}/dev/_user_request_"
    assert all(line.endswith(": created") for line in lines[:-1])
    assert found["versioning"] == "Enabled"
    assert all(found["public"].values())
    assert found["encryption"]["Rules"][0]["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"] == "AES256"
    assert found["table"]["KeySchema"] == definition("image-metadata")["KeySchema"]
    assert found["ttl"]["TimeToLiveStatus"] == "ENABLED"
    assert found["log"][0]["retentionInDays"] == 30
    function = found["function"]
    assert (function["Handler"], function["Runtime"]) == ("lambda_handler.lambda_handler", "python3.12")
    variables = function["Environment"]["Variables"]
    assert (variables["S3_BUCKET"], variables["DYNAMO_TABLE"]) == ("image-service-bucket", "image-metadata")
    assert len(variables["SECRET_KEY"]) >= 32
    assert {resource["path"] for resource in found["resources"]} == {"/", "/{proxy+}"}
    for resource in found["resources"]:
        integration = resource["resourceMethods"]["ANY"]["methodIntegration"]
        assert (integration["type"], integration["httpMethod"]) == ("AWS_PROXY", "POST")
        assert function["FunctionArn"] in integration["uri"]
    (statement,) = found["permission"]["Statement"]
    assert statement["Condition"]["ArnLike"]["AWS:SourceArn"].endswith(f":{api}/*/*")
    assert [stage["stageName"] for stage in found["stages"]] == ["dev"]


def test_a_second_run_changes_nothing(environ: dict[str, str], account: Account) -> None:
    first = deployed_by_script(environ)
    before = account.describe()
    second = deployed_by_script(environ)
    assert account.describe() == before
    assert second[-1] == first[-1]
    assert all(line.endswith(": unchanged") for line in second[:-1]), second


def test_changed_code_updates_the_function_alone(environ: dict[str, str], account: Account, packages: Path) -> None:
    deployed(environ)
    before = account.describe()
    (packages / "flask" / "__init__.py").write_text("changed")
    lines = deployed(environ)
    after = account.describe()
    assert [line for line in lines[:-1] if not line.endswith(": unchanged")] == ["function imageService: updated"]
    assert after["function"]["CodeSha256"] != before["function"]["CodeSha256"]
    assert after["function"]["Environment"] == before["function"]["Environment"]
    for changing in ("function",):
        del before[changing], after[changing]
    assert after == before


def test_changed_settings_reach_the_function(environ: dict[str, str], account: Account) -> None:
    deployed(environ)
    kept = account.describe()["function"]["Environment"]["Variables"]["SECRET_KEY"]
    changed = {"MAX_IMAGE_SIZE": "1000", "PRESIGNED_URL_EXPIRATION": "60", "HANDLER_NAME": "other.handler"}
    lines = deployed(environ | changed)
    assert "function imageService: updated" in lines
    function = account.describe()["function"]
    variables = function["Environment"]["Variables"]
    assert (variables["MAX_FILE_SIZE"], variables["PRESIGNED_EXPIRATION"]) == ("1000", "60")
    assert (variables["SECRET_KEY"], function["Handler"]) == (kept, "other.handler")


@pytest.mark.parametrize(
    ("service", "call"),
    [
        ("s3", ("put_bucket_versioning", {"VersioningConfiguration": {"Status": "Suspended"}})),
        ("s3", ("delete_public_access_block", {})),
        ("s3", ("delete_bucket_lifecycle", {})),
    ],
)
def test_what_somebody_changed_by_hand_is_put_right(
    environ: dict[str, str], account: Account, service: str, call: tuple[str, dict[str, Any]]
) -> None:
    deployed(environ)
    before = account.describe()
    name, parameters = call
    getattr(account.client(service), name)(Bucket="image-service-bucket", **parameters)
    assert "bucket image-service-bucket: updated" in deployed(environ)
    assert account.describe() == before


def test_rules_of_somebody_else_stay(environ: dict[str, str], account: Account) -> None:
    theirs = {"ID": "theirs", "Status": "Enabled", "Filter": {"Prefix": "other/"}, "Expiration": {"Days": 1}}
    s3 = account.client("s3")
    s3.create_bucket(Bucket="image-service-bucket")
    s3.put_bucket_lifecycle_configuration(Bucket="image-service-bucket", LifecycleConfiguration={"Rules": [theirs]})
    deployed(environ)
    assert "theirs" in [rule["ID"] for rule in account.describe()["lifecycle"]]
    assert all(line.endswith(": unchanged") for line in deployed(environ)[:-1])


def test_the_handler_named_by_default_is_there() -> None:
    module, name = read_plan({}).handler.split(".")
    assert callable(getattr(__import__(module), name))


def test_the_documented_variables_are_those_of_the_code() -> None:
    plan = read_plan({})
    text = (ROOT / "docs" / "deployment-lambda.md").read_text()
    documented: dict[str, str] = {}
    for names, default in re.findall(r"^\| (`[A-Z_`, ]+`) \| ([^|]+) \|", text, re.MULTILINE):
        values = re.findall(r"`([^`]+)`", default) or [default.strip()]
        documented |= dict(zip(re.findall(r"[A-Z_]+", names), values, strict=False))
    expected = {
        "FUNCTION_NAME": plan.function, "HANDLER_NAME": plan.handler, "LAMBDA_RUNTIME": plan.runtime,
        "LAMBDA_ARCHITECTURE": plan.architecture, "API_NAME": plan.api, "STAGE_NAME": plan.stage,
        "BUCKET_NAME": plan.bucket, "TABLE_NAME": str(plan.table), "AWS_DEFAULT_REGION": plan.region,
        "ENVIRONMENT": plan.settings["ENVIRONMENT"],
    }  # fmt: skip
    assert documented.items() >= expected.items()
    script = (ROOT / "scripts" / "deploy.sh").read_text()
    assert set(documented) - {"SECRET_KEY", "ENVIRONMENT"} <= set(re.findall(r"[A-Z_]{4,}", script))
