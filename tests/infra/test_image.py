"""The image: its Dockerfile's own steps, and the result run as ECS runs it (see ``image``)."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import stat
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

import pytest

from tests.infra import dockerfile, image
from tests.infra.image import Image
from tests.infra.workspace import ROOT

pytestmark = pytest.mark.timeout(600)

SETTINGS = {"ENVIRONMENT": "production", "SECRET_KEY": "k" * 32, "ALLOW_ANONYMOUS": "1"}
STOPS_WITHIN = 30  # what ECS gives a task between SIGTERM and SIGKILL
MOUNTED = {"dev", "proc", "tmp", "usr", "data", str(image.PYTHON).lstrip("/")}


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Image]:
    if os.environ.get("INFRA_TEST") != "1":
        pytest.skip("takes a minute: make infra-test runs it")
    image.needs_namespaces()
    # Every user must be able to go there, and pytest's folders are the owner's alone.
    folder = Path("/tmp", f"image-service-image-{os.getpid()}")
    folder.mkdir(mode=0o755)
    yield image.build(ROOT, folder)
    shutil.rmtree(folder)


@pytest.fixture
def port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def tree(root: Path) -> dict[str, tuple[int, int, int, int]]:
    """Mode, owner, size and time of everything that is in the image itself."""
    found = {}
    for folder, folders, files in os.walk(root):
        below = Path(folder).relative_to(root)
        folders[:] = [name for name in folders if str(below / name) not in MOUNTED]
        for name in (*folders, *files):
            status = (Path(folder) / name).lstat()
            found[str(below / name)] = (status.st_mode, status.st_uid, status.st_size, status.st_mtime_ns)
    return found


def healthy(built: Image, process: subprocess.Popen[bytes], folder: Path, port: int, seconds: float = 40) -> bool:
    """Whether the image's HEALTHCHECK succeeds within that time."""
    end = time.monotonic() + seconds
    while time.monotonic() < end and process.poll() is None:
        check = built.start(built.health, folder / "volume", folder / "health", {"PORT": str(port)})
        if check.wait(20) == 0:
            return True
        time.sleep(0.3)
    return False


def multipart(photo: bytes) -> tuple[bytes, bytes]:
    """Head and body of an upload."""
    body = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.jpg"\r\n\r\n' + photo + b"\r\n--x--\r\n"
    head = b"POST /upload HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
    head += b"Content-Type: multipart/form-data; boundary=x\r\nContent-Length: %d\r\n\r\n" % len(body)
    return head, body


def test_nobody_but_root_can_change_the_tree(built: Image) -> None:
    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", built.user)
    inside = tree(built.root)
    assert len(inside) > 1000
    for name, (mode, owner, _, _) in inside.items():
        assert owner == 0, name
        assert stat.S_ISLNK(mode) or not mode & 0o022, name
        assert not mode & (stat.S_ISUID | stat.S_ISGID), name


def test_nothing_is_in_it_that_the_service_does_not_need(built: Image) -> None:
    inside = set(tree(built.root))
    app = {PurePosixPath(name).parts[1] for name in inside if name.startswith("app/")} - {"__pycache__"}
    files = {"app.py", "config.py", "gunicorn.conf.py", "lambda_handler.py", "LICENSE"}
    assert app == files | {"api", "scripts", "services", "utils"}
    installed = {
        match[1].lower() for name in inside if (match := re.search(r"/site-packages/([^/]+)-[^-/]+\.dist-info$", name))
    }
    pinned = re.findall(r"^([A-Za-z0-9._-]+)(?:\[.*\])?==", (ROOT / "requirements.txt").read_text(), re.MULTILINE)
    assert {re.sub(r"[-_.]+", "-", name) for name in installed} == {
        re.sub(r"[-_.]+", "-", name.lower()) for name in pinned
    }
    assert any(name.endswith(".pyc") for name in inside if name.startswith("app/")), "compiled at every start"


