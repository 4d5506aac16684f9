"""``flask ingest`` as it is run."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

import boto3
import requests
from flask import Flask

from tests.surfaces.direct.conftest import HTML, JPEG


def test_the_command_settles_what_notifications_name(
    make_app: Callable[..., Flask], moto: str, restored_logging: None
) -> None:
    """S3's own notification, through SQS, as moto makes and keeps them."""
    s3 = boto3.client("s3", endpoint_url=moto, region_name="us-east-1")
    sqs: Any = boto3.client("sqs", endpoint_url=moto, region_name="us-east-1")
    bucket = f"ingest-{uuid.uuid4().hex[:12]}"
    s3.create_bucket(Bucket=bucket)
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    url = sqs.create_queue(QueueName=bucket)["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    rule: Any = {"QueueArn": arn, "Events": ["s3:ObjectCreated:*"]}
    s3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration={"QueueConfigurations": [rule]})
    app = make_app(S3_BUCKET=bucket, AWS_ENDPOINT_URL=moto, INGEST_QUEUE_URL=url)
    client = app.test_client()
    tickets = [client.post("/images/upload", json={"content_type": "image/jpeg"}).get_json() for _ in range(2)]
    for ticket, data in zip(tickets, (JPEG, HTML), strict=True):
        requests.put(ticket["upload_url"], data=data, headers=ticket["headers"], timeout=30).raise_for_status()
    sqs.send_message(QueueUrl=url, MessageBody="nonsense")

    done = app.test_cli_runner().invoke(args=["ingest", "--once"])

    assert done.exit_code == 0, done.output
    rows = app.extensions["image-service"].direct._repository
    assert rows.get(tickets[0]["image_id"]) is not None
    assert rows.get_pending(tickets[1]["image_id"]).status == "rejected"
    keys = [entry["Key"] for entry in s3.list_objects_v2(Bucket=bucket)["Contents"]]
    assert keys == [f"images/{tickets[0]['image_id']}/image.jpg"]
    left = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    assert int(left["ApproximateNumberOfMessages"]) + int(left["ApproximateNumberOfMessagesNotVisible"]) == 1
    s3.close()
    sqs.close()


def test_the_command_says_in_one_line_why_it_can_not_run(
    make_app: Callable[..., Flask], aws: None, restored_logging: None
) -> None:
    app = make_app(S3_BUCKET="photos", AWS_ENDPOINT_URL="http://127.0.0.1:1", INGEST_QUEUE_URL="http://127.0.0.1:1/0/q")
    done = app.test_cli_runner().invoke(args=["ingest", "--once"])
    assert done.exit_code == 1
    assert "Error: " in done.output
    assert "Traceback" not in done.output
