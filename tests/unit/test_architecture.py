"""The house's rules, held by parsing the source: who may import whom, where the body is read, how long a file may
be.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
ROOMS = ("app", "config", "lambda_handler", "api", "services", "utils")
SDKS = {"boto3", "botocore", "obstore", "sqlalchemy", "alembic", "psycopg", "s3transfer"}
WEB = {"flask", "flask_smorest", "marshmallow", "werkzeug", "gunicorn", "flask_limiter"}
MAX_FILE = 300
MAX_FUNCTION = 50


def sources(*rooms: str) -> list[Path]:
    found = [path for room in rooms for path in (ROOT / room).rglob("*.py")]
    return sorted(found + [ROOT / f"{room}.py" for room in rooms if (ROOT / f"{room}.py").exists()])


def imported(path: Path) -> Iterator[str]:
    """The full dotted names that a file imports, ``if TYPE_CHECKING`` included."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative imports hide the direction"
            yield node.module or ""
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def offences(paths: list[Path], forbidden: set[str]) -> list[str]:
    return [
        f"{path.relative_to(ROOT)} imports {name}"
        for path in paths
        for name in imported(path)
        if any(name == bad or name.startswith(bad + ".") for bad in forbidden)
    ]


def test_the_rooms_exist() -> None:
    assert all(sources(room) for room in ROOMS)


def test_utils_know_nothing_of_the_product() -> None:
    assert offences(sources("utils"), {"app", "config", "api", "services"} | SDKS) == []


def test_the_core_is_free_of_the_web_of_sdks_and_of_settings() -> None:
    core = [
        path
        for path in sources("services")
        if path.parent.name not in ("storage", "metadata", "migrations", "versions")
    ]
    adapters = {"services.storage", "services.metadata"}
    assert len(core) > 8
    assert offences(core, {"app", "config", "api", "os.environ"} | WEB | SDKS | adapters) == []


@pytest.mark.parametrize("adapter", ["storage", "metadata"])
def test_an_adapter_knows_the_ports_and_its_sdk_only(adapter: str) -> None:
    other = "services.metadata" if adapter == "storage" else "services.storage"
    core = {f"services.{path.stem}" for path in (ROOT / "services").glob("*.py")}
    # services.words is pure: repositories must fold a title as searches do.
    allowed = {"services.ports", "services.models", "services.errors", "services.words"}
    paths = sources(f"services/{adapter}")
    assert offences(paths, {"app", "config", "api", other} | WEB | (core - allowed)) == []


def test_surfaces_call_the_core_and_never_an_sdk_or_an_adapter() -> None:
    assert offences(sources("api"), {"app", "config", "services.storage", "services.metadata"} | SDKS) == []


def test_no_surface_imports_a_sibling() -> None:
    surfaces = {path.parent.name for path in (ROOT / "api").glob("*/__init__.py")}
    assert {"primary", "ops", "objects"} <= surfaces
    for surface in surfaces:
        siblings = {f"api.{name}" for name in surfaces - {surface}}
        assert offences(sources(f"api/{surface}"), siblings) == []


def test_only_the_composition_root_knows_every_part() -> None:
    for room in ("api", "services", "utils"):
        assert offences(sources(room), {"app"}) == []
    assert offences([ROOT / "config.py"], {"app", "api", "services"}) == []


def test_the_environment_is_read_in_one_place() -> None:
    readers = [
        str(path.relative_to(ROOT))
        for path in sources(*ROOMS)
        if any(word in path.read_text() for word in ("os.environ", "os.getenv", "getenv("))
    ]
    # A function has no .env, and must not look for one: its handler hands the environment over.
    assert readers == ["config.py", "lambda_handler.py"]


def test_the_request_body_is_read_in_one_place_and_never_whole() -> None:
    readers = {str(path.relative_to(ROOT)) for path in sources("api") if "request.stream" in path.read_text()}
    assert readers == {"api/uploads.py"}
    whole = {"files", "form", "values", "get_data", "data", "json", "get_json"}
    for path in sources("api"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "request":
                assert node.attr not in whole, f"{path.relative_to(ROOT)}:{node.lineno} reads request.{node.attr}"


def test_files_and_functions_are_small() -> None:
    for path in sources(*ROOMS, "scripts"):
        text = path.read_text()
        assert text.count("\n") <= MAX_FILE, f"{path.relative_to(ROOT)} is too long"
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef):
                length = (node.end_lineno or node.lineno) - node.lineno + 1
                assert length <= MAX_FUNCTION, f"{path.relative_to(ROOT)}:{node.lineno} {node.name} is too long"


def test_nothing_is_left_undone() -> None:
    marks = ("TO" + "DO", "FIX" + "ME", "XX" + "X", "HA" + "CK", "NotImplemented" + "Error")
    for path in sources(*ROOMS, "scripts", "tests", "bench"):
        for mark in marks:
            assert not re.search(rf"\b{mark}\b", path.read_text()), f"{path.relative_to(ROOT)} has a {mark}"
