"""The DynamoDB table, as plain data: what tests, the deployment and the service itself create is this.

One table, one index. ``pk`` and ``sk`` say which item (see ``dynamo_keys``); the index ``by_everyone`` holds the items
that have ``g1pk``, ordered by the same ``sk``. ``ttl`` is when DynamoDB may drop what is left of a direct upload that
nobody settled.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

PARTITION_KEY = "pk"
SORT_KEY = "sk"
EVERYONE_KEY = "g1pk"
EVERYONE = "by_everyone"
TTL = "ttl"

TABLE_KEYS = {"HASH": PARTITION_KEY, "RANGE": SORT_KEY}
INDEX_KEYS = {"HASH": EVERYONE_KEY, "RANGE": SORT_KEY}


def definition(name: str) -> dict[str, Any]:
    """The parameters of ``CreateTable`` for a table called ``name``, as JSON-like data.

    Billed on demand: nothing to tune, and a table that nobody uses costs its storage only. The index holds whole items,
    because a listing is answered from them alone.
    """
    return {
        "TableName": name,
        "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": [
            {"AttributeName": key, "AttributeType": "S"} for key in (PARTITION_KEY, SORT_KEY, EVERYONE_KEY)
        ],
        "KeySchema": key_schema(TABLE_KEYS),
        "GlobalSecondaryIndexes": [
            {"IndexName": EVERYONE, "KeySchema": key_schema(INDEX_KEYS), "Projection": {"ProjectionType": "ALL"}}
        ],
    }


def time_to_live() -> dict[str, Any]:
    """The ``TimeToLiveSpecification`` of the table."""
    return {"Enabled": True, "AttributeName": TTL}


def key_schema(keys: dict[str, str]) -> list[dict[str, str]]:
    """``{"HASH": name, "RANGE": name}`` as DynamoDB writes it."""
    return [{"AttributeName": name, "KeyType": kind} for kind, name in keys.items()]


def create_table(client: DynamoDBClient, name: str) -> None:
    """Create the table and wait until it can be used; one that is there, or that another process makes, is left alone.

    Errors are botocore's: this is for deployments and tests. The service goes through ``DynamoTable.create_missing``.
    """
    with suppress(client.exceptions.ResourceInUseException):
        client.create_table(**definition(name))
    client.get_waiter("table_exists").wait(TableName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 60})
    described = client.describe_time_to_live(TableName=name)["TimeToLiveDescription"]
    if described.get("TimeToLiveStatus") in (None, "DISABLED"):
        client.update_time_to_live(TableName=name, TimeToLiveSpecification=time_to_live())  # type: ignore[arg-type]
