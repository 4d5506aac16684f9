"""Runs a job's ``run:`` steps as GitHub does: the shell as the workflow has it, variables, outputs, conditions.

Steps that use somebody else's action are passed over; what they would have given is in ``context``.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]
WORKFLOWS = ROOT / ".github" / "workflows"
SHELL = ("bash", "--noprofile", "--norc", "-eo", "pipefail")  # GitHub's, for `shell: bash`
_EXPRESSION = re.compile(r"\$\{\{\s*(.+?)\s*\}\}")


def workflow(name: str) -> dict[str, Any]:
    """A workflow, with its trigger under ``on`` (YAML 1.1 reads that word as true)."""
    found: dict[Any, Any] = yaml.safe_load((WORKFLOWS / name).read_text())
    if True in found:
        found["on"] = found.pop(True)
    return found


def jobs() -> Iterator[tuple[str, str, dict[str, Any]]]:
    """File, name and content of every job of every workflow."""
    for path in sorted(WORKFLOWS.glob("*.yml")):
        for name, job in workflow(path.name)["jobs"].items():
            yield path.name, name, job


def run_steps() -> Iterator[tuple[str, str, str]]:
    """(file, job, step) of every step that runs shell."""
    for file, name, job in jobs():
        for step in job.get("steps", []):
            if "run" in step:
                yield file, name, step["name"]


@dataclass
class Done:
    """What one step did."""

    name: str
    code: int
    said: str


@dataclass
class Runner:
    """A machine that runs jobs.

    :ivar folder: where the sources are.
    :ivar environ: variables of the machine; they win over the workflow's, so that a test need not wait five minutes.
    :ivar context: values of expressions, by their text: ``vars.AWS_REGION``.
    """

    folder: Path
    environ: dict[str, str]
    context: dict[str, str]
    scratch: Path
    limit: float = 110
    steps: list[Done] = field(default_factory=list)

    def job(self, file: str, name: str, *, only: str | None = None, since: str | None = None) -> dict[str, int]:
        """Run a job, its step ``only``, or it from the step ``since``; returns the exit code of each step that ran."""
        content = workflow(file)["jobs"][name]
        names = [step["name"] for step in content["steps"]]
        failed, codes = False, {}
        for step in content["steps"][names.index(since) if since else 0 :]:
            if "run" not in step or (only and step["name"] != only) or not self._wanted(step.get("if"), failed=failed):
                continue
            done = self._step(step, {**content.get("env", {}), **step.get("env", {})})
            self.steps.append(done)
            codes[done.name] = done.code
            failed |= done.code != 0
        return codes

    def said(self, name: str) -> str:
        """What a step printed when it ran last."""
        return next(step.said for step in reversed(self.steps) if step.name == name)

    def value(self, text: str) -> str:
        """``text`` with its expressions replaced; ``a || 'b'`` is the only operator that values have."""
        return _EXPRESSION.sub(lambda found: self._lookup(found[1]), text)

    def _lookup(self, expression: str) -> str:
        for part in expression.split(" || "):
            if value := part[1:-1] if part.startswith("'") else self._of_context(part):
                return value
        return ""

    def _of_context(self, name: str) -> str:
        # GitHub takes what is not set for an empty string; a misspelt context is found by actionlint.
        return self.context.get(name, "") if name.startswith(("vars.", "steps.", "inputs.")) else self.context[name]

    def _wanted(self, condition: str | None, *, failed: bool) -> bool:
        if condition is None:
            return not failed
        if condition == "always()":
            return True
        if condition == "failure() || cancelled()":
            return failed
        equal = re.fullmatch(r"(\S+) == ''", condition)
        assert equal, f"the runner does not know the condition {condition}"
        return not failed and self._lookup(equal[1]) == ""

    def _step(self, step: Mapping[str, Any], env: Mapping[str, Any]) -> Done:
        script, output = self.scratch / "step.sh", self.scratch / "output"
        script.write_text(step["run"])
        output.write_text("")
        variables = {name: self.value(str(value)) for name, value in env.items()}
        done = subprocess.run(
            [*SHELL, str(script)],
            cwd=self.folder,
            env={**variables, **self.environ, "GITHUB_OUTPUT": str(output)},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=self.limit,
            check=False,
        )
        if "id" in step:
            for line in output.read_text().splitlines():
                name, _, value = line.partition("=")
                self.context[f"steps.{step['id']}.outputs.{name}"] = value
        return Done(step["name"], done.returncode, done.stdout + done.stderr)


def plain_environment(**more: str) -> dict[str, str]:
    """What a fresh machine has: a path, a home, no credentials and none of the tests' own settings."""
    keep = ("PATH", "HOME", "LANG", "TMPDIR", "GOPATH", "GOCACHE", "GOFLAGS", "GOPROXY")
    return {name: os.environ[name] for name in keep if name in os.environ} | more
