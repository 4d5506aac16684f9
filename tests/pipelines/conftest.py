"""A repository, an account on an emulator, and a running service for the pipelines to work on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from tests.emulator import emulator
from tests.pipelines.cloud import NAME, Cloud
from tests.pipelines.house import House
from tests.pipelines.rollouts import Rollouts
from tests.pipelines.runner import Runner, plain_environment
from tests.wire.server import LiveServer

GH = """#!/bin/sh
# gh, for the tests: answers what the file in GH_ANSWER says for a predicate, and notes what it was asked.
echo "$*" >>"$GH_ASKED"
case "$*" in
  *"attestation verify"*predicate-type*spdx*) file=$GH_ANSWER/bill.json ;;
  *"attestation verify"*) file=$GH_ANSWER/provenance.json ;;
  *"release view"*) exit 1 ;;
  *) exit 0 ;;
esac
if [ -e "$file" ]; then cat "$file"; else echo 'no attestations found' >&2; exit 1; fi
"""


@pytest.fixture(scope="session")
def aws() -> Iterator[str]:
    """An emulator for this folder's tests; each test empties it."""
    with emulator() as url:
        yield url


@pytest.fixture
def cloud(aws: str) -> Iterator[Cloud]:
    requests.post(f"{aws}/moto-api/reset", timeout=30)
    with Rollouts(aws) as rollouts:
        made = Cloud(rollouts)
        made.client("ecr").create_repository(repositoryName=NAME, imageTagMutability="IMMUTABLE")
        yield made


@pytest.fixture
def house(tmp_path: Path) -> House:
    folder = tmp_path / "house"
    folder.mkdir()
    return House(folder)


@pytest.fixture
def runner(tmp_path: Path, house: House) -> Runner:
    """A machine in the repository, with a ``gh`` that has no attestations yet."""
    tools, answers = tmp_path / "tools", tmp_path / "gh"
    tools.mkdir()
    answers.mkdir()
    (tools / "gh").write_text(GH)
    (tools / "gh").chmod(0o755)
    environ = plain_environment(GH_ANSWER=str(answers), GH_ASKED=str(answers / "asked"))
    environ["PATH"] = f"{tools}:{environ['PATH']}"
    return Runner(house.folder, environ, {"github.token": "t", "github.repository": "acme/image-service"}, tmp_path)


@pytest.fixture(scope="session")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    """The service as ``make run`` starts it."""
    server = LiveServer(tmp_path_factory.mktemp("smoked") / "data").start()
    try:
        yield server
    finally:
        server.stop()
