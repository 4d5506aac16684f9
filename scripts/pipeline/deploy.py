"""Puts one image, by its digest, into service on ECS, and takes it back.

    python -m scripts.pipeline.deploy start <repository>@sha256:<digest>   # migrate, change over, wait
    python -m scripts.pipeline.deploy watch --seconds 300                  # alarms, and whether it still runs
    python -m scripts.pipeline.deploy undo                                 # back to what ran before

``DEPLOYMENT`` says where (see ``target``). ``start`` writes ``deployment-state.json`` before its first change; ``undo``
does nothing without that file, so that it can stand behind every step that may fail.
"""

from __future__ import annotations

import argparse
import os
import re
import sys
from collections.abc import Callable
from pathlib import Path

from botocore.exceptions import BotoCoreError, ClientError

from scripts.pipeline.alarms import alarms_on, watch
from scripts.pipeline.ecs import Cluster
from scripts.pipeline.errors import PipelineError, run
from scripts.pipeline.outputs import summary
from scripts.pipeline.state import State
from scripts.pipeline.target import PARTS, Target, clients

IMAGE = re.compile(r"[a-z0-9][a-z0-9.-]*(?::\d+)?/[a-z0-9][a-z0-9._/-]*@sha256:[0-9a-f]{64}")
STATE = "deployment-state.json"
MIGRATE = ("flask", "--app", "app", "migrate")
# With the smoke test and five minutes of watching these stay within the hour that the role's session lasts.
MIGRATION_SECONDS = 600.0
CHANGEOVER_SECONDS = 1000.0
LAST_LOOKS = 12


def start(image: str, target: Target, state: Path, *, every: float) -> None:
    """Register revisions with ``image``, migrate, change the services over, wait until they run nothing else.

    The migration runs first, in a task of its own with the new image: when it fails, nothing has changed yet.

    :raises PipelineError: when a step fails; after the change of a service began, ``state`` exists.
    """
    if not IMAGE.fullmatch(image):
        raise PipelineError(f"{image!r} is no image by digest (<repository>@sha256:<64 hexadecimal digits>)")
    state.unlink(missing_ok=True)  # of an earlier deployment, on a runner that is used again
    cluster = Cluster(clients("ecs"), target, every=every)
    former, before = cluster.running(), alarms_on(clients("cloudwatch"), target.alarms)
    if before:
        summary(f"On already, and not counted: {', '.join(before)}")
    wanted = {part: cluster.register(part, image) for part in PARTS}
    cluster.run_once("ingest", wanted["ingest"], MIGRATE, seconds=MIGRATION_SECONDS)
    State(former, wanted, before).save(state)
    cluster.update(wanted)
    cluster.wait(wanted, seconds=CHANGEOVER_SECONDS)
    summary(f"{target.cluster} runs `{image}`")


def keep_watch(target: Target, state: Path, *, seconds: float, every: float) -> None:
    """Watch alarms and services for ``seconds``; in the end all tasks must run what was deployed.

    :raises PipelineError: when an alarm goes on, ECS took the release back by itself, or its tasks stopped.
    """
    deployed, cluster = State.load(state), Cluster(clients("ecs"), target, every=every)

    def look() -> None:
        cluster.check(deployed.wanted)

    watch(clients("cloudwatch"), target.alarms, deployed.alarms_on, look, seconds=seconds, every=every)
    # Some looks more: a task that the autoscaler has just asked for is no fault of the release.
    cluster.wait(deployed.wanted, seconds=LAST_LOOKS * every)
    summary(f"{target.cluster}: quiet for {seconds:g} s")


def undo(target: Target, state: Path, *, every: float) -> None:
    """Go back to what ran before, and wait until it runs; without a ``state`` nothing was changed.

    :raises PipelineError: when the former release does not come up either.
    """
    if not state.exists():
        summary(f"{target.cluster}: no service was changed, so there is nothing to roll back")
        return
    former = State.load(state).former
    cluster = Cluster(clients("ecs"), target, every=every)
    cluster.update(former)
    cluster.wait(former, seconds=CHANGEOVER_SECONDS)
    state.unlink()
    names = ", ".join(f"`{name.rpartition('/')[2]}`" for name in former.values())
    summary(f"{target.cluster}: rolled back to {names}")


def _command(arguments: list[str] | None) -> Callable[[], None]:
    parser = argparse.ArgumentParser(prog="deploy", description=__doc__)
    parser.add_argument("--state", type=Path, default=Path(os.environ.get("RUNNER_TEMP") or ".") / STATE)
    every = float(os.environ.get("LOOK_EVERY") or 10)
    parser.add_argument("--every", type=float, default=every, help="seconds between two looks (LOOK_EVERY)")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("start").add_argument("image")
    commands.add_parser("watch").add_argument("--seconds", type=float, required=True)
    commands.add_parser("undo")
    chosen = parser.parse_args(arguments)

    def command() -> None:
        target = Target.from_environment()
        try:
            if chosen.command == "start":
                start(chosen.image, target, chosen.state, every=chosen.every)
            elif chosen.command == "watch":
                keep_watch(target, chosen.state, seconds=chosen.seconds, every=chosen.every)
            else:
                undo(target, chosen.state, every=chosen.every)
        except (ClientError, BotoCoreError) as error:
            raise PipelineError(f"AWS refused: {error}") from error

    return command


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    return run(_command(arguments))


if __name__ == "__main__":
    sys.exit(main())
