"""The events that AWS sends to a function for one and the same HTTP request, and what it makes of the answers.

Members as in the examples of the AWS documentation: "Lambda proxy integrations for REST APIs" and "for HTTP APIs" of
API Gateway, "Lambda functions as targets" of Elastic Load Balancing.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, quote

KINDS = ("rest", "http", "alb", "alb-multi")
ALB_LIMIT, GATEWAY_LIMIT = 1024 * 1024, 6 * 1024 * 1024
GATEWAY_ID = "c6af9ac6-7b61-11e6-9a41-93e8deadbeef"
AWS_ID = "8476a536-e9f4-11e8-9739-2dfe598c3fcd"


@dataclass(frozen=True)
class Context:
    """What the runtime hands over besides the event."""

    aws_request_id: str = AWS_ID


@dataclass(frozen=True)
class Answer:
    """What the client gets to see."""

    status: int
    headers: dict[str, str]
    body: bytes
    payload: int = field(compare=False)

    def json(self) -> Any:
        return json.loads(self.body)


def event(
    kind: str,
    method: str,
    path: str,
    *,
    query: str = "",
    headers: Mapping[str, str] | None = None,
    body: bytes = b"",
    stage: str = "",
) -> dict[str, Any]:
    """The event of one request; ``path`` without the stage and not percent-encoded, ``query`` as in the URL."""
    sent = {"Host": "images.example", "X-Forwarded-Proto": "https", "X-Forwarded-For": "6.6.6.6, 203.0.113.9"}
    sent |= headers or {}
    members: dict[str, Any] = {"body": None, "isBase64Encoded": False}
    if body:
        members = {"body": base64.b64encode(body).decode(), "isBase64Encoded": True}
    make: Callable[..., dict[str, Any]] = _http if kind == "http" else _rest if kind == "rest" else _alb
    made = make(method, path, parse_qsl(query, keep_blank_values=True), sent, stage)
    if kind == "alb":
        del made["multiValueHeaders"], made["multiValueQueryStringParameters"]
    elif kind == "alb-multi":
        del made["headers"], made["queryStringParameters"]
    return {**made, **members}


def answer(kind: str, response: Mapping[str, Any]) -> Answer:
    """What becomes of a function's response on its way to the client; asserts what AWS demands of its form."""
    payload = len(json.dumps(response))
    assert payload <= (ALB_LIMIT if kind.startswith("alb") else GATEWAY_LIMIT)
    assert isinstance(response["statusCode"], int)
    assert isinstance(response["body"], str)
    if kind in ("rest", "alb-multi"):
        assert "headers" not in response
        pairs = [(name, value) for name, values in response["multiValueHeaders"].items() for value in values]
    else:
        assert "multiValueHeaders" not in response
        pairs = list(response["headers"].items())
    assert all(isinstance(value, str) for _, value in pairs)
    body = response["body"]
    data = base64.b64decode(body, validate=True) if response["isBase64Encoded"] else body.encode()
    return Answer(response["statusCode"], {name.lower(): value for name, value in pairs}, data, payload)


def _rest(method: str, path: str, query: list[tuple[str, str]], headers: dict[str, str], stage: str) -> dict[str, Any]:
    encoded = quote(path)
    return {
        "resource": "/{proxy+}" if path != "/" else "/",
        "path": encoded,
        "httpMethod": method,
        "headers": headers,
        "multiValueHeaders": {name: [value] for name, value in headers.items()},
        "queryStringParameters": dict(query) or None,
        "multiValueQueryStringParameters": {n: [v for m, v in query if m == n] for n, _ in query} or None,
        "pathParameters": {"proxy": path[1:]} if path != "/" else None,
        "requestContext": {
            "requestId": GATEWAY_ID,
            "stage": stage or "prod",
            "path": f"/{stage}{encoded}" if stage else encoded,
            "httpMethod": method,
            "identity": {"sourceIp": "203.0.113.9"},
        },
    }


def _http(method: str, path: str, query: list[tuple[str, str]], headers: dict[str, str], stage: str) -> dict[str, Any]:
    raw = (f"/{stage}" if stage else "") + quote(path)
    context = {
        "apiId": "abcdefghij",
        "domainPrefix": "abcdefghij" if stage else "images",
        "requestId": "JKJaXmPLvHcESHA=",
        "stage": stage or "$default",
        "http": {"method": method, "path": raw, "protocol": "HTTP/1.1", "sourceIp": "203.0.113.9"},
    }
    return {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": raw,
        "rawQueryString": "&".join(f"{quote(name)}={quote(value)}" for name, value in query),
        "headers": {name.lower(): value for name, value in headers.items()},
        "requestContext": context,
    }


def _alb(method: str, path: str, query: list[tuple[str, str]], headers: dict[str, str], stage: str) -> dict[str, Any]:
    assert not stage, "a load balancer has no stages"
    encoded = [(quote(name), quote(value)) for name, value in query]  # a load balancer passes queries on as they came
    return {
        "requestContext": {"elb": {"targetGroupArn": "arn:aws:elasticloadbalancing:us-east-1:1:targetgroup/a/b"}},
        "httpMethod": method,
        "path": quote(path),
        "headers": {name.lower(): value for name, value in headers.items()},
        "multiValueHeaders": {name.lower(): [value] for name, value in headers.items()},
        "queryStringParameters": dict(encoded),
        "multiValueQueryStringParameters": {n: [v for m, v in encoded if m == n] for n, _ in encoded},
    }
