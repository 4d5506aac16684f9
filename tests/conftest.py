"""What most suites need: settings of their own, a wired application on the embedded store, real photographs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

import config
from app import create_app, prepare

DATA = Path(__file__).parent / "data"


@pytest.fixture(scope="session")
def jpeg_photo() -> bytes:
    return (DATA / "rocket.jpg").read_bytes()


@pytest.fixture(scope="session")
def png_photo() -> bytes:
    return (DATA / "coffee.png").read_bytes()


@pytest.fixture
def make_settings(tmp_path: Path) -> Callable[..., config.Settings]:
    """Settings from given variables only; nothing of the machine's environment."""

    def make(**environ: str) -> config.Settings:
        return config.load({"DATA_DIR": str(tmp_path / "data"), **environ})

    return make


@pytest.fixture
def make_app(make_settings: Callable[..., config.Settings]) -> Callable[..., Flask]:
    """An application as gunicorn would load it, prepared, on the embedded store and SQLite."""

    def make(**environ: str) -> Flask:
        settings = make_settings(**environ)
        prepare(settings)
        return create_app(settings)

    return make


@pytest.fixture
def client(make_app: Callable[..., Flask]) -> FlaskClient:
    return make_app().test_client()
