"""Every error of the core, rendered by every surface, in that surface's own statuses and members."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from typing import Any

import pytest
from flask import Flask

import config
from app import build_core, create_app, prepare
from services import errors as domain
from services.errors import ServiceError
from tests.surfaces.helpers import assert_problem

ID = "550e8400-e29b-41d4-a716-446655440000"
SECRET = "bucket my-secret-bucket, SELECT * FROM images, /srv/app.py"

COMMON = {
    domain.ServiceError: 500,
    domain.InvalidInput: 400,
    domain.NoFile: 400,
    domain.MalformedBody: 400,
    domain.Unidentified: 401,
    domain.NotAnImage: 422,
    domain.TooManyPixels: 422,
    domain.UnsupportedType: 415,
    domain.ContentTypeMismatch: 415,
    domain.TooLarge: 413,
    domain.ImageNotFound: 404,
    domain.VersionNotFound: 404,
    domain.PreconditionFailed: 412,
    domain.AccessDenied: 403,
    domain.ClientTooSlow: 408,
    domain.ClientGone: 400,
    domain.Overloaded: 503,
    domain.BackendError: 500,
    domain.BackendUnavailable: 503,
    domain.BackendMisconfigured: 500,
    domain.StorageFull: 507,
    domain.ObjectNotFound: 500,
    domain.DuplicateImage: 500,
    domain.VersionConflict: 409,
}
OF_V1 = COMMON | {domain.NotAnImage: 400, domain.UnsupportedType: 400}

Surface = tuple[str, str, dict[type[ServiceError], int], dict[str, Any]]
SURFACES: dict[str, Surface] = {
    "primary": ("GET", f"/image/{ID}", COMMON, {}),
    "objects": ("GET", "/objects/token", COMMON, {}),
    "images, one": ("GET", f"/images/{ID}", COMMON, {}),
    "images, a listing": ("GET", "/images", COMMON, {}),
    "images, a change": ("DELETE", f"/images/{ID}", COMMON, {}),
    "v1, one image": ("GET", f"/api/v1/images/{ID}", OF_V1, {}),
    "v1, a listing": ("GET", "/api/v1/images", OF_V1, {}),
    "v1, an upload": ("POST", "/api/v1/images/upload", OF_V1, {}),
    "labels, an upload": ("POST", "/upload/user123", COMMON, {"success": False}),
    "labels, the latest": ("GET", "/api/url/user123", COMMON, {"success": False}),
    "labels, all": ("GET", "/api/images/user123", COMMON, {"success": False}),
    "the upload page": ("GET", "/user123", COMMON, {"success": False}),
    "admin": ("GET", "/admin/totals", COMMON, {"success": False}),
}


def every_error() -> Iterator[type[ServiceError]]:
    waiting = [ServiceError]
    while waiting:
        kind = waiting.pop()
        yield kind
        waiting += kind.__subclasses__()


class Failing:
    """A part of the core that fails in one way, whatever is asked of it."""

    def __init__(self) -> None:
        self.error: Callable[[], Exception] = ServiceError

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(name) if name.startswith("_") else self.error()


@pytest.fixture
def failing() -> Failing:
    return Failing()


@pytest.fixture
def app(make_settings: Callable[..., config.Settings], failing: Any) -> Flask:
    settings = make_settings()
    prepare(settings)
    parts = ("images", "uploads", "listings", "direct", "store", "served_store")
    core = replace(build_core(settings), **dict.fromkeys(parts, failing))
    return create_app(settings, services=core)


def test_the_table_has_every_error() -> None:
    assert set(every_error()) == COMMON.keys()


@pytest.mark.parametrize("name", SURFACES)
def test_every_error_on_every_surface(app: Flask, failing: Failing, name: str) -> None:
    method, url, statuses, members = SURFACES[name]
    for kind, status in statuses.items():
        failing.error = partial(kind, detail=SECRET)
        answer = app.test_client().open(url, method=method, headers={"X-User-ID": "user123"})
        body = assert_problem(answer, status, kind.code)
        assert "secret" not in answer.text
        assert {each: body[each] for each in members} == members
        assert ("success" in body) == bool(members)
        assert ("Retry-After" in answer.headers) == (status == 503)
        assert ("WWW-Authenticate" in answer.headers) == (status == 401)


def test_a_surface_that_is_mounted_is_in_the_table(app: Flask) -> None:
    with app.test_request_context():
        adapter = app.url_map.bind("localhost")
        tested = {adapter.match(url, method)[0].partition(".")[0] for method, url, _, _ in SURFACES.values()}
    assert app.blueprints.keys() - tested == {"ops", "docs", "api-docs"}  # which ask the core for nothing that fails


@pytest.mark.parametrize(
    ("method", "url", "member"),
    [
        ("GET", "/upload/user123", True),
        ("PATCH", "/user123", True),
        ("DELETE", "/admin", True),
        ("POST", "/health", False),
        ("GET", "/upload", False),
        ("PATCH", f"/api/v1/images/{ID}", False),
        ("PATCH", f"/image/{ID}", False),
    ],
)
def test_a_wrong_method_is_answered_by_the_surface_that_has_the_url(
    app: Flask, method: str, url: str, member: bool
) -> None:
    body = assert_problem(app.test_client().open(url, method=method), 405, "method_not_allowed")
    assert ("success" in body) == member


def test_an_unexpected_error_speaks_the_surfaces_dialect_too(
    app: Flask, failing: Failing, caplog: pytest.LogCaptureFixture
) -> None:
    failing.error = ZeroDivisionError
    body = assert_problem(app.test_client().get("/api/url/user123"), 500, "internal_error")
    assert body["success"] is False
    assert "unhandled error" in caplog.text
