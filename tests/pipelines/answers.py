"""What ``gh attestation verify`` prints, as far as it is read."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

from scripts.pipeline import attestations

REPOSITORY = "acme/image-service"


def verified(digest: str, commit: str, predicate: str) -> list[dict[str, Any]]:
    """One attestation of build.yml."""
    return [
        {
            "verificationResult": {
                "signature": {
                    "certificate": {
                        "sourceRepositoryURI": f"https://github.com/{REPOSITORY}",
                        "sourceRepositoryDigest": commit,
                        "sourceRepositoryRef": "refs/heads/main",
                        "buildSignerURI": f"https://github.com/{REPOSITORY}/.github/workflows/build.yml@refs/heads/main",
                        "runnerEnvironment": "github-hosted",
                    }
                },
                "statement": {
                    "predicateType": predicate,
                    "subject": [{"name": "images", "digest": {"sha256": digest.removeprefix("sha256:")}}],
                    "predicate": {"packages": [{"name": "flask"}]},
                },
            }
        }
    ]


def signed(folder: Path, digest: str, commit: str) -> None:
    """Let the tests' ``gh`` find both attestations."""
    for name, predicate in (("provenance", attestations.PROVENANCE), ("bill", attestations.BILL)):
        (folder / f"{name}.json").write_text(json.dumps(verified(digest, commit, predicate)))


def altered(found: list[dict[str, Any]], path: str, value: Any) -> list[dict[str, Any]]:
    """A copy with another value at ``path``, below verificationResult."""
    made = copy.deepcopy(found)
    place = made[0]["verificationResult"]
    *above, last = path.split("/")
    for name in above:
        place = place[name]
    place[last] = value
    return made
