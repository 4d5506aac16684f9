"""Writing one version to S3: one PutObject if it fits a part, else a multipart upload; nothing left on failure."""

from __future__ import annotations

from collections import deque
from concurrent.futures import Future, wait

import obstore

from services.errors import BackendMisconfigured, BackendUnavailable, ServiceError
from services.models import ObjectAttributes
from services.storage.s3_clients import S3Clients
from services.storage.s3_metadata import user_metadata
from services.storage.s3_multipart import MultipartUpload
from services.storage.s3_traces import WriteTrace

_NO_VERSION = {"", "null"}


class S3Writer:
    """An ``ObjectWriter`` that holds at most two parts: one that fills and one that is on its way."""

    def __init__(self, clients: S3Clients, key: str, attributes: ObjectAttributes) -> None:
        self._clients = clients
        self._key = key
        self._attributes = attributes
        self._part_size = clients.options.part_size
        self._trace = WriteTrace(clients, key)
        self._chunks: deque[bytes | memoryview] = deque()
        self._held = 0
        self._number = 0
        self._upload: MultipartUpload | None = None
        self._in_flight: Future[None] | None = None
        self._error: ServiceError | None = None
        self._version_id = ""

    def write(self, data: bytes) -> None:
        """Take the next bytes; blocks while two parts are full, and raises what the sending of an earlier one met."""
        try:
            if self._in_flight is not None and self._in_flight.done():
                self._await_part()  # a failure ends the upload now, not a part later
            self._chunks.append(data)
            self._held += len(data)
            while self._held > self._part_size:
                self._send_full_part()
        except ServiceError as error:
            self._error = error
            raise

    def commit(self) -> str:
        """Make the bytes the newest version; returns its id. After a failed ``write`` that error is raised again.

        An answer that S3 gave and the network lost is recovered: the version is found by its write id.
        """
        if self._version_id:
            return self._version_id
        if self._error is not None:
            raise self._error
        try:
            version_id = self._put() if self._upload is None else self._complete(self._upload)
        except ServiceError as error:
            self._error = error
            raise
        if version_id in _NO_VERSION:
            self._trace.remove()
            bucket = self._clients.options.bucket
            self._error = BackendMisconfigured(detail=f"bucket {bucket} gave no version id: is its versioning enabled?")
            raise self._error
        self._version_id = version_id
        self._drop_chunks()
        return version_id

    def abort(self) -> None:
        """Leave nothing behind; raises nothing for S3's sake (what could not be removed is in the log)."""
        if self._version_id:
            return
        self._error = self._error or BackendUnavailable(detail="the write was aborted")
        self._drop_chunks()
        if self._in_flight is not None:
            wait([self._in_flight])  # aborting under a part in flight can leave that part behind
            self._in_flight = None
        if self._upload is not None:
            self._upload.abort()
            self._upload = None
        self._trace.settle()

    def _send_full_part(self) -> None:
        self._await_part()
        if self._upload is None:
            self._upload = MultipartUpload(self._clients, self._key, self._attributes, self._trace)
        self._number += 1
        self._in_flight = self._clients.parts.submit(self._upload.send, self._number, self._take(self._part_size))

    def _await_part(self) -> None:
        if self._in_flight is not None:
            self._in_flight.result()
            self._in_flight = None

    def _take(self, size: int) -> bytes:
        """Remove the first ``size`` bytes from what is held; all parts but the last have the same size (R2 asks)."""
        taken: list[bytes | memoryview] = []
        missing = size
        while missing:
            chunk = self._chunks.popleft()
            if len(chunk) > missing:
                view = memoryview(chunk)
                self._chunks.appendleft(view[missing:])
                chunk = view[:missing]
            taken.append(chunk)
            missing -= len(chunk)
        self._held -= size
        return b"".join(taken)

    def _drop_chunks(self) -> None:
        self._chunks.clear()
        self._held = 0

    def _put(self) -> str:
        metadata = user_metadata(self._attributes, self._trace.write_id)

        def put() -> str:
            answer = obstore.put(
                self._clients.uploads,
                self._key,
                list(self._chunks),
                attributes={"Content-Type": self._attributes.content_type, **metadata},
                use_multipart=False,
            )
            return answer["version"] or ""

        return self._trace.once(put, self._clients.options.max_attempts)

    def _complete(self, upload: MultipartUpload) -> str:
        self._await_part()
        upload.send(self._number + 1, self._take(self._held))
        return upload.complete() or self._trace.find() or ""
