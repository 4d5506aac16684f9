"""The answer to a request that did not parse, in the same shape as every other error."""

from __future__ import annotations

import json
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Self

CODES = {
    400: ("bad_request", "The request is not valid HTTP/1.1."),
    403: ("forbidden", "This request is not allowed."),
    414: ("uri_too_long", "The request line is too long."),
    417: ("expectation_failed", "The server meets no such expectation."),
    431: ("headers_too_large", "The request headers are too many or too large."),
    501: ("not_implemented", "The server does not support this transfer coding."),
}


class CapturedAnswer:
    """Takes what gunicorn would write to the client."""

    def __init__(self) -> None:
        self.data = bytearray()

    def sendall(self, data: bytes) -> None:
        """Keep ``data``."""
        self.data += data

    def gettimeout(self) -> float | None:
        """None: there is no limit."""
        return None

    def setblocking(self, _flag: bool) -> None:
        """A buffer never blocks."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """The answer to a request that did not parse."""

    status: int
    head: bytes
    body: bytes

    @classmethod
    def of(cls, answer: bytes, request_id: str) -> Self:
        """The problem document in place of gunicorn's page ``answer``."""
        status = int(answer.split(b" ", 2)[1])
        code, detail = CODES.get(status, ("internal_error", "The service failed to handle the request."))
        phrase = HTTPStatus(status).phrase
        body = json.dumps(
            {"type": "about:blank", "title": phrase, "status": status, "detail": detail, "error": detail, "code": code,
             "request_id": request_id}
        ).encode()  # fmt: skip
        head = (
            f"HTTP/1.1 {status} {phrase}\r\nConnection: close\r\nContent-Type: application/problem+json\r\n"
            f"X-Request-ID: {request_id}\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        return cls(status, head.encode("latin-1"), body)


def header(req: Any, name: str) -> str | None:
    """A header of what gunicorn made of the request, which may be nothing; joined as in WSGI when it is repeated."""
    return ",".join(value for known, value in getattr(req, "headers", None) or () if known == name) or None
