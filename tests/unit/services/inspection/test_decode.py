"""The decoding child: what passes, what fails, and that whatever happens to it stays its own problem."""

from __future__ import annotations

import contextlib
import io
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from PIL import Image

from services.errors import NotAnImage, Overloaded, TooManyPixels, UnsupportedType
from services.inspection.decode import DecodeVerifier
from services.inspection.decode_child import BrokenError, check_runs
from tests import images
from tests.unit.services.inspection.feeding import MAX_PIXELS, inspect

MEMORY = 1 << 30


def verifier(**options: Any) -> DecodeVerifier:
    return DecodeVerifier(**{"max_pixels": MAX_PIXELS, "timeout": 30.0, "memory_bytes": MEMORY, **options})


def verify(data: bytes, *, chunk: int = 65536, **options: Any) -> None:
    with contextlib.closing(verifier(**options)) as decoder:
        for start in range(0, len(data), chunk):
            decoder.feed(data[start : start + chunk])
        decoder.finish()


@pytest.fixture(autouse=True)
def nothing_left_behind() -> Iterator[None]:
    """Every test here must leave no child, not even a zombie, and no descriptor; other suites' servers may run
    beside.
    """
    this = psutil.Process()
    others, before = set(this.children()), this.num_fds()
    yield
    assert set(this.children()) <= others
    assert this.num_fds() <= before


def damaged_jpeg() -> bytes:
    """Zeros and stray codes in the middle of the entropy data, no marker hurt."""
    data = bytearray(images.jpeg(200, 200, noise=True))
    for at in range(2000, len(data) - 100, 50):
        data[at : at + 2] = b"\x12\x34"
    return bytes(data).replace(b"\xff\x12", b"\xfe\x12").replace(b"\x34\xff", b"\x34\xfe")


VALID = {
    "jpeg": images.jpeg(300, 200, noise=True),
    "progressive": images.jpeg(300, 200, progressive=True),
    "png": images.png(300, 200),
    "png noise": images.png(300, 200, noise=True),
    "apng": images.png(30, 20, frames=3),
    "gif": images.gif(300, 200, noise=True),
    "gif animated": images.gif(300, 200, frames=3),
    "webp": images.webp(300, 200),
    "webp animated": images.webp(30, 20, frames=3),
    "webp lossless": images.webp(30, 20, lossless=True),
    "bmp": images.bmp(300, 200),
    "bmp 1": images.bmp(30, 20, mode="1"),
    "bmp rle": images.bmp_rle8(),
    "tiff": images.tiff(300, 200, compression="tiff_lzw"),
    "tiff pages": images.tiff(30, 20, frames=3, compression="tiff_deflate"),
    "bigtiff": images.tiff(30, 20, big_tiff=True),
    "avif": images.avif(300, 200),
    "avif turned": images.avif(300, 200, orientation=6),
    "avif sequence": images.avif(30, 20, frames=3),
}


@pytest.mark.parametrize("data", VALID.values(), ids=VALID.keys())
def test_valid_files_decode(data: bytes) -> None:
    inspect(data)
    verify(data)


@pytest.mark.parametrize("kind", ["jpeg", "bmp", "tiff"])
def test_a_file_of_some_size_in_any_chunks(kind: str) -> None:
    data = images.of_size(1_000_000, kind)
    verify(data, chunk=len(data))
    verify(data[:30] + data[30:], chunk=701)


def test_bytes_behind_the_image_are_not_decoded() -> None:
    verify(images.jpeg() + bytes(3_000_000))


def test_damage_that_only_decoding_finds() -> None:
    data = damaged_jpeg()
    assert inspect(data).width == 200
    with pytest.raises(NotAnImage, match="does not decode"):
        verify(data)


@pytest.mark.parametrize("options", [{"compression": "zstd"}, {"compression": "lzma"}, {"mode": "LAB"}])
def test_what_the_decoder_was_not_built_with_is_not_called_damaged(options: dict[str, str]) -> None:
    picture = Image.new("RGB", (20, 20), "red")
    if "mode" in options:
        picture = Image.frombytes("LAB", (20, 20), bytes(1200))
    out = io.BytesIO()
    picture.save(out, "TIFF", compression=options.get("compression"))
    assert inspect(out.getvalue()).width == 20
    with pytest.raises(UnsupportedType, match="does not know"):
        verify(out.getvalue())


@pytest.mark.parametrize("kind", ["png", "gif", "avif", "tiff"])
def test_damaged_pixels_do_not_decode(kind: str) -> None:
    options = {"tiff": {"compression": "tiff_deflate"}}.get(kind, {})
    data = bytearray(images.of_kind(kind, 200, 200, noise=True, **options))
    middle = len(data) // 2
    data[middle : middle + 300] = b"\xff" * 300
    with pytest.raises(NotAnImage, match="does not decode") as raised:
        verify(bytes(data))
    assert raised.value.detail.startswith("decoding child: broken")


