"""One environment's ECS cluster, as a deployment needs it: revisions, a task that runs once, services that change."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from scripts.pipeline.errors import PipelineError
from scripts.pipeline.target import PARTS, Target

if TYPE_CHECKING:
    from mypy_boto3_ecs.client import ECSClient

# What DescribeTaskDefinition adds and RegisterTaskDefinition does not take.
_READ_ONLY = frozenset(
    {
        *("taskDefinitionArn", "revision", "status", "requiresAttributes", "compatibilities", "registeredAt"),
        *("registeredBy", "deregisteredAt", "deleteRequestedAt"),
    }
)


class Cluster:
    """The cluster that ``target`` names.

    :param every: seconds between two looks at something that takes its time.
    """

    def __init__(self, client: ECSClient, target: Target, *, every: float = 10.0) -> None:
        self._client = client
        self._target = target
        self._every = every
        self._unseen: dict[str, str] = {}  # part -> the deployment that an update began, until ECS lists it

    def running(self) -> dict[str, str]:
        """The task definition of each part's service.

        :raises PipelineError: when a service is missing, or is being deployed at this moment.
        """
        for part, service in self._services().items():
            if len(service["deployments"]) != 1:
                raise PipelineError(
                    f"{self._target.services[part]} is being deployed by somebody else: wait, then try again"
                )
        return {part: service["taskDefinition"] for part, service in self._services().items()}

    def image(self, part: str) -> str:
        """The image that a part's service runs."""
        definition = self._services()[part]["taskDefinition"]
        described = self._client.describe_task_definition(taskDefinition=definition)["taskDefinition"]
        return str(_container(described["containerDefinitions"], part)["image"])

    def register(self, part: str, image: str) -> str:
        """A new revision of the part's family with ``image``; returns its ARN.

        It is made from the family's newest revision, not from the running one: Terraform registers a revision when a
        setting changes, and this is the deployment that takes it up.
        """
        newest = self._client.describe_task_definition(taskDefinition=self._target.families[part], include=["TAGS"])
        definition: dict[str, Any] = {
            name: value for name, value in newest["taskDefinition"].items() if name not in _READ_ONLY
        }
        _container(definition["containerDefinitions"], part)["image"] = image
        if tags := newest.get("tags"):
            definition["tags"] = tags
        made = self._client.register_task_definition(**definition)["taskDefinition"]
        return str(made["taskDefinitionArn"])

    def run_once(self, part: str, definition: str, command: Sequence[str], *, seconds: float) -> None:
        """Run ``command`` in a task of its own, in the network of the part's service, and wait for its end.

        :raises PipelineError: when it does not start, ends with another status than 0, or takes longer.
        """
        service = self._services()[part]
        started = self._client.run_task(
            cluster=self._target.cluster,
            taskDefinition=definition,
            launchType="FARGATE",
            count=1,
            startedBy="pipeline",
            networkConfiguration=service["networkConfiguration"],
            overrides={"containerOverrides": [{"name": part, "command": list(command)}]},
        )
        if not started["tasks"]:
            raise PipelineError(f"the task did not start: {started.get('failures')}")
        arn = started["tasks"][0]["taskArn"]
        task = self._wait(lambda: self._stopped(arn), seconds, f"the task {arn} did not end")
        codes = [container.get("exitCode") for container in task["containers"]]
        if codes != [0]:
            reason = task.get("stoppedReason") or task["containers"][0].get("reason") or "see its log"
            raise PipelineError(f"{' '.join(command)} ended with {codes[0]}: {reason}")

    def update(self, definitions: Mapping[str, str]) -> None:
        """Let each part's service change over to its task definition."""
        for part, definition in definitions.items():
            service = self._target.services[part]
            answer: Any = self._client.update_service(
                cluster=self._target.cluster, service=service, taskDefinition=definition
            )
            self._unseen[part] = _primary(answer["service"])["id"]

    def wait(self, definitions: Mapping[str, str], *, seconds: float) -> None:
        """Wait until every service runs its task definition and nothing else, in as many tasks as it should.

        :raises PipelineError: when ECS gave one up (circuit breaker, alarm), or it takes longer.
        """
        self._wait(lambda: self._settled(definitions), seconds, "the services did not change over in time")

    def check(self, definitions: Mapping[str, str]) -> None:
        """Look once at services that have changed over; too few tasks may be the autoscaler's work, none is not.

        :raises PipelineError: when ECS gave a service up, or none of its tasks runs.
        """
        for part, service in self._services().items():
            self._kept(part, service, definitions[part])
            if service["desiredCount"] > 0 and service["runningCount"] == 0:
                raise PipelineError(f"no task of {self._target.services[part]} runs any more: see its events")

    def _settled(self, definitions: Mapping[str, str]) -> bool:
        settled = True
        for part, service in self._services().items():
            settled &= (
                self._kept(part, service, definitions[part])
                and _primary(service).get("rolloutState") == "COMPLETED"
                and len(service["deployments"]) == 1
                # COMPLETED stays when the tasks stop afterwards.
                and service["runningCount"] >= service["desiredCount"]
                and service["pendingCount"] == 0
            )
        return settled

    def _kept(self, part: str, service: Any, definition: str) -> bool:
        # DescribeServices may answer from before the update for a moment; that looks as if ECS had rolled back.
        if part in self._unseen and self._unseen[part] not in {each.get("id") for each in service["deployments"]}:
            return False
        self._unseen.pop(part, None)
        name, primary = self._target.services[part], _primary(service)
        reason = primary.get("rolloutStateReason", "see its events")
        if primary["taskDefinition"] != definition:
            raise PipelineError(f"ECS rolled {name} back: {reason}")
        if primary.get("rolloutState") == "FAILED":
            raise PipelineError(f"ECS gave {name} up: {reason}")
        return True

    def _stopped(self, arn: str) -> Any:
        tasks = self._client.describe_tasks(cluster=self._target.cluster, tasks=[arn])["tasks"]
        return next((task for task in tasks if task["lastStatus"] == "STOPPED"), None)

    def _services(self) -> dict[str, Any]:
        names = [self._target.services[part] for part in PARTS]
        found = {
            service["serviceName"]: service
            for service in self._client.describe_services(cluster=self._target.cluster, services=names)["services"]
            if service["status"] == "ACTIVE"
        }
        if missing := [name for name in names if name not in found]:
            raise PipelineError(f"the cluster {self._target.cluster} has no service {', '.join(missing)}")
        return {part: found[self._target.services[part]] for part in PARTS}

    def _wait(self, probe: Callable[[], Any], seconds: float, late: str) -> Any:
        deadline = time.monotonic() + seconds
        while not (found := probe()):
            if time.monotonic() > deadline:
                raise PipelineError(f"{late} ({seconds:g} s)")
            time.sleep(self._every)
        return found


def _primary(service: Any) -> Any:
    return next(each for each in service["deployments"] if each["status"] == "PRIMARY")


def _container(containers: Sequence[Any], part: str) -> Any:
    for container in containers:
        if container["name"] == part:
            return container
    raise PipelineError(f"the task definition has no container {part}")
