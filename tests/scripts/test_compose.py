"""``docker-compose.yml`` and the Dockerfile, as far as they can be held without Docker: their form, and that the
service works with exactly the environment, the commands and the S3 that they name.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import requests
import yaml
from botocore.exceptions import EndpointConnectionError

import config
from scripts.healthcheck import healthy
from scripts.prepare_storage import prepare
from tests.wire.server import COMMAND, LiveServer, free_port

ROOT = Path(__file__).resolve().parents[2]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
DOCKERFILE = (ROOT / "Dockerfile").read_text()
OURS = ("service", "ingest", "prepare")
SECRETS = {"SECRET_KEY": "k" * 40, "LOCAL_S3_ACCESS_KEY": "local", "LOCAL_S3_SECRET_KEY": "local-secret"}
VERSITYGW = sorted((Path(os.environ.get("SERVICES_CACHE", ROOT / ".ci" / "cache")) / "bin").glob("versitygw-*"))


def interpolated(value: str, variables: Mapping[str, str]) -> str:
    """A value as Compose reads it: ``${NAME:-default}``, ``${NAME:?message}``."""

    def replace(match: re.Match[str]) -> str:
        name, kind, text = match.groups()
        if found := variables.get(name):
            return found
        if kind == ":?":
            raise KeyError(f"{name}: {text}")
        return text or ""

    return re.sub(r"\$\{([A-Z_0-9]+)(?:(:[-?])([^}]*))?\}", replace, value)


def environment(service: str, variables: Mapping[str, str] = SECRETS) -> dict[str, str]:
    given = SERVICES[service].get("environment", {})
    return {name: interpolated(str(value), variables) for name, value in given.items()}


class TestForm:
    def test_only_loopback_is_published(self) -> None:
        ports = [port for service in SERVICES.values() for port in service.get("ports", [])]
        assert len(ports) == 2
        assert all(re.fullmatch(r"127\.0\.0\.1:\d+:\d+", port) for port in ports)

    def test_images_of_others_are_pinned(self) -> None:
        images = {service["image"] for service in SERVICES.values() if "build" not in service}
        assert len(images) == 2
        assert all(re.search(r":v?\d+\.\d+\.\d+(?:@sha256:[0-9a-f]{64})?$", image) for image in images)

    def test_whatever_runs_on_says_when_it_is_healthy(self) -> None:
        for name, service in SERVICES.items():
            disabled = service.get("healthcheck", {}).get("disable")
            own = "test" in service.get("healthcheck", {})
            assert own or (("build" in service and "HEALTHCHECK" in DOCKERFILE) and (not disabled or name != "service"))

    def test_the_order_of_the_start(self) -> None:
        assert {name: each["condition"] for name, each in SERVICES["prepare"]["depends_on"].items()} == {
            "s3": "service_healthy",
            "dynamodb": "service_healthy",
        }
        for name in ("service", "ingest"):
            assert SERVICES[name]["depends_on"] == {"prepare": {"condition": "service_completed_successfully"}}

    def test_what_is_stored_outlives_the_containers(self) -> None:
        mounted = {
            volume.split(":")[0]: volume.split(":")[1] for s in SERVICES.values() for volume in s.get("volumes", [])
        }
        assert set(mounted) == set(COMPOSE["volumes"])
        commands = [word for name in ("s3", "dynamodb") for word in SERVICES[name]["command"]]
        assert all(folder in commands for folder in mounted.values())
        assert "-inMemory" not in commands

    def test_no_secret_has_a_default(self) -> None:
        values = [str(value) for service in SERVICES.values() for value in service.get("environment", {}).values()]
        for name in SECRETS:
            using = [value for value in values if "{" + name in value]
            assert using
            assert all(value.startswith("${" + name + ":?") for value in using)
        with pytest.raises(KeyError, match="SECRET_KEY"):
            environment("service", {})

    def test_the_store_has_one_name_inside_and_outside(self) -> None:
        alias, port = re.fullmatch(r"http://(.+):(\d+)", environment("service")["AWS_ENDPOINT_URL"]).groups()  # type: ignore[union-attr]
        assert alias in SERVICES["s3"]["networks"]["default"]["aliases"]
        assert alias.endswith(".localhost")
        assert SERVICES["s3"]["ports"] == [f"127.0.0.1:{port}:{port}"]
        assert f":{port}" in SERVICES["s3"]["command"]

    def test_our_containers_may_do_little(self) -> None:
        for name in OURS:
            assert SERVICES[name]["read_only"] is True
            assert SERVICES[name]["cap_drop"] == ["ALL"]

    def test_stopping_waits_for_running_requests(self) -> None:
        graceful = int(config.load({"SECRET_KEY": "x"}).graceful_timeout)
        assert int(SERVICES["service"]["stop_grace_period"].removesuffix("s")) > graceful

    def test_settings_are_accepted_and_production_is_not_reachable_by_accident(self) -> None:
        settings = config.load(environment("service"))
        assert (settings.environment, settings.dynamo_table, settings.s3_bucket) == (
            "development",
            "image-metadata",
            "images",
        )
        known = {name for row in config.TABLE for name in (row.name, *row.aliases)}
        others = {name for name in environment("service") if name not in known}
        assert others == {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_EC2_METADATA_DISABLED"}


class TestDockerfile:
    def test_it_runs_what_the_wire_tests_run(self) -> None:
        command = json.loads(re.findall(r"^CMD (\[.*\])$", DOCKERFILE, re.MULTILINE)[0])
        assert command == ["gunicorn", "--config", "gunicorn.conf.py", "app:create_app()"]
        assert COMMAND[2:] == ("gunicorn", "-c", "gunicorn.conf.py", "app:create_app()")

    def test_nobody_is_root_and_every_package_is_checked(self) -> None:
        assert re.search(r"^USER 10001:10001$", DOCKERFILE, re.MULTILINE)
        assert "--require-hashes" in DOCKERFILE
        assert re.search(r"^ARG PYTHON_IMAGE=python:3\.11\.\d+-\S+@sha256:[0-9a-f]{64}$", DOCKERFILE, re.MULTILINE)

    def test_what_is_copied_is_sent_to_the_builder_and_holds_every_part(self) -> None:
        sent = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
        lines = re.findall(r"^COPY (?!--from)(.+) \S+$", DOCKERFILE, re.MULTILINE)
        copied = {name for line in lines for name in line.split()}
        assert copied == sent
        assert {"app.py", "config.py", "gunicorn.conf.py", "api", "services", "utils", "scripts"} <= copied
        assert all((ROOT / name).exists() for name in copied)


def test_a_service_that_is_not_there_is_not_healthy() -> None:
    assert not healthy(free_port())


def test_storage_that_never_answers_is_named(
    make_settings: Callable[..., config.Settings], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "local")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "local-secret")
    nobody = f"http://127.0.0.1:{free_port()}"
    with pytest.raises(EndpointConnectionError, match=nobody):
        prepare(make_settings(S3_BUCKET="images", AWS_ENDPOINT_URL=nobody), wait=0.1)


@pytest.fixture
def s3(tmp_path: Path) -> Iterator[str]:
    """The S3 that the file names, started as it says, but on a free port and in other folders."""
    if not VERSITYGW:
        pytest.skip("needs versitygw: make services-up builds it")
    port = free_port()
    elsewhere = {":7070": f"127.0.0.1:{port}"}
    for volume in SERVICES["s3"]["volumes"]:
        folder = tmp_path / volume.split(":")[0]
        folder.mkdir()
        elsewhere[volume.split(":")[1]] = str(folder)
    command = [elsewhere.get(word, word) for word in SERVICES["s3"]["command"]]
    process = subprocess.Popen(
        [str(VERSITYGW[-1]), *command], env={**environment("s3"), "HOME": str(tmp_path)}, stdout=subprocess.DEVNULL
    )
    try:
        health = SERVICES["s3"]["healthcheck"]["test"][-1].replace("7070", str(port))
        deadline = time.monotonic() + 20
        while not answers(health):
            assert process.poll() is None, "versitygw ended"
            assert time.monotonic() < deadline, "versitygw does not answer"
            time.sleep(0.1)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(20)


def answers(url: str) -> bool:
    try:
        return requests.get(url, timeout=2).status_code == 200
    except requests.ConnectionError:
        return False


@pytest.fixture
def dynamodb(request: pytest.FixtureRequest) -> str:
    """DynamoDB Local where the environment names one, else the emulator."""
    return os.environ.get("TEST_DYNAMODB") or str(request.getfixturevalue("empty_aws"))


@pytest.mark.s3
def test_the_service_runs_with_what_the_file_says(s3: str, dynamodb: str, tmp_path: Path, jpeg_photo: bytes) -> None:
    variables = environment("service") | {
        "AWS_ENDPOINT_URL": s3,
        "DYNAMO_ENDPOINT_URL": dynamodb,
        "NO_PROXY": "127.0.0.1",
        "PATH": os.environ["PATH"],
        # Not the file's: DynamoDB Local is shared by the tests of a run.
        "DYNAMO_TABLE": f"compose-{free_port()}",
    }
    assert SERVICES["prepare"]["command"][0] == "python"
    for outcome in ("created", "unchanged"):
        prepared = subprocess.run(
            [sys.executable, *SERVICES["prepare"]["command"][1:]],
            cwd=ROOT, env=variables, capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        assert prepared.returncode == 0, prepared.stderr
        assert prepared.stdout.splitlines() == [
            f"bucket images: {outcome}",
            f"table {variables['DYNAMO_TABLE']}: {outcome}",
        ]
    server = LiveServer(tmp_path / "data", variables).start()
    try:
        assert healthy(server.port)
        stored = requests.post(server.base_url + "/upload", files={"file": ("a.jpg", jpeg_photo)}, timeout=30)
        assert stored.status_code == 201, stored.text
        url = f"{server.base_url}/image/{stored.json()['key']}"
        assert requests.get(url, timeout=30).content == jpeg_photo
        presigned = requests.get(url, params={"presign": "1"}, timeout=30).json()["url"]
        assert presigned.startswith(s3)
        assert requests.get(presigned, timeout=30).content == jpeg_photo
        assert requests.get(server.base_url + "/health/ready", timeout=30).status_code == 200
        assert not (tmp_path / "data").exists(), "a read-only container has no place for it"
    finally:
        assert server.stop() == 0
