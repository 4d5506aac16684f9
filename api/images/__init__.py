"""Surface 1, ``/images``."""

from __future__ import annotations

from api.images.routes import blueprint

__all__ = ["blueprint"]
