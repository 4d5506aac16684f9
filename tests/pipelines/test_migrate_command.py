"""`flask --app app migrate`, as the deployment's task runs it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.pipelines.runner import ROOT, plain_environment
from tests.wire.server import free_port


def migrate(folder: Path, **environ: str) -> subprocess.CompletedProcess[str]:
    given = plain_environment(DATA_DIR=str(folder), AWS_EC2_METADATA_DISABLED="true", **environ)
    command = [sys.executable, "-m", "flask", "--app", "app", "migrate"]
    return subprocess.run(command, cwd=ROOT, env=given, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize("missing", ["S3_BUCKET", "DYNAMO_TABLE"])
def test_it_fails_where_the_service_could_not_work(tmp_path: Path, missing: str) -> None:
    nobody = {"AWS_ENDPOINT_URL": f"http://127.0.0.1:{free_port()}", "AWS_REGION": "eu-central-1"}
    keys = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "testtest"}
    done = migrate(tmp_path, **nobody, **keys, **{missing: "images"})
    assert done.returncode == 1
    assert "Error:" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_wrong_setting_is_named(tmp_path: Path) -> None:
    done = migrate(tmp_path, MAX_FILE_SIZE="much")
    assert done.returncode != 0
    assert "MAX_FILE_SIZE" in done.stderr


def test_it_migrates_and_again_changes_nothing(tmp_path: Path) -> None:
    for _ in range(2):
        done = migrate(tmp_path)
        assert (done.returncode, done.stdout) == (0, "ready\n"), done.stderr
    assert (tmp_path / "metadata.sqlite3").exists()
