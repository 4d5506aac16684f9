"""Rules of the Terraform sources that need no Terraform: they are read as text, as ``terraform fmt`` leaves it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from marshmallow import validate

import config
from tests.infra.workspace import TERRAFORM

MODULES = sorted(path for path in (TERRAFORM / "modules").iterdir() if path.is_dir())
SERVICE = TERRAFORM / "modules/service"
FOLDERS = [TERRAFORM, *MODULES, TERRAFORM / "examples/minimal", TERRAFORM / "examples/complete"]
EACH = pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: str(folder.relative_to(TERRAFORM.parent)))


def blocks(folder: Path, kind: str) -> Iterator[tuple[str, str]]:
    """Name and text of every top-level block of one kind."""
    for path in sorted(folder.glob("*.tf")):
        yield from re.findall(rf'^{kind} "([^"]+)" \{{\n(.*?)^\}}', path.read_text(), re.MULTILINE | re.DOTALL)


@EACH
def test_every_variable_is_typed_described_and_refuses_wrong_values(folder: Path) -> None:
    for name, text in blocks(folder, "variable"):
        assert re.search(r"^  type +=", text, re.MULTILINE), f"{name} has no type"
        assert re.search(r"^  description +=", text, re.MULTILINE), f"{name} has no description"
        messages = re.findall(r'^    error_message = "(.*)"$', text, re.MULTILINE)
        assert messages or re.search(r"^  type +=\s+bool$", text, re.MULTILINE), f"{name} takes anything"
        for message in messages:
            assert "write" in message or "leave out" in message, f"{name}: {message!r} does not say what to write"
            assert name in message, f"{message!r} does not name {name}"


@EACH
def test_every_output_is_described(folder: Path) -> None:
    assert all("description" in text for _, text in blocks(folder, "output"))


@EACH
def test_the_readme_names_every_variable_and_output(folder: Path) -> None:
    readme = (folder / "README.md").read_text()
    names = [name for kind in ("variable", "output") for name, _ in blocks(folder, kind)]
    assert [name for name in names if f"`{name}`" not in readme] == []
    table = re.findall(r"^\| `([a-z_]+)` \|", readme, re.MULTILINE)
    assert set(table) == set(names), "the README's tables and the code differ"


def test_every_skip_of_checkov_says_why() -> None:
    for path in TERRAFORM.rglob("*.tf"):
        for line in re.findall(r"checkov:skip.*", path.read_text()):
            assert re.fullmatch(r"checkov:skip=CKV2?_AWS_\d+:.{20,}", line), f"{path}: {line}"


def test_no_file_is_long() -> None:
    for path in TERRAFORM.rglob("*.tf"):
        limit = 400 if path.name == "variables.tf" else 300  # a variable with its refusals takes a dozen lines
        assert path.read_text().count("\n") <= limit, f"{path} is too long"


def test_the_container_gets_settings_that_the_service_knows() -> None:
    source = (TERRAFORM / "modules/service/main.tf").read_text()
    environment = source[source.index("  environment = merge(") : source.index("  stop_seconds")]
    named = set(re.findall(r"\b([A-Z][A-Z0-9_]+)\b +=", environment))
    assert {"S3_BUCKET", "DYNAMO_TABLE", "INGEST_QUEUE_URL", "ALLOW_ANONYMOUS"} <= named
    assert named <= {setting.name for setting in config.TABLE}


def test_auth_takes_what_the_service_starts_with() -> None:
    (taken,) = re.findall(r"contains\(\[(.*?)\], var\.auth\)", (SERVICE / "variables.tf").read_text())
    (setting,) = [each for each in config.TABLE if each.name == "AUTH"]
    (rule,) = setting.field.validators
    assert isinstance(rule, validate.OneOf)
    assert re.findall(r'"(.*?)"', taken) == list(rule.choices)


def test_settings_take_every_name_that_is_not_decided_elsewhere() -> None:
    (text,) = [text for name, text in blocks(SERVICE, "variable") if name == "settings"]
    (listed,) = re.findall(r"\|\| contains\(\[(.*?)\], name\)", text, re.DOTALL)
    (message,) = re.findall(r"error_message = \"settings: write ([^;]*);", text)
    source = (SERVICE / "main.tf").read_text()
    own = set(re.findall(r"^ +([A-Z][A-Z0-9_]+) +=", source, re.MULTILINE))
    own |= {"INGEST_QUEUE_URL", "ALLOW_ANONYMOUS", "SECRET_KEY"}
    own -= {"WEB_CONCURRENCY", "UPLOAD_MEMORY"}  # the module's, and var.settings may say otherwise
    elsewhere = {"AWS_ENDPOINT_URL", "DYNAMO_ENDPOINT_URL", "DATABASE_URL", "SQLITE_SYNCHRONOUS", "DATA_DIR"}
    shared = {"RATE_LIMIT", "RATE_LIMIT_STORAGE"}  # refused with a message of their own
    taken = set(re.findall(r'"(.*?)"', listed))
    assert taken == {setting.name for setting in config.TABLE} - own - elsewhere - shared
    assert set(re.findall(r"[A-Z][A-Z0-9_]+", message)) == taken


def test_an_apply_leaves_revisions_and_counts_of_tasks_alone() -> None:
    source = (SERVICE / "main.tf").read_text()
    left = re.findall(r"^    ignore_changes = \[(.*?)\]", source, re.MULTILINE)
    assert left == ["task_definition, desired_count"] * source.count('resource "aws_ecs_service"')


def test_the_dockerfile_and_the_task_agree() -> None:
    dockerfile = (TERRAFORM.parent / "Dockerfile").read_text()
    source = (TERRAFORM / "modules/service/main.tf").read_text()
    (user,) = re.findall(r"^USER (\S+)$", dockerfile, re.MULTILINE)
    (port,) = re.findall(r"^EXPOSE (\d+)$", dockerfile, re.MULTILINE)
    (health,) = re.findall(r"HEALTHCHECK .*CMD (\[.*\])$", dockerfile, re.MULTILINE)
    assert re.search(rf'^    user +=\s"{user}"$', source, re.MULTILINE)
    assert re.search(rf"^  port +=\s{port}$", source, re.MULTILINE)
    assert f'["CMD", {health[1:]}' in source
