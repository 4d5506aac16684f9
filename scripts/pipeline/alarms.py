"""CloudWatch alarms: which are on, and whether one goes on while a release is watched."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Sequence
from typing import TYPE_CHECKING

from scripts.pipeline.errors import PipelineError

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch.client import CloudWatchClient


def alarms_on(client: CloudWatchClient, names: Sequence[str]) -> tuple[str, ...]:
    """Which of the alarms are on.

    :raises PipelineError: when one does not exist; what nobody measures must not pass for quiet.
    """
    described = client.describe_alarms(AlarmNames=list(names))["MetricAlarms"]
    states = {alarm["AlarmName"]: alarm["StateValue"] for alarm in described}
    if missing := [name for name in names if name not in states]:
        raise PipelineError(f"there is no alarm {', '.join(missing)}")
    return tuple(name for name in names if states[name] == "ALARM")


def watch(
    client: CloudWatchClient,
    names: Sequence[str],
    before: Collection[str],
    look: Callable[[], None],
    *,
    seconds: float,
    every: float,
) -> None:
    """Watch for ``seconds``, looking ``every`` so many.

    :param before: alarms that were on before, which are not counted.
    :param look: called at every look; what it raises ends the watch.
    :raises PipelineError: when another one goes on.
    """
    deadline = time.monotonic() + seconds
    while True:
        if new := [name for name in alarms_on(client, names) if name not in before]:
            raise PipelineError(f"alarm: {', '.join(new)}")
        look()
        if time.monotonic() >= deadline:
            return
        time.sleep(every)
