"""Servers for the wire tests: one of each kind for a whole session, and fresh ones for tests that break theirs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
import requests

from tests.wire.deployments import Deployment, S3Server, deployed, kinds, moto, real_server
from tests.wire.logcheck import assert_clean_log
from tests.wire.rawhttp import RawClient


class Servers:
    """Starts what is asked for, once for each kind."""

    def __init__(self, stack: ExitStack, folder: Callable[[str], Path]) -> None:
        self._stack = stack
        self._folder = folder
        self._moto: S3Server | None = None
        self._shared: dict[str, Deployment] = {}

    def s3(self, kind: str) -> S3Server | None:
        """The S3 server behind a kind; None for the embedded store."""
        if kind == "embedded":
            return None
        if kind != "moto":
            return real_server(kind)
        if self._moto is None:
            self._moto = self._stack.enter_context(moto())
        return self._moto

    def shared(self, kind: str) -> Deployment:
        if kind not in self._shared:
            self._shared[kind] = self._stack.enter_context(deployed(kind, self._folder(kind), self.s3(kind)))
        return self._shared[kind]

    def check_logs(self) -> None:
        for deployment in self._shared.values():
            assert_clean_log(deployment.server, deployment.credentials)


@pytest.fixture(scope="session")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    with ExitStack() as stack:
        found = Servers(stack, lambda name: tmp_path_factory.mktemp(name) / "data")
        yield found
        found.check_logs()


@pytest.fixture(params=kinds())
def live(request: pytest.FixtureRequest, servers: Servers) -> Iterator[Deployment]:
    """The shared server of each kind; it must be as healthy after the test as before."""
    yield from _checked(servers.shared(request.param))


@pytest.fixture
def embedded(servers: Servers) -> Iterator[Deployment]:
    """The shared server on the embedded store."""
    yield from _checked(servers.shared("embedded"))


@pytest.fixture
def on_s3(servers: Servers) -> Iterator[Deployment]:
    """The shared server on moto behind the fault proxy."""
    yield from _checked(servers.shared("moto"))


def _checked(deployment: Deployment) -> Iterator[Deployment]:
    yield deployment
    assert deployment.server.running, "\n".join(deployment.server.stderr)
    assert requests.get(deployment.url + "/health", timeout=10).status_code == 200


@pytest.fixture
def connect(request: pytest.FixtureRequest) -> Iterator[Callable[[Deployment], RawClient]]:
    """Opens raw connections and closes them at the end."""
    with ExitStack() as stack:
        yield lambda deployment: stack.enter_context(RawClient(deployment.url))
