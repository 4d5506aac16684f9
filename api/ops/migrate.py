"""The command that a deployment runs before it changes anything: ``flask --app app migrate``."""

from __future__ import annotations

from collections.abc import Callable

import click

from services.errors import ServiceError
from services.health import Readiness


def migrate_command(prepare: Callable[[], None], readiness: Readiness) -> click.Command:
    """The command ``migrate``.

    :param prepare: what every start of the service does first; raises ``ServiceError`` when the service can not work.
    :param readiness: whether store and database answer.
    """

    @click.command("migrate")
    def migrate() -> None:
        """Bring the database up to date, then look whether it and the store can be used; again, it changes nothing.

        Ends with status 1 when the service could not work with these settings.
        """
        try:
            prepare()
        except ServiceError as error:
            raise click.ClickException(error.detail or error.message) from error
        if down := [name for name, up in readiness.report().items() if not up]:
            raise click.ClickException(f"not ready: {', '.join(down)}")
        click.echo("ready")

    return migrate
