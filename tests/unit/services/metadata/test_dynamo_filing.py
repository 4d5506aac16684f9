"""Images with more copies than one transaction takes: every state on the way, and after a crash, lists them rightly."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from services.errors import BackendMisconfigured, BackendUnavailable, InvalidInput, ServiceError, VersionConflict
from services.metadata import dynamo_filing
from services.metadata.dynamo_keys import value_labels
from services.metadata.dynamodb import DynamoRepository
from services.models import Image, ImageQuery
from tests.contract.image_repository import dynamo
from tests.contract.image_repository.samples import a_marker, an_image

ACTIONS = 16
"""What a transaction takes here, so that an image of five values has more copies."""
WIDE = an_image(tags=("t0", "t1", "t2"), title="red sea")
OTHER = replace(WIDE, tags=("t0", "n1", "n2"), title="blue sea")
DELETED = replace(OTHER, current=a_marker())
NARROW = replace(WIDE, tags=(), title="")
QUERIES: dict[str, dict[str, Any]] = {
    "all": {},
    "t0": {"tags": ("t0",)},
    "t1 t2": {"tags": ("t1", "t2")},
    "t2 sea": {"tags": ("t2",), "words": ("sea",)},
    "red sea": {"words": ("red", "sea")},
    "blue": {"words": ("blue",)},
    "n1 n2": {"tags": ("n1", "n2")},
    "n1 t0 blue": {"tags": ("n1", "t0"), "words": ("blue",)},
    "deleted": {"deleted": True},
}


def belongs(image: Image | None, query: dict[str, Any]) -> bool:
    if image is None or image.deleted != query.get("deleted", False):
        return False
    return {*query.get("tags", ())} <= {*image.tags} and {*query.get("words", ())} <= {*image.title.split()}


class Crash(BaseException):
    """The death of the process."""


class Transactions:
    """Those of a table; ``before`` is called with the number of each, from 0, and may end it."""

    def __init__(self, repository: DynamoRepository, monkeypatch: pytest.MonkeyPatch) -> None:
        self._real = repository.table.transact
        self.before: Callable[[int], None] = lambda _number: None
        self.done = 0
        monkeypatch.setattr(repository.table, "transact", self._transact)

    def _transact(self, actions: list[dict[str, Any]]) -> None:
        assert len(actions) <= ACTIONS
        number, self.done = self.done, self.done + 1
        self.before(number)
        self._real(actions)

    def end_at(self, last: int, error: BaseException) -> None:
        """Let so many through."""
        first = self.done

        def stop(number: int) -> None:
            if number - first >= last:
                raise error

        self.before = stop

    def go_on(self) -> None:
        self.before = lambda _number: None


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[DynamoRepository]:
    monkeypatch.setattr(dynamo_filing, "MAX_ACTIONS", ACTIONS)
    with dynamo.empty_on_moto(tmp_path) as address, dynamo.connect(address) as connected:
        yield connected


@pytest.fixture
def transactions(repository: DynamoRepository, monkeypatch: pytest.MonkeyPatch) -> Transactions:
    return Transactions(repository, monkeypatch)


def assert_listed(repository: DynamoRepository, image: Image | None) -> None:
    """Every search, an owner's and everybody's, finds the image exactly where it belongs, as it is."""
    for owner in (WIDE.owner, None):
        for name, query in QUERIES.items():
            found = repository.search(ImageQuery(owner, **query), limit=10)
            assert list(found.images) == ([image] if belongs(image, query) else []), (owner, name)
            assert found.after is None


def copies(repository: DynamoRepository) -> set[str]:
    """The labels that have a copy of whatever kind."""
    every = {label for each in (WIDE, OTHER) for label in value_labels(each.tags, each.title)} | {"A", "D", "U"}
    return {label for label in every if repository.table.query(**_in_partition(f"O#{WIDE.owner}#{label}"))["Count"]}


def _in_partition(pk: str) -> dict[str, Any]:
    return {"KeyConditionExpression": "pk = :pk", "ExpressionAttributeValues": {":pk": {"S": pk}}, "Select": "COUNT"}


def assert_filed(repository: DynamoRepository, image: Image) -> None:
    """Nothing is left to do, and nothing is there that does not belong."""
    assert_listed(repository, image)
    labels = set() if image.deleted else set(value_labels(image.tags, image.title))
    assert copies(repository) == labels | {"D" if image.deleted else "A"}


STEPS = [
    pytest.param(None, WIDE, id="added"),
    pytest.param(WIDE, OTHER, id="other labels"),
    pytest.param(OTHER, DELETED, id="deleted"),
    pytest.param(DELETED, WIDE, id="restored"),
    pytest.param(WIDE, NARROW, id="no labels"),
    pytest.param(NARROW, OTHER, id="labels again"),
]


def write(repository: DynamoRepository, after: Image) -> Image:
    """Add or replace; returns the image as it is stored then."""
    stored = repository.get(after.image_id)
    if stored is None:
        repository.add(after)
        return after
    after = with_version(after, stored.revision + 1)
    repository.replace(after, expected_revision=stored.revision)
    return after


def with_version(image: Image, number: int) -> Image:
    return replace(image, current=replace(image.current, version_id=f"v{number}"))


@pytest.mark.parametrize(("before", "after"), STEPS)
def test_a_change_of_many_copies_is_filed(
    repository: DynamoRepository, transactions: Transactions, before: Image | None, after: Image
) -> None:
    if before is not None:
        write(repository, before)
    first = transactions.done
    stored = write(repository, after)
    assert transactions.done - first >= 3, "all of it fits into one transaction: this test shows nothing"
    assert_filed(repository, stored)


@pytest.mark.parametrize(("before", "after"), STEPS)
@pytest.mark.parametrize("survived", range(4))
def test_a_crash_at_any_step_leaves_an_image_that_is_listed_rightly(
    repository: DynamoRepository, transactions: Transactions, before: Image | None, after: Image, survived: int
) -> None:
    earlier = write(repository, before) if before is not None else None
    transactions.end_at(survived, Crash())
    stored: Image | None = with_version(after, 2) if before is not None else after
    try:
        write(repository, after)
    except Crash:
        stored = stored if survived else earlier
    transactions.go_on()
    assert_listed(repository, stored)
    # Whatever it is changed into next, nothing old stays.
    assert_filed(repository, write(repository, WIDE if survived % 2 else OTHER))


def test_several_crashes_leave_nothing_behind(repository: DynamoRepository, transactions: Transactions) -> None:
    stored = write(repository, WIDE)
    for image in (OTHER, DELETED, WIDE, NARROW, WIDE, OTHER, NARROW):
        transactions.end_at(1, Crash())
        with pytest.raises(Crash):
            write(repository, image)
        transactions.go_on()
        stored = repository.get(WIDE.image_id) or stored
        assert_listed(repository, replace(image, current=stored.current))
    assert_filed(repository, write(repository, NARROW))


@pytest.mark.parametrize("step", [1, 2])
def test_whoever_changes_an_image_meanwhile_takes_over(
    repository: DynamoRepository, transactions: Transactions, step: int
) -> None:
    write(repository, WIDE)
    first = transactions.done
    changed: list[Image] = []

    def meanwhile(number: int) -> None:
        if number == first + step:
            transactions.go_on()
            changed.append(write(repository, OTHER))

    transactions.before = meanwhile
    write(repository, NARROW)
    assert_filed(repository, changed[0])


@pytest.mark.parametrize("failure", [BackendUnavailable, BackendMisconfigured, InvalidInput])
def test_a_database_that_fails_behind_the_change_does_not_deny_it(
    repository: DynamoRepository,
    transactions: Transactions,
    caplog: pytest.LogCaptureFixture,
    failure: type[ServiceError],
) -> None:
    """The upload would take it for refused and remove the bytes of a row that is there."""
    transactions.end_at(1, failure(detail="so it is"))
    write(repository, WIDE)
    assert "stays unfiled until its next change: so it is" in caplog.text
    transactions.go_on()
    assert_listed(repository, WIDE)


def test_a_refused_change_files_nothing(repository: DynamoRepository, transactions: Transactions) -> None:
    write(repository, WIDE)
    first = transactions.done
    with pytest.raises(VersionConflict):
        repository.replace(with_version(OTHER, 2), expected_revision=7)
    assert transactions.done == first
    assert_filed(repository, WIDE)


def test_pages_end_where_they_should_among_unfiled_images(
    repository: DynamoRepository, transactions: Transactions
) -> None:
    images = []
    for number in range(9):
        image = an_image(tags=WIDE.tags, title=WIDE.title, created_at=WIDE.created_at + timedelta(seconds=number))
        transactions.end_at(1 + number % 4, Crash())
        with suppress(Crash):
            repository.add(image)
        images.append(image)
    transactions.go_on()
    for query in (ImageQuery(tags=("t0",)), ImageQuery(tags=("t1",), words=("sea",))):
        for limit in (1, 2, 4, 10):
            found: list[Image] = []
            after = None
            while True:
                page = repository.search(query, limit=limit, after=after)
                found += page.images
                after = page.after
                if after is None:
                    break
            assert found == images[::-1]
