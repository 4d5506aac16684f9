"""Alembic's entry point: it executes this file once per command, so this is the one module that acts when loaded.

``services.metadata.migrate`` passes its connection in ``config.attributes``. A developer's
``alembic -x url=sqlite:///data/images.db upgrade head`` passes a URL instead.
"""

from __future__ import annotations

from contextlib import nullcontext

from alembic import context
from sqlalchemy import Connection

from services.metadata.engine import make_engine, transaction
from services.metadata.tables import metadata


def _run(connection: Connection) -> None:
    """Run the command's migrations in one transaction, on SQLite too: a killed migration leaves nothing half done."""
    on_sqlite = connection.dialect.name == "sqlite"
    context.configure(
        connection=connection,
        target_metadata=metadata,
        transactional_ddl=True,
        render_as_batch=on_sqlite,
    )
    with transaction(connection) if on_sqlite else nullcontext(), context.begin_transaction():
        context.run_migrations()


def _main() -> None:
    given = context.config.attributes.get("connection")
    if given is not None:
        _run(given)
        return
    url = context.get_x_argument(as_dictionary=True).get("url")
    if not isinstance(url, str):
        raise SystemExit("name the database: alembic -x url=sqlite:///data/images.db <command>")
    engine = make_engine(url)
    with engine.connect() as connection:
        _run(connection)
    engine.dispose()


_main()
