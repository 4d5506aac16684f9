"""Every step of the workflows that runs shell is run by a test, as the workflow has it.

Most are run where what they do is tested; here are the others, and the list that none may be missing from.
"""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import pytest
import yaml

from tests.pipelines.runner import ROOT, Runner, plain_environment, run_steps, workflow

ELSEWHERE = {
    ("build.yml", "image"): "test_guard, test_registry",
    ("deploy.yml", "deploy"): "test_deploy",
    ("pr.yml", "comment"): "test_comment",
    ("pr.yml", "plan"): "test_plan",
    ("release.yml", "prepare"): "test_changelog",
}
HERE = {
    ("checks.yml", "lint", "Lint Python"),
    ("checks.yml", "lint", "Lint workflows and scripts"),
    ("checks.yml", "test", "Start real servers"),
    ("checks.yml", "test", "Test"),
    ("checks.yml", "test", "Stop the servers"),
    ("checks.yml", "infrastructure", "Test Terraform"),
    ("pr.yml", "secrets", "Lint for secrets"),
    ("release.yml", "publish", "Publish the release"),
}


def test_no_step_is_left_out() -> None:
    steps = set(run_steps())
    elsewhere = {step for step in steps if step[:2] in ELSEWHERE}
    assert steps - elsewhere == HERE
    for names in ELSEWHERE.values():
        for name in names.split(", "):
            assert (ROOT / "tests/pipelines" / f"{name}.py").exists()


@pytest.fixture
def machine(tmp_path: Path) -> Runner:
    """A machine in this very tree: these steps are about its tools."""
    return Runner(ROOT, plain_environment(), {}, tmp_path, limit=110)


@pytest.fixture
def developed(machine: Runner) -> Runner:
    """The same, where ``make venv`` has run: otherwise the step would install everything first."""
    stamp, pins = ROOT / ".venv/.dev-stamp", ROOT / "requirements-dev.txt"
    if not stamp.exists() or stamp.stat().st_mtime < pins.stat().st_mtime:
        pytest.skip("make venv has not run here, or not with these pins")
    return machine


def step(runner: Runner, file: str, job: str, name: str) -> str:
    """Run one step, which has to pass; returns what it said."""
    codes = runner.job(file, job, only=name)
    assert codes == {name: 0}, runner.said(name)
    return runner.said(name)


def test_lint_python(developed: Runner) -> None:
    developed.environ["MAKEFLAGS"] = (
        "TYPED=config.py LOOSE=tests/emulator.py"  # the whole takes minutes; .ci/run does it
    )
    said = step(developed, "checks.yml", "lint", "Lint Python")
    assert "ruff check ." in said
    assert "mypy config.py" in said
    assert said.count("Success: no issues found") == 2


def test_lint_python_fails_where_something_is_wrong(developed: Runner, tmp_path: Path) -> None:
    (tmp_path / "wrong.py").write_text("value: int = 'text'\n")
    developed.environ["MAKEFLAGS"] = f"TYPED={tmp_path}/wrong.py LOOSE=tests/emulator.py"
    assert developed.job("checks.yml", "lint", only="Lint Python") == {"Lint Python": 2}
    assert "Incompatible types" in developed.said("Lint Python")


def test_lint_workflows_and_scripts(machine: Runner) -> None:
    zizmor = Path(sys.executable).with_name("zizmor")
    if not zizmor.exists() or not shutil.which("shellcheck") or not shutil.which("go"):
        pytest.skip("zizmor, shellcheck or Go is missing")
    machine.environ["ZIZMOR"] = str(zizmor)
    step(machine, "checks.yml", "lint", "Lint workflows and scripts")


def test_a_missing_linter_is_a_failure(machine: Runner, tmp_path: Path) -> None:
    machine.environ["ZIZMOR"] = str(tmp_path / "nothing")
    name = "Lint workflows and scripts"
    assert machine.job("checks.yml", "lint", only=name) == {name: 1}


def test_start_real_servers(machine: Runner) -> None:
    if "TEST_S3_VERSITYGW" not in os.environ:
        pytest.skip("no servers run here, and starting them takes minutes")
    assert "versitygw is up already" in step(machine, "checks.yml", "test", "Start real servers")


def test_test(developed: Runner) -> None:
    developed.environ["PYTEST_ARGS"] = "-q -p no:cacheprovider tests/pipelines/test_changelog.py -k section_of"
    developed.environ["PYTEST_WORKERS"] = "0"
    said = step(developed, "checks.yml", "test", "Test")
    assert "1 passed" in said


def test_a_failing_test_fails_the_step(developed: Runner) -> None:
    developed.environ["PYTEST_ARGS"] = "-q -p no:cacheprovider tests/pipelines/no_such_file.py"
    developed.environ["PYTEST_WORKERS"] = "0"
    assert developed.job("checks.yml", "test", only="Test") == {"Test": 2}


def test_stop_the_servers(machine: Runner, tmp_path: Path) -> None:
    machine.environ["SERVICES_STATE"] = str(tmp_path)  # not those that other tests use
    step(machine, "checks.yml", "test", "Stop the servers")


def test_test_terraform(developed: Runner) -> None:
    # Listed, not run: make infra-test is run by .ci/run beside this suite.
    developed.environ |= {"INFRA_ARGS": "--collect-only -q -n 0", "CHECKOV": "true"}
    said = step(developed, "checks.yml", "infrastructure", "Test Terraform")
    assert "tests collected" in said


def test_lint_for_secrets(machine: Runner) -> None:
    if not shutil.which("go"):
        pytest.skip("there is no Go to build gitleaks with")
    machine.context["github.event.pull_request.base.sha"] = "HEAD"
    assert "no leaks found" in step(machine, "pr.yml", "secrets", "Lint for secrets")


def test_publish_the_release(runner: Runner) -> None:
    (runner.folder / "notes.md").write_text("- something\n")
    runner.environ |= {"GITHUB_REF_NAME": "v1.2.3"}
    step(runner, "release.yml", "publish", "Publish the release")
    asked = Path(runner.environ["GH_ASKED"]).read_text().splitlines()
    assert asked == [
        "release view v1.2.3",
        "release create v1.2.3 --verify-tag --title v1.2.3 --notes-file notes.md",
    ]


def test_the_environment_is_made_by_make(developed: Runner) -> None:
    install = yaml.safe_load((ROOT / ".github/actions/python/action.yml").read_text())["runs"]["steps"][1]
    given = {
        each["with"].get("target", "venv")
        for name in ("build.yml", "deploy.yml", "checks.yml", "pr.yml")
        for job in workflow(name)["jobs"].values()
        for each in job.get("steps", [])
        if each.get("uses") == "./.github/actions/python"
    }
    assert given == {"venv", ".venv/.run-stamp"}
    for target in given:
        developed.context["inputs.target"] = target
        assert developed._step(install, install["env"]).code == 0
