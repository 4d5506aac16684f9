"""The package as pip really fills it, run as Lambda's runtime runs it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lambda_events import answer, event
from tests.scripts.deployments import ROOT, Account, deployed_by_script


def index_answers(cache: Path) -> bool:
    """Whether pip finds anything where it looks."""
    asked = subprocess.run(
        [sys.executable, "-m", "pip", "download", "--no-deps", "--quiet", "--dest", str(cache), "itsdangerous"],
        capture_output=True,
        timeout=60,
        check=False,
    )
    return asked.returncode == 0


@pytest.fixture
def real_zip(environ: dict[str, str], tmp_path: Path) -> Iterator[Path]:
    """The package as pip fills it, for this interpreter's version, so that it can be run here."""
    if not index_answers(tmp_path / "probe"):
        pytest.skip("pip can not reach a package index")
    version = f"python3.{sys.version_info.minor}"
    environ |= {name: os.environ[name] for name in os.environ if name.startswith(("PIP_", "SSL_", "HTTPS_", "https_"))}
    environ |= {"LAMBDA_RUNTIME": version, "XDG_CACHE_HOME": str(tmp_path / "cache")}
    del environ["PACKAGE_DIR"]
    deployed_by_script(environ)
    (installed,) = (tmp_path / "cache" / "image-service").iterdir()
    output = tmp_path / "function.zip"
    subprocess.run([sys.executable, "-m", "scripts.lambda_package", "zip", installed, output], cwd=ROOT, check=True)
    yield output
    shutil.rmtree(tmp_path / "cache")


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.skipif(os.uname().machine != "x86_64", reason="the default package is for x86_64")
def test_the_real_package_serves_an_image_with_nothing_else_installed(
    real_zip: Path, environ: dict[str, str], account: Account, tmp_path: Path, jpeg_photo: bytes
) -> None:
    assert real_zip.stat().st_size < 50 * 1024 * 1024
    with zipfile.ZipFile(real_zip) as archive:
        archive.extractall(tmp_path / "task")
    headers = {"Content-Type": "image/jpeg", "X-User-ID": "me"}
    events = [event("rest", "GET", "/health/ready"), event("rest", "POST", "/upload", body=b"", headers=headers)]
    boundary = b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.jpg"\r\n\r\n'
    form = {"Content-Type": "multipart/form-data; boundary=b"}
    events.append(event("rest", "POST", "/upload", body=boundary + jpeg_photo + b"\r\n--b--\r\n", headers=form))
    variables = account.describe()["function"]["Environment"]["Variables"]
    runtime = subprocess.run(
        [sys.executable, "-I", "-S", "-c", RUNTIME, str(tmp_path / "task")],
        input=json.dumps(events),
        env={**variables, "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "testtest", "AWS_REGION": "us-east-1"},
        cwd="/",
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert runtime.returncode == 0, runtime.stderr
    ready, refused, stored = [
        answer("rest", json.loads(line)) for line in runtime.stdout.splitlines() if '"statusCode"' in line
    ]
    assert (ready.status, refused.status, stored.status) == (200, 400, 201), runtime.stdout
    assert stored.json()["size"] == len(jpeg_photo)


RUNTIME = """
import json, sys
events = json.load(sys.stdin)
sys.path.insert(0, sys.argv[1])
from lambda_handler import lambda_handler
for event in events:
    print(json.dumps(lambda_handler(event, None)), flush=True)
"""
"""What Lambda's runtime does, in an interpreter that finds no installed package (-I -S)."""
