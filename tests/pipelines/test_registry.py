from __future__ import annotations

import json

import pytest

from scripts.pipeline.errors import PipelineError
from scripts.pipeline.registry import Registry
from tests.pipelines.cloud import NAME, Cloud
from tests.pipelines.runner import Runner

COMMIT, OTHER = "a" * 40, "b" * 40
FIND = "Find the image of this commit"


@pytest.fixture
def registry(cloud: Cloud) -> Registry:
    return Registry(cloud.client("ecr"), NAME)


def test_a_tag_never_moves(cloud: Cloud, registry: Registry) -> None:
    digest, other = cloud.build(COMMIT), cloud.build(OTHER)
    registry.tag(digest, "staging-v1.2.3")
    with pytest.raises(PipelineError, match="never moves"):
        registry.tag(other, "staging-v1.2.3")
    assert registry.digest_of("staging-v1.2.3") == digest


def test_what_is_not_there_gets_no_tag(registry: Registry) -> None:
    with pytest.raises(PipelineError, match="is not in"):
        registry.tag(f"sha256:{'0' * 64}", "v1")


def test_promoting_is_another_name_for_the_same_bytes(cloud: Cloud, registry: Registry) -> None:
    digest = cloud.build(COMMIT)
    registry.tag(digest, "staging-v1.2.3")
    registry.tag(digest, "staging-v1.2.3")
    assert cloud.tags(digest) == {f"sha-{COMMIT}", "staging-v1.2.3"}
    assert registry.commit_of(digest) == COMMIT


def test_an_image_without_a_builds_tag_is_not_known(cloud: Cloud, registry: Registry) -> None:
    digest = cloud.build(COMMIT)
    with pytest.raises(PipelineError, match="is not in"):
        registry.commit_of(f"sha256:{'0' * 64}")
    cloud.client("ecr").batch_delete_image(repositoryName=NAME, imageIds=[{"imageTag": f"sha-{COMMIT}"}])
    cloud.client("ecr").put_image(repositoryName=NAME, imageManifest=_manifest(), imageTag="sha-latest")
    unnamed = registry.digest_of("sha-latest")
    assert unnamed and unnamed != digest
    with pytest.raises(PipelineError, match="not known"):
        registry.commit_of(unnamed)


def _manifest() -> str:
    kind = "application/vnd.oci.image.manifest.v1+json"
    return json.dumps({"mediaType": kind, "config": {"size": 1}, "layers": [{"digest": "sha256:0", "size": 1}]})


def test_the_workflow_finds_only_what_was_built(runner: Runner, cloud: Cloud) -> None:
    runner.environ |= cloud.environ | {"GITHUB_SHA": COMMIT}

    def find(expected: str) -> int:
        runner.context |= {"inputs.digest": expected}
        return runner.job("deploy.yml", "deploy", only=FIND)[FIND]

    assert find("") == 1
    assert "no image was built" in runner.said(FIND)
    digest = cloud.build(COMMIT)
    assert find("") == 0
    assert runner.context["steps.image.outputs.digest"] == digest
    assert find(digest) == 0
    assert find(f"sha256:{'0' * 64}") == 1
    assert "former environment" in runner.said(FIND)


def test_the_build_looks_first_and_names_last(runner: Runner, cloud: Cloud) -> None:
    look, name = "Look whether this commit was built before", "Name it"
    runner.environ |= cloud.environ | {"GITHUB_SHA": COMMIT}
    runner.context |= {"vars.ECR_REPOSITORY": NAME, "steps.build.outputs.digest": ""}
    assert runner.job("build.yml", "image", only=look) == {look: 0}
    assert runner.context["steps.before.outputs.digest"] == ""
    assert runner.job("build.yml", "image", only=name) == {name: 1}  # nothing came out of the build
    digest = cloud.build(OTHER)
    runner.context["steps.build.outputs.digest"] = digest
    assert runner.job("build.yml", "image", only=name) == {name: 0}
    assert cloud.tags(digest) == {f"sha-{OTHER}", f"sha-{COMMIT}"}
    assert runner.job("build.yml", "image", only=look) == {look: 0}
    assert runner.context["steps.before.outputs.digest"] == digest
    assert runner.job("build.yml", "image", only=name) == {}  # a second run of the workflow changes nothing
