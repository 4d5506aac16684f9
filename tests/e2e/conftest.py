"""One server and one browser for each file of tests; every test has a label of its own."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.browser import Browser, required_programs, started
from tests.e2e.site import Site, running


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.e2e)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    required_programs()
    with running(tmp_path_factory.mktemp("site")) as found:
        yield found


@pytest.fixture(scope="module")
def window(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with started(tmp_path_factory.mktemp("profile")) as found:
        yield found


@pytest.fixture
def browser(window: Browser, site: Site) -> Iterator[Browser]:
    """The window, which no test may leave with a script's error or a breach of the policy."""
    window.complaints()
    yield window
    site.proxy.clear()
    assert window.complaints() == []


@pytest.fixture
def label() -> str:
    return f"label-{uuid.uuid4().hex[:8]}"
