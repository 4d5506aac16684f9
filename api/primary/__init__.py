"""Surface 0, the primary one."""

from api.primary.routes import blueprint

__all__ = ["blueprint"]
