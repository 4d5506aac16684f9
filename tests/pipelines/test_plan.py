from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from scripts.pipeline import plan_diff
from tests.infra import workspace
from tests.pipelines.house import House
from tests.pipelines.runner import ROOT, Runner

STEP = "Test the plan"


def plan(**resources: dict[str, Any]) -> dict[str, Any]:
    changes = [
        {"address": f"aws_thing.{name}", "mode": "managed", "change": {"actions": ["create"], **change}}
        for name, change in resources.items()
    ]
    return {"resource_changes": changes}


def test_what_is_added_removed_and_changed_is_named() -> None:
    before = plan(kept={"after": {"size": 1}}, gone={"after": {}}, same={"after": {"size": 3}})
    after = plan(kept={"after": {"size": 2}}, new={"after": {}}, same={"after": {"size": 3}})
    said = plan_diff.report(before, after)
    assert "1 added, 1 changed, 1 removed, of 3 resources." in said
    assert "- added `aws_thing.new`" in said
    assert "- removed `aws_thing.gone`" in said
    assert '-  "size": 1\n+  "size": 2' in said
    assert "aws_thing.same" not in said


def test_secrets_and_unknown_values_are_not_shown() -> None:
    before = plan(one={"after": {"key": "hush", "id": "a"}, "after_sensitive": {"key": True}})
    after = plan(one={"after": {"key": "other"}, "after_sensitive": {"key": True}, "after_unknown": {"id": True}})
    said = plan_diff.report(before, after)
    assert "hush" not in said
    assert "other" not in said
    assert "(known after apply)" in said


def test_a_policy_is_compared_line_by_line() -> None:
    policies = [json.dumps({"Statement": [{"Action": action, "Sid": "One"}]}) for action in ("s3:GetObject", "s3:*")]
    said = plan_diff.report(*(plan(one={"after": {"policy": text}}) for text in policies))
    assert '-        "Action": "s3:GetObject"' in said
    assert '+        "Action": "s3:*"' in said


def test_a_value_can_not_end_the_code_block() -> None:
    said = plan_diff.report(plan(one={"after": {"a": "x"}}), plan(one={"after": {"a": "```\n# loud"}}))
    assert said.count("```") == 2


def test_nothing_is_said_to_be_nothing() -> None:
    assert "Nothing" in plan_diff.report(plan(one={"after": {"a": 1}}), plan(one={"after": {"a": 1}}))


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_the_step_shows_what_a_branch_changes(runner: Runner, house: House) -> None:
    workspace.needs_terraform()
    shutil.copytree(
        ROOT / "terraform", house.folder / "terraform", ignore=shutil.ignore_patterns(".terraform*", "*.tfstate*")
    )
    before = house.commit("infrastructure")
    queue = house.folder / "terraform/modules/storage/queue.tf"
    assert "= 345600" in queue.read_text()
    queue.write_text(queue.read_text().replace("= 345600", "= 345601"))
    runner.limit = 380
    runner.context["github.event.pull_request.base.sha"] = before
    runner.environ["GITHUB_STEP_SUMMARY"] = str(runner.scratch / "summary")
    codes = runner.job("pr.yml", "plan", only=STEP)
    said = Path(runner.folder / "plan.md").read_text()
    assert codes == {STEP: 0}, runner.said(STEP)
    assert "0 added, 1 changed, 0 removed" in said
    assert "aws_sqs_queue" in said
    assert '-  "message_retention_seconds": 345600' in said
    assert (runner.scratch / "summary").read_text() == said
