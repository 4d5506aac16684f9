"""The documents for operators: each alarm has its runbook, each command is one, and what can run here runs."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import botocore.session
import pytest
from botocore import xform_name

from tests.pipelines.runner import ROOT, WORKFLOWS, plain_environment
from tests.wire.server import LiveServer

OPERATIONS = ROOT / "docs/operations.md"
DEPLOYMENT = ROOT / "docs/deployment.md"
LAMBDA = ROOT / "docs/deployment-lambda.md"
GLOBAL = {"--output", "--query", "--region", "--profile", "--no-paginate"}
COMMANDS_OF_THE_CLI = {("logs", "tail"), ("s3", "cp")}
"""What the AWS CLI adds to the APIs."""

SHORTHANDS = {"no-deletion-protection-enabled": "deletion-protection-enabled"}


def blocks(document: Path, kind: str = "") -> list[str]:
    """The code blocks of one kind."""
    parts = re.split(r"^ *```(\w*)\n", document.read_text(), flags=re.MULTILINE)
    # Text, opening fence, code, closing fence (which has no kind), text, ...
    return [code for opening, code in zip(parts[1::4], parts[2::4], strict=True) if opening == kind]


def aws_commands() -> Iterator[tuple[str, list[str]]]:
    """Each `aws` command of the documents, as words; shell expansions are left as they are written."""
    for document in (OPERATIONS, DEPLOYMENT):
        for block in blocks(document):
            text = re.sub(r"\\\n\s*", " ", block)
            for found in re.finditer(r"(?:^|\$\(|\| |until )\s*(?:\w+=\$\()?aws ([^\n]*)", text, re.MULTILINE):
                yield document.name, _words(found[1])


def _words(line: str) -> list[str]:
    words = []
    lexer = shlex.shlex(line, posix=True, punctuation_chars="|;)")
    lexer.whitespace_split = True
    lexer.commenters = ""
    for word in lexer:
        if re.fullmatch(r"[|;)]+", word):
            break
        words.append(word)
    return words


def test_every_alarm_has_a_runbook() -> None:
    observation = (ROOT / "terraform/modules/observation/main.tf").read_text()
    names = set(re.findall(r'alarm_name +=\s"\$\{var\.name\}-([a-z-]+)"', observation))
    throttles = re.search(r"for_each += \{ (\w+) = \S+, (\w+) = \S+ \}\n\s+alarm_name", observation)
    assert throttles
    names |= {f"throttled-{each}" for each in throttles.groups()}
    assert len(names) == 8
    alarms = OPERATIONS.read_text().partition("\n## Alarms")[2].partition("\n## ")[0]
    assert set(re.findall(r"^### (\S+)$", alarms, re.MULTILINE)) == names


def test_there_are_commands_to_check() -> None:
    assert len(list(aws_commands())) > 35


@pytest.mark.parametrize(
    ("document", "words"), [pytest.param(*each, id=" ".join(each[1][:2])) for each in aws_commands()]
)
def test_every_aws_command_is_one(document: str, words: list[str]) -> None:
    service, command = words[0].replace("s3api", "s3"), words[1]
    if (service, command) in COMMANDS_OF_THE_CLI:
        return
    session = botocore.session.get_session()
    model = session.get_service_model(service)
    if command == "wait":
        client: Any = session.create_client(service, "eu-central-1", aws_access_key_id="x", aws_secret_access_key="x")
        waiter = client.waiter_names
        assert words[2].replace("-", "_") in waiter
        operation = None
    else:
        by_name = {xform_name(name, "-"): name for name in model.operation_names}
        assert command in by_name, f"aws {service} has no {command}"
        operation = model.operation_model(by_name[command])
    flags = [word for word in words[2:] if word.startswith("--") and word not in GLOBAL]
    if operation is None:
        return
    assert operation.input_shape is not None or not flags
    if operation.input_shape is None:
        return
    members = {xform_name(name, "-"): name for name in operation.input_shape.members}
    given = set()
    for flag in flags:
        name = flag[2:]
        name = name.removeprefix("no-") if name.startswith("no-") and name not in members else name
        if name == "force-new-deployment" or name in members:
            given.add(members[name])
            continue
        pytest.fail(f"{document}: aws {service} {command} has no --{name}")
    assert set(operation.input_shape.required_members) <= given


def _applied_elsewhere(block: str) -> list[str]:
    """Lines that use one environment's files while Terraform may work on another's state."""
    wrong, chosen = [], ""
    for line in block.splitlines():
        if found := re.search(r"TF_DATA_DIR=(\S+)", line):
            chosen = found[1]
        elif used := re.search(r"(?:-var-file=|-backend-config=)(\w+)\.", line):
            wrong += [] if chosen == f".terraform/{used[1]}" else [line]
    return wrong


def test_variables_are_applied_to_the_state_of_their_environment() -> None:
    assert _applied_elsewhere("terraform apply -var-file=production.tfvars")
    assert _applied_elsewhere("export TF_DATA_DIR=.terraform/staging\nterraform apply -var-file=production.tfvars")
    checked = [block for path in (OPERATIONS, DEPLOYMENT) for block in blocks(path) if "-var-file=" in block]
    assert len(checked) >= 7
    for block in checked:
        assert not _applied_elsewhere(block), block


def test_a_table_is_deleted_only_after_its_backup_is_there() -> None:
    block = next(block for block in blocks(OPERATIONS) if "restore-table-from-backup" in block)
    steps = ["set -euo pipefail", "ACTIVE", "create-backup", 'test -n "$BACKUP"', "AVAILABLE", "delete-table"]
    places = [block.index(step) for step in steps]
    assert places == sorted(places)
    assert block.startswith("(\n") or "\n(\n" in block


def test_variables_of_the_workflows_are_in_the_table() -> None:
    text = "".join(path.read_text() for path in WORKFLOWS.glob("*.yml"))
    used = set(re.findall(r"vars\.([A-Z_]+)", text))
    assert used == set(re.findall(r"^\| `([A-Z_]+)` \|", DEPLOYMENT.read_text(), re.MULTILINE))


def test_the_settings_of_an_environment_are_variables_of_the_example() -> None:
    variables = set(
        re.findall(r'^variable "(\w+)"', (ROOT / "terraform/examples/complete/variables.tf").read_text(), re.MULTILINE)
    )
    for block in blocks(DEPLOYMENT, "hcl"):
        assert set(re.findall(r"^(\w+) +=", block, re.MULTILINE)) <= variables


def test_paths_and_workflows_that_are_named_exist() -> None:
    for document in (OPERATIONS, DEPLOYMENT, LAMBDA, ROOT / "CONTRIBUTING.md", ROOT / "SECURITY.md"):
        text = document.read_text()
        for name in re.findall(r"`((?:terraform|scripts|docs|tests|services|api|\.github)/[\w./-]+)`", text):
            assert (ROOT / name).exists(), f"{document.name}: {name}"
        for name in re.findall(r"`(\w+\.yml)`", text):
            assert (WORKFLOWS / name).exists() or (ROOT / name).exists(), f"{document.name}: {name}"


def test_targets_of_make_that_are_named_exist() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    for document in (OPERATIONS, DEPLOYMENT, ROOT / "CONTRIBUTING.md"):
        assert set(re.findall(r"`make (?:--?[\w-]+ )*([a-z-]+)", document.read_text())) <= targets


@pytest.mark.wire
def test_every_command_for_the_service_itself_works(service: LiveServer, tmp_path: Path) -> None:
    if not shutil.which("jq"):
        pytest.skip("there is no jq")
    script = "\n".join(blocks(OPERATIONS, "bash"))
    assert script.count("curl ") >= 8
    assert "doctor" in script
    script = script.replace("http://127.0.0.1:5000", service.base_url).replace("/tmp/", f"{tmp_path}/")
    environ = plain_environment(DATA_DIR=str(service.data_dir))
    environ["PATH"] = f"{Path(sys.executable).parent}:{environ['PATH']}"
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=ROOT,
        env=environ,
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "0 orphans left, 0 lost" in done.stderr
    assert "404" in done.stdout


@pytest.mark.parametrize("document", [OPERATIONS, DEPLOYMENT, LAMBDA])
def test_every_shell_block_is_shell(document: Path) -> None:
    for block in [*blocks(document), *blocks(document, "bash")]:
        done = subprocess.run(["bash", "-n"], input=block, capture_output=True, text=True, timeout=10, check=False)
        assert done.returncode == 0, f"{block}\n{done.stderr}"
