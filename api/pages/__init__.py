"""Surface 3: the upload pages, the JSON behind them, and the administration page."""

from __future__ import annotations

from api.pages import admin, routes

blueprints = (admin.blueprint,)
"""The JSON half, in the order of the OpenAPI document."""

pages = routes.blueprint
"""The HTML half; its ``/<image_id>`` takes what no rule before it takes, so mount it last."""

__all__ = ["blueprints", "pages"]
