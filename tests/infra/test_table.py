"""The table that Terraform makes is the one that the code uses, key by key."""

from __future__ import annotations

from typing import Any

import pytest

from services.metadata import dynamo_table
from tests.infra.conftest import Emulated

pytestmark = pytest.mark.timeout(600)

TABLE = "images-production"


def by_name(definitions: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted(definitions, key=lambda each: str(each["AttributeName"]))


def test_keys_and_indexes_are_those_of_the_code(emulated: Emulated) -> None:
    made = emulated.client("dynamodb").describe_table(TableName=TABLE)["Table"]
    wanted = dynamo_table.definition(TABLE)
    assert made["KeySchema"] == wanted["KeySchema"]
    assert by_name(made["AttributeDefinitions"]) == by_name(wanted["AttributeDefinitions"])
    assert made["BillingModeSummary"]["BillingMode"] == wanted["BillingMode"]
    indexes = [
        {key: index[key] for key in ("IndexName", "KeySchema", "Projection")}
        for index in made["GlobalSecondaryIndexes"]
    ]
    assert indexes == wanted["GlobalSecondaryIndexes"]
    assert made.get("LocalSecondaryIndexes", []) == wanted.get("LocalSecondaryIndexes", [])


def test_the_time_to_live_is_that_of_the_code(emulated: Emulated) -> None:
    made = emulated.client("dynamodb").describe_time_to_live(TableName=TABLE)["TimeToLiveDescription"]
    wanted = dynamo_table.time_to_live()
    assert (made["TimeToLiveStatus"], made["AttributeName"]) == ("ENABLED", wanted["AttributeName"])
    assert wanted["Enabled"]


def test_the_table_can_be_restored(emulated: Emulated) -> None:
    backups = emulated.client("dynamodb").describe_continuous_backups(TableName=TABLE)
    description = backups["ContinuousBackupsDescription"]["PointInTimeRecoveryDescription"]
    assert description["PointInTimeRecoveryStatus"] == "ENABLED"
