"""What every workflow, action and template of the repository has to keep to."""

from __future__ import annotations

import re
from typing import Any

import pytest
import yaml

from scripts.pipeline import deploy, smoke
from tests.pipelines.runner import ROOT, WORKFLOWS, jobs, workflow

FILES = sorted(path.name for path in WORKFLOWS.glob("*.yml"))
ACTIONS = sorted((ROOT / ".github" / "actions").glob("*/action.yml"))
LOCAL = "./.github/"
WRITES = {
    ("pr.yml", "comment"): {"pull-requests"},
    ("build.yml", "image"): {"id-token", "attestations"},
    ("deploy.yml", "deploy"): {"id-token"},
    ("release.yml", "staging"): {"id-token"},
    ("release.yml", "production"): {"id-token"},
    ("release.yml", "publish"): {"contents"},
}


def steps() -> list[tuple[str, dict[str, Any]]]:
    found = [(f"{file} {name}", step) for file, name, job in jobs() for step in job.get("steps", [])]
    for path in ACTIONS:
        found += [(path.parent.name, step) for step in yaml.safe_load(path.read_text())["runs"]["steps"]]
    return found


def test_there_are_the_pipelines() -> None:
    assert FILES == ["build.yml", "checks.yml", "deploy.yml", "pr.yml", "release.yml"]


def test_every_action_is_pinned_by_its_commit_with_the_version_beside_it() -> None:
    texts = [path.read_text() for path in [*WORKFLOWS.glob("*.yml"), *ACTIONS]]
    used = [line.strip().removeprefix("- ") for text in texts for line in text.splitlines() if "uses:" in line]
    foreign = [line for line in used if not line.startswith(f"uses: {LOCAL}")]
    assert len(foreign) > 20
    for line in foreign:
        assert re.fullmatch(r"uses: [\w.-]+/[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", line), line
    pins: dict[str, str] = {}
    for line in foreign:
        name, _, pin = line.removeprefix("uses: ").partition("@")
        assert pins.setdefault(name, pin) == pin, f"{name} has two pins"


def test_local_pieces_exist() -> None:
    for place, step in steps():
        uses = step.get("uses", "")
        assert not uses.startswith(LOCAL) or (ROOT / uses / "action.yml").is_file(), f"{place}: {uses}"
    for file, name, job in jobs():
        assert (ROOT / job["uses"]).is_file() if "uses" in job else True, f"{file} {name}"


@pytest.mark.parametrize("file", FILES)
def test_nothing_is_permitted_but_by_a_job(file: str) -> None:
    content = workflow(file)
    assert content["permissions"] == {}
    for name, job in content["jobs"].items():
        granted = job["permissions"]
        assert {scope for scope, level in granted.items() if level == "write"} == WRITES.get((file, name), set()), name
        assert set(granted.values()) <= {"read", "write"}


@pytest.mark.parametrize("file", FILES)
def test_every_job_has_an_end(file: str) -> None:
    for name, job in workflow(file)["jobs"].items():
        if "uses" not in job:
            assert 1 <= job["timeout-minutes"] <= 75, name


def test_runs_that_exclude_each_other() -> None:
    for file in ("pr.yml", "build.yml", "release.yml"):
        assert workflow(file)["concurrency"]["group"]
    assert workflow("pr.yml")["concurrency"]["cancel-in-progress"] is True
    assert workflow("release.yml")["concurrency"] == {"group": "release", "cancel-in-progress": False}
    deployment = workflow("deploy.yml")["jobs"]["deploy"]["concurrency"]
    assert deployment == {"group": "deploy-${{ inputs.environment }}", "cancel-in-progress": False}


def test_no_expression_is_pasted_into_shell() -> None:
    for place, step in steps():
        assert "${{" not in step.get("run", ""), f"{place}: {step['name']}"


def test_checkouts_leave_no_token_behind() -> None:
    for place, step in steps():
        if step.get("uses", "").startswith("actions/checkout@"):
            assert step["with"]["persist-credentials"] is False, place


def test_who_starts_what() -> None:
    assert workflow("pr.yml")["on"] == {"pull_request": {"branches": ["main"]}}
    assert workflow("build.yml")["on"] == {"push": {"branches": ["main"]}, "workflow_dispatch": None}
    assert workflow("release.yml")["on"] == {"push": {"tags": ["v*.*.*"]}, "workflow_dispatch": None}
    for file in ("checks.yml", "deploy.yml"):
        assert set(workflow(file)["on"]) == {"workflow_call"}


