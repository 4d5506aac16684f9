"""The documents are held to the code: settings, endpoints, error codes, links."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from flask import Flask

import config
from api.errors import HTTP_CODES
from services import errors
from utils.gunicorn_refusals import CODES

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text()
OF_HTTP = [*HTTP_CODES.items(), *CODES.items()]
UNUSED = {411, 422}
"""Statuses of ``OF_HTTP`` that only an extension could raise: no URL asks for a length, arguments that are not valid
are a 400 everywhere.
"""
HIDDEN = {"/docs", "/docs/ui/<name>", "/docs/static/<path:filename>", "/pages/static/<path:filename>", "/openapi.json"}


def table(first: str, text: str = README) -> list[list[str]]:
    """The rows of the Markdown table whose first heading is ``first``."""
    lines = text.splitlines()
    start = next(place for place, line in enumerate(lines) if line.startswith(f"| {first} |"))
    rows = []
    for line in lines[start + 2 :]:
        if not line.startswith("|"):
            break
        rows.append([cell.strip() for cell in line.strip("|").split("|")])
    return rows


def test_the_configuration_table_is_the_codes() -> None:
    expected = [
        (f"`{row.name}`", f"`{row.default}`" if row.default else "none", ", ".join(f"`{name}`" for name in row.aliases))
        for row in config.TABLE
    ]
    rows = table("variable")
    assert [tuple(row[:3]) for row in rows] == expected
    for row, setting in zip(rows, config.TABLE, strict=True):
        assert row[3].startswith(setting.doc)


def test_the_env_example_names_only_settings_and_sets_no_secret() -> None:
    known = {name for row in config.TABLE for name in (row.name, *row.aliases)}
    text = (ROOT / ".env.example").read_text()
    named = set(re.findall(r"^#?\s*([A-Z][A-Z0-9_]+)=", text, re.MULTILINE))
    assert named <= known | {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE"}
    assert not re.search(r"^\s*(?:SECRET_KEY|AWS_SECRET_ACCESS_KEY)=\S", text, re.MULTILINE)


def test_the_endpoint_table_is_the_routing(make_app: Callable[..., Flask]) -> None:
    served = {
        f"`{method} {re.sub(r'<(?:page:|image:)?', '{', str(rule)).replace('>', '}')}`"
        for rule in make_app().url_map.iter_rules()
        if str(rule) not in HIDDEN
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }
    assert {row[0] for row in table("request")} == served


def test_every_error_code_is_documented() -> None:
    text = (ROOT / "docs" / "api.md").read_text()
    documented = {code for row in table("status", text) for code in re.findall(r"`([a-z_]+)`", row[1])}
    raised = set()
    for path in [*ROOT.glob("api/**/*.py"), *ROOT.glob("services/**/*.py")]:
        raised |= set(re.findall(r'code="([a-z_]+)"', path.read_text()))
    internal = {"duplicate_image", "access_denied", "invalid_key", "invalid_range"}  # between the core and its adapters
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type)]
    answered = {kind.code for kind in kinds if issubclass(kind, errors.ServiceError)}
    of_http = {code for status, (code, _) in OF_HTTP if status not in UNUSED}
    assert (raised | answered | of_http) - internal <= documented
    assert documented - {"not_ready"} <= raised | answered | of_http


def test_every_error_code_is_documented_with_its_status() -> None:
    rows = table("status", (ROOT / "docs" / "api.md").read_text())
    documented = {(int(row[0]), code) for row in rows for code in re.findall(r"`([a-z_]+)`", row[1])}
    assert {(status, code) for status, (code, _) in OF_HTTP if status not in UNUSED} <= documented
    assert [int(row[0]) for row in rows] == sorted(int(row[0]) for row in rows)


def test_links_between_documents_lead_somewhere() -> None:
    for path in [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]:
        for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", path.read_text()):
            if not target.startswith("http"):
                assert (path.parent / target).exists(), f"{path.relative_to(ROOT)} links to {target}"
