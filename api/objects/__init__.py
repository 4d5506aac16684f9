"""The embedded store's own presigned URLs."""

from api.objects.routes import blueprint

__all__ = ["blueprint"]
