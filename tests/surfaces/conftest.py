"""What the surface suites look at behind the service's back."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest


@pytest.fixture
def stored(tmp_path: Path) -> Callable[[], int]:
    """How many files the embedded store and how many rows the database hold."""

    def count() -> int:
        data = tmp_path / "data"
        files = sum(1 for path in (data / "objects").rglob("*") if path.is_file())
        with sqlite3.connect(data / "metadata.sqlite3") as database:
            rows = sum(
                int(database.execute(f"SELECT count(*) FROM {table}").fetchone()[0])
                for table in ("images", "image_versions")
            )
        database.close()
        return files + rows

    return count
