"""Logging: one JSON object a line on stdout, with the request's id in each."""

from __future__ import annotations

import json
import logging
import re
import sys
import time
from collections.abc import Mapping
from typing import Any

from utils import trace

FIELDS = ("asctime", "levelname", "name", "message", "request_id")

_SIGNED = re.compile(
    r"(?i)\b(X-Amz-(?:Signature|Credential|Security-Token)|AWSAccessKeyId|Signature|token|password|secret)=([^&\s\"']+)"
)
_USERINFO = re.compile(r"(?i)\b([a-z][a-z0-9+.-]*://)[^/\s@]+@")
_GRANT = re.compile(r"(objects/+)[A-Za-z0-9_.=%-]+")

_OF_EVERY_RECORD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
_encode = json.JSONEncoder(default=str).encode  # ASCII only: some read U+2028 in a line as its end


def redact(text: str) -> str:
    """``text`` without the parts of URLs that grant access: signed queries, user info, tokens of the embedded store."""
    # Most lines hold none of these characters; looking for them costs a tenth of the patterns.
    if "=" in text:
        text = _SIGNED.sub(r"\1=[redacted]", text)
    if "://" in text:
        text = _USERINFO.sub(r"\1[redacted]@", text)
    return _GRANT.sub(r"\1[redacted]", text) if "objects/" in text else text


def event(logger: logging.Logger, level: int, message: str, members: Mapping[str, Any]) -> None:
    """Log ``message``, a constant, with more members of its line.

    ``logger.log(..., extra=members)`` without its search for the caller's source line, which no line of ours shows.
    """
    if logger.isEnabledFor(level):
        record = logging.LogRecord(logger.name, level, "", 0, message, (), None)
        vars(record).update(members)
        logger.handle(record)


class _Formatter(logging.Formatter):
    """One line of JSON: ``FIELDS``, what the caller added, and the stack trace; redacted, whoever wrote it."""

    def __init__(self) -> None:
        super().__init__()
        self._second = (0, "")

    def format(self, record: logging.LogRecord) -> str:
        """The line of one record."""
        current = trace.current()
        line: dict[str, Any] = {
            "asctime": self.formatTime(record),
            "levelname": record.levelname,
            "name": record.name,
            "message": redact(record.getMessage()),
        }
        line.update((name, value) for name, value in vars(record).items() if name not in _OF_EVERY_RECORD)
        line.setdefault("request_id", current.request_id if current else None)
        if record.exc_info:
            line["exc_info"] = redact(self.formatException(record.exc_info))
        if record.stack_info:
            line["stack_info"] = redact(record.stack_info)
        return _encode(line)

    def formatTime(self, record: logging.LogRecord, datefmt: str | None = None) -> str:  # noqa: N802 - logging's name
        """Local time with its offset, to the second."""
        second, text = self._second  # read at once: another thread may write it
        if int(record.created) != second:
            second = int(record.created)
            text = time.strftime("%Y-%m-%dT%H:%M:%S%z", time.localtime(second))
            self._second = second, text
        return text


def configure(level: str) -> None:
    """Send every logger's lines of at least ``level`` to stdout as JSON. Call once per process."""
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(_Formatter())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    # No line shows them, and each record would ask for them.
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    # The SDKs log whole requests, signatures included, at DEBUG.
    for chatty in ("boto3", "botocore", "urllib3", "s3transfer", "alembic"):
        logging.getLogger(chatty).setLevel(max(logging.WARNING, root.level))
