"""The service's own endpoints."""

from __future__ import annotations

from api.ops.routes import blueprint, pages

__all__ = ["blueprint", "pages"]
