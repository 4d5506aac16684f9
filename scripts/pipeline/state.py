"""What a deployment has to remember for its own rollback: a file on the runner, written before the first change."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from scripts.pipeline.errors import PipelineError


@dataclass(frozen=True)
class State:
    """One deployment.

    :ivar former: the task definition that each part ran before.
    :ivar wanted: the one that it is to run.
    :ivar alarms_on: alarms that were on already; they are no verdict on the new release.
    """

    former: Mapping[str, str]
    wanted: Mapping[str, str]
    alarms_on: tuple[str, ...]

    def save(self, path: Path) -> None:
        """Write it."""
        path.write_text(json.dumps(asdict(self), indent=2), encoding="utf-8")

    @classmethod
    def load(cls, path: Path) -> State:
        """Read it.

        :raises PipelineError: when there is none.
        """
        try:
            given = json.loads(path.read_text(encoding="utf-8"))
            return cls(given["former"], given["wanted"], tuple(given["alarms_on"]))
        except (OSError, ValueError, KeyError) as error:
            raise PipelineError(f"{path} is no deployment's state ({error})") from error
