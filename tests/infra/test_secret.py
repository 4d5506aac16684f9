"""The module that makes SECRET_KEY, applied: mocks can not stand in for its ephemeral value."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest

from tests.emulator import emulator
from tests.infra import workspace

pytestmark = pytest.mark.timeout(600)


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    workspace.needs_terraform()
    with emulator() as running:
        yield running


@pytest.fixture(scope="module")
def folder(url: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    copy = workspace.copy_of_terraform(tmp_path_factory.mktemp("secret") / "terraform") / "modules/secret"
    (copy / "provider.tf").write_text(f'provider "aws" {{\n  region = "{workspace.REGION}"\n}}\n')
    workspace.point_at(copy, url)
    workspace.initialise(copy)
    return copy


def test_the_secret_refuses_wrong_values(folder: Path) -> None:
    wrong = ["-var=name=images-secret", "-var=key_version=0", "-var=recovery_days=1"]
    said = workspace.terraform(folder, "plan", "-input=false", *wrong, check=False)
    for message in ("name: write 1 to 500", "key_version: write a whole number", "recovery_days: write 0, 7, 14 or 30"):
        assert message in said


def test_the_secret_is_made_and_is_in_no_state(folder: Path, url: str) -> None:
    arguments = ("-auto-approve", "-input=false", "-var=name=images-test/secret-key", "-var=recovery_days=0")
    workspace.terraform(folder, "apply", *arguments)
    client = boto3.client(
        "secretsmanager",
        endpoint_url=url,
        region_name=workspace.REGION,
        aws_access_key_id="test",
        aws_secret_access_key="testtest",
    )
    value = client.get_secret_value(SecretId="images-test/secret-key")["SecretString"]
    client.close()
    assert len(value) == 64
    assert value not in (folder / "terraform.tfstate").read_text()
    workspace.terraform(folder, "destroy", *arguments)
