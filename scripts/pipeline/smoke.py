"""Whether a running service does its work: one image goes the whole way, and nothing is left of it.

    python3 -m scripts.pipeline.smoke https://images.example.org

Needs nothing but Python, and a place from which the service (and, for presigned URLs, the bucket) can be reached.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import secrets
import struct
import sys
import time
import urllib.error
import urllib.request
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from scripts.pipeline.errors import PipelineError, run
from scripts.pipeline.outputs import summary

PATIENCE = 60.0
REQUEST_SECONDS = 20.0
DIRECT_SECONDS = 30.0


@dataclass(frozen=True)
class Answer:
    """What came back; header names in small letters."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        """The body as JSON, or None."""
        try:
            return json.loads(self.body)
        except ValueError:
            return None


@dataclass
class Smoke:
    """One run against the service at ``base``.

    :ivar patience: seconds that the service may take to become ready.
    """

    base: str
    patience: float = PATIENCE
    done: list[str] = field(default_factory=list)
    _stored: list[str] = field(default_factory=list)
    _announced: list[str] = field(default_factory=list)

    def run(self) -> None:
        """Go through all steps.

        :raises PipelineError: at the first that does not do what it should.
        """
        check_url(self.base)
        self._wait_until_ready()
        image = png()
        try:
            made = self._upload(image)
            self._read(made, image)
            self._presigned(made, image)
            self._direct(png())
            self._refuses_what_is_no_image()
        finally:
            # Also after a failure: a probe that leaves an image at every attempt fills the gallery.
            answers = {key: self._send("DELETE", f"/delete/{key}").status for key in self._stored}
            answers |= {key: self._send("DELETE", f"/images/{key}").status for key in self._announced}
        for key, status in answers.items():
            self._expect(status == 200, f"delete answered {status}")
            gone = self._send("GET", f"/image/{key}" if key in self._stored else f"/images/{key}")
            self._expect(gone.status == 404, f"the deleted image answered {gone.status}")
        self.done.append("delete")

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + self.patience
        while True:
            try:
                ready = self._send("GET", "/health/ready")
                problem = "" if ready.status == 200 else f"/health/ready answered {ready.status} {ready.body[:300]!r}"
            except PipelineError as error:
                problem = str(error)
            if not problem:
                self.done.append("ready")
                return
            if time.monotonic() > deadline:
                raise PipelineError(problem)
            time.sleep(min(2.0, self.patience))

    def _upload(self, image: bytes) -> dict[str, Any]:
        answer = self._post(image)
        made = answer.json()
        self._expect(
            answer.status == 201 and isinstance(made, dict), f"upload answered {answer.status} {answer.body[:300]!r}"
        )
        self._expect(
            made.get("sha256") == hashlib.sha256(image).hexdigest(), "upload reported other bytes than were sent"
        )
        self.done.append("upload")
        return dict(made)

    def _read(self, made: Mapping[str, Any], image: bytes) -> None:
        path = f"/image/{made['key']}"
        whole = self._send("GET", path)
        self._expect(whole.status == 200 and whole.body == image, f"read answered {whole.status} or other bytes")
        self._expect(whole.headers.get("content-type") == "image/png", "read has another Content-Type than image/png")
        self._expect(whole.headers.get("x-content-type-options") == "nosniff", "read lacks nosniff")
        fresh = self._send("GET", path, None, {"If-None-Match": whole.headers.get("etag", "")})
        self._expect(fresh.status == 304, f"a conditional read answered {fresh.status}")
        part = self._send("GET", path, None, {"Range": "bytes=0-9"})
        self._expect(part.status == 206 and part.body == image[:10], f"a range answered {part.status} or other bytes")
        self.done.append("read")

    def _presigned(self, made: Mapping[str, Any], image: bytes) -> None:
        answer = self._send("GET", f"/image/{made['key']}?presign=1&expires_in=60")
        url = str((answer.json() or {}).get("url") or "")
        self._expect(answer.status == 200 and "://" in url, f"presign answered {answer.status} {answer.body[:300]!r}")
        fetched = request("GET", url, None, {})
        self._expect(
            fetched.status == 200 and fetched.body == image, f"a presigned URL answered {fetched.status} or other bytes"
        )
        self.done.append("presign")

    def _direct(self, image: bytes) -> None:
        asked = json.dumps({"content_type": "image/png"}).encode()
        answer = self._send("POST", "/images/upload", asked, {"Content-Type": "application/json"})
        ticket = answer.json()
        self._expect(
            answer.status == 201 and isinstance(ticket, dict) and "://" in str(ticket.get("upload_url")),
            f"a direct upload's beginning answered {answer.status} {answer.body[:300]!r}",
        )
        # Whatever comes after: bytes that have arrived may become an image at any moment.
        self._announced.append(str(ticket["image_id"]))
        sent = request("PUT", ticket["upload_url"], image, ticket.get("headers") or {})
        self._expect(200 <= sent.status < 300, f"a direct upload answered {sent.status} {sent.body[:300]!r}")
        path = f"/images/{ticket['image_id']}"
        self._wait_until_arrived(path)
        read = self._send("GET", path)
        found = (read.json() or {}).get("sha256") if read.status == 200 else None
        self._expect(
            found == hashlib.sha256(image).hexdigest(),
            f"what was uploaded directly answered {read.status} or other bytes",
        )
        self.done.append("direct upload")

    def _wait_until_arrived(self, path: str) -> None:
        deadline = time.monotonic() + DIRECT_SECONDS
        while True:
            answer = self._send("GET", f"{path}/status")
            status = (answer.json() or {}).get("status") if answer.status == 200 else None
            if status == "ready":
                return
            problem = f"the status of a direct upload is {answer.status} {answer.body[:300]!r}"
            self._expect(status == "pending" and time.monotonic() < deadline, problem)
            time.sleep(0.5)

    def _refuses_what_is_no_image(self) -> None:
        answer = self._post(b"<script>no image</script>")
        self._expect(400 <= answer.status < 500, f"text called image was answered {answer.status}")
        self.done.append("refusal")

    def _post(self, content: bytes) -> Answer:
        answer = self._send("POST", "/upload", *form(content, "smoke.png"))
        made = answer.json()
        if isinstance(made, dict) and "key" in made:
            self._stored.append(str(made["key"]))  # whatever the status: it is there
        return answer

    def _send(
        self, method: str, path: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> Answer:
        return request(method, self.base.rstrip("/") + path, body, headers or {})

    def _expect(self, true: bool, otherwise: str) -> None:
        if not true:
            raise PipelineError(f"smoke test after {', '.join(self.done) or 'nothing'}: {otherwise}")


def check_url(url: str) -> None:
    """Refuse what is no web address; urllib would open files as well.

    :raises PipelineError: when the URL is none of HTTP's.
    """
    if not url.startswith(("http://", "https://")):
        raise PipelineError(f"{url!r} is not an http(s) URL")


def request(method: str, url: str, body: bytes | None, headers: Mapping[str, str]) -> Answer:
    """One request, redirects followed.

    :raises PipelineError: when there is no answer, or the URL is none of HTTP's.
    """
    check_url(url)
    asked = urllib.request.Request(url, body, dict(headers), method=method)  # noqa: S310 - the scheme was checked
    try:
        with urllib.request.urlopen(asked, timeout=REQUEST_SECONDS) as got:  # noqa: S310 - the same
            return Answer(got.status, {name.lower(): value for name, value in got.headers.items()}, got.read())
    except urllib.error.HTTPError as error:
        with error:
            return Answer(error.code, {name.lower(): value for name, value in error.headers.items()}, error.read())
    except (OSError, ValueError) as error:
        raise PipelineError(f"{method} {url.partition('?')[0]}: {error}") from error


def form(content: bytes, name: str) -> tuple[bytes, dict[str, str]]:
    """A form with one file, and its headers (RFC 7578)."""
    boundary = secrets.token_hex(16)
    head = f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n'
    body = f"{head}Content-Type: image/png\r\n\r\n".encode() + content + f"\r\n--{boundary}--\r\n".encode()
    return body, {"Content-Type": f"multipart/form-data; boundary={boundary}"}


def png(side: int = 16) -> bytes:
    """A picture of random colours, so that no cache has seen it (W3C PNG, third edition)."""
    rows = b"".join(b"\0" + secrets.token_bytes(3 * side) for _ in range(side))
    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks
    )


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    parser = argparse.ArgumentParser(prog="smoke", description=__doc__)
    parser.add_argument("base")
    parser.add_argument("--patience", type=float, default=PATIENCE, help="seconds to become ready in")
    chosen = parser.parse_args(arguments)

    def command() -> None:
        smoke = Smoke(chosen.base, chosen.patience)
        smoke.run()
        summary(f"{chosen.base}: {', '.join(smoke.done)}")

    return run(command)


if __name__ == "__main__":
    sys.exit(main())
