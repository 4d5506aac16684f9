"""Fixtures of the core's suites."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.services.desk import Desk
from tests.unit.services.world import World


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path)
    yield made
    made.engine.dispose()


@pytest.fixture
def desk(world: World) -> Desk:
    return Desk(world)
