"""Listing versions and unfinished uploads, page by page."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import TYPE_CHECKING, Any

from services.models import ObjectVersion
from services.storage.s3_clients import S3Clients
from services.storage.s3_errors import translated

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client

_ORDER = "x-order"
_EVENT = "before-parse.s3.ListObjectVersions"


@dataclass(frozen=True, slots=True)
class _Listed:
    version: ObjectVersion
    modified: datetime
    position: int


def list_versions(clients: S3Clients, prefix: str, page_size: int = 1000) -> Iterator[ObjectVersion]:
    """Every version and marker whose key begins with ``prefix``, newest first within a key.

    S3 lists versions and markers interleaved; boto3 returns them apart, so the order of the XML is kept beside them and
    decides where the times (whole seconds on AWS) are equal.
    """
    boto = clients.boto
    boto.meta.events.register_last(_EVENT, _remember_order, unique_id="storage-version-order")
    for _, entries in groupby(_entries(boto, clients.options.bucket, prefix, page_size), key=lambda e: e.version.key):
        newest_first = sorted(entries, key=lambda e: (-e.version.is_latest, -int(e.modified.timestamp()), e.position))
        yield from (entry.version for entry in newest_first)


def _entries(boto: S3Client, bucket: str, prefix: str, page_size: int) -> Iterator[_Listed]:
    pages = iter(
        boto.get_paginator("list_object_versions").paginate(
            Bucket=bucket, Prefix=prefix, PaginationConfig={"PageSize": page_size}
        )
    )
    offset = 0
    before: set[tuple[str, str]] = set()
    while (page := _next(pages)) is not None:
        order = {version_id: place for place, version_id in enumerate(page.get(_ORDER, []))}
        found = [_listed(item, False, order, offset) for item in page.get("Versions", [])]
        found += [_listed(item, True, order, offset) for item in page.get("DeleteMarkers", [])]
        names = {(entry.version.key, entry.version.version_id) for entry in found}
        # versitygw begins a page with the last entry of the one before if that is the newest version of its key
        fresh = (entry for entry in found if (entry.version.key, entry.version.version_id) not in before)
        yield from sorted(fresh, key=lambda entry: (entry.version.key, entry.position))
        before = names
        offset += len(found)


def _listed(item: dict[str, Any], deleted: bool, order: dict[str, int], offset: int) -> _Listed:
    version = ObjectVersion(item["Key"], item["VersionId"], item.get("Size", 0), deleted, item["IsLatest"])
    return _Listed(version, item["LastModified"], offset + order.get(item["VersionId"], 0))


def _remember_order(response_dict: dict[str, Any], customized_response_dict: dict[str, Any], **_: object) -> None:
    if response_dict["status_code"] == 200:
        with suppress(ET.ParseError):  # boto3 parses the same body next and reports it
            elements = ET.fromstring(response_dict["body"]).iter()  # noqa: S314 - the parser that boto3 itself uses on it
            ids = [element.text for element in elements if element.tag.rpartition("}")[2] == "VersionId"]
            customized_response_dict[_ORDER] = ids


def list_unfinished(clients: S3Clients, prefix: str) -> Iterator[str]:
    """The key of every unfinished upload whose key begins with ``prefix`` (on MinIO: whose key is ``prefix``)."""
    pages = iter(
        clients.boto.get_paginator("list_multipart_uploads").paginate(Bucket=clients.options.bucket, Prefix=prefix)
    )
    while (page := _next(pages)) is not None:
        for upload in page.get("Uploads", []):
            yield upload["Key"]


def _next(pages: Iterator[Any]) -> dict[str, Any] | None:
    with translated():
        return next(pages, None)
