"""What every line that the service writes to stdout must be."""

from __future__ import annotations

from collections.abc import Collection

from tests.wire.server import LiveServer

MEMBERS = {"asctime", "levelname", "name", "message", "request_id"}
REQUEST_MEMBERS = {"method", "path", "status", "bytes_in", "bytes_out", "duration_ms", "store_ms"}
SIGNATURES = ("X-Amz-Signature=", "X-Amz-Credential=", "Authorization", "AWS4-HMAC-SHA256")


def assert_clean_log(server: LiveServer, credentials: Collection[str]) -> None:
    """One JSON object a line with the agreed members; no credential, no signature; nothing but that, no stack traces
    on stderr.
    """
    assert server.stdout, "the server logged nothing"
    for record in server.records():
        assert record.keys() >= MEMBERS, record
        if record["name"] == "access":
            assert record.keys() >= REQUEST_MEMBERS, record
            assert record["request_id"], record
    for line in server.stdout + server.stderr:
        for secret in (*SIGNATURES, *credentials):
            assert secret not in line, f"{secret!r} in the log: {line}"
    assert not [line for line in server.stderr if "Traceback" in line], "\n".join(server.stderr)
