"""The queue that a bucket's notifications go to: Amazon SQS, by long polling.

Needed permissions on the queue: sqs:ReceiveMessage and sqs:DeleteMessage. It should have a redrive policy, so that what
can not be read ends in a dead-letter queue, and a visibility timeout above the time that one upload takes to examine.
"""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlsplit

import boto3.session
from botocore.config import Config

from services.ports import QueueMessage
from services.storage.s3_errors import translated

_MOST = 10  # ReceiveMessage gives at most ten (Amazon SQS API Reference)
_LONGEST_WAIT = 20
_SLACK = 10
_AWS_HOST = re.compile(r"sqs(?:-fips)?\.([a-z0-9-]+)\.amazonaws\.com(?:\.cn)?\Z")


class SqsQueue:
    """Implements ``MessageQueue`` on one SQS queue; no I/O before the first call."""

    def __init__(self, url: str, *, region: str) -> None:
        """Name the queue.

        :param url: the queue's URL, which also says where SQS is: AWS, or a server that speaks its protocol.
        :param region: what requests are signed for where the URL names no region.
        """
        parts = urlsplit(url)
        named = _AWS_HOST.match(parts.hostname or "")
        self._url = url
        self._region = named[1] if named else region
        self._endpoint = f"{parts.scheme}://{parts.netloc}"
        self._made: Any = None

    def receive(self, wait: int) -> list[QueueMessage]:
        """The next messages; see ``MessageQueue``."""
        with translated():
            answer = self._client.receive_message(
                QueueUrl=self._url, MaxNumberOfMessages=_MOST, WaitTimeSeconds=min(wait, _LONGEST_WAIT)
            )
        return [QueueMessage(message["Body"], message["ReceiptHandle"]) for message in answer.get("Messages", [])]

    def delete(self, message: QueueMessage) -> None:
        """Remove a message."""
        with translated():
            self._client.delete_message(QueueUrl=self._url, ReceiptHandle=message.receipt)

    @property
    def _client(self) -> Any:
        if self._made is None:
            # A long poll answers late by design: the time limit must lie above it.
            config = Config(connect_timeout=3, read_timeout=_LONGEST_WAIT + _SLACK, retries={"total_max_attempts": 2})
            session = boto3.session.Session(region_name=self._region)
            with translated():
                self._made = session.client("sqs", endpoint_url=self._endpoint, config=config)
        return self._made
