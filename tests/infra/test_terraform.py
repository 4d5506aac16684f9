"""Format, validity and Terraform's own tests, which run against a mocked provider; and what checkov has to say."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.infra import workspace
from tests.infra.test_source import EACH, MODULES, blocks

RUNS = 40
"""Fewer runs than this mean that tests got lost."""


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    workspace.needs_terraform()
    return workspace.copy_of_terraform(tmp_path_factory.mktemp("mocked") / "terraform")


def test_the_format_is_terraforms_own() -> None:
    workspace.needs_terraform()
    assert workspace.terraform(workspace.TERRAFORM, "fmt", "-check", "-recursive", "-diff") == ""


@EACH
@pytest.mark.timeout(300)
def test_every_configuration_is_valid(root: Path, folder: Path) -> None:
    copy = root / folder.relative_to(workspace.TERRAFORM)
    workspace.initialise(copy)
    said = json.loads(workspace.terraform(copy, "validate", "-json"))
    assert said["valid"]
    assert said["diagnostics"] == []


@pytest.mark.timeout(600)
def test_terraforms_own_tests(root: Path) -> None:
    workspace.initialise(root)
    said = workspace.terraform(root, "test", check=False)
    failed = re.findall(r'run "(\w+)"\.\.\. (?:fail|skip)', said)
    assert failed == [], said[-8000:]
    passed = re.search(r"^Success! (\d+) passed, 0 failed", said, re.MULTILINE)
    assert passed, said[-2000:]
    assert int(passed[1]) >= RUNS


def test_every_variable_that_refuses_values_is_seen_doing_it() -> None:
    # The secret's password is an ephemeral value, which mocks can not stand in for: test_secret.py has its refusals.
    tested = [workspace.TERRAFORM, *(folder for folder in MODULES if folder.name != "secret")]
    for folder in tested:
        name = "root" if folder == workspace.TERRAFORM else folder.name
        text = (workspace.TERRAFORM / f"tests/{name}.tftest.hcl").read_text()
        refusing = {variable for variable, block in blocks(folder, "variable") if "validation {" in block}
        lists = " ".join(re.findall(r"expect_failures = \[(.*?)\]", text, re.DOTALL))
        refused = set(re.findall(r"var\.(\w+)", lists))
        assert refused >= refusing, f"{name}: no test refuses {sorted(refusing - refused)}"


@pytest.mark.timeout(300)
def test_checkov_finds_nothing(tmp_path: Path) -> None:
    workspace.needs_terraform()
    checkov = os.environ.get("CHECKOV") or shutil.which("checkov")
    if not checkov:
        pytest.skip("there is no checkov: scripts/infra-test installs it")
    copy = workspace.copy_of_terraform(tmp_path / "terraform")
    done = subprocess.run(
        [checkov, "--directory", copy, "--framework", "terraform", "--skip-download", "--compact", "--output", "json"],
        capture_output=True,
        text=True,
        check=False,
    )
    found = json.loads(done.stdout)
    failed = [
        f"{each['check_id']} {each['resource']}: {each['check_name']}" for each in found["results"]["failed_checks"]
    ]
    assert failed == []
    assert found["results"]["parsing_errors"] == []
    assert found["summary"]["passed"] > 150, "checkov did not look at the modules"
