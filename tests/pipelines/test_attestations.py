from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from scripts.pipeline import attestations
from scripts.pipeline.errors import PipelineError
from tests.pipelines.answers import REPOSITORY, altered, signed, verified
from tests.pipelines.runner import Runner

COMMIT, DIGEST = "a" * 40, f"sha256:{'d' * 64}"
IMAGE = f"123456789012.dkr.ecr.eu-central-1.amazonaws.com/images@{DIGEST}"
STEP = "Verify provenance and bill of materials"


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("signature/certificate/sourceRepositoryDigest", "b" * 40),
        ("signature/certificate/sourceRepositoryRef", "refs/heads/feature"),
        ("signature/certificate/sourceRepositoryURI", "https://github.com/mallory/image-service"),
        (
            "signature/certificate/buildSignerURI",
            f"https://github.com/{REPOSITORY}/.github/workflows/pr.yml@refs/heads/main",
        ),
        ("signature/certificate/runnerEnvironment", "self-hosted"),
        ("signature/certificate", {}),
        ("statement/subject", [{"digest": {"sha256": "e" * 64}}]),
        ("statement/subject", []),
        ("statement/predicateType", attestations.BILL),
        ("statement", {}),
    ],
)
def test_an_attestation_about_something_else_is_refused(path: str, value: Any) -> None:
    given = altered(verified(DIGEST, COMMIT, attestations.PROVENANCE), path, value)
    with pytest.raises(PipelineError, match="no https://slsa"):
        check(given)


def test_no_attestation_is_refused() -> None:
    with pytest.raises(PipelineError, match="nothing was verified"):
        check([])


def test_one_that_says_everything_is_enough() -> None:
    good = verified(DIGEST, COMMIT, attestations.PROVENANCE)
    bad = altered(good, "statement/subject", [])
    assert check([*bad, *good])["predicateType"] == attestations.PROVENANCE


def check(given: list[dict[str, Any]]) -> dict[str, Any]:
    return attestations.check(
        given, digest=DIGEST, repository=REPOSITORY, commit=COMMIT, predicate=attestations.PROVENANCE
    )


def test_an_empty_bill_of_materials_is_refused() -> None:
    def ask(image: str, repository: str, commit: str, predicate: str) -> list[dict[str, Any]]:
        return altered(verified(DIGEST, COMMIT, predicate), "statement/predicate", {"packages": []})

    with pytest.raises(PipelineError, match="lists nothing"):
        attestations.verify(IMAGE, COMMIT, REPOSITORY, ask)


@pytest.mark.parametrize("image", ["images:latest", "images@sha256:", "images@sha256:abc", "", f"images@{DIGEST}0"])
def test_only_digests_are_verified(image: str) -> None:
    with pytest.raises(PipelineError, match="by its digest"):
        attestations.verify(image, COMMIT, REPOSITORY, lambda *_: pytest.fail("was asked"))


def test_the_workflow_refuses_what_is_not_signed(runner: Runner) -> None:
    answers = Path(runner.environ["GH_ANSWER"])
    runner.environ |= {"GITHUB_SHA": COMMIT, "GITHUB_REPOSITORY": REPOSITORY}
    runner.context |= {
        "steps.aws.outputs.registry": "123456789012.dkr.ecr.eu-central-1.amazonaws.com",
        "vars.ECR_REPOSITORY": "images",
        "steps.image.outputs.digest": DIGEST,
    }

    def step() -> int:
        return runner.job("deploy.yml", "deploy", only=STEP)[STEP]

    assert step() == 1
    assert "no attestations found" in runner.said(STEP)
    signed(answers, DIGEST, "b" * 40)  # of another commit
    assert step() == 1
    signed(answers, DIGEST, COMMIT)
    assert step() == 0
    asked = (answers / "asked").read_text()
    for flag in (f"oci://{IMAGE}", f"--repo {REPOSITORY}", f"--source-digest {COMMIT}", "--source-ref refs/heads/main"):
        assert flag in asked
    assert f"--signer-workflow {REPOSITORY}/.github/workflows/build.yml" in asked
    assert "--deny-self-hosted-runners" in asked
    (answers / "bill.json").unlink()
    assert step() == 1  # provenance alone is not enough
    (answers / "bill.json").write_text("no JSON")
    assert step() == 1
    assert json.loads((answers / "provenance.json").read_text())
