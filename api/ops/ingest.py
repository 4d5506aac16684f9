"""The command that watches over direct uploads: ``flask --app app ingest``."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable

import click

from services.errors import ServiceError
from services.ingest import Ingest


def ingest_command(make: Callable[[], Ingest]) -> click.Command:
    """The command ``ingest``.

    :param make: prepares what the service stands on and builds the loop; raises ``ServiceError`` when it can not.
    """

    @click.command("ingest")
    @click.option("--once", is_flag=True, help="Deal with what is there now, then end.")
    def ingest(*, once: bool) -> None:
        """Settle uploads that went straight to the store, as bucket notifications name them; sweep expired ones."""
        try:
            loop = make()
            if once:
                click.echo(f"{loop.drain()} notifications")
                return
        except ServiceError as error:
            raise click.ClickException(error.detail or error.message) from error
        stop = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stop.set())
        loop.run(stop)

    return ingest
