"""Terraform as the tests run it: in a copy of ``terraform/``, with this machine's provider, against an emulator."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from subprocess import DEVNULL, STDOUT
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
TERRAFORM = ROOT / "terraform"
PLUGINS = Path(os.environ.get("TF_PLUGIN_DIR", "/opt/tf-plugins"))
ACCOUNT = "123456789012"  # the emulator's
REGION = "eu-central-1"
SECOND_REGION = "eu-west-1"

_SERVICES = [
    *(
        "acm",
        "appautoscaling",
        "cloudfront",
        "cloudwatch",
        "dynamodb",
        "ec2",
        "ecr",
        "ecs",
        "elbv2",
        "iam",
        "kms",
        "logs",
    ),
    *("s3", "s3control", "secretsmanager", "sns", "sqs", "sts", "wafv2"),
]


def needs_terraform() -> str:
    """The path of Terraform; skips the test, saying what is missing, where it can not run."""
    if os.environ.get("INFRA_TEST") != "1":
        pytest.skip("takes minutes: make infra-test runs it")
    found = shutil.which("terraform")
    if not found:
        pytest.skip("there is no terraform on this machine")
    return found


def terraform(folder: Path, *arguments: str, check: bool = True, limit: float = 540) -> str:
    """Run Terraform in ``folder`` and return its output, stderr included; ``limit`` in seconds."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("TF_", "AWS_"))}
    environment |= {"TF_IN_AUTOMATION": "1", "CHECKPOINT_DISABLE": "1", "AWS_EC2_METADATA_DISABLED": "true"}
    command = [needs_terraform(), *arguments, *(["-no-color"] if arguments[0] != "fmt" else [])]
    # A session of its own: a Ctrl-C at the terminal reaches it through us alone, once, and it cleans up.
    with (
        tempfile.TemporaryFile("w+") as log,
        subprocess.Popen(
            command, cwd=folder, env=environment, stdin=DEVNULL, stdout=log, stderr=STDOUT, start_new_session=True
        ) as process,
    ):
        try:
            process.wait(limit)
        except BaseException:
            process.send_signal(signal.SIGINT)  # not SIGKILL: its provider would live on
            process.wait(60)
            log.seek(0)
            print(log.read()[-4000:])
            raise
        log.seek(0)
        said = log.read()
    assert process.returncode == 0 or not check, f"terraform {' '.join(arguments)}:\n{said[-8000:]}"
    return said


def initialise(folder: Path) -> None:
    """``terraform init`` with the machine's provider, where there is one; else from the registry, or skip."""
    if PLUGINS.is_dir():
        terraform(folder, "init", "-input=false", "-backend=false", f"-plugin-dir={PLUGINS}")
        return
    said = terraform(folder, "init", "-input=false", "-backend=false", check=False)
    if "successfully initialized" not in said:
        pytest.skip(f"there is no provider in {PLUGINS}, and the registry was not reached")


def copy_of_terraform(target: Path) -> Path:
    """A copy of ``terraform/`` to work in: what is generated there never lands in the repository."""
    return Path(shutil.copytree(TERRAFORM, target, ignore=shutil.ignore_patterns(".terraform*", "*.tfstate*")))


def point_at(folder: Path, url: str, *, aliases: tuple[str, ...] = ()) -> None:
    """Overrides that lead every request of a configuration's providers to the emulator."""
    endpoints = "".join(f'    {service} = "{url}"\n' for service in _SERVICES)
    blocks = [
        f'provider "aws" {{\n{alias}  access_key = "test"\n  secret_key = "testtest"\n  s3_use_path_style = true\n'
        f"  skip_metadata_api_check = true\n  endpoints {{\n{endpoints}  }}\n}}\n"
        for alias in ("", *(f'  alias = "{name}"\n' for name in aliases))
    ]
    (folder / "emulator_override.tf").write_text("".join(blocks))


def without_what_moto_forgets(root: Path) -> None:
    """Overrides for what moto 5 does not give back as it was sent; AWS does.

    The redrive allow policy of a queue: not kept, and the provider would wait for it for minutes. The redrive policy:
    kept, with other white space. A replication rule: kept without its prefix, markers and encryption.
    """
    (root / "modules/storage/emulator_override.tf").write_text(
        """
resource "aws_sqs_queue_redrive_allow_policy" "dead_letters" {
  count = 0
}

resource "aws_sqs_queue" "arrivals" {
  lifecycle {
    ignore_changes = [redrive_policy]
  }
}

resource "aws_s3_bucket_replication_configuration" "this" {
  lifecycle {
    ignore_changes = [rule]
  }
}
"""
    )


class Deployed:
    """One configuration that was applied: where, what its state and its outputs are, and what a second apply said."""

    def __init__(self, folder: Path, *arguments: str) -> None:
        self.folder = folder
        self.arguments = arguments
        self.first = self.apply()
        self.state: dict[str, Any] = json.loads(terraform(folder, "show", "-json"))
        self.second = self.apply()

    def apply(self) -> str:
        """Apply; returns what Terraform said."""
        return terraform(self.folder, "apply", "-auto-approve", "-input=false", "-parallelism=4", *self.arguments)

    def destroy(self) -> str:
        """Remove everything that is in the state, targeted or not; returns what Terraform said."""
        return terraform(self.folder, "destroy", "-auto-approve", "-input=false", "-parallelism=4")

    def output(self, name: str) -> Any:
        """An output's value."""
        return self.state["values"]["outputs"][name]["value"]

    def resources(self) -> Iterator[dict[str, Any]]:
        """Every managed resource of the state."""
        yield from _resources(self.state["values"]["root_module"])


def _resources(module: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield from (found for found in module.get("resources", []) if found["mode"] == "managed")
    for child in module.get("child_modules", []):
        yield from _resources(child)
