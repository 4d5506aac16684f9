"""Terraform against an emulator: what it makes, that it then changes nothing, and that the service runs on it."""

from __future__ import annotations

import io
import json
import os
import re
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

import config
from app import create_app, prepare
from services.storage import s3_events
from tests.infra import needs, policies, workspace
from tests.infra.conftest import Emulated
from tests.infra.needs import Need
from tests.infra.recorder import Recorder

pytestmark = pytest.mark.timeout(600)


def test_a_second_apply_changes_nothing(emulated: Emulated) -> None:
    for deployed in (emulated.minimal, emulated.complete):
        assert "Resources: 0 added" not in deployed.first
        assert "Resources: 0 added, 0 changed, 0 destroyed." in deployed.second


def test_minimal_is_a_bucket_and_a_role(emulated: Emulated) -> None:
    kinds = {found["type"] for found in emulated.minimal.resources()}
    assert {kind for kind in kinds if not kind.startswith("aws_s3_bucket")} == {"aws_iam_role", "aws_iam_role_policy"}
    assert emulated.minimal.output("settings") == {"AWS_REGION": workspace.REGION, "S3_BUCKET": "acme-images-minimal"}


@pytest.mark.parametrize("bucket", ["acme-images", "acme-images-minimal"])
def test_the_bucket_is_versioned_private_and_logged(emulated: Emulated, bucket: str) -> None:
    s3 = emulated.client("s3")
    assert s3.get_bucket_versioning(Bucket=bucket)["Status"] == "Enabled"
    assert all(s3.get_public_access_block(Bucket=bucket)["PublicAccessBlockConfiguration"].values())
    assert s3.get_bucket_logging(Bucket=bucket)["LoggingEnabled"]["TargetBucket"] == f"{bucket}-logs"
    denials = {each["Sid"] for each in json.loads(s3.get_bucket_policy(Bucket=bucket)["Policy"])["Statement"]}
    assert {"RefusePlainHttp", "RefuseWrongEncryption", "RefuseKeysOfCustomers"} <= denials
    days = {rule["ID"]: rule for rule in s3.get_bucket_lifecycle_configuration(Bucket=bucket)["Rules"]}
    assert days["abort-unfinished-uploads"]["AbortIncompleteMultipartUpload"]["DaysAfterInitiation"] == 1
    assert days["expire-pending"]["Filter"]["Prefix"] == "pending/"


def test_the_copy_lies_in_another_region(emulated: Emulated) -> None:
    (rule,) = emulated.client("s3").get_bucket_replication(Bucket="acme-images")["ReplicationConfiguration"]["Rules"]
    assert rule["Destination"]["Bucket"] == "arn:aws:s3:::acme-images-copy"
    assert f":kms:{workspace.SECOND_REGION}:" in rule["Destination"]["EncryptionConfiguration"]["ReplicaKmsKeyID"]
    where = emulated.client("s3").get_bucket_location(Bucket="acme-images-copy")["LocationConstraint"]
    assert where == workspace.SECOND_REGION


@pytest.fixture
def outputs(emulated: Emulated) -> Iterator[dict[str, str]]:
    """The settings that ``complete`` gives the service, while its bucket can be reached."""
    settings: dict[str, str] = emulated.complete.output("settings")
    with emulated.without_policy(settings["S3_BUCKET"]):
        yield settings


