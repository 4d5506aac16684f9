"""The time, as a value that a test can replace."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

Clock = Callable[[], datetime]


def utc_now() -> datetime:
    """The current time, aware, in UTC, with microseconds."""
    return datetime.now(UTC)


def iso8601(moment: datetime) -> str:
    """``moment`` as ISO 8601 in UTC with microseconds and ``Z`` (RFC 3339, section 5.6)."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
