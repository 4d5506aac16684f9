"""The smoke test against the service as it runs, and against the same service with one thing wrong."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO

import pytest
from PIL import Image

from scripts.pipeline.errors import PipelineError
from scripts.pipeline.smoke import Answer, Smoke, png, request
from tests.pipelines.runner import Runner
from tests.wire.server import LiveServer, free_port

STEP = "Smoke test"
Spoil = Callable[[str, str, Answer], Answer]


@pytest.fixture
def spoiled(service: LiveServer) -> Iterator[Callable[[Spoil], str]]:
    """The service behind a proxy that changes its answers."""
    servers = []

    def start(spoil: Spoil) -> str:
        server = ThreadingHTTPServer(("127.0.0.1", 0), _proxy(service.base_url, spoil))
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        servers.append(server)
        return f"http://127.0.0.1:{server.server_address[1]}"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def _proxy(base: str, spoil: Spoil) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def handle_any(self) -> None:
            sent = {name: value for name, value in self.headers.items() if name.lower() not in {"host", "connection"}}
            body = self.rfile.read(int(sent.get("Content-Length") or 0)) or None
            answer = spoil(self.command, self.path, request(self.command, base + self.path, body, sent))
            self.send_response(answer.status)
            for name, value in answer.headers.items():
                if name not in {"content-length", "connection", "server", "date"}:
                    self.send_header(name, value)
            self.send_header("Content-Length", str(len(answer.body)))
            self.end_headers()
            if answer.status != 304:
                self.wfile.write(answer.body)

        def do_GET(self) -> None:
            self.handle_any()

        def do_POST(self) -> None:
            self.handle_any()

        def do_DELETE(self) -> None:
            self.handle_any()

        def log_message(self, format: str, *args: object) -> None:
            """Nothing."""

    return Handler


def status(method: str, path: str, code: int) -> Spoil:
    """One request answered with another status."""
    return lambda given, where, answer: (
        Answer(code, answer.headers, answer.body) if given == method and where.startswith(path) else answer
    )


def body(path: str, changed: bytes) -> Spoil:
    """Other bytes for whole reads."""
    return lambda given, where, answer: (
        Answer(answer.status, answer.headers, changed)
        if given == "GET" and where.startswith(path) and answer.status == 200 and "presign" not in where
        else answer
    )


def without(header: str) -> Spoil:
    return lambda _given, _where, answer: Answer(
        answer.status, {name: value for name, value in answer.headers.items() if name != header}, answer.body
    )


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (status("GET", "/health/ready", 503), "/health/ready answered 503"),
        (status("POST", "/upload", 500), "upload answered 500"),
        (status("POST", "/upload", 200), "upload answered 200"),
        (body("/image/", b"other bytes"), "other bytes"),
        (without("x-content-type-options"), "nosniff"),
        (without("etag"), "conditional"),
        (status("DELETE", "/delete/", 500), "delete answered 500"),
        (status("GET", "/image/", 200), "conditional read answered 200"),
        (status("POST", "/images/upload", 503), "a direct upload's beginning answered 503"),
        (status("GET", "/images/", 404), "the status of a direct upload is 404"),
        (status("DELETE", "/images/", 500), "delete answered 500"),
    ],
)
def test_what_is_wrong_is_found(spoiled: Callable[[Spoil], str], spoil: Spoil, says: str) -> None:
    with pytest.raises(PipelineError, match=says):
        Smoke(spoiled(spoil), patience=0).run()


def test_an_image_that_outlives_its_deletion_is_found(spoiled: Callable[[Spoil], str]) -> None:
    deleted: list[str] = []

    def spoil(method: str, path: str, answer: Answer) -> Answer:
        if method == "DELETE":
            deleted.append(path)
        return Answer(200, answer.headers, b"") if deleted and method == "GET" else answer

    with pytest.raises(PipelineError, match="the deleted image answered 200"):
        Smoke(spoiled(spoil), patience=0).run()


def test_text_taken_for_an_image_is_found(spoiled: Callable[[Spoil], str]) -> None:
    spoil: Spoil = lambda _method, _path, answer: (  # noqa: E731 - one line beside its name
        Answer(201, answer.headers, answer.body) if answer.status in {415, 422} else answer
    )
    with pytest.raises(PipelineError, match="text called image was answered 201"):
        Smoke(spoiled(spoil), patience=0).run()


def test_a_service_that_is_not_there_is_found() -> None:
    with pytest.raises(PipelineError, match="/health/ready"):
        Smoke(f"http://127.0.0.1:{free_port()}", patience=0).run()


@pytest.mark.parametrize("url", ["", "file:///etc/passwd", "images.example.org"])
def test_only_http_is_asked(url: str) -> None:
    with pytest.raises(PipelineError, match="http"):
        Smoke(url, patience=0).run()


@pytest.mark.parametrize(
    "spoil", [body("/image/", b""), status("POST", "/upload", 500), without("etag"), status("GET", "/images/", 500)]
)
def test_nothing_is_left_after_a_failure(spoiled: Callable[[Spoil], str], service: LiveServer, spoil: Spoil) -> None:
    def images() -> int:
        return int(request("GET", f"{service.base_url}/images", None, {}).json()["count"])

    before = images()
    with pytest.raises(PipelineError):
        Smoke(spoiled(spoil), patience=0).run()
    assert images() == before


def test_the_picture_is_one() -> None:
    assert png() != png()
    with Image.open(BytesIO(png(8))) as picture:
        assert (picture.format, picture.size, picture.mode) == ("PNG", (8, 8), "RGB")
        picture.load()


def test_a_working_service_passes(runner: Runner, service: LiveServer) -> None:
    runner.context["vars.SERVICE_URL"] = service.base_url
    assert runner.job("deploy.yml", "deploy", only=STEP) == {STEP: 0}
    assert "ready, upload, read, presign, direct upload, refusal, delete" in runner.said(STEP)


def test_the_step_fails_without_an_address(runner: Runner) -> None:
    assert runner.job("deploy.yml", "deploy", only=STEP) == {STEP: 1}
