"""An emulator of AWS over HTTP, and a folder that looks like installed packages."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from tests.emulator import emulator
from tests.scripts.deployments import Account


@pytest.fixture(scope="module")
def aws() -> Iterator[str]:
    """The emulator's URL; the variables of this process lead nowhere else."""
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("AWS_")]:
            patch.delenv(name)
        patch.setenv("AWS_ACCESS_KEY_ID", "test")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "testtest")
        patch.setenv("AWS_EC2_METADATA_DISABLED", "true")
        patch.setenv("NO_PROXY", "127.0.0.1")
        with emulator() as url:
            yield url


@pytest.fixture
def empty_aws(aws: str) -> str:
    """The same emulator with nothing in it."""
    requests.post(f"{aws}/moto-api/reset", timeout=30).raise_for_status()
    return aws


@pytest.fixture
def packages(tmp_path: Path) -> Path:
    """What pip would have installed, as far as the package builder looks at it."""
    folder = tmp_path / "packages"
    for name in (
        "flask/__init__.py", "flask-3.dist-info/METADATA", "flask-3.dist-info/RECORD", "bin/flask",
        "botocore/data/s3/service-2.json.gz", "botocore/data/ec2/service-2.json.gz", "botocore/data/endpoints.json",
        "flask/__pycache__/x.pyc", "ui/app.js.map",
    ):  # fmt: skip
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    return folder


@pytest.fixture
def environ(empty_aws: str, packages: Path) -> dict[str, str]:
    """A deployment's variables, and nothing of this machine's."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    return {
        **kept,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "testtest",
        "AWS_ENDPOINT_URL": empty_aws,
        "PACKAGE_DIR": str(packages),
        "PYTHON": sys.executable,
        "NO_PROXY": "127.0.0.1",
    }


@pytest.fixture
def account(environ: dict[str, str]) -> Account:
    return Account(environ["AWS_ENDPOINT_URL"])