def test_it_serves_from_a_read_only_tree_and_is_healthy(
    built: Image, jpeg_photo: bytes, tmp_path: Path, port: int
) -> None:
    before = tree(built.root)
    with image.running(built, tmp_path, port, SETTINGS) as process:
        assert healthy(built, process, tmp_path, port), (tmp_path / "log").read_text()[-3000:]
        _, body = multipart(jpeg_photo)
        request = urllib.request.Request(
            f"http://127.0.0.1:{port}/upload", body, {"Content-Type": "multipart/form-data; boundary=x"}
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            key = json.load(answer)["key"]
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/image/{key}", timeout=30) as answer:
            assert answer.read() == jpeg_photo
        # The group's ids as the kernel has them: real, effective, saved and file system.
        status = Path(f"/proc/{process.pid}/status").read_text()
        assert re.search(r"^Uid:\t10001\t10001\t10001\t10001$", status, re.MULTILINE)
        assert re.search(r"^CapEff:\t0+$", status, re.MULTILINE)
        process.send_signal(getattr(signal, built.stop_signal))
        assert process.wait(STOPS_WITHIN) == 0
        assert not healthy(built, process, tmp_path, port, 1)
    assert tree(built.root) == before, "the service wrote into its own tree"
    assert {path.stat().st_uid for path in (tmp_path / "volume").iterdir()} == {10001}


def test_a_health_check_of_nothing_fails(built: Image, tmp_path: Path, port: int) -> None:
    (tmp_path / "volume").mkdir()
    check = built.start(built.health, tmp_path / "volume", tmp_path / "health", {"PORT": str(port)})
    assert check.wait(20) == 1


def test_it_stops_in_time_and_lets_a_running_upload_finish(
    built: Image, jpeg_photo: bytes, tmp_path: Path, port: int
) -> None:
    head, body = multipart(jpeg_photo)
    with image.running(built, tmp_path, port, SETTINGS) as process:
        assert healthy(built, process, tmp_path, port), (tmp_path / "log").read_text()[-3000:]
        with socket.create_connection(("127.0.0.1", port), timeout=STOPS_WITHIN) as upload:
            upload.sendall(head + body[: len(body) // 2])
            time.sleep(1)
            process.send_signal(getattr(signal, built.stop_signal))
            told = time.monotonic()
            time.sleep(3)
            assert process.poll() is None, "it did not wait for the upload"
            upload.sendall(body[len(body) // 2 :])
            answer = b"".join(iter(lambda: upload.recv(65536), b""))
        assert answer.startswith(b"HTTP/1.1 201 "), answer[:300]
        assert process.wait(STOPS_WITHIN) == 0
        assert time.monotonic() - told < STOPS_WITHIN


def test_a_wrong_setting_is_one_line_and_no_start(built: Image, tmp_path: Path, port: int) -> None:
    with image.running(built, tmp_path, port, SETTINGS | {"MAX_FILE_SIZE": "many"}) as process:
        assert process.wait(60) == 1
    said = (tmp_path / "log").read_text()
    assert "MAX_FILE_SIZE" in said
    assert "Traceback" not in said


def test_secrets_and_tools_stay_outside() -> None:
    sent = {str(path) for path in dockerfile.context(ROOT)}
    assert {"app.py", "requirements.txt", "services/core.py", "scripts/healthcheck.py"} <= sent
    assert not any(re.search(r"(^|/)(\.[^/]*|tests|terraform|bench|docs|data)(/|$)|\.pyc$", path) for path in sent)
    # Those that `context` does not even look into are kept out by the file's first rule.
    assert (ROOT / ".dockerignore").read_text().splitlines()[1] == "*"


def test_hadolint_finds_nothing() -> None:
    hadolint = shutil.which("hadolint", path=f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    if hadolint is None:
        pytest.skip("there is no hadolint: it comes with requirements-dev.txt")
    done = subprocess.run([hadolint, ROOT / "Dockerfile"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")


def test_every_image_is_pinned_by_its_digest() -> None:
    for stage in dockerfile.stages((ROOT / "Dockerfile").read_text()):
        assert re.search(r"@sha256:[0-9a-f]{64}$", stage.base)
