"""Surface 2, ``/api/v1``."""

from __future__ import annotations

from api.v1.documentation import DIALECT
from api.v1.routes import blueprint

__all__ = ["DIALECT", "blueprint"]
