"""Logging: one JSON object a line on stdout, with the request's id in each."""

from __future__ import annotations

import logging
import re
import sys
from typing import Any

from pythonjsonlogger.json import JsonFormatter

from utils import trace

FIELDS = ("asctime", "levelname", "name", "message", "request_id")

_SIGNED = re.compile(
    r"(?i)\b(X-Amz-(?:Signature|Credential|Security-Token)|AWSAccessKeyId|Signature|token|password|secret)=([^&\s\"']+)"
)
_USERINFO = re.compile(r"(?i)\b([a-z][a-z0-9+.-]*://)[^/\s@]+@")
_GRANT = re.compile(r"(objects/+)[A-Za-z0-9_.=%-]+")


def redact(text: str) -> str:
    """``text`` without the parts of URLs that grant access: signed queries, user info, tokens of the embedded store."""
    text = _SIGNED.sub(r"\1=[redacted]", text)
    return _GRANT.sub(r"\1[redacted]", _USERINFO.sub(r"\1[redacted]@", text))


class _Formatter(JsonFormatter):
    """Adds the request id; redacts the message and the stack trace, whoever wrote them."""

    def add_fields(self, log_data: dict[str, Any], record: logging.LogRecord, message_dict: dict[str, Any]) -> None:
        super().add_fields(log_data, record, message_dict)
        current = trace.current()
        log_data.setdefault("request_id", current.request_id if current else None)
        for member in ("message", "exc_info"):
            if isinstance(log_data.get(member), str):
                log_data[member] = redact(log_data[member])


def configure(level: str) -> None:
    """Send every logger's lines of at least ``level`` to stdout as JSON. Call once per process."""
    handler = logging.StreamHandler(sys.stdout)
    formatter = _Formatter("%(asctime)s %(levelname)s %(name)s %(message)s", datefmt="%Y-%m-%dT%H:%M:%S%z")
    handler.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    # The SDKs log whole requests, signatures included, at DEBUG.
    for chatty in ("boto3", "botocore", "urllib3", "s3transfer", "alembic"):
        logging.getLogger(chatty).setLevel(max(logging.WARNING, root.level))
