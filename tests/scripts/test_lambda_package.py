"""The function's package: what is in it, and that the same content is the same bytes."""

from __future__ import annotations

import os
import re
import zipfile
from pathlib import Path

import pytest

from scripts import lambda_package
from scripts.lambda_package import ROOT, UNUSED, PackageError, build, requirements

LOCKED = (ROOT / "requirements.txt").read_text()


def names(archive: Path) -> set[str]:
    with zipfile.ZipFile(archive) as opened:
        return set(opened.namelist())


def test_the_pins_are_those_of_the_service_without_what_a_function_does_not_use() -> None:
    kept = requirements(LOCKED)
    pinned = re.findall(r"^([a-z0-9-]+)==", LOCKED, re.MULTILINE)
    assert re.findall(r"^([a-z0-9-]+)==", kept, re.MULTILINE) == [name for name in pinned if name not in UNUSED]
    assert {"flask", "boto3", "obstore", "apig-wsgi"} <= set(pinned) - set(UNUSED)
    blocks = re.split(r"^(?=[a-z0-9-]+==)", kept, flags=re.MULTILINE)[1:]
    assert all("--hash=sha256:" in block for block in blocks)


def test_what_is_left_out_is_imported_by_nothing_that_a_function_runs() -> None:
    left_out = re.compile(rf"^\s*(?:import|from) (?:{'|'.join(UNUSED)})\b", re.MULTILINE)
    sources = [path for source in lambda_package.SOURCES for path in [ROOT / source, *(ROOT / source).rglob("*.py")]]
    users = {path.name for path in sources if path.is_file() and left_out.search(path.read_text())}
    # The server's worker, and the decoder that lambda_handler refuses to switch on.
    assert users <= {"gunicorn_worker.py", "decode_child.py", "chunked.py"} | {
        path.name for path in (ROOT / "utils").glob("gunicorn*.py")
    }
    assert "decode_child.py" in users


def test_a_list_that_is_out_of_date_is_refused() -> None:
    with pytest.raises(PackageError, match="gunicorn"):
        requirements(LOCKED.replace("gunicorn==", "unicorn=="))


def test_the_package_holds_the_service_and_its_packages_and_no_waste(packages: Path, tmp_path: Path) -> None:
    build(packages, tmp_path / "function.zip")
    found = names(tmp_path / "function.zip")
    assert {"lambda_handler.py", "app.py", "services/core.py", "api/ops/templates/docs.html"} <= found
    assert {"flask/__init__.py", "flask-3.dist-info/METADATA", "botocore/data/endpoints.json"} <= found
    assert "botocore/data/s3/service-2.json.gz" in found
    waste = ("RECORD", "ec2", "bin/", "__pycache__", ".map", ".env", "tests/", "requirements")
    assert [name for name in found if any(part in name for part in waste)] == []


def test_the_same_content_is_the_same_bytes(packages: Path, tmp_path: Path) -> None:
    build(packages, tmp_path / "one.zip")
    for path in packages.rglob("*.py"):
        os.utime(path, (1_000_000_000, 1_000_000_000))
        path.chmod(0o600)
    build(packages, tmp_path / "two.zip")
    assert (tmp_path / "one.zip").read_bytes() == (tmp_path / "two.zip").read_bytes()
    (packages / "flask" / "__init__.py").write_text("changed")
    build(packages, tmp_path / "three.zip")
    assert (tmp_path / "one.zip").read_bytes() != (tmp_path / "three.zip").read_bytes()


def test_files_are_readable_whoever_runs_them(packages: Path, tmp_path: Path) -> None:
    build(packages, tmp_path / "function.zip")
    with zipfile.ZipFile(tmp_path / "function.zip") as opened:
        assert {entry.external_attr >> 16 for entry in opened.infolist()} == {0o100644}


@pytest.mark.parametrize(("limit", "line"), [("MAX_UNZIPPED", "unzipped"), ("MAX_ZIPPED", "in one upload")])
def test_a_package_over_lambdas_limits_is_refused(
    packages: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: str, line: str
) -> None:
    monkeypatch.setattr(lambda_package, limit, 1000)
    with pytest.raises(PackageError, match=line):
        build(packages, tmp_path / "function.zip")


def test_a_folder_without_packages_is_refused_in_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert lambda_package.main(["zip", str(tmp_path), str(tmp_path / "function.zip")]) == 1
    assert "no installed packages" in capsys.readouterr().err
