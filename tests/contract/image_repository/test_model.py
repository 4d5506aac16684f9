"""Random changes, listings and totals, against the plain model; walks go on while the rows change."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from services.models import Image, ImageQuery, Position
from services.ports import Repository
from tests.contract.image_repository import model
from tests.contract.image_repository.backends import Backend
from tests.contract.image_repository.samples import a_marker, a_version, an_image

OWNERS = ("ada", "grace")
TAGS = ("red", "green", "blue", "Red")
WORDS = ("sea", "sun", "été")
NOON = datetime.now(UTC).replace(hour=12, minute=0, second=0, microsecond=0) - timedelta(days=3)
TIMES = tuple(NOON + timedelta(hours=hours) for hours in (0, 1, 13, 25, 49))  # few, so that many images share one

some = st.randoms(use_true_random=False)
tags = st.lists(st.sampled_from(TAGS), max_size=4).map(tuple)
titles = st.lists(st.sampled_from((*WORDS, "SEA", "of")), max_size=3).map(" ".join)
queries = st.builds(
    ImageQuery,
    owner=st.sampled_from((None, *OWNERS)),
    tags=st.lists(st.sampled_from(TAGS), max_size=3).map(tuple),
    words=st.lists(st.sampled_from(WORDS), max_size=2).map(tuple),
    since=st.none() | st.sampled_from(TIMES),
    until=st.none() | st.sampled_from(TIMES),
    deleted=st.sampled_from((False, False, False, True)),
)


@dataclass
class Walk:
    """A listing on its way; ``stayed`` are the images that it has matched ever since it began."""

    query: ImageQuery
    limit: int
    stayed: set[str]
    after: Position | None = None


class Machine(RuleBasedStateMachine):
    backend: Backend
    address: str
    repository: Repository

    @initialize()
    def begin(self) -> None:
        self.backend.clear(self.address)
        self.images: dict[str, Image] = {}
        self.walks: list[Walk] = []
        self.seen: list[list[str]] = []
        self.number = 0

    def store(self, image: Image) -> None:
        self.images[image.image_id] = image
        for walk in self.walks:
            if not model.matches(walk.query, image):
                walk.stayed.discard(image.image_id)

    def version(self):
        self.number += 1
        return a_version(f"v{self.number}", size=self.number)

    @rule(owner=st.sampled_from(OWNERS), tags=tags, title=titles, when=st.sampled_from(TIMES))
    def add(self, owner: str, tags: tuple[str, ...], title: str, when: datetime) -> None:
        image = an_image(self.version(), owner=owner, tags=tags, title=title, created_at=when)
        self.repository.add(image)
        self.store(image)

    @precondition(lambda self: self.images)
    @rule(some=some, tags=tags, title=titles)
    def describe(self, some, tags: tuple[str, ...], title: str) -> None:
        image = some.choice(list(self.images.values()))
        changed = replace(image, tags=tags, title=title, revision=image.revision + 1)
        self.repository.describe(changed, expected_revision=image.revision)
        self.store(changed)

    @precondition(lambda self: self.images)
    @rule(some=some, delete=st.booleans(), tags=st.none() | tags)
    def replace(self, some, delete: bool, tags: tuple[str, ...] | None) -> None:
        """New bytes, a delete or a restore; sometimes with other tags."""
        image = some.choice(list(self.images.values()))
        version = self.version()
        current = a_marker(version.version_id) if delete else version
        changed = replace(
            image, current=current, revision=image.revision + 1, tags=image.tags if tags is None else tags
        )
        self.repository.replace(changed, expected_revision=image.revision)
        self.store(changed)

    @rule(query=queries, limit=st.integers(1, 30))
    def first_page(self, query: ImageQuery, limit: int) -> None:
        page = self.repository.search(query, limit=limit)
        model.assert_next_page(page, self.images.values(), query, limit, None)

    @precondition(lambda self: len(self.walks) < 5)
    @rule(query=queries, limit=st.integers(1, 3))
    def begin_walk(self, query: ImageQuery, limit: int) -> None:
        stayed = {each.image_id for each in model.listed(self.images.values(), query)}
        self.walks.append(Walk(query, limit, stayed))
        self.seen.append([])

    @precondition(lambda self: self.walks)
    @rule(some=some)
    def next_page(self, some) -> None:
        self.go_on(some.randrange(len(self.walks)))

    def go_on(self, number: int) -> bool:
        walk, seen = self.walks[number], self.seen[number]
        page = self.repository.search(walk.query, limit=walk.limit, after=walk.after)
        model.assert_next_page(page, self.images.values(), walk.query, walk.limit, walk.after)
        seen += [image.image_id for image in page.images]
        assert len(seen) == len(set(seen)), "no image comes twice"
        walk.after = page.after
        if page.after is None:
            assert walk.stayed <= set(seen), "none that was there all the time is left out"
            del self.walks[number], self.seen[number]
        return page.after is not None

    @rule(days=st.integers(1, 5))
    def totals(self, days: int) -> None:
        for _ in range(2):  # the second time only when midnight came in between
            today = datetime.now(UTC).date()
            totals = self.repository.totals(days=days)
            if today == datetime.now(UTC).date():
                break
        assert totals == model.totals(self.images.values(), days=days, today=today)

    @invariant()
    def bounded(self) -> None:
        assert len(self.images) < 100

    def teardown(self) -> None:
        while getattr(self, "walks", None):
            while self.go_on(0):
                pass


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_listings_and_totals_equal_the_model(backend: Backend, address: str, repository: Repository) -> None:
    connected = {"backend": backend, "address": address, "repository": repository}
    machine = type("Connected", (Machine,), connected)
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=backend.examples,
            stateful_step_count=40,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
