"""Surface 0, the primary one."""

from __future__ import annotations

from api.primary.routes import blueprint

__all__ = ["blueprint"]
