"""What every error must look like, and what none may say."""

from __future__ import annotations

import json
import re
from collections.abc import Collection
from typing import Any

import requests

from tests.wire.rawhttp import Answer

MEMBERS = {"type", "title", "status", "detail", "error", "code", "request_id"}
_LEAKS = re.compile(
    r"Traceback|File \"|\.py\b|images/[0-9a-f]|\bsqlite|\bSELECT\b|\bINSERT\b|\bUPDATE [a-z]|BEGIN IMMEDIATE|"
    r"botocore|boto3|obstore|sqlalchemy|gunicorn|/tmp/|/work/|AccessKey|Signature|@staging|SlowDown|NoSuchBucket|"
    r"127\.0\.0\.1:\d|database is locked|no such table|<Error>|<html",
    re.IGNORECASE,
)


def assert_problem(
    answer: Answer | requests.Response,
    status: int | Collection[int],
    code: str | None = None,
    *,
    secrets: Collection[str] = (),
) -> dict[str, Any]:
    """The answer is a problem of ``status`` (or one of them) that tells nothing of the inside; returns its members."""
    headers = {name.lower(): value for name, value in answer.headers.items()}
    got, body = (
        (answer.status_code, answer.content) if isinstance(answer, requests.Response) else (answer.status, answer.body)
    )
    text = body.decode("utf-8")
    allowed = {status} if isinstance(status, int) else set(status)
    assert got in allowed, f"{got} is not in {allowed}: {text[:500]}"
    assert headers["content-type"] == "application/problem+json", headers
    problem = json.loads(text)
    assert problem.keys() >= MEMBERS, MEMBERS - problem.keys()
    assert problem["status"] == got
    assert problem["error"] and "\n" not in problem["error"]
    assert re.fullmatch(r"[a-z][a-z0-9_]*", problem["code"])
    assert problem["request_id"] == headers["x-request-id"]
    if code is not None:
        assert problem["code"] == code, problem
    if got == 503:
        assert int(headers["retry-after"]) > 0
    _assert_discreet(text, secrets)
    return problem


def _assert_discreet(text: str, secrets: Collection[str]) -> None:
    found = _LEAKS.findall(text)
    assert not found, f"an answer tells {found}: {text}"
    for secret in secrets:
        assert secret not in text, f"an answer contains {secret!r}: {text}"
