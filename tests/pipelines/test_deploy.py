"""The job that deploys, its steps as they are, against an emulator of ECR, ECS and CloudWatch and the real service."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from scripts.pipeline.ecs import Cluster
from scripts.pipeline.errors import PipelineError
from scripts.pipeline.target import PARTS, Target
from tests.pipelines.answers import signed
from tests.pipelines.cloud import ALARMS, NAME, REGION, Cloud, client_of
from tests.pipelines.house import House
from tests.pipelines.runner import Runner
from tests.wire.server import LiveServer

CHANGE, SMOKE, WATCH, BACK = "Migrate and change over", "Smoke test", "Watch the alarms", "Roll back"
STEPS = [
    *("Refuse forks, branches and tags beside main", "Find the image of this commit"),
    *("Verify provenance and bill of materials", "Find out what runs", "Refuse destructive migrations", "Promote"),
    *(CHANGE, SMOKE, WATCH),
]


class Release:
    """A running environment, a new release of it, and the job."""

    def __init__(self, cloud: Cloud, house: House, runner: Runner, url: str) -> None:
        self.cloud, self.house, self.runner = cloud, house, runner
        self.old = cloud.build(house.git("rev-parse", "HEAD"))
        cloud.set_up(self.old)
        self.commit = house.commit("second")
        self.new = cloud.build(self.commit)
        runner.environ |= cloud.environ | house.event(ref="refs/tags/v1.2.3", commit=self.commit)
        runner.context |= {
            "inputs.environment": "staging",
            "inputs.version": "1.2.3",
            "vars.AWS_REGION": REGION,
            "vars.ECR_REPOSITORY": NAME,
            "vars.SERVICE_URL": url,
            "steps.aws.outputs.registry": cloud.registry,
        }
        signed(Path(runner.environ["GH_ANSWER"]), self.new, self.commit)

    def run(self) -> dict[str, int]:
        """Run the job; returns the exit codes of its steps."""
        return self.runner.job("deploy.yml", "deploy")

    def change(self) -> dict[str, int]:
        """Run the job from the step that changes something, as after checks that passed."""
        self.runner.context["steps.image.outputs.digest"] = self.new
        return self.runner.job("deploy.yml", "deploy", since=CHANGE)

    def runs(self, digest: str) -> bool:
        """Whether both services run ``digest``."""
        return self.cloud.running() == {"web": digest, "ingest": digest}

    @property
    def former_revision(self) -> bool:
        """Whether the services are back on the very task definition that they had."""
        services = self.cloud.client("ecs").describe_services(cluster=NAME, services=[f"{NAME}-web", f"{NAME}-ingest"])
        return all(found["taskDefinition"].endswith(":1") for found in services["services"])


@pytest.fixture
def release(cloud: Cloud, house: House, runner: Runner, service: LiveServer) -> Release:
    return Release(cloud, house, runner, service.base_url)


@pytest.fixture
def broken_service() -> Iterator[str]:
    """Ready, and wrong in everything else."""

    class Broken(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200 if self.path == "/health/ready" else 500)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.do_GET()

        def log_message(self, format: str, *args: object) -> None:
            """Nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Broken) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


def test_a_failing_smoke_test_rolls_back_to_the_former_task_definition(release: Release, broken_service: str) -> None:
    release.runner.context["vars.SERVICE_URL"] = broken_service
    codes = release.change()
    assert (codes[CHANGE], codes[SMOKE], codes[BACK]) == (0, 1, 0)
    assert WATCH not in codes
    assert "upload answered 500" in release.runner.said(SMOKE)
    assert release.runs(release.old)
    assert release.former_revision
    assert not (release.house.folder / "deployment-state.json").exists()


def test_an_alarm_rolls_back(release: Release) -> None:
    alarm = ALARMS[1]
    release.runner.environ["WATCH_SECONDS"] = "60"
    ended = threading.Event()
    watcher = threading.Thread(target=_when_watched, args=(release, lambda: release.cloud.alarm(alarm, "ALARM"), ended))
    watcher.start()
    codes = release.change()
    ended.set()
    watcher.join()
    assert (codes[SMOKE], codes[WATCH], codes[BACK]) == (0, 1, 0)
    assert f"alarm: {alarm}" in release.runner.said(WATCH)
    assert release.runs(release.old)
    assert release.former_revision


