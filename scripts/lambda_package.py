"""Builds the deployment package of the Lambda function; called by ``deploy.sh``.

    python -m scripts.lambda_package requirements        the pins that the function needs, for pip, to stdout
    python -m scripts.lambda_package zip FOLDER OUTPUT   a zip of installed packages and of the service

The same sources and packages make the same bytes, so that a deployment can tell whether anything changed.
"""

from __future__ import annotations

import argparse
import re
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SOURCES = ("app.py", "config.py", "lambda_handler.py", "api", "services", "utils")

UNUSED = ("gunicorn", "pyvips", "pyvips-binary", "cffi", "pycparser")
"""Pins that a function does without: Lambda is the server, and ``VERIFY_DECODE`` is refused there."""
AWS_SERVICES = frozenset(("dynamodb", "s3", "sts"))
"""What botocore keeps the description of; all of them would be a third of the package."""

MAX_UNZIPPED = 250 * 1024 * 1024
MAX_ZIPPED = 50 * 1024 * 1024
"""Lambda's limits, in bytes; the second is of what is uploaded directly."""

_PIN = re.compile(r"^([A-Za-z0-9._-]+)==", re.MULTILINE)
# Commands for a shell, what pip notes about its own run, maps for a debugger, hidden files of an editor or a system.
_NEEDLESS = re.compile(
    r"^bin/|__pycache__/|\.dist-info/(?:RECORD|INSTALLER|REQUESTED|direct_url\.json)$|\.map$|(?:^|/)\.[^/]+$"
)
_AWS_DATA = re.compile(r"^botocore/data/([^/]+)/")
_EPOCH = (1980, 1, 1, 0, 0, 0)  # the earliest time that a zip can hold


class PackageError(Exception):
    """The package can not be built; the message is one line that says why."""


def requirements(locked: str) -> str:
    """The pins and hashes of a compiled requirements file without those that a function does not need.

    :raises PackageError: when one of ``UNUSED`` is not pinned there: then that list is out of date.
    """
    starts = [match.start() for match in _PIN.finditer(locked)]
    blocks = [locked[start:end] for start, end in zip(starts, [*starts[1:], len(locked)], strict=True)]
    pinned = {block.partition("==")[0]: block for block in blocks}
    if missing := set(UNUSED) - set(pinned):
        raise PackageError(
            f"requirements.txt does not pin {', '.join(sorted(missing))}: correct UNUSED in scripts/lambda_package.py"
        )
    return "".join(block for name, block in pinned.items() if name not in UNUSED)


def build(packages: Path, output: Path, root: Path = ROOT) -> int:
    """Write the zip; returns its unzipped size in bytes.

    :param packages: where pip installed the requirements.
    :raises PackageError: when that folder is not one, or the package is over a limit of Lambda.
    """
    if not (packages / "flask").is_dir():
        raise PackageError(f"{packages} holds no installed packages (there is no flask in it)")
    files = {**dict(_packages(packages)), **dict(_sources(root))}
    size = sum(path.stat().st_size for path in files.values())
    if size > MAX_UNZIPPED:
        raise PackageError(f"the package is {size} bytes unzipped, Lambda takes {MAX_UNZIPPED}")
    with zipfile.ZipFile(output, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name, path in sorted(files.items()):
            entry = zipfile.ZipInfo(name, _EPOCH)
            entry.create_system = 3  # Unix, whatever this machine is, so that the mode below counts
            entry.external_attr = 0o100644 << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, path.read_bytes())
    if output.stat().st_size > MAX_ZIPPED:
        raise PackageError(f"the zip is {output.stat().st_size} bytes, Lambda takes {MAX_ZIPPED} in one upload")
    return size


def _packages(folder: Path) -> Iterator[tuple[str, Path]]:
    for path in folder.rglob("*"):
        name = path.relative_to(folder).as_posix()
        of_service = _AWS_DATA.match(name)
        if path.is_file() and not _NEEDLESS.search(name) and (not of_service or of_service[1] in AWS_SERVICES):
            yield name, path


def _sources(root: Path) -> Iterator[tuple[str, Path]]:
    for source in SOURCES:
        found = root / source
        for path in found.rglob("*") if found.is_dir() else [found]:
            name = path.relative_to(root).as_posix()
            if path.is_file() and not _NEEDLESS.search(name):
                yield name, path


def main(arguments: list[str] | None = None) -> int:
    """The command line; returns the exit code."""
    parser = argparse.ArgumentParser(prog="scripts.lambda_package")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("requirements")
    zipped = commands.add_parser("zip")
    zipped.add_argument("folder", type=Path)
    zipped.add_argument("output", type=Path)
    chosen = parser.parse_args(arguments)
    try:
        if chosen.command == "requirements":
            print(requirements((ROOT / "requirements.txt").read_text()), end="")
        else:
            size = build(chosen.folder, chosen.output)
            zipped_size = chosen.output.stat().st_size
            print(f"package: {zipped_size / 2**20:.1f} MiB, {size / 2**20:.1f} MiB unzipped (Lambda's limit is 250)")
    except PackageError as error:
        print(f"deploy: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
