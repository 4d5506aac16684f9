"""Commands for operators: ``flask --app app doctor``."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict

import click

from services.doctor import Doctor
from services.errors import ServiceError


def doctor_command(make: Callable[[float], Doctor]) -> click.Command:
    """The command ``doctor``.

    :param make: builds the examination; its argument is the grace time in seconds.
    """

    @click.command("doctor")
    @click.option("--remove", is_flag=True, help="Remove orphans: object versions that no row names.")
    @click.option(
        "--grace", default=60.0, show_default=True, help="Seconds an upload may take between its object and its row."
    )
    @click.pass_context
    def doctor(context: click.Context, *, remove: bool, grace: float) -> None:
        """Compare the store with the rows; print one JSON object for each disagreement.

        Ends with status 1 while something is left that is wrong: orphans that were not removed, or lost versions.
        """
        found: Counter[str] = Counter()
        try:
            for finding in make(grace).examine(remove=remove):
                click.echo(json.dumps(asdict(finding)))
                found[finding.kind] += not finding.removed
        except ServiceError as error:
            raise click.ClickException(error.detail or error.message) from error
        click.echo(f"{found['orphan']} orphans left, {found['lost']} lost, {found['unfinished']} unfinished", err=True)
        if found["orphan"] or found["lost"]:
            context.exit(1)

    return doctor