def test_tasks_that_stop_after_the_rollout_was_completed_roll_back(release: Release) -> None:
    release.runner.environ["WATCH_SECONDS"] = "60"
    stopped, ended = release.cloud.rollouts.stopped, threading.Event()
    watcher = threading.Thread(target=_when_watched, args=(release, lambda: stopped.add(release.new), ended))
    watcher.start()
    codes = release.change()
    ended.set()
    watcher.join()
    assert (codes[SMOKE], codes[WATCH], codes[BACK]) == (0, 1, 0)
    assert f"no task of {NAME}-web runs any more" in release.runner.said(WATCH)
    assert release.former_revision


def _when_watched(release: Release, act: Callable[[], None], ended: threading.Event) -> None:
    while not ended.wait(0.05):
        if any(step.name == SMOKE for step in release.runner.steps):
            act()
            return


def test_a_service_whose_tasks_do_not_run_has_not_changed_over(release: Release) -> None:
    names = {part: f"{NAME}-{part}" for part in PARTS}
    ecs = client_of(release.cloud.rollouts.url, "ecs")
    cluster = Cluster(ecs, Target(NAME, names, names, ALARMS), every=0.02)
    cluster.running()
    wanted = {part: cluster.register(part, f"{release.cloud.registry}/{NAME}@{release.new}") for part in PARTS}
    release.cloud.rollouts.stopped.add(release.new)
    cluster.update(wanted)
    with pytest.raises(PipelineError, match="did not change over in time"):
        cluster.wait(wanted, seconds=0.5)
    release.cloud.rollouts.stopped.clear()
    cluster.wait(wanted, seconds=30)


def test_an_answer_from_before_the_update_is_no_rollback(release: Release) -> None:
    release.cloud.rollouts.stale = 2
    assert release.change()[WATCH] == 0
    assert release.runs(release.new)


def test_what_the_circuit_breaker_gave_up_is_a_failure(release: Release) -> None:
    release.cloud.rollouts.broken.add(release.new)
    codes = release.change()
    assert (codes[CHANGE], codes[BACK]) == (1, 0)
    assert SMOKE not in codes
    assert "circuit breaker" in release.runner.said(CHANGE)
    assert release.runs(release.old)


def test_a_failing_migration_changes_nothing(release: Release) -> None:
    release.cloud.rollouts.exit_code = 1
    codes = release.change()
    assert (codes[CHANGE], codes[BACK]) == (1, 0)
    assert "flask --app app migrate ended with 1" in release.runner.said(CHANGE)
    assert "nothing to roll back" in release.runner.said(BACK)
    assert "UpdateService" not in release.cloud.rollouts.calls


def test_a_destructive_migration_changes_nothing(release: Release) -> None:
    release.house.migration("0002_less.py", "op.drop_column('images', 'title')")
    commit = release.house.commit("contract")
    digest = release.cloud.build(commit)
    release.runner.environ |= release.house.event(ref="refs/tags/v1.2.4", commit=commit)
    signed(Path(release.runner.environ["GH_ANSWER"]), digest, commit)
    codes = release.run()
    assert codes["Refuse destructive migrations"] == 1
    assert CHANGE not in codes
    assert "RegisterTaskDefinition" not in release.cloud.rollouts.calls
    release.runner.context["vars.APPROVED_MIGRATIONS"] = "0002"
    release.runner.context["inputs.version"] = "1.2.4"
    assert release.run()[WATCH] == 0
    assert release.runs(digest)


def test_an_unsigned_image_is_not_deployed(release: Release) -> None:
    (Path(release.runner.environ["GH_ANSWER"]) / "provenance.json").unlink()
    codes = release.run()
    assert codes["Verify provenance and bill of materials"] == 1
    assert "Promote" not in codes
    assert release.cloud.rollouts.calls == ["DescribeServices"] * release.cloud.rollouts.calls.count("DescribeServices")
    assert release.runs(release.old)


def test_what_was_not_built_is_not_deployed(release: Release) -> None:
    commit = release.house.commit("never built")
    release.runner.environ |= release.house.event(ref="refs/tags/v1.2.3", commit=commit)
    codes = release.run()
    assert list(codes.items())[-2:] == [("Find the image of this commit", 1), (BACK, 0)]
    assert release.runs(release.old)


