"""The images in ECR: found by the commit that they were built from, and given further names, never built again.

    python -m scripts.pipeline.registry find <commit>      # output digest; empty if nothing was built
    python -m scripts.pipeline.registry tag <digest> <tag>       # another name for the same bytes
    python -m scripts.pipeline.registry running                  # output commit: what the environment runs now

``ECR_REPOSITORY`` names the repository. An image gets its tag ``sha-<commit>`` after its scan passed and its provenance
was written, so a tag of that kind is the proof that the build came to its end.
"""

from __future__ import annotations

import argparse
import os
import re
import sys
from typing import TYPE_CHECKING

import boto3.session
from botocore.exceptions import ClientError

from scripts.pipeline.ecs import Cluster
from scripts.pipeline.errors import PipelineError, run
from scripts.pipeline.outputs import output
from scripts.pipeline.target import Target, clients

if TYPE_CHECKING:
    from mypy_boto3_ecr.client import ECRClient

DIGEST = re.compile("sha256:[0-9a-f]{64}")
COMMIT = re.compile("[0-9a-f]{40}")
MANIFESTS = [
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
    "application/vnd.docker.distribution.manifest.v2+json",
]


class Registry:
    """One ECR repository."""

    def __init__(self, client: ECRClient, repository: str) -> None:
        self._client = client
        self._repository = repository

    def digest_of(self, tag: str) -> str | None:
        """The digest that ``tag`` names, or None."""
        try:
            found = self._client.describe_images(repositoryName=self._repository, imageIds=[{"imageTag": tag}])
        except self._client.exceptions.ImageNotFoundException:
            return None
        return str(found["imageDetails"][0]["imageDigest"])

    def commit_of(self, digest: str) -> str:
        """The commit that an image was built from.

        :raises PipelineError: when the image is not there, or no build's end gave it its tag.
        """
        try:
            found = self._client.describe_images(repositoryName=self._repository, imageIds=[{"imageDigest": digest}])
        except self._client.exceptions.ImageNotFoundException as error:
            raise PipelineError(f"{digest} is not in {self._repository}") from error
        tags = found["imageDetails"][0].get("imageTags", [])
        commits = [tag.removeprefix("sha-") for tag in tags if COMMIT.fullmatch(tag.removeprefix("sha-"))]
        if len(commits) != 1:
            raise PipelineError(f"{digest} has no tag sha-<commit>: it is not known what it was built from")
        return commits[0]

    def tag(self, digest: str, tag: str) -> None:
        """Give the image ``digest`` another name; again for the same image changes nothing.

        :raises PipelineError: when the image is not there, or the name is another image's: tags never move.
        """
        named = self.digest_of(tag)
        if named == digest:
            return
        if named:
            raise PipelineError(f"{self._repository}:{tag} is {named} already; a tag never moves. Take a new version")
        found = self._client.batch_get_image(
            repositoryName=self._repository, imageIds=[{"imageDigest": digest}], acceptedMediaTypes=MANIFESTS
        )
        if not found["images"]:
            raise PipelineError(f"{digest} is not in {self._repository}")
        image = found["images"][0]
        self._client.put_image(
            repositoryName=self._repository,
            imageManifest=image["imageManifest"],
            imageManifestMediaType=image.get("imageManifestMediaType", MANIFESTS[1]),
            imageTag=tag,
        )
        if (now := self.digest_of(tag)) != digest:
            raise PipelineError(f"{self._repository}:{tag} became {now}, not {digest}")


def _registry() -> Registry:
    name = os.environ.get("ECR_REPOSITORY", "")
    if not name:
        raise PipelineError("ECR_REPOSITORY is empty: set the variable as docs/deployment.md says")
    return Registry(boto3.session.Session().client("ecr"), name)


def _find(commit: str, expected: str | None) -> None:
    if not COMMIT.fullmatch(commit):
        raise PipelineError(f"{commit!r} is not a commit: write 40 hexadecimal digits")
    digest = _registry().digest_of(f"sha-{commit}")
    if expected is not None and digest is None:
        raise PipelineError(f"no image was built from {commit}: let build.yml come to its end on main first")
    if expected and digest != expected:
        raise PipelineError(f"the image of {commit} is {digest}, but the former environment took {expected}")
    output("digest", digest or "")


def _tag(digest: str, tag: str) -> None:
    if not DIGEST.fullmatch(digest):
        raise PipelineError(f"{digest!r} is not a digest: nothing was built, or it is not known what")
    _registry().tag(digest, tag)
    print(f"{tag} is {digest}")


def _running() -> None:
    target = Target.from_environment()
    image = Cluster(clients("ecs"), target).image("web")
    digest = image.rpartition("@")[2]
    if not DIGEST.fullmatch(digest):
        raise PipelineError(f"{target.services['web']} runs {image}, which names no digest")
    output("commit", _registry().commit_of(digest))


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    parser = argparse.ArgumentParser(prog="registry", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    finding = commands.add_parser("find")
    finding.add_argument("commit")
    finding.add_argument("--expected", help="refuse when nothing was built, or (unless empty) another digest than this")
    tagging = commands.add_parser("tag")
    tagging.add_argument("digest")
    tagging.add_argument("tag")
    commands.add_parser("running")
    chosen = parser.parse_args(arguments)

    def command() -> None:
        try:
            if chosen.command == "find":
                _find(chosen.commit, chosen.expected)
            elif chosen.command == "tag":
                _tag(chosen.digest, chosen.tag)
            else:
                _running()
        except ClientError as error:
            raise PipelineError(f"AWS refused: {error}") from error

    return run(command)


if __name__ == "__main__":
    sys.exit(main())
