"""What goes wrong between the repository and DynamoDB ends as a domain error, in bounded time, over real HTTP."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from services.errors import BackendError, BackendMisconfigured, BackendUnavailable, InvalidInput, VersionConflict
from services.metadata.dynamo_client import DynamoOptions, DynamoTable
from services.metadata.dynamodb import DynamoRepository
from services.models import ImageQuery
from services.names import MAX_DESCRIPTION, MAX_TAG, MAX_TAGS
from services.words import words_of
from tests.contract.image_repository import dynamo
from tests.contract.image_repository.samples import a_marker, a_version, an_image, with_current
from tests.faultproxy import FaultProxy

ANY_IMAGE = an_image()
LOCAL = pytest.param("local", marks=dynamo.LOCAL_MARKS)


@pytest.fixture(params=["moto"])  # the faults are the proxy's; some tests ask for the real server as well
def address(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    with {"moto": dynamo.empty_on_moto, "local": dynamo.empty_on_local}[request.param](tmp_path) as made:
        yield made


@pytest.fixture
def proxy(address: str) -> Iterator[FaultProxy]:
    with FaultProxy(address.split(" ", maxsplit=1)[0]) as running:
        yield running


@pytest.fixture
def faulty(address: str, proxy: FaultProxy) -> Iterator[DynamoRepository]:
    """The repository behind a proxy that goes wrong on demand."""
    with dynamo.test_credentials():
        table = dynamo.table_at(f"{proxy.url} {address.split(' ')[1]}", connect_timeout=1.0, read_timeout=1.5)
        table.check()
        yield DynamoRepository(table)
        table.close()


def answer(code: str, message: str = "a fault", **members: object) -> bytes:
    return json.dumps({"__type": f"com.amazonaws.dynamodb.v20120810#{code}", "message": message, **members}).encode()


def cancelled(*codes: str) -> bytes:
    reasons = [{"Code": code, "Message": "because"} for code in codes]
    return answer("TransactionCanceledException", f"cancelled [{', '.join(codes)}]", CancellationReasons=reasons)


@pytest.mark.parametrize("code", ["ThrottlingException", "ProvisionedThroughputExceededException"])
def test_throttling_that_passes_is_waited_for(faulty: DynamoRepository, proxy: FaultProxy, code: str) -> None:
    proxy.fail(status=400, body=answer(code), times=1)
    faulty.add(ANY_IMAGE)
    proxy.fail(status=400, body=answer(code), times=2)
    assert faulty.get(ANY_IMAGE.image_id) == ANY_IMAGE


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (400, answer("ThrottlingException")),
        (400, answer("ProvisionedThroughputExceededException")),
        (400, answer("RequestLimitExceeded")),
        (400, answer("TransactionInProgressException")),
        (500, answer("InternalServerError")),
        (503, b"<html>no server is available</html>"),
        (502, b"oops"),
        (200, b"not JSON"),
    ],
    ids=lambda value: value if isinstance(value, int) else value.decode()[:70],
)
def test_what_may_pass_is_unavailable(faulty: DynamoRepository, proxy: FaultProxy, status: int, body: bytes) -> None:
    proxy.fail(status=status, body=body)
    for call in (
        lambda: faulty.get("id"),
        lambda: faulty.add(ANY_IMAGE),
        lambda: faulty.search(ImageQuery(), limit=2),
    ):
        with pytest.raises(BackendUnavailable):
            call()
    proxy.clear()
    assert faulty.search(ImageQuery(), limit=2).images == ()


@pytest.mark.parametrize(
    "code",
    [
        "AccessDeniedException",
        "ExpiredTokenException",
        "IncompleteSignatureException",
        "InvalidSignatureException",
        "MissingAuthenticationTokenException",
        "ResourceNotFoundException",
        "UnrecognizedClientException",
        "ValidationException",
    ],
)
def test_what_only_an_operator_can_change_is_misconfigured(
    faulty: DynamoRepository, proxy: FaultProxy, code: str
) -> None:
    proxy.fail(status=400, body=answer(code, "who you are\nThe Canonical String was 'x-amz-security-token:hunter2'"))
    for call in (
        lambda: faulty.get("id"),
        lambda: faulty.add(ANY_IMAGE),
        faulty.check,
        lambda: faulty.totals(days=1),
    ):
        with pytest.raises(BackendMisconfigured) as caught:
            call()
        assert code in caught.value.detail
        assert "hunter2" not in caught.value.detail
        assert "hunter2" not in str(caught.value)
    assert len(proxy.requests) == 5, "no call was repeated: it can not help"


def test_a_server_that_hangs_up_is_unavailable(faulty: DynamoRepository, proxy: FaultProxy) -> None:
    proxy.cut_request()
    with pytest.raises(BackendUnavailable):
        faulty.get("id")
    assert len(proxy.requests) == 1 + 3


def test_a_server_that_does_not_answer_is_unavailable_in_bounded_time(
    faulty: DynamoRepository, proxy: FaultProxy
) -> None:
    proxy.delay(seconds=4)
    for call, most in ((lambda: faulty.get("id"), 12.0), (faulty.check, 5.0)):
        started = time.monotonic()
        with pytest.raises(BackendUnavailable):
            call()
        assert time.monotonic() - started < most


def test_an_answer_cut_short_is_asked_for_again(faulty: DynamoRepository, proxy: FaultProxy) -> None:
    faulty.add(ANY_IMAGE)
    proxy.cut_body(times=1)
    assert faulty.get(ANY_IMAGE.image_id) == ANY_IMAGE


@pytest.mark.parametrize("address", [LOCAL], indirect=True)  # moto does not remember the tokens of requests
def test_a_write_whose_answer_was_lost_is_no_conflict_with_itself(faulty: DynamoRepository, proxy: FaultProxy) -> None:
    proxy.cut_answer(times=1)
    faulty.add(ANY_IMAGE)
    changed = with_current(ANY_IMAGE, "v2", title="changed")
    proxy.cut_answer(skip=1, times=1)  # the first request reads
    faulty.replace(changed, expected_revision=1)
    assert faulty.get(ANY_IMAGE.image_id) == changed
    assert [each.version_id for each in faulty.versions(ANY_IMAGE.image_id)] == ["v2", "v1"]
    assert faulty.totals(days=0).images == 1


def test_a_transaction_in_the_way_is_waited_for(faulty: DynamoRepository, proxy: FaultProxy) -> None:
    rule = proxy.fail(status=400, body=cancelled("None", "TransactionConflict", "None"), times=2)
    faulty.add(ANY_IMAGE)
    assert rule.hits == 2
    # From the second request on: the first reads what is to be changed.
    proxy.fail(status=400, body=cancelled("None", "ThrottlingError"), skip=1, times=1)
    faulty.describe(replace(ANY_IMAGE, title="changed"), expected_revision=1)
    found = faulty.get(ANY_IMAGE.image_id)
    assert found is not None
    assert found.title == "changed"


def test_transactions_that_stay_in_the_way_make_it_unavailable(faulty: DynamoRepository, proxy: FaultProxy) -> None:
    proxy.fail(status=400, body=cancelled("TransactionConflict"))
    started = time.monotonic()
    with pytest.raises(BackendUnavailable):
        faulty.add(ANY_IMAGE)
    assert time.monotonic() - started < 10


def test_a_failed_condition_counts_more_than_a_conflict(faulty: DynamoRepository, proxy: FaultProxy) -> None:
    faulty.add(ANY_IMAGE)
    rule = proxy.fail(status=400, body=cancelled("ConditionalCheckFailed", "TransactionConflict"), skip=1)
    with pytest.raises(VersionConflict):
        faulty.describe(ANY_IMAGE, expected_revision=1)
    assert rule.hits == 1


@pytest.mark.parametrize("address", ["moto", LOCAL], indirect=True)
def test_a_table_that_is_not_there_is_named(address: str) -> None:
    with dynamo.test_credentials():
        repository = DynamoRepository(dynamo.table_at(address.split(" ", maxsplit=1)[0] + " no-such-table"))
        with pytest.raises(BackendMisconfigured) as caught:
            repository.check()
        with pytest.raises(BackendMisconfigured):
            repository.get("id")
        repository.table.close()
    assert "DYNAMO_TABLE" in caught.value.detail


@pytest.mark.parametrize("address", ["moto", LOCAL], indirect=True)
def test_a_table_made_for_something_else_is_refused(address: str) -> None:
    endpoint = address.split(" ", maxsplit=1)[0]
    with dynamo.test_credentials():
        table = dynamo.table_at(f"{endpoint} somebody-elses")
        table.client.create_table(
            TableName="somebody-elses",
            BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        )
        try:
            with pytest.raises(BackendMisconfigured) as caught:
                table.check()
        finally:
            table.client.delete_table(TableName="somebody-elses")
            table.close()
    assert "somebody-elses was made for something else" in caught.value.detail


def test_no_server_at_all_is_unavailable() -> None:
    with dynamo.test_credentials():
        repository = DynamoRepository(dynamo.table_at("http://127.0.0.1:9 images"))
        for call in (repository.check, lambda: repository.get("id")):
            with pytest.raises(BackendUnavailable):
                call()
        repository.table.close()


def test_no_credentials_are_a_misconfiguration(monkeypatch: pytest.MonkeyPatch) -> None:
    with dynamo.test_credentials():
        monkeypatch.delenv("AWS_ACCESS_KEY_ID")
        monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
        repository = DynamoRepository(DynamoTable(DynamoOptions("images", endpoint="http://127.0.0.1:9")))
        with pytest.raises(BackendMisconfigured) as caught:
            repository.get("id")
        repository.table.close()
    assert "credentials" in caught.value.detail


def test_an_endpoint_that_is_no_url_is_a_misconfiguration() -> None:
    with dynamo.test_credentials(), pytest.raises(BackendMisconfigured) as caught:
        dynamo.table_at("nonsense images").check()
    assert "DYNAMO_ENDPOINT_URL" in caught.value.detail


@pytest.mark.parametrize("address", [LOCAL], indirect=True)  # moto takes them
@pytest.mark.parametrize("changes", [{"description": "x" * 450_000}, {"title": "\ud800"}])
def test_what_no_item_can_hold_is_refused(address: str, changes: dict) -> None:
    with dynamo.connect(address) as repository:
        image = an_image(**changes)
        with pytest.raises(InvalidInput):
            repository.add(image)
        assert repository.get(image.image_id) is None


@pytest.mark.parametrize("address", [LOCAL], indirect=True)  # moto copies its table for each of 1,000 actions
def test_the_largest_changes_are_filed(address: str) -> None:
    """As many and as long tags, words and description as names and words allow, all changed at once, in 4-byte text."""

    def largest(letters: str, words: int) -> dict:
        numbered = [chr(ord(letters) + number) for number in range(max(words, MAX_TAGS))]
        return {
            "tags": tuple(each * MAX_TAG for each in numbered[:MAX_TAGS]),
            "title": " ".join(numbered[:words]),
            "description": numbered[0] * MAX_DESCRIPTION,
        }

    with dynamo.connect(address) as repository:
        for words in (4, 128):
            image = an_image(**largest("\U00020000", words))
            changed = replace(image, owner="grace", current=a_version("v2", size=1), **largest("\U00021000", words))
            repository.add(image)
            for word in words_of(image.title):
                assert repository.search(ImageQuery(words=(word,)), limit=1).images == (image,)
            repository.replace(changed, expected_revision=1)
            assert repository.get(image.image_id) == changed
            assert repository.search(ImageQuery(tags=image.tags[:1]), limit=1).images == ()
            assert repository.search(ImageQuery(tags=changed.tags[:2]), limit=1).images == (changed,)
            deleted = replace(changed, current=a_marker())
            repository.replace(deleted, expected_revision=2)
            assert repository.search(ImageQuery(tags=changed.tags[:2]), limit=1).images == ()
            assert deleted in repository.search(ImageQuery(deleted=True), limit=5).images


def test_a_scan_fails_every_test(address: str) -> None:
    with dynamo.connect(address) as repository:
        with pytest.raises(dynamo.ScanError):
            repository.table.client.scan(TableName=repository.table.options.table)
        statement = f'SELECT * FROM "{repository.table.options.table}"'
        with pytest.raises(dynamo.ScanError):
            repository.table.client.execute_statement(Statement=statement)


def test_every_error_is_one_of_the_tree(faulty: DynamoRepository, proxy: FaultProxy) -> None:
    for status, code in ((418, "Teapot"), (404, ""), (301, "Moved"), (400, "SomethingNewException")):
        proxy.clear()
        proxy.fail(status=status, body=answer(code))
        with pytest.raises(BackendError):
            faulty.get("id")
