"""The label of an upload page: the caller's own name for a set of uploads, which is the core's owner."""

from __future__ import annotations

import re

from werkzeug.routing import BaseConverter, Map

from api.context import caller
from services.errors import ImageNotFound, InvalidInput
from services.models import Caller

_RESERVED = frozenset(("metrics",))
"""What monitors ask of every service: a page's 200 would pass for an answer."""
_LABEL = re.compile(r"[A-Za-z0-9_-]{1,64}")


def clean_label(value: str) -> str:
    """``value``, if it is a label: 1 to 64 of ``A-Z a-z 0-9 _ -`` (``InvalidInput`` otherwise)."""
    if not _LABEL.fullmatch(value):
        raise InvalidInput("image_id is not valid; use 1 to 64 of A-Z, a-z, 0-9, _ and -.", code="invalid_field")
    return value


def adding_to(label: str) -> Caller:
    """Who adds an image under ``label``: its owner, whom the request may name but need not.

    :raises ImageNotFound: when it names somebody else, who may no more add to this owner's images than change them.
    """
    if caller().name not in (None, label):
        raise ImageNotFound
    return Caller(label)


class PageName(BaseConverter):
    """One path segment that is no fixed path of this service: ``GET /upload`` must stay a 405, not become a page.

    It knows the fixed paths of the rules that are there when its own rule is added, so that one is added last.
    """

    def __init__(self, url_map: Map) -> None:
        super().__init__(url_map)
        fixed = _RESERVED | {rule.rule.strip("/") for rule in url_map.iter_rules() if not rule.arguments}
        names = "|".join(sorted(re.escape(name) for name in fixed if name and "/" not in name))
        self.regex = rf"(?!(?:{names})$)[^/]+" if names else "[^/]+"
