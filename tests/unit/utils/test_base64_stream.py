from __future__ import annotations

import base64
import random

import pytest

from utils.base64_stream import Base64Error, Base64Stream


def decoded(text: str, size: int = 1 << 20) -> tuple[bytes, str]:
    """The bytes and the media type, fed in pieces of ``size`` letters."""
    stream = Base64Stream()
    found = b"".join(stream.feed(text[at : at + size]) for at in range(0, len(text), size))
    stream.finish()
    return found, stream.media_type


@pytest.mark.parametrize("size", [1, 2, 3, 5, 76, 1 << 20])
@pytest.mark.parametrize("length", [0, 1, 2, 3, 4, 100, 1000])
def test_standard_and_url_safe_letters(length: int, size: int) -> None:
    data = random.Random(length).randbytes(length)
    assert decoded(base64.b64encode(data).decode(), size) == (data, "")
    assert decoded(base64.urlsafe_b64encode(data).decode(), size) == (data, "")


def test_blanks_do_not_matter() -> None:
    data = random.Random(1).randbytes(500)
    text = base64.encodebytes(data).decode().replace("\n", "\r\n ")
    for size in (1, 7, 1000):
        assert decoded(text, size)[0] == data


@pytest.mark.parametrize(
    ("head", "media_type"),
    [
        ("data:image/png;base64,", "image/png"),
        ("DATA:IMAGE/PNG;BASE64,", "image/png"),
        ("data:;base64,", ""),
        ("data:image/png;charset=utf-8;name=a.png;base64,", "image/png"),
        (" data:image/png;base64, ", "image/png"),
    ],
)
def test_data_urls(head: str, media_type: str) -> None:
    for size in (1, 4, 1000):
        assert decoded(head + "YWJj", size) == (b"abc", media_type)


@pytest.mark.parametrize(
    "text",
    [
        "a",
        "ab",
        "abc",
        "YQ",
        "YQ=",
        "YQ===",
        "Y===",
        "====",
        "YWJj====",
        "YWJj=",
        "=abc",
        "YQ==YQ==",
        "YQ==a",
        "YW=j",
        "YWJj!",
        "this is not base64 at all!!",
        "YW\u00e9j",
        "YWJj.YWJj",
        "data:image/png,YWJj",
        "data:image/png;base64",
        "data:" + "x" * 300 + ";base64,YWJj",
        "date:image/png;base64,YWJj",
        "data",
    ],
)
def test_what_is_not_base64_is_refused(text: str) -> None:
    for size in (1, 3, 1000):
        with pytest.raises(Base64Error):
            decoded(text, size)
