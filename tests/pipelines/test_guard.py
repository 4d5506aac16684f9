from __future__ import annotations

from typing import Any

import pytest

from scripts.pipeline import guard
from scripts.pipeline.errors import PipelineError
from tests.pipelines.house import House
from tests.pipelines.runner import Runner

OURS = {"repository": {"full_name": "acme/image-service", "fork": False}}
COMMIT = "c" * 40


def variables(ref: str = "refs/heads/main", event: str = "push") -> dict[str, str]:
    return {
        "GITHUB_EVENT_NAME": event,
        "GITHUB_REPOSITORY": "acme/image-service",
        "GITHUB_REF": ref,
        "GITHUB_SHA": COMMIT,
    }


@pytest.mark.parametrize(
    ("event", "payload", "says"),
    [
        ("push", {"repository": {"full_name": "mallory/image-service", "fork": True}}, "fork"),
        ("push", {"repository": {"full_name": "acme/image-service"}}, "fork"),
        ("push", {}, "fork"),
        ("push", {"repository": {"full_name": "mallory/other", "fork": False}}, "another repository"),
        ("pull_request", OURS, "pull_request"),
        ("pull_request_target", OURS, "pull_request_target"),
        ("workflow_run", OURS, "workflow_run"),
        ("issue_comment", OURS, "issue_comment"),
        ("", OURS, "nothing"),
    ],
)
def test_outsiders_are_refused(event: str, payload: dict[str, Any], says: str) -> None:
    with pytest.raises(PipelineError, match=says):
        guard.check_origin(variables(event=event), payload)


@pytest.mark.parametrize("event", ["push", "workflow_dispatch"])
def test_the_repository_itself_passes(event: str) -> None:
    guard.check_origin(variables(event=event), OURS)


@pytest.mark.parametrize(
    "ref",
    ["refs/heads/feature", "refs/heads/main2", "refs/tags/main", "refs/heads/x/main", "refs/pull/1/merge", "main", ""],
)
def test_other_branches_are_refused(ref: str) -> None:
    with pytest.raises(PipelineError, match="refs/heads/main"):
        guard.check_branch(variables(ref))


@pytest.mark.parametrize(
    "ref",
    [
        *("refs/heads/main", "refs/heads/v1.2.3", "refs/tags/1.2.3", "refs/tags/v1.2", "refs/tags/v1.2.3-rc1"),
        *("refs/tags/v01.2.3", "refs/tags/v1.2.3.4", "refs/tags/v1.2.3/x", "refs/pull/1/merge", ""),
    ],
)
def test_other_references_than_a_releases_are_refused(ref: str) -> None:
    with pytest.raises(PipelineError, match=r"v1\.2\.3"):
        guard.check_release(variables(ref), lambda _commit: True)


def test_a_tag_beside_main_is_refused() -> None:
    with pytest.raises(PipelineError, match="not on main"):
        guard.check_release(variables("refs/tags/v1.2.3"), lambda _commit: False)


def test_a_release_gets_its_version() -> None:
    assert guard.check_release(variables("refs/tags/v1.20.3"), lambda commit: commit == COMMIT) == "1.20.3"


def job(runner: Runner, house: House, step: str, **event: Any) -> int:
    runner.environ.update(house.event(**event))
    file = "build.yml" if step.endswith("branches") else "deploy.yml"
    return runner.job(file, "image" if file == "build.yml" else "deploy", only=step)[step]


def test_the_steps_of_the_workflows_refuse(runner: Runner, house: House) -> None:
    main = house.git("rev-parse", "HEAD")
    house.git("checkout", "--quiet", "-b", "feature")
    beside = house.commit("beside", on_main=False)
    deploy, build = "Refuse forks, branches and tags beside main", "Refuse forks and other branches"
    tag = "refs/tags/v1.2.3"
    assert job(runner, house, deploy, ref=tag, commit=main) == 0
    assert job(runner, house, deploy, ref=tag, commit=main, fork=True) == 1
    assert "this is a fork" in runner.said(deploy)
    assert job(runner, house, deploy, ref=tag, commit=beside) == 1
    assert "not on main" in runner.said(deploy)
    assert job(runner, house, deploy, ref="refs/heads/main", commit=main) == 1
    assert job(runner, house, deploy, name="pull_request", ref=tag, commit=main) == 1
    assert job(runner, house, build, ref="refs/heads/main", commit=main) == 0
    assert job(runner, house, build, ref="refs/heads/main", commit=main, fork=True) == 1
    assert job(runner, house, build, ref="refs/heads/feature", commit=beside) == 1
    assert "::error::" in runner.said(build)


def test_without_an_event_nothing_passes(runner: Runner) -> None:
    step = "Refuse forks and other branches"
    assert runner.job("build.yml", "image", only=step)[step] == 1
