"""The documents' ``curl`` lines, run as they are written, against the service as ``make run`` starts it."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from tests.wire.deployments import Deployment

pytestmark = pytest.mark.wire
ROOT = Path(__file__).resolve().parents[2]


def run(document: Path, live: Deployment, tmp_path: Path, *, lines: int) -> str:
    """What the ``curl`` lines of ``document`` print; there are at least ``lines`` of them and none fails."""
    script = "\n".join(re.findall(r"```bash\n(.*?)```", document.read_text(), re.DOTALL))
    assert script.count("curl ") >= lines
    script = script.replace("http://127.0.0.1:5000", live.url).replace("/tmp/", f"{tmp_path}/")
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_every_curl_line_of_the_readme_works(embedded: Deployment, tmp_path: Path) -> None:
    printed = run(ROOT / "README.md", embedded, tmp_path, lines=9)
    photo = (ROOT / "tests" / "data" / "rocket.jpg").read_bytes()
    assert (tmp_path / "rocket.jpg").read_bytes() == photo
    assert (tmp_path / "first-100-bytes").read_bytes() == photo[:100]
    assert '"deleted":true' in printed
    assert '"expires_in":600' in printed


def test_every_curl_line_of_the_api_page_works(embedded: Deployment, tmp_path: Path) -> None:
    printed = run(ROOT / "docs" / "api.md", embedded, tmp_path, lines=11)
    assert (tmp_path / "image.jpg").read_bytes() == (ROOT / "tests" / "data" / "rocket.jpg").read_bytes()
    assert '"message":"Image deleted successfully"' in printed
    assert '"image_id":"user123"' in printed
