"""Fields of query arguments, which are texts: what counts as a number or a flag in one."""

from __future__ import annotations

import re
from typing import Any

from marshmallow import fields

_WHOLE = re.compile(r"-?[0-9]+")


class WholeNumber(fields.Integer):
    """An integer in ASCII digits: ``int`` also takes ``1_0``, ``+5``, blanks and the digits of other scripts."""

    def _validated(self, value: Any) -> int:
        if isinstance(value, str) and not _WHOLE.fullmatch(value):
            raise self.make_error("invalid", input=value)
        return super()._validated(value)


class Flag(fields.Boolean):
    """A boolean that is set by being there: ``?download`` arrives with an empty value, and means ``?download=true``."""

    def __init__(self, description: str) -> None:
        """Make one that is false where it is absent; ``description`` is for the document."""
        shown = {"type": ["boolean", "string"], "enum": [True, False, ""], "description": f"{description} Empty: true."}
        super().__init__(load_default=False, metadata=shown)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        return True if value == "" else super()._deserialize(value, attr, data, **kwargs)
