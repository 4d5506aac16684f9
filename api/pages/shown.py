"""Values as people read them on the pages."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from jinja2 import Environment

from services.models import Image
from utils.clock import iso8601

_UNITS = ("kB", "MB", "GB", "TB", "PB")
VIEWABLE = frozenset(("image/jpeg", "image/png", "image/gif", "image/webp", "image/bmp", "image/avif"))
"""Types that browsers show; the others get a placeholder."""


def human_size(size: int) -> str:
    """Bytes in decimal units: ``10.5 MB``."""
    if size < 1000:
        return f"{size} B"
    amount, unit = float(size), ""
    for unit in _UNITS:  # noqa: B007 - the unit that the loop stops at
        amount /= 1000
        if amount < 999.5:
            break
    return f"{amount:.0f} {unit}" if amount >= 99.5 else f"{amount:.1f} {unit}"


def human_day(moment: datetime) -> str:
    """``21 Nov 2026``, in UTC; the page's script replaces it by the reader's own time."""
    return f"{moment.day} {moment:%b %Y}"


def gallery_image(image: Image) -> dict[str, Any]:
    """What the gallery shows of an image."""
    version = image.current
    return {
        "key": image.key,
        "name": image.title or image.filename or image.key,
        "size": version.size,
        "width": version.width,
        "height": version.height,
        "viewable": version.content_type in VIEWABLE,
        "kind": version.content_type.partition("/")[2].upper(),
        "created": image.created_at,
        "iso": iso8601(image.created_at),
    }


def found_image(members: Mapping[str, Any]) -> dict[str, Any]:
    """What the administration page shows of an image, from the members of its JSON."""
    return {
        **members,
        "name": members["title"] or members["original_filename"] or members["image_id"],
        "viewable": members["content_type"] in VIEWABLE,
        "kind": members["content_type"].partition("/")[2].upper() or "?",
        "created": datetime.fromisoformat(members["created_at"]),
    }


def add_filters(environment: Environment) -> None:
    """Make the templates know ``size`` and ``day``, and ``number`` for thousands."""
    environment.filters["size"] = human_size
    environment.filters["day"] = human_day
    environment.filters["number"] = lambda value: f"{value:,}"
