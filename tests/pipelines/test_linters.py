"""The linters of workflows, shell and secrets have nothing to say."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.pipelines.runner import ROOT, plain_environment


def tool(name: str) -> str:
    """A linter that is built from source, if it can be."""
    binaries = sorted(ROOT.glob(f".ci/cache/bin/{name}-*"))
    if not binaries and not shutil.which("go"):
        pytest.skip(f"{name} was not built, and there is no Go to build it with")
    done = run("bash", "scripts/pipeline/tool.sh", name)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def zizmor() -> str:
    found = Path(sys.executable).with_name("zizmor")
    if not found.exists():
        pytest.skip("zizmor is not installed")
    return str(found)


def run(*command: str, **environ: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, cwd=ROOT, env=plain_environment(**environ), capture_output=True, text=True, timeout=110, check=False
    )


def scripts() -> list[str]:
    """Everything in the repository that bash runs."""
    found = run("git", "grep", "-lE", r"^#!.*\b(ba)?sh$", "--", ":!*.md", ":!*.py", ":!*.yml").stdout.split()
    assert {"scripts/deploy.sh", ".ci/run", ".ci/services", "scripts/pipeline/plan.sh"} <= set(found)
    return found


def test_actionlint_finds_nothing() -> None:
    done = run(tool("actionlint"), "-no-color")
    assert (done.returncode, done.stdout) == (0, ""), done.stdout


def test_actionlint_would_find_something(tmp_path: Path) -> None:
    bad = tmp_path / "bad.yml"
    bad.write_text(
        "on: push\njobs:\n  one:\n    runs-on: ubuntu-24.04\n    steps:\n      - run: echo ${{ steps.x.y }}\n"
    )
    assert run(tool("actionlint"), "-no-color", str(bad)).returncode == 1


def test_zizmor_finds_nothing() -> None:
    done = run(zizmor(), "--offline", "--pedantic", "--quiet", "--no-progress", ".github")
    assert done.returncode == 0, done.stdout


def test_zizmor_would_find_something(tmp_path: Path) -> None:
    bad = tmp_path / "bad.yml"
    bad.write_text(
        "on: push\njobs:\n  one:\n    runs-on: ubuntu-24.04\n    steps:\n      - uses: actions/checkout@v6\n"
    )
    assert run(zizmor(), "--offline", "--quiet", "--no-progress", str(bad)).returncode > 10


def test_shellcheck_finds_nothing() -> None:
    if not shutil.which("shellcheck"):
        pytest.skip("there is no shellcheck")
    done = run("shellcheck", "--severity=style", *scripts())
    assert done.returncode == 0, done.stdout


def test_every_script_stops_at_the_first_failure() -> None:
    for name in scripts():
        lines = (ROOT / name).read_text().splitlines()
        assert any(line.startswith(("set -euo pipefail", "set -uo pipefail")) for line in lines), name


def test_nothing_in_the_history_looks_like_a_secret() -> None:
    binary = tool("gitleaks")
    assert binary
    done = run("bash", "scripts/pipeline/secrets.sh", "--all")
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_secret_would_be_found(tmp_path: Path) -> None:
    binary = tool("gitleaks")
    shutil.copy(ROOT / ".gitleaks.toml", tmp_path)
    (tmp_path / "settings.py").write_text(f'AWS_SECRET = "{"AKIA" + "Z7QW3LMN2XKT5RBV"}"\n')
    done = run(binary, "dir", "--no-banner", "--redact", "--config", str(tmp_path / ".gitleaks.toml"), str(tmp_path))
    assert done.returncode == 1, done.stderr
