"""The embedded store's own presigned URLs."""

from __future__ import annotations

from api.objects.routes import blueprint

__all__ = ["blueprint"]
