"""DynamoDB for tests: a table of its own on moto's server, or in the DynamoDB Local of ``TEST_DYNAMODB``.

Every client that is handed out here refuses ``Scan``: no test may need one, whatever it asks of the repository.
"""

from __future__ import annotations

import atexit
import copy
import os
import threading
import uuid
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import boto3.session
import pytest
from moto.dynamodb.models.dynamo_type import LimitedSizeDict
from moto.dynamodb.models.table import Table
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
from werkzeug.serving import make_server

from services.metadata.dynamo_client import DynamoOptions, DynamoTable
from services.metadata.dynamo_table import TABLE_KEYS
from services.metadata.dynamodb import DynamoRepository

LOCAL_URL = os.environ.get("TEST_DYNAMODB", "")
GIVEN = os.environ.get("TEST_DYNAMO_TABLE", "")  # a table at LOCAL_URL that is there already, and stays
REGION = os.environ.get("TEST_DYNAMO_REGION", "us-east-1")

LOCAL_MARKS = [
    pytest.mark.dynamodb,
    pytest.mark.skipif(not LOCAL_URL, reason="TEST_DYNAMODB is not set"),
]


class ScanError(AssertionError):
    """Something asked DynamoDB to read a whole table."""


@contextmanager
def empty_on_moto(folder: Path) -> Iterator[str]:
    """The address of an empty table on this process's moto server."""
    with empty_at(_moto_url()) as address:
        yield address


@contextmanager
def empty_on_local(folder: Path) -> Iterator[str]:
    """The address of an empty table in DynamoDB Local."""
    with empty_at(LOCAL_URL, GIVEN) as address:
        yield address


@contextmanager
def empty_at(endpoint: str, given: str = "") -> Iterator[str]:
    """The address of a new table at ``endpoint``, or of an empty one that is there: both as one text."""
    address = f"{endpoint} {given or f'test-{uuid.uuid4().hex}'}"
    with test_credentials():
        table_at(address).create_missing()
    yield address
    _drop(address)


@contextmanager
def connect(address: str) -> Iterator[DynamoRepository]:
    """A repository on a table, which never scans it."""
    with test_credentials():
        table = table_at(address)
        refuse_scans(table)
        yield DynamoRepository(table)
        table.close()


def clear(address: str) -> None:
    """Remove every row."""
    _drop(address)
    with test_credentials():
        table_at(address).create_missing()


def table_at(address: str, *, tidying: bool = False, **changes) -> DynamoTable:
    """The table at an address of ``empty_at``."""
    endpoint, name = address.split(" ")
    return DynamoTable(DynamoOptions(name, endpoint=endpoint, **changes), _session(tidying))


@cache
def _session(tidying: bool) -> boto3.session.Session:
    # Shared, because the first client of a session takes a third of a second. Who records what the repository asks for
    # tells what tidies up after it by its key; a table that is given is in the account of any key.
    key = "tidies" if tidying and GIVEN else "test"
    return boto3.session.Session(aws_access_key_id=key, aws_secret_access_key="testtest", region_name=REGION)


def refuse_scans(table: DynamoTable) -> None:
    """Make every ``Scan`` of the table's client fail, PartiQL included, which can be one in disguise."""

    def refuse(**_: object) -> None:
        raise ScanError("the repository scanned its table")

    for operation in ("Scan", "ExecuteStatement", "BatchExecuteStatement", "ExecuteTransaction"):
        table.client.meta.events.register_first(f"provide-client-params.dynamodb.{operation}", refuse)


@contextmanager
def test_credentials() -> Iterator[None]:
    """Credentials as boto3's chain finds them; no profile and no metadata service of this machine."""
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("AWS_")]:
            patch.delenv(name)
        patch.setenv("AWS_ACCESS_KEY_ID", "test")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "testtest")
        patch.setenv("AWS_EC2_METADATA_DISABLED", "true")
        patch.setenv("AWS_CONFIG_FILE", os.devnull)
        patch.setenv("AWS_SHARED_CREDENTIALS_FILE", os.devnull)
        patch.setenv("NO_PROXY", "127.0.0.1,localhost")
        yield


def _drop(address: str) -> None:
    with test_credentials():
        table = table_at(address, tidying=True)
        name = table.options.table
        if name == GIVEN:
            for item in table.client.scan(TableName=name)["Items"]:
                table.client.delete_item(TableName=name, Key={key: item[key] for key in TABLE_KEYS.values()})
        else:
            table.client.delete_table(TableName=name)
        table.close()


@cache
def _moto_url() -> str:
    # Its transactions deep-copy the whole table once for each of their actions: seconds, at a few hundred rows.
    # All of them are made before the first one writes, so one copy for each request is enough.
    snapshots: dict[str, Table] = {}

    def snapshot(table: Table, _: object) -> Table:
        if table.name not in snapshots:
            snapshots[table.name] = light_copy(table)
        return snapshots[table.name]

    Table.__deepcopy__ = snapshot  # type: ignore[attr-defined]
    backends = DomainDispatcherApplication(create_backend_app)
    turn = threading.Lock()

    def one_at_a_time(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        # moto keeps a copy of the table to undo a transaction with, and with it what others wrote meanwhile.
        with turn:
            snapshots.clear()
            return backends(environ, start_response)

    server = make_server("127.0.0.1", 0, one_at_a_time, threaded=True, request_handler=MotoRequestHandler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    atexit.register(server.shutdown)
    return f"http://127.0.0.1:{server.server_port}"


def light_copy(table: Table) -> Table:
    """A copy of moto's table to undo a transaction with: what that changes are a table's items and their attributes."""
    twin = copy.copy(table)
    twin.items = defaultdict(dict)
    for hash_key, of_partition in table.items.items():
        for range_key, item in of_partition.items():
            kept = twin.items[hash_key][range_key] = copy.copy(item)
            kept.attrs = LimitedSizeDict()
            dict.update(kept.attrs, item.attrs)
    return twin
