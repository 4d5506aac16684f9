from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from services.ports import Repository
from tests.contract.image_repository.backends import BACKENDS, PARAMETERS, Backend


@pytest.fixture(params=PARAMETERS)
def backend(request: pytest.FixtureRequest) -> Backend:
    return BACKENDS[request.param]


@pytest.fixture
def address(backend: Backend, tmp_path: Path) -> Iterator[str]:
    """Where an empty repository is; another process can connect to it."""
    with backend.empty(tmp_path) as address:
        yield address


@pytest.fixture
def repository(backend: Backend, address: str) -> Iterator[Repository]:
    with backend.connect(address) as repository:
        yield repository
