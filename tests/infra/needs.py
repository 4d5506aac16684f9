"""Which permissions AWS asks for a request: read off the request itself, as a proxy saw it.

From the tables "Actions defined by Amazon S3", "… DynamoDB" and "… SQS" of the Service Authorization Reference, for the
operations that the service uses. An operation that is not among them raises ``LookupError``: whoever adds one adds it
here, and finds out what the role must be allowed.
"""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import parse_qs, unquote, urlsplit

from tests.infra.recorder import Call

_S3 = "arn:aws:s3:::"


@dataclass(frozen=True)
class Need:
    """One permission: an action on a resource; ``prefix`` is the s3:prefix of a listing, None without one."""

    action: str
    resource: str
    prefix: str | None = None

    @property
    def context(self) -> dict[str, str]:
        """The condition keys of the request."""
        return {} if self.prefix is None else {"s3:prefix": self.prefix}


def of_s3(call: Call) -> Iterator[Need]:
    """The permissions that one request to S3 needs; addresses are path style."""
    parts = urlsplit(call.path)
    bucket, _, key = unquote(parts.path).lstrip("/").partition("/")
    query = {name: values[0] for name, values in parse_qs(parts.query, keep_blank_values=True).items()}
    if key:
        yield from _on_an_object(call, f"{_S3}{bucket}/{key}", query)
        if call.status == 404 and call.method in {"GET", "HEAD"}:
            # Who may not list the bucket hears 403 of an object that is not there.
            yield Need("s3:ListBucket", _S3 + bucket)
    else:
        yield from _on_the_bucket(call, _S3 + bucket, query)


def _on_the_bucket(call: Call, bucket: str, query: dict[str, str]) -> Iterator[Need]:
    if call.method == "HEAD":
        yield Need("s3:ListBucket", bucket)
    elif call.method == "GET" and "versioning" in query:
        yield Need("s3:GetBucketVersioning", bucket)
    elif call.method == "GET" and "versions" in query:
        yield Need("s3:ListBucketVersions", bucket, query.get("prefix"))
    elif call.method == "GET" and "uploads" in query:
        yield Need("s3:ListBucketMultipartUploads", bucket)
    elif call.method == "POST" and "delete" in query:
        for entry in ET.fromstring(call.body).iter():
            if entry.tag.endswith("Object"):
                named = {child.tag.rpartition("}")[2]: child.text for child in entry}
                version = "Version" if named.get("VersionId") else ""
                yield Need(f"s3:DeleteObject{version}", f"{bucket}/{named['Key']}")
    elif call.method == "POST" and (form := re.search(rb'name="key"\r\n\r\n([^\r\n]+)', call.body)):
        yield Need("s3:PutObject", f"{bucket}/{form[1].decode()}")
    else:
        raise LookupError(f"what does {call.method} {call.path} need?")


def _on_an_object(call: Call, resource: str, query: dict[str, str]) -> Iterator[Need]:
    version = "Version" if query.get("versionId") else ""
    if "uploadId" in query and call.method in {"GET", "DELETE"}:
        yield Need({"GET": "s3:ListMultipartUploadParts", "DELETE": "s3:AbortMultipartUpload"}[call.method], resource)
    elif call.method in {"GET", "HEAD"}:
        yield Need(f"s3:GetObject{version}", resource)
    elif call.method == "DELETE":
        yield Need(f"s3:DeleteObject{version}", resource)
    elif call.method == "PUT" or (call.method == "POST" and {"uploads", "uploadId"} & set(query)):
        yield Need("s3:PutObject", resource)
        if source := call.headers.get("x-amz-copy-source"):
            path, _, named = unquote(source).lstrip("/").partition("?versionId=")
            yield Need("s3:GetObjectVersion" if named else "s3:GetObject", _S3 + path)
    else:
        raise LookupError(f"what does {call.method} {call.path} need?")


_INSIDE = {"Put": "PutItem", "Update": "UpdateItem", "Delete": "DeleteItem", "ConditionCheck": "ConditionCheckItem"}
_ITEM = {"GetItem", "PutItem", "UpdateItem", "DeleteItem", "Query", "DescribeTable"}


def of_dynamodb(call: Call, table: str) -> Iterator[Need]:
    """The permissions that one request to DynamoDB needs; ``table`` is the ARN of the only table."""
    operation = call.headers["x-amz-target"].rpartition(".")[2]
    asked = json.loads(call.body)
    if operation in _ITEM:
        index = f"/index/{asked['IndexName']}" if "IndexName" in asked else ""
        yield Need(f"dynamodb:{operation}", table + index)
    elif operation == "TransactWriteItems":
        for item in asked["TransactItems"]:
            yield from (Need(f"dynamodb:{_INSIDE[kind]}", table) for kind in item)
    elif operation == "TransactGetItems":
        yield Need("dynamodb:GetItem", table)
    else:
        raise LookupError(f"what does {operation} need?")


def of_sqs(call: Call, queue: str) -> Iterator[Need]:
    """The permission that one request to SQS needs."""
    operation = call.headers["x-amz-target"].rpartition(".")[2]
    if operation not in {"ReceiveMessage", "DeleteMessage"}:
        raise LookupError(f"what does {operation} need?")
    yield Need(f"sqs:{operation}", queue)
