"""schemathesis, with all its checks, against the service as ``make run`` starts it, by its own OpenAPI document.

It runs in a process of its own, as its users run it. A failure prints its requests as curl lines. More can be looked
for with other seeds and more examples::

    SCHEMATHESIS_ARGS="--seed 7 --max-examples 100" make test PYTEST_ARGS="-k schemathesis"
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
import tomllib
from importlib.util import find_spec
from typing import Any

import pytest

from tests.wire.deployments import Deployment
from tests.wire.server import ROOT

pytestmark = pytest.mark.wire

CONFIG = ROOT / "tests" / "wire" / "schemathesis.toml"
PHASES = ("Examples", "Coverage", "Fuzzing", "Stateful")
SEED = "1"
"""The same for every run: a red build then belongs to its commit."""
SECONDS = 600
"""Less than a minute where two cores are idle."""


@pytest.mark.slow
@pytest.mark.timeout(SECONDS + 60)
@pytest.mark.skipif(find_spec("schemathesis") is None, reason="schemathesis is not installed")
def test_every_operation_does_what_the_document_says(embedded: Deployment) -> None:
    more = shlex.split(os.environ.get("SCHEMATHESIS_ARGS", ""))
    done = subprocess.run(
        [
            *(sys.executable, "-m", "schemathesis.cli", "--config-file", str(CONFIG)),
            *("run", f"{embedded.url}/openapi.json", "--checks", "all", "--no-color", "--seed", SEED, *more),
        ],
        cwd=ROOT,
        env={**os.environ, "PYTHONIOENCODING": "utf-8"},
        capture_output=True,
        encoding="utf-8",
        timeout=SECONDS,
        check=False,
    )
    said = done.stdout[-20_000:] + done.stderr[-5_000:]
    assert done.returncode == 0, said
    # What was left out would have passed as well.
    assert [phase for phase in PHASES if f"✅  {phase} " not in done.stdout] == []
    assert number(r"(\d+) selected / \1 total", said) > 30
    assert number(r"(\d+) generated, \1 passed", said) > 1000


def number(pattern: str, text: str) -> int:
    found = re.search(pattern, text)
    assert found is not None, text
    return int(found[1])


def test_no_check_is_switched_off() -> None:
    settings: dict[str, Any] = tomllib.loads(CONFIG.read_text())
    checks = [settings["checks"], *(each["checks"] for each in settings["operations"])]
    assert len(checks) > 5
    for check in (each for group in checks for each in group.values()):
        assert check.keys() == {"expected-statuses"}
    for operation in settings["operations"]:
        assert operation.keys() == {"include-operation-id", "checks"}
