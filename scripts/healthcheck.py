"""Exits with 0 when the service of this container is up: the Dockerfile's health check, which has no curl."""

from __future__ import annotations

import http.client
import os
import sys

SECONDS = 3.0


def healthy(port: int) -> bool:
    """Whether the service on this machine's ``port`` answers ``/health/live`` with 200."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=SECONDS)
    try:
        connection.request("GET", "/health/live")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


if __name__ == "__main__":
    sys.exit(0 if healthy(int(os.environ.get("PORT") or "5000")) else 1)