def test_the_service_runs_on_the_outputs(
    emulated: Emulated, outputs: dict[str, str], jpeg_photo: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testtest")
    environ = {"AWS_ENDPOINT_URL": emulated.url, "DATA_DIR": str(tmp_path / "never-made"), "SECRET_KEY": "k" * 32}
    settings = config.load(outputs | environ)
    prepare(settings)
    app = create_app(settings)
    client = app.test_client()
    # The emulator's first answers take seconds, and a check waits for less.
    ready = [client.get("/health/ready").status_code for _ in range(5)]
    assert 200 in ready, ready

    made = client.post("/upload", data={"file": (io.BytesIO(jpeg_photo), "rocket.jpg")})
    assert made.status_code == 201, made.text
    assert client.get(f"/image/{made.get_json()['key']}").data == jpeg_photo

    ticket = client.post("/images/upload", json={"user_id": "ann", "content_type": "image/jpeg"}).get_json()
    put = urllib.request.Request(ticket["upload_url"], jpeg_photo, {"Content-Type": "image/jpeg"}, method="PUT")
    urllib.request.urlopen(put, timeout=30).close()
    # The bucket announced the arrival in the queue, and nothing else has looked at it yet. Before it lies what S3 sends
    # when a queue is told of a bucket (s3:TestEvent), unless something has read it.
    ingest = app.test_cli_runner().invoke(args=["ingest", "--once"])
    assert ingest.exit_code == 0, ingest.output
    assert re.fullmatch(r"[12] notifications\n", ingest.output)
    assert client.get(f"/image/{ticket['image_id']}").data == jpeg_photo
    assert not (tmp_path / "never-made").exists(), "the service wrote to its disk"


def run_suite(*paths: str, choose: str, **environ: str) -> None:
    """A suite in a process of its own, over what was applied."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("TEST_", "AWS_", "PYTEST_"))}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", "-k", choose, *paths]
    done = subprocess.run(
        command, cwd=workspace.ROOT, env=kept | environ, capture_output=True, text=True, check=False, timeout=500
    )
    assert done.returncode == 0, done.stdout[-8000:] + done.stderr[-2000:]
    passed = re.search(r"(\d+) passed", done.stdout)
    assert passed, done.stdout[-500:]
    assert int(passed[1]) > 30, f"the suite did not run: {passed[0]}"


def test_the_store_passes_its_contract_on_the_bucket(emulated: Emulated, outputs: dict[str, str]) -> None:
    run_suite(
        "tests/contract/object_store", choose="moto", TEST_S3_MOTO=emulated.url, TEST_S3_BUCKET=outputs["S3_BUCKET"]
    )


@pytest.fixture(scope="module")
def rows_asked_for(emulated: Emulated) -> set[Need]:
    """What the repository's contract asked for while it ran on the table."""
    settings = emulated.complete.output("settings")
    (described,) = (each for each in emulated.complete.resources() if each["type"] == "aws_dynamodb_table")
    table = described["values"]["arn"]
    with Recorder(emulated.url) as proxy:
        # Of the whole suite the part that writes little: moto's transactions take long.
        suite = "tests/contract/image_repository"
        run_suite(
            f"{suite}/test_contract.py",
            f"{suite}/test_pending.py::test_a_promoted_upload_is_an_image_and_no_upload",
            f"{suite}/test_pending.py::test_expired_ones_come_oldest_first_whatever_their_status",
            f"{suite}/test_listings.py::test_nothing_stored_is_one_empty_page",
            f"{suite}/test_listings.py::test_a_last_page_that_is_full_says_so",
            choose="dynamodb",
            TEST_DYNAMODB=proxy.url,
            TEST_DYNAMO_TABLE=settings["DYNAMO_TABLE"],
            TEST_DYNAMO_REGION=settings["AWS_REGION"],
        )
    # The suite makes its table where there is none; the service never does.
    making = ("CreateTable", "TimeToLive")
    calls = [call for call in proxy.calls if not call.headers["x-amz-target"].endswith(making)]
    return {need for call in calls if call.is_by("test") for need in needs.of_dynamodb(call, table)}


def test_the_repository_passes_its_contract_on_the_table_and_asks_for_what_is_granted(
    emulated: Emulated, rows_asked_for: set[Need]
) -> None:
    policy = json.loads(emulated.complete.output("task_policy"))
    granted = {
        Need(action, resource)
        for each in policies.statements(policy)
        for action in each["Action"]
        for resource in each["Resource"]
        if action.startswith("dynamodb:")
    }
    assert rows_asked_for == granted


def test_the_queue_is_asked_for_what_is_granted(
    emulated: Emulated, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testtest")
    url = emulated.complete.output("settings")["INGEST_QUEUE_URL"]
    emulated.client("sqs").send_message(QueueUrl=url, MessageBody="{}")
    with Recorder(emulated.url) as proxy:
        queue = s3_events.SqsQueue(url.replace(emulated.url, proxy.url), region=workspace.REGION)
        for message in queue.receive(1):
            queue.delete(message)
    policy = json.loads(emulated.complete.output("task_policy"))
    (granted,) = (each for each in policies.statements(policy) if each["Sid"] == "ReadArrivals")
    asked = {need for call in proxy.calls for need in needs.of_sqs(call, granted["Resource"][0])}
    assert {need.action for need in asked} == set(granted["Action"])


def test_the_rest_of_complete_is_planned_and_leaves_the_applied_part_alone(emulated: Emulated) -> None:
    folder = emulated.complete.folder
    workspace.terraform(folder, "plan", "-input=false", "-parallelism=4", "-out=rest.tfplan")
    plan = json.loads(workspace.terraform(folder, "show", "-json", "rest.tfplan"))
    changes = {each["address"]: each["change"] for each in plan["resource_changes"] if each["mode"] == "managed"}
    applied = {found["address"] for found in emulated.complete.resources()}
    assert {address for address in applied if changes[address]["actions"] != ["no-op"]} == set()
    for kind in ("aws_ecs_service", "aws_lb_listener", "aws_cloudwatch_metric_alarm", "aws_wafv2_web_acl"):
        assert any(f".{kind}." in address for address in set(changes) - applied)
    # The way to S3 out of the private network lets through what the role may do, to the last action.
    ways = {
        address.rpartition(".")[2]: change["after"] for address, change in changes.items() if "vpc_endpoint." in address
    }
    role = policies.actions(json.loads(emulated.complete.output("task_policy")))
    for name, service in (("s3", "s3:"), ("dynamodb", "dynamodb:")):
        through = policies.actions(json.loads(ways[name]["policy"]))
        assert through == {action for action in role if action.startswith(service)}