@pytest.mark.parametrize(
    "event", [{"fork": True}, {"ref": "refs/heads/main"}, {"ref": "refs/heads/feature"}, {"name": "pull_request"}]
)
def test_forks_and_branches_are_refused_before_anything_is_asked(release: Release, event: dict[str, Any]) -> None:
    given: dict[str, Any] = {"ref": "refs/tags/v1.2.3", "commit": release.commit, **event}
    release.runner.environ |= release.house.event(**given)
    assert release.run() == {STEPS[0]: 1, BACK: 0}
    assert release.cloud.rollouts.calls == []


def test_another_deployment_under_way_is_waited_for_by_people(release: Release) -> None:
    ecs = client_of(release.cloud.rollouts.url, "ecs")
    ecs.describe_services(cluster=NAME, services=[f"{NAME}-web"])
    release.cloud.rollouts.looks = 1000
    same = ecs.describe_task_definition(taskDefinition=f"{NAME}-web")["taskDefinition"]["containerDefinitions"]
    second = ecs.register_task_definition(family=f"{NAME}-web", containerDefinitions=same)["taskDefinition"]
    ecs.update_service(cluster=NAME, service=f"{NAME}-web", taskDefinition=second["taskDefinitionArn"])
    assert release.change() == {CHANGE: 1, BACK: 0}
    assert "being deployed by somebody else" in release.runner.said(CHANGE)
    assert "nothing to roll back" in release.runner.said(BACK)


def test_a_state_of_an_earlier_deployment_is_never_gone_back_to(release: Release) -> None:
    assert release.change()[WATCH] == 0
    release.cloud.rollouts.exit_code = 1
    assert release.change() == {CHANGE: 1, BACK: 0}
    assert "nothing to roll back" in release.runner.said(BACK)
    assert release.runs(release.new)


def test_a_release_goes_all_the_way(release: Release) -> None:
    codes = release.run()
    assert codes == dict.fromkeys(STEPS, 0)
    assert release.runs(release.new)
    assert release.cloud.tags(release.new) == {f"sha-{release.commit}", "staging-v1.2.3"}
    assert release.cloud.rollouts.commands == [["flask", "--app", "app", "migrate"]]
    ecs = release.cloud.client("ecs")
    made = ecs.describe_task_definition(taskDefinition=f"{NAME}-web", include=["TAGS"])
    assert made["tags"] == [{"key": "Project", "value": "image-service"}]
    assert made["taskDefinition"]["executionRoleArn"].endswith("execution")


def test_the_way_back_by_hand_is_a_release_of_the_older_tag(release: Release) -> None:
    first = release.house.git("rev-parse", "HEAD~1")
    assert release.run()[WATCH] == 0
    release.runner.environ |= release.house.event(name="workflow_dispatch", ref="refs/tags/v1.2.2", commit=first)
    release.house.git("checkout", "--quiet", first)
    signed(Path(release.runner.environ["GH_ANSWER"]), release.old, first)
    release.runner.context["inputs.version"] = "1.2.2"
    assert release.run() == dict.fromkeys(STEPS, 0)
    assert release.runs(release.old)


def test_an_alarm_that_was_on_before_does_not_stop_the_repair(release: Release) -> None:
    release.cloud.alarm(ALARMS[0], "ALARM")
    assert release.change()[WATCH] == 0
    assert f"On already, and not counted: {ALARMS[0]}" in release.runner.said(CHANGE)


def test_an_alarm_that_nobody_has_is_not_quiet(release: Release) -> None:
    release.cloud.client("cloudwatch").delete_alarms(AlarmNames=[ALARMS[1]])
    assert release.change()[CHANGE] == 1
    assert f"there is no alarm {ALARMS[1]}" in release.runner.said(CHANGE)
    assert "UpdateService" not in release.cloud.rollouts.calls


@pytest.mark.parametrize(
    "deployment", ["", "{}", "[]", '{"cluster": "x", "services": {}, "families": {}, "alarms": []}']
)
def test_a_target_that_is_none_is_refused(release: Release, deployment: str) -> None:
    release.runner.environ["DEPLOYMENT"] = deployment
    assert release.change()[CHANGE] == 1
    assert "DEPLOYMENT" in release.runner.said(CHANGE)
