"""README's quick start, run as it is written, against the service as ``make run`` starts it."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from tests.wire.deployments import Deployment

pytestmark = pytest.mark.wire
ROOT = Path(__file__).resolve().parents[2]


def test_every_curl_line_of_the_readme_works(embedded: Deployment, tmp_path: Path) -> None:
    blocks = re.findall(r"```bash\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    script = "\n".join(blocks)
    assert script.count("curl ") >= 9
    script = script.replace("http://127.0.0.1:5000", embedded.url).replace("/tmp/", f"{tmp_path}/")
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    photo = (ROOT / "tests" / "data" / "rocket.jpg").read_bytes()
    assert (tmp_path / "rocket.jpg").read_bytes() == photo
    assert (tmp_path / "first-100-bytes").read_bytes() == photo[:100]
    assert '"deleted":true' in done.stdout
    assert '"expires_in":600' in done.stdout
