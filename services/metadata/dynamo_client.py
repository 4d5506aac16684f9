"""One DynamoDB table over boto3's low-level client: the calls that the repository makes, with domain errors only."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import boto3.session
from botocore.config import Config
from botocore.exceptions import ClientError

from services.errors import BackendMisconfigured, BackendUnavailable, InvalidInput
from services.metadata.dynamo_errors import translated
from services.metadata.dynamo_items import Item
from services.metadata.dynamo_table import EVERYONE, INDEX_KEYS, TABLE_KEYS, create_table, key_schema

if TYPE_CHECKING:
    from botocore.awsrequest import AWSResponse
    from mypy_boto3_dynamodb.client import DynamoDBClient

MAX_CONNECTIONS = 64
MAX_ACTIONS = 100
_CONTENTION = {"TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded", "None"}


@dataclass(frozen=True, slots=True)
class DynamoOptions:
    """Where the table is and how to talk to it. Times in seconds; ``endpoint`` None means AWS.

    ``max_attempts`` counts all tries of one call: throttling, 5xx and lost answers are tried again with full jitter.
    """

    table: str
    region: str = "us-east-1"
    endpoint: str | None = None
    connect_timeout: float = 3.0
    read_timeout: float = 5.0
    max_attempts: int = 3


class ConditionFailed(Exception):
    """Conditions of a transaction did not hold; nothing was written. ``actions`` are their indexes."""

    def __init__(self, actions: frozenset[int]) -> None:
        super().__init__(f"conditions of actions {sorted(actions)} failed")
        self.actions = actions


class Contention(Exception):
    """Another transaction was in the way, or an item's partition was too busy; nothing was written."""


class DynamoTable:
    """The table. Safe to share between threads; after a fork every process makes a client of its own."""

    def __init__(self, options: DynamoOptions, session: boto3.session.Session | None = None) -> None:
        """``session`` is where credentials come from; by default the environment's, looked for at the first call."""
        self.options = options
        self._session = session
        self._lock = threading.Lock()
        self._pid = os.getpid()
        self._made: dict[str, DynamoDBClient] = {}

    @property
    def client(self) -> DynamoDBClient:
        """The client that every request goes through, made at the first use."""
        return self._once("requests", lambda: self._connect(self.options.max_attempts))

    @property
    def _brisk(self) -> DynamoDBClient:
        # With the other one's retries a health check would wait as long as a request may.
        return self._once("checks", lambda: self._connect(max_attempts=1, longest=2.0))

    def close(self) -> None:
        """Close the connections; for tests and scripts, a server keeps them until it ends."""
        for made in self._made.values():
            made.close()

    def _once(self, name: str, make: Callable[[], DynamoDBClient]) -> DynamoDBClient:
        if self._pid != os.getpid():
            # A new lock: the inherited one may have been held by a thread that the fork did not copy.
            self._lock, self._made, self._pid = threading.Lock(), {}, os.getpid()
        made = self._made
        if name not in made:
            with self._lock:
                if name not in made:
                    made[name] = make()
        return made[name]

    def get(self, pk: str, sk: str) -> Item | None:
        """One item as it is now, strongly consistent."""
        with translated():
            answer = self.client.get_item(
                TableName=self.options.table, Key={"pk": {"S": pk}, "sk": {"S": sk}}, ConsistentRead=True
            )
        return answer.get("Item")

    def query(self, **parameters: Any) -> Mapping[str, Any]:
        """One ``Query`` on the table; parameters as boto3 takes them."""
        with translated():
            return self.client.query(TableName=self.options.table, **parameters)

    def transact(self, actions: list[dict[str, Any]]) -> None:
        """All of the actions or none.

        botocore sends a token with them, so a try that follows a lost answer finds its own work done and succeeds.

        :raises ConditionFailed: when conditions did not hold.
        :raises Contention: when another try a moment later may succeed.
        """
        if len(actions) > MAX_ACTIONS:
            raise InvalidInput("The image has too many tags and title words.", code="invalid_field")
        with translated():
            self._transact([_of_table(action, self.options.table) for action in actions])

    def _transact(self, actions: list[dict[str, Any]]) -> None:
        try:
            self.client.transact_write_items(TransactItems=actions)  # type: ignore[arg-type] # built as plain data
        except ClientError as error:
            reasons = [str(each.get("Code")) for each in error.response.get("CancellationReasons", [])]
            failed = frozenset(place for place, code in enumerate(reasons) if code == "ConditionalCheckFailed")
            if failed:
                raise ConditionFailed(failed) from None
            if "ValidationError" in reasons:
                raise InvalidInput("The image's texts are too long to be stored.", detail=str(error)[:500]) from None
            if reasons and _CONTENTION.issuperset(reasons):
                raise Contention(str(error)[:500]) from None
            raise

    def check(self) -> None:
        """Raise unless the table answers and has the keys and the index of ``dynamo_table``.

        Takes at most a few seconds. Every message names what to do.
        """
        options = self.options
        with translated():
            described = self._brisk.describe_table(TableName=options.table)["Table"]
        if described.get("TableStatus") not in ("ACTIVE", "UPDATING"):
            raise BackendMisconfigured(
                detail=f"table {options.table} is {described.get('TableStatus')}: wait until it is ACTIVE"
            )
        indexes = {each["IndexName"]: each for each in described.get("GlobalSecondaryIndexes", [])}
        found = {"table": described.get("KeySchema"), EVERYONE: indexes.get(EVERYONE, {}).get("KeySchema")}
        expected = {"table": key_schema(TABLE_KEYS), EVERYONE: key_schema(INDEX_KEYS)}
        if found != expected or indexes[EVERYONE].get("Projection", {}).get("ProjectionType") != "ALL":
            raise BackendMisconfigured(
                detail=f"table {options.table} was made for something else: its keys are {found}, they should be "
                f"{expected}; point DYNAMO_TABLE to a table made by scripts/deploy.sh or Terraform"
            )

    def create_missing(self) -> None:
        """Create the table unless it is there; for development and tests."""
        with translated():
            create_table(self.client, self.options.table)

    def _connect(self, max_attempts: int, longest: float = 60.0) -> DynamoDBClient:
        options = self.options
        config = Config(
            connect_timeout=min(options.connect_timeout, longest),
            read_timeout=min(options.read_timeout, longest),
            max_pool_connections=MAX_CONNECTIONS,
            retries={"total_max_attempts": max_attempts, "mode": "standard"},
            ignore_configured_endpoint_urls=True,  # type: ignore[call-arg] # missing in the stubs of botocore
            tcp_keepalive=True,
        )
        try:
            with translated():
                session = self._session or boto3.session.Session(region_name=options.region)
                client = session.client(
                    "dynamodb", region_name=options.region, endpoint_url=options.endpoint, config=config
                )
        except ValueError as error:  # how botocore refuses an endpoint that is no URL
            raise BackendMisconfigured(detail=f"DYNAMO_ENDPOINT_URL can not be used: {error}") from None
        client.meta.events.register("after-call.dynamodb", _refuse_strangers)
        return client


def _refuse_strangers(http_response: AWSResponse, **_: object) -> None:
    """Refuse an answer that is not DynamoDB's: botocore reads what is no JSON as an answer that says nothing, so a
    write would seem done and an image absent.
    """
    if not http_response.content.lstrip().startswith(b"{"):
        raise BackendUnavailable(detail=f"an answer {http_response.status_code} that is not DynamoDB's")


def _of_table(action: dict[str, Any], table: str) -> dict[str, Any]:
    ((kind, parameters),) = action.items()
    return {kind: {"TableName": table, **parameters}}
