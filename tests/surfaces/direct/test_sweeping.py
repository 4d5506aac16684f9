"""Who removes expired uploads, by environment: development has no ``flask ingest`` beside the service."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from flask import Flask

from tests.surfaces.images_client import begin


@pytest.mark.parametrize(
    ("environment", "removed"), [("development", True), ("testing", True), ("staging", False), ("production", False)]
)
def test_beginning_an_upload_removes_expired_ones_in_development_only(
    make_app: Callable[..., Flask], tmp_path: Path, environment: str, removed: bool
) -> None:
    variables = {"ENVIRONMENT": environment, "ALLOW_ANONYMOUS": "1", "SECRET_KEY": "s" * 40}
    old = begin(make_app(**variables).test_client()).get_json()["image_id"]
    with closing(sqlite3.connect(tmp_path / "data" / "metadata.sqlite3")) as database, database:
        # In the units of the rows themselves: as long before its beginning as it would have lived.
        database.execute("UPDATE pending_uploads SET expires_at = created_at - (expires_at - created_at)")
    another_process = make_app(**variables).test_client()
    assert begin(another_process).status_code == 201
    status = another_process.get(f"/images/{old}/status").status_code
    assert status == (404 if removed else 200)