def test_the_guard_comes_before_every_credential() -> None:
    for file, name in (("build.yml", "image"), ("deploy.yml", "deploy")):
        order = [step.get("uses", step.get("run", "")) for step in workflow(file)["jobs"][name]["steps"]]
        guard = next(place for place, what in enumerate(order) if "pipeline.guard" in what)
        assert order[0].startswith("actions/checkout@")
        assert guard == 1
        assert guard < order.index("./.github/actions/aws")


def test_pull_requests_and_checks_know_no_credentials() -> None:
    for file in ("pr.yml", "checks.yml"):
        text = (WORKFLOWS / file).read_text()
        assert "{{ secrets" not in text
        assert "vars." not in text
        assert "id-token" not in text
    assert not any("{{ secrets" in path.read_text() for path in [*WORKFLOWS.glob("*.yml"), *ACTIONS])


def test_a_deployment_and_its_rollback_fit_in_their_sessions() -> None:
    job = workflow("deploy.yml")["jobs"]["deploy"]
    limits = {step["name"]: 60 * step["timeout-minutes"] for step in job["steps"] if "timeout-minutes" in step}
    assert limits["Migrate and change over"] >= deploy.MIGRATION_SECONDS + deploy.CHANGEOVER_SECONDS
    assert limits["Roll back"] > deploy.CHANGEOVER_SECONDS
    assert limits["Smoke test"] > smoke.PATIENCE + smoke.DIRECT_SECONDS + smoke.REQUEST_SECONDS
    assert limits["Watch the alarms"] >= int(job["env"]["WATCH_SECONDS"]) + deploy.LAST_LOOKS * 10 + 15
    action = yaml.safe_load((ROOT / ".github/actions/aws/action.yml").read_text())
    session = action["runs"]["steps"][0]["with"]["role-duration-seconds"]
    assert sum(limits.values()) - limits["Roll back"] <= session - 180  # a rollback has a session of its own
    assert limits["Roll back"] <= session - 180
    assert 60 * job["timeout-minutes"] > sum(limits.values()) + 600


def test_a_rollback_has_a_session_of_its_own() -> None:
    steps = workflow("deploy.yml")["jobs"]["deploy"]["steps"]
    place = next(place for place, step in enumerate(steps) if step["name"] == "Roll back")
    assert steps[place - 1]["uses"] == "./.github/actions/aws"
    # Never where the guard refused: it comes before the first session.
    assert steps[place - 1]["if"] == "(failure() || cancelled()) && steps.aws.outcome == 'success'"


def test_an_image_is_named_last_and_built_once() -> None:
    order = [step["name"] for step in workflow("build.yml")["jobs"]["image"]["steps"]]
    assert order[-1] == "Name it"
    for earlier in ("Scan it", "Sign its provenance", "Sign its bill of materials"):
        assert order.index("Build and push, without a name") < order.index(earlier) < order.index("Name it")
    scan = next(step for step in workflow("build.yml")["jobs"]["image"]["steps"] if step["name"] == "Scan it")
    assert scan["with"]["fail-build"] is True
    assert scan["with"]["severity-cutoff"] == "high"
    building = [f"{file} {name}" for file, name, job in jobs() if "build-push-action" in str(job)]
    assert building == ["build.yml image"]


def test_production_waits_for_staging_and_takes_its_image() -> None:
    release = workflow("release.yml")["jobs"]
    assert release["production"]["needs"] == ["prepare", "staging"]
    assert release["production"]["with"]["digest"] == "${{ needs.staging.outputs.digest }}"
    assert release["publish"]["needs"] == ["prepare", "production"]


def test_owners_and_updates_name_what_is_there() -> None:
    for line in (ROOT / ".github/CODEOWNERS").read_text().splitlines():
        if line and not line.startswith("#"):
            path = line.split()[0].strip("/")
            assert path == "*" or list(ROOT.glob(path)), path
    updates = yaml.safe_load((ROOT / ".github/dependabot.yml").read_text())["updates"]
    assert {"pip", "github-actions", "docker", "terraform"} <= {update["package-ecosystem"] for update in updates}
    for update in updates:
        for folder in update.get("directories", [update.get("directory")]):
            assert list(ROOT.glob(folder.strip("/") or "*")), folder


@pytest.mark.parametrize("name", ["bug.yml", "feature.yml"])
def test_issue_forms_are_forms(name: str) -> None:
    form = yaml.safe_load((ROOT / ".github/ISSUE_TEMPLATE" / name).read_text())
    assert {"name", "description", "body"} <= set(form)
    ids = [part["id"] for part in form["body"]]
    assert len(ids) == len(set(ids))
    for part in form["body"]:
        assert part["type"] in {"textarea", "input", "dropdown"}
        assert part["attributes"]["label"]
