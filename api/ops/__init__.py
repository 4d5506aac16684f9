"""The service's own endpoints."""

from api.ops.routes import blueprint, pages

__all__ = ["blueprint", "pages"]
