"""Fields of query arguments, which are texts: what counts as a number in one."""

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
