"""Verifies where an image comes from, before it is deployed.

    python3 -m scripts.pipeline.attestations <repository>@sha256:<digest> <commit>

Two attestations, both signed by this repository's ``build.yml`` as GitHub ran it on the main branch for exactly that
commit: its provenance (SLSA 1) and its bill of materials (SPDX). ``gh attestation verify`` checks signatures and the
transparency log; what it verified is then read once more here, so that nothing depends on a flag that a version of
``gh`` might read differently.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from typing import Any

from scripts.pipeline.errors import PipelineError, run
from scripts.pipeline.outputs import summary

PROVENANCE = "https://slsa.dev/provenance/v1"
BILL = "https://spdx.dev/Document/v2.3"  # with the version of SPDX that the bill is written in
WORKFLOW = ".github/workflows/build.yml"
SOURCE = "refs/heads/main"

Verify = Callable[[str, str, str, str], list[dict[str, Any]]]
"""(image, repository, commit, predicate type) -> what was verified; raises PipelineError when nothing was."""


def with_gh(image: str, repository: str, commit: str, predicate: str) -> list[dict[str, Any]]:
    """Ask ``gh``, which has to be logged in (``GH_TOKEN``) and to reach the registry.

    :raises PipelineError: when it refuses.
    """
    command = [
        *("gh", "attestation", "verify", f"oci://{image}", "--repo", repository, "--predicate-type", predicate),
        *("--signer-workflow", f"{repository}/{WORKFLOW}", "--source-ref", SOURCE, "--source-digest", commit),
        *("--deny-self-hosted-runners", "--format", "json"),
    ]
    try:
        done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=300)  # noqa: S603 - no shell
    except (OSError, subprocess.TimeoutExpired) as error:
        raise PipelineError(f"gh could not verify {image}: {error}") from error
    if done.returncode:
        raise PipelineError(f"{image} has no valid {predicate}: {done.stderr.strip() or done.stdout.strip()}")
    try:
        verified: list[dict[str, Any]] = json.loads(done.stdout)
    except ValueError as error:
        raise PipelineError(f"gh answered something else than JSON: {done.stdout[:200]!r}") from error
    return verified


def check(
    verified: list[dict[str, Any]], *, digest: str, repository: str, commit: str, predicate: str
) -> dict[str, Any]:
    """One of the verified attestations that says all that has to be said; returns its statement.

    :raises PipelineError: when none does.
    """
    wanted = {
        "sourceRepositoryURI": f"https://github.com/{repository}",
        "sourceRepositoryDigest": commit,
        "sourceRepositoryRef": SOURCE,
        "buildSignerURI": f"https://github.com/{repository}/{WORKFLOW}@{SOURCE}",
        "runnerEnvironment": "github-hosted",
    }
    differs: list[str] = []
    for each in verified:
        result = each.get("verificationResult") or {}
        statement = result.get("statement") or {}
        certificate = (result.get("signature") or {}).get("certificate") or {}
        differs = [
            f"{name} is {certificate.get(name)}" for name, value in wanted.items() if certificate.get(name) != value
        ]
        digests = [subject.get("digest", {}).get("sha256") for subject in statement.get("subject", [])]
        if digest.removeprefix("sha256:") not in digests:
            differs.append(f"it is about {digests}")
        if statement.get("predicateType") != predicate:
            differs.append(f"it is a {statement.get('predicateType')}")
        if not differs:
            return dict(statement)
    raise PipelineError(f"no {predicate} for {digest}: {'; '.join(differs) or 'nothing was verified'}")


def verify(image: str, commit: str, repository: str, ask: Verify = with_gh) -> None:
    """Verify both attestations.

    :raises PipelineError: when one is missing, or is about something else.
    """
    digest = image.rpartition("@")[2]
    if not re.fullmatch("sha256:[0-9a-f]{64}", digest):
        raise PipelineError(f"{image!r} is no image by its digest")
    for predicate in (PROVENANCE, BILL):
        found = check(
            ask(image, repository, commit, predicate),
            digest=digest,
            repository=repository,
            commit=commit,
            predicate=predicate,
        )
        if predicate == BILL and not (found.get("predicate") or {}).get("packages"):
            raise PipelineError(f"the bill of materials of {digest} lists nothing")
    summary(f"`{digest}` was built from {commit} by {WORKFLOW}; provenance and bill of materials verified")


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    parser = argparse.ArgumentParser(prog="attestations", description=__doc__)
    parser.add_argument("image")
    parser.add_argument("commit")
    chosen = parser.parse_args(arguments)
    return run(lambda: verify(chosen.image, chosen.commit, os.environ.get("GITHUB_REPOSITORY", "")))


if __name__ == "__main__":
    sys.exit(main())
