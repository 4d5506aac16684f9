"""A PostgreSQL database for one run: in the server of ``TEST_POSTGRES_URL``, or in one of its own."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from sqlalchemy import make_url

from bench.processes import free_port

_USER = "bench"


@contextmanager
def postgres_server() -> Iterator[str]:
    """The URL of a server's ``postgres`` database.

    :raises RuntimeError: when there is neither a server nor PostgreSQL's binaries.
    """
    if given := os.environ.get("TEST_POSTGRES_URL"):
        yield given
        return
    binaries, port = _binaries(), free_port()
    # In /tmp: the user postgres may not look into the run's own folder. PostgreSQL refuses to run as root.
    folder = tempfile.mkdtemp(prefix="bench-postgres-", dir="/tmp")
    as_user: list[str] = []
    if os.geteuid() == 0:
        shutil.chown(folder, "postgres")
        as_user = ["setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups"]

    def run(program: str, *arguments: str) -> None:
        command = [*as_user, str(binaries / program), "-D", f"{folder}/data", *arguments]
        subprocess.run(command, cwd="/", check=True, stdout=subprocess.DEVNULL)

    settings = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories= -c fsync=off -c max_wal_size=4GB"
    try:
        run("initdb", "-U", _USER, "--auth=trust", "--encoding=UTF8", "--locale=C")
        run("pg_ctl", "-w", "-l", f"{folder}/log", "-o", settings, "start")
        try:
            yield f"postgresql://{_USER}@127.0.0.1:{port}/postgres"
        finally:
            run("pg_ctl", "-w", "-m", "immediate", "stop")
    finally:
        shutil.rmtree(folder)


@contextmanager
def postgres_database(server: str) -> Iterator[str]:
    """The URL of an empty database in ``server``; dropped at the end."""
    name = f"bench_{uuid.uuid4().hex}"
    _run(server, f"CREATE DATABASE {name}")
    try:
        yield make_url(server).set(database=name).render_as_string(hide_password=False)
    finally:
        _run(server, f"DROP DATABASE {name} WITH (FORCE)")


def _binaries() -> Path:
    found = shutil.which("initdb") or max(map(str, Path("/usr/lib/postgresql").glob("*/bin/initdb")), default="")
    if not found:
        raise RuntimeError("TEST_POSTGRES_URL is not set, and PostgreSQL is not installed (Debian: postgresql)")
    return Path(found).resolve().parent


def _run(url: str, statement: str) -> None:
    plain = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(plain, autocommit=True) as connection:
        connection.execute(statement.encode())
