"""Where a deployment goes: Terraform's output ``deployment``, kept in the GitHub environment's variable DEPLOYMENT."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import boto3.session
from botocore.config import Config

from scripts.pipeline.errors import PipelineError

PARTS = ("web", "ingest")
"""The parts of the service: each is an ECS service, a task definition family, and a container of that name in it."""


@dataclass(frozen=True)
class Target:
    """One environment's cluster.

    :ivar services: the ECS service of each part.
    :ivar families: the task definition family of each part.
    :ivar alarms: the CloudWatch alarms that roll a deployment back.
    """

    cluster: str
    services: Mapping[str, str]
    families: Mapping[str, str]
    alarms: tuple[str, ...]

    @classmethod
    def parse(cls, text: str) -> Target:
        """Read what ``terraform output -json deployment`` printed.

        :raises PipelineError: when it is something else.
        """
        try:
            given = json.loads(text)
            target = cls(given["cluster"], given["services"], given["families"], tuple(given["alarms"]))
            complete = all(target.services[part] and target.families[part] for part in PARTS) and target.alarms
        except (KeyError, TypeError, ValueError) as error:
            raise PipelineError(
                "DEPLOYMENT is not what `terraform output -json deployment` prints; set it as docs/deployment.md says"
            ) from error
        if not complete:
            raise PipelineError("DEPLOYMENT names no alarms, or not every part of the service")
        return target

    @classmethod
    def from_environment(cls) -> Target:
        """The target that the variable ``DEPLOYMENT`` holds.

        :raises PipelineError: when it holds none.
        """
        return cls.parse(os.environ.get("DEPLOYMENT", ""))


def clients(service: str) -> Any:
    """A boto3 client that asks again when AWS is busy; region and credentials are the environment's."""
    session: Any = boto3.session.Session()  # the service is known at run time only, the stubs want a literal
    return session.client(service, config=Config(retries={"mode": "standard", "total_max_attempts": 5}))
