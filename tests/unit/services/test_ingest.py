"""``flask ingest``: what notifications say, what happens to messages that fail, and SQS over HTTP."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from typing import Any

import boto3
import pytest

from services.errors import BackendUnavailable
from services.ingest import Ingest, MalformedNotification, written_keys
from services.ports import QueueMessage
from services.storage.s3_events import SqsQueue
from tests.emulator import emulator

TEST_EVENT = {"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": "photos", "RequestId": "x"}


def record(key: str, event: str = "ObjectCreated:Put", bucket: str = "photos") -> dict[str, Any]:
    """As Amazon S3 writes it, shortened."""
    return {
        "eventVersion": "2.2",
        "eventSource": "aws:s3",
        "eventName": event,
        "s3": {
            "s3SchemaVersion": "1.0",
            "bucket": {"name": bucket, "arn": f"arn:aws:s3:::{bucket}"},
            "object": {"key": key, "size": 3, "eTag": "x", "versionId": "v", "sequencer": "1"},
        },
    }


def event(*records: Any) -> str:
    return json.dumps({"Records": list(records)})


class TestNotifications:
    @pytest.mark.parametrize(
        ("body", "keys"),
        [
            (event(record("pending/id/a.jpg")), ["pending/id/a.jpg"]),
            (event(record("pending/id/a.jpg", "s3:ObjectCreated:Post")), ["pending/id/a.jpg"]),
            (event(record("pending/id/a+b%2Bc%C3%BC.jpg")), ["pending/id/a b+cü.jpg"]),
            (event(record("pending/1/a"), record("pending/2/b")), ["pending/1/a", "pending/2/b"]),
            (event(record("images/id/a.jpg")), []),
            (event(record("pending2/id/a.jpg")), []),
            (event(record("pending/id/a.jpg", "ObjectRemoved:Delete")), []),
            (event(record("pending/id/a.jpg", bucket="another")), []),
            (event(), []),
            (json.dumps(TEST_EVENT), []),
        ],
    )
    def test_name_what_was_written(self, body: str, keys: list[str]) -> None:
        assert list(written_keys(body, "photos")) == keys

    def test_of_any_bucket(self) -> None:
        assert list(written_keys(event(record("pending/a", bucket="another")))) == ["pending/a"]

    @pytest.mark.parametrize(
        "body",
        [
            "",
            "no JSON",
            "[]",
            "null",
            "{}",
            '{"Records": {}}',
            '{"Records": [1]}',
            '{"Records": [{}]}',
            '{"Records": [{"eventName": 1, "s3": {"bucket": {"name": "b"}, "object": {"key": "k"}}}]}',
            '{"Records": [{"eventName": "x", "s3": {"bucket": {"name": "b"}, "object": {"key": 1}}}]}',
            event(record("pending/a"), {"eventName": "x"}),
            "[" * 100_000,
        ],
    )
    def test_that_are_none(self, body: str) -> None:
        with pytest.raises(MalformedNotification):
            list(written_keys(body))


class Uploads:
    """Notes what it is asked for, and fails for keys that say so."""

    def __init__(self) -> None:
        self.keys: list[str] = []
        self.sweeps = 0
        self.sweep_error: Exception | None = None

    def arrived(self, object_key: str) -> None:
        self.keys.append(object_key)
        if "down" in object_key:
            raise BackendUnavailable(detail="it is down")
        if "bug" in object_key:
            raise RuntimeError("a bug")

    def sweep(self, limit: int) -> int:
        self.sweeps += 1
        if self.sweep_error:
            raise self.sweep_error
        return 0


class Queue:
    """Hands out what it was given, once; says when it is empty."""

    def __init__(self, *bodies: str) -> None:
        self.messages = [QueueMessage(body, str(number)) for number, body in enumerate(bodies)]
        self.deleted: list[str] = []
        self.empty = threading.Event()
        self.errors = 0
        self.error: Exception = BackendUnavailable(detail="the queue is down")

    def receive(self, wait: int) -> list[QueueMessage]:
        if self.errors:
            self.errors -= 1
            raise self.error
        found, self.messages = self.messages[:10], self.messages[10:]
        if not found:
            self.empty.set()
            time.sleep(0.01)
        return found

    def delete(self, message: QueueMessage) -> None:
        self.deleted.append(message.receipt)


class TestIngest:
    def test_messages_go_when_their_uploads_are_settled(self, caplog: pytest.LogCaptureFixture) -> None:
        uploads = Uploads()
        queue = Queue(
            event(record("pending/good")),
            "nonsense",
            event(record("pending/down")),
            event(record("pending/bug")),
            json.dumps(TEST_EVENT),
            event(record("pending/1"), record("pending/2")),
        )

        assert Ingest(uploads, queue, bucket="photos").drain() == 3

        assert queue.deleted == ["0", "4", "5"]
        assert uploads.keys == ["pending/good", "pending/down", "pending/bug", "pending/1", "pending/2"]
        assert uploads.sweeps == 1
        assert "dead-letter queue" in caplog.text
        assert "it is down" in caplog.text
        assert "a bug" in caplog.text

    def test_more_than_one_batch(self) -> None:
        uploads = Uploads()
        assert Ingest(uploads, Queue(*[event(record(f"pending/{n}")) for n in range(25)])).drain() == 25

    def test_without_a_queue_it_sweeps(self) -> None:
        uploads = Uploads()
        assert Ingest(uploads, None).drain() == 0
        assert uploads.sweeps == 1

    @pytest.mark.parametrize("error", [BackendUnavailable(detail="no rows"), RuntimeError("no rows")])
    def test_a_sweep_that_fails_is_logged(self, caplog: pytest.LogCaptureFixture, error: Exception) -> None:
        uploads = Uploads()
        uploads.sweep_error = error
        Ingest(uploads, None).drain()
        assert "no rows" in caplog.text

    @pytest.mark.parametrize(
        "error", [BackendUnavailable(detail="the queue is down"), RuntimeError("the queue is down")]
    )
    def test_it_runs_until_it_is_stopped(
        self, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch, error: Exception
    ) -> None:
        monkeypatch.setattr("services.ingest.RETRY_SECONDS", 0.01)
        uploads, queue, stop = Uploads(), Queue(*[event(record("pending/a"))] * 12), threading.Event()
        queue.errors, queue.error = 2, error
        running = threading.Thread(target=Ingest(uploads, queue).run, args=(stop,))
        running.start()
        assert queue.empty.wait(10)
        assert running.is_alive()
        stop.set()
        running.join(10)
        assert not running.is_alive()
        assert len(queue.deleted) == 12
        assert uploads.sweeps == 1
        assert "the queue is down" in caplog.text

    def test_without_a_queue_it_stops_too(self) -> None:
        stop = threading.Event()
        running = threading.Thread(target=Ingest(Uploads(), None).run, args=(stop,))
        running.start()
        stop.set()
        running.join(10)
        assert not running.is_alive()


@pytest.fixture(scope="module")
def sqs(aws: None) -> Iterator[str]:
    with emulator() as url:
        yield url


@pytest.fixture(scope="module")
def aws() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ACCESS_KEY_ID", "test")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "testtest")
        patch.setenv("AWS_EC2_METADATA_DISABLED", "true")
        patch.setenv("NO_PROXY", "127.0.0.1")
        yield


class TestSqs:
    def test_messages_stay_until_they_are_deleted(self, sqs: str) -> None:
        client = boto3.client("sqs", endpoint_url=sqs, region_name="us-east-1")
        url = client.create_queue(QueueName="uploads", Attributes={"VisibilityTimeout": "1"})["QueueUrl"]
        queue = SqsQueue(url, region="us-east-1")
        assert queue.receive(0) == []
        client.send_message(QueueUrl=url, MessageBody=event(record("pending/a")))

        [message] = queue.receive(1)
        assert list(written_keys(message.body)) == ["pending/a"]
        assert queue.receive(0) == [], "nobody else gets it now"
        time.sleep(1.2)
        [again] = queue.receive(1)
        queue.delete(again)
        time.sleep(1.2)
        assert queue.receive(0) == []
        client.close()

    def test_a_queue_that_does_not_answer_is_unavailable(self, aws: None) -> None:
        with pytest.raises(BackendUnavailable):
            SqsQueue("http://127.0.0.1:1/000000000000/uploads", region="us-east-1").receive(0)

    @pytest.mark.parametrize(
        ("url", "region", "endpoint"),
        [
            ("https://sqs.eu-central-1.amazonaws.com/1/q", "eu-central-1", "https://sqs.eu-central-1.amazonaws.com"),
            ("http://localhost:4566/000000000000/q", "us-west-2", "http://localhost:4566"),
        ],
    )
    def test_the_url_says_where_it_is(self, aws: None, url: str, region: str, endpoint: str) -> None:
        client = SqsQueue(url, region="us-west-2")._client
        assert (client.meta.region_name, client.meta.endpoint_url) == (region, endpoint)
