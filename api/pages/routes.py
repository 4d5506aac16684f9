"""The pages themselves: ``/<image_id>`` and ``/admin``."""

from __future__ import annotations

from flask import Blueprint
from flask.blueprints import BlueprintSetupState

from api.pages.labels import PageName

blueprint = Blueprint(
    "pages", __name__, template_folder="templates", static_folder="static", static_url_path="/pages/static"
)


@blueprint.record_once
def _know_names(state: BlueprintSetupState) -> None:
    state.app.url_map.converters["page"] = PageName