# An animation that is cut between frames shows the frames before; that it is cut is the inspector's to find.
@pytest.mark.parametrize("name", sorted(VALID.keys() - {"apng", "avif sequence", "gif animated", "webp animated"}))
def test_a_cut_file_does_not_decode(name: str) -> None:
    data = VALID[name]
    with pytest.raises(NotAnImage):
        verify(data[: len(data) * 6 // 10])


@pytest.mark.parametrize("data", [b"", b"x", b"B", b"BM", bytes(1000), b"<svg xmlns='http://www.w3.org/2000/svg'/>"])
def test_what_is_no_image_does_not_decode(data: bytes) -> None:
    with pytest.raises(NotAnImage):
        verify(data)


def test_the_decoder_counts_pixels_itself() -> None:
    verify(images.gif(20, 10, frames=3), max_pixels=600)
    for data in (images.gif(20, 10, frames=3), images.tiff(20, 10, frames=3), images.jpeg(30, 20)):
        with pytest.raises(TooManyPixels, match="599"):
            verify(data, max_pixels=599)


def test_memory_is_limited() -> None:
    data = images.jpeg(5000, 5000, progressive=True)
    with pytest.raises(NotAnImage, match="more memory than it may use"):
        verify(data, memory_bytes=120 << 20)


def child(tmp_path: Path, code: str) -> Path:
    program = tmp_path / "child.py"
    program.write_text(f"import os, resource, signal, sys, time\n{code}\n")
    return program


@pytest.mark.parametrize(
    "code",
    [
        "os.kill(os.getpid(), signal.SIGSEGV)",
        "sys.stdin.buffer.read(); os.kill(os.getpid(), signal.SIGKILL)",
        "os._exit(0)",
        "sys.stdin.buffer.read()",
        "raise MemoryError",
        "print('ok but not quite')",
        "print('ok', end='')",
        "os.write(1, b'x' * 5000)",
    ],
)
def test_a_child_that_dies_or_says_nothing(tmp_path: Path, code: str) -> None:
    program = child(tmp_path, f"resource.setrlimit(resource.RLIMIT_CORE, (0, 0)); {code}")
    with pytest.raises(NotAnImage, match="does not decode") as raised:
        verify(images.jpeg(), child=program)
    assert "decoding child" in raised.value.detail


def test_a_child_that_dies_while_it_is_fed(tmp_path: Path) -> None:
    program = child(tmp_path, "sys.stdin.buffer.read(10); os.abort()")
    with pytest.raises(NotAnImage):
        verify(bytes(3_000_000), child=program)


@pytest.mark.parametrize(
    "code", ["time.sleep(60)", "sys.stdin.buffer.read(); time.sleep(60)", "os.write(1, b'o'); time.sleep(60)"]
)
@pytest.mark.parametrize("size", [100, 3_000_000])
def test_a_child_that_hangs_is_killed(tmp_path: Path, code: str, size: int) -> None:
    start = time.monotonic()
    with pytest.raises(NotAnImage, match="too long to decode"):
        verify(bytes(size), timeout=0.3, child=child(tmp_path, code))
    assert time.monotonic() - start < 5


def test_a_child_that_spins_is_stopped(tmp_path: Path) -> None:
    program = child(tmp_path, "resource.setrlimit(resource.RLIMIT_CPU, (1, 2))\nwhile True: pass")
    with pytest.raises(NotAnImage, match="too long to decode"):
        verify(images.jpeg(), child=program)


def test_closing_early_and_twice(tmp_path: Path) -> None:
    unused = verifier()
    unused.close()
    unused.close()
    decoder = verifier(child=child(tmp_path, "time.sleep(60)"))
    decoder.feed(b"x")
    decoder.close()
    decoder.close()
    decoder.feed(b"after the end")
    finished = verifier()
    finished.feed(images.jpeg())
    finished.finish()
    finished.close()


def test_a_child_starts_with_the_first_byte_only() -> None:
    others = set(psutil.Process().children())
    decoder = verifier()
    decoder.feed(b"")
    assert set(psutil.Process().children()) <= others
    with pytest.raises(NotAnImage, match="empty"):
        decoder.finish()


def test_the_child_inherits_no_environment_and_no_files(tmp_path: Path) -> None:
    code = "print('ok' if 'PATH' not in os.environ and len(os.listdir('/proc/self/fd')) <= 4 else 'leak')"
    assert "PATH" in os.environ
    verify(images.jpeg(), child=child(tmp_path, f"sys.stdin.buffer.read(); {code}"))


def test_the_service_says_so_when_no_child_can_start() -> None:
    decoder = verifier(python="/nowhere/python")
    with pytest.raises(Overloaded):
        decoder.feed(b"x")
    decoder.close()


@pytest.mark.parametrize(
    ("runs", "depth"),
    [
        (b"\4\1\0\0\4\2\0\1", 8),
        (b"\0\3abc\0\1\3\0\0\0\1", 8),
        (b"\0\4\x12\x34\0\0\4\1\0\1", 4),
        (b"\0\2\1\1\2\5\0\1", 8),
        (b"\0\1", 8),
    ],
)
def test_run_lengths_that_decode(runs: bytes, depth: int) -> None:
    check_runs(runs, 4, 2, depth)


@pytest.mark.parametrize(
    "runs",
    [b"", b"\4\1", b"\xff\1\0\1", b"\0\0\0\0\0\0\4\1\0\1", b"\0\2\xff\xff\0\1", b"\0\4ab", b"\4\1\0\0\4\2\0\0\1\1\0\1"],
)
def test_run_lengths_that_do_not(runs: bytes) -> None:
    with pytest.raises(BrokenError):
        check_runs(runs, 4, 2, 8)
