"""Surface 3: the upload pages, the JSON behind them, and the administration page."""

from __future__ import annotations

from api.pages import admin, api, routes
from api.pages.api_schemas import DIALECT

blueprints = (api.blueprint, admin.blueprint)
"""The JSON half, in the order of the OpenAPI document."""

pages = routes.blueprint
"""The HTML half; its ``/<image_id>`` takes what no rule before it takes, so mount it last."""

dialects = {each.name: DIALECT for each in (*blueprints, pages)}

__all__ = ["blueprints", "dialects", "pages"]
