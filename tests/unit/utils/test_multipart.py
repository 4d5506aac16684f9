"""The form parser: what it takes, what it refuses, and that chunking changes neither."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from utils.multipart import FormLimitError, FormSyntaxError, Part, boundary_of, parse_form

FORM = (
    b'--B\r\nContent-Disposition: form-data; name="title"\r\n\r\nhello\r\n'
    b'--B\r\nContent-Disposition: form-data; name="file"; filename="a.jpg"\r\nContent-Type: image/jpeg; x=y\r\n\r\n'
    b"\r\n--C\r\n--\xff\x00--B\r\n--B--\r\n"
)


def pieces(data: bytes, size: int) -> Iterator[bytes]:
    return (data[start : start + size] for start in range(0, len(data), size))


def collect(data: bytes, size: int = 1 << 20) -> list[tuple[Part, bytes]]:
    parts: list[tuple[Part, bytes]] = []
    payload = b""
    head: Part | None = None
    for event in parse_form(pieces(data, size), "B"):
        if isinstance(event, Part):
            head, payload = event, b""
        elif event is None:
            assert head is not None
            parts.append((head, payload))
        else:
            payload += event
    return parts


@pytest.mark.parametrize("size", [1, 2, 3, 7, 64, 1 << 20])
def test_chunking_changes_nothing(size: int) -> None:
    assert collect(FORM, size) == [
        (Part("title", None, None), b"hello"),
        (Part("file", "a.jpg", "image/jpeg"), b"\r\n--C\r\n--\xff\x00--B"),
    ]


@pytest.mark.parametrize("size", [1, 2, 3, 7, 37, 64, 1 << 20])
@pytest.mark.parametrize("start", [b"", b"\r\n"])
def test_an_empty_part_needs_no_blank_line(size: int, start: bytes) -> None:
    """RFC 2046, section 5.1.1: the blank line belongs to the payload that is not there."""
    empty = b'--B\r\nContent-Disposition: form-data; name="%s"\r\n\r\n'
    form = start + empty % b"one" + empty % b"two" + FORM.removesuffix(b"--B--\r\n") + empty % b"last" + b"--B--\r\n"
    assert collect(form, size) == [
        (Part("one", None, None), b""),
        (Part("two", None, None), b""),
        (Part("title", None, None), b"hello"),
        (Part("file", "a.jpg", "image/jpeg"), b"\r\n--C\r\n--\xff\x00--B"),
        (Part("last", None, None), b""),
    ]


@pytest.mark.parametrize("start", [b"", b"\r\n", b"This is a MIME preamble.\r\n", b"two\r\n\r\nparagraphs\r\n"])
def test_it_makes_no_difference_where_a_form_is_cut(start: bytes) -> None:
    form = start + FORM + b"epilogue"
    whole = collect(form)
    assert len(whole) == 2
    assert all(collect(form, size) == whole for size in range(1, len(form)))


@pytest.mark.parametrize("size", [1, 512, 1 << 20])
def test_a_boundary_that_does_not_come_is_not_awaited_for_long(size: int) -> None:
    read = 0

    def endless() -> Iterator[bytes]:
        nonlocal read
        while True:
            read += size
            yield b"x" * size

    with pytest.raises(FormSyntaxError):
        list(parse_form(endless(), "B"))
    assert read <= max(size, 8 * 1024)


@pytest.mark.parametrize("size", [1, 5, 1 << 20])
def test_the_parts_behind_empty_ones_count(size: int) -> None:
    with pytest.raises(FormLimitError):
        collect(b'--B\r\nContent-Disposition: form-data; name="x"\r\n\r\n' * 65 + b"--B--\r\n", size)


@given(st.binary(max_size=300), st.integers(1, 40))
def test_any_payload_survives(payload: bytes, size: int) -> None:
    if b"\r\n--B" in b"\r\n" + payload:
        return
    body = b'--B\r\nContent-Disposition: form-data; name="file"; filename="x"\r\n\r\n' + payload + b"\r\n--B--\r\n"
    assert collect(body, size)[0][1] == payload


@pytest.mark.parametrize("cut", range(1, len(FORM) - 4))
def test_a_cut_form_is_refused_wherever_it_is_cut(cut: int) -> None:
    with pytest.raises(FormSyntaxError):
        collect(FORM[:cut], 16)


@pytest.mark.parametrize(
    "form",
    [
        FORM.replace(b"\r\n", b"\n"),
        FORM.replace(b"--B\r\n", b"--B\r\n\n"),
        FORM.replace(b"\r\nContent-Type", b"\nContent-Type"),
        FORM.replace(b"form-data", b"attachment"),
        FORM.replace(b"Content-Disposition", b"Content Disposition"),
        FORM.replace(b'; name="title"', b""),
        FORM.replace(b"--B", b"--X"),
        FORM.replace(b'"title"', b'"\xff\xfe"'),
    ],
)
@pytest.mark.parametrize("size", [1, 5, 30, 1 << 20])
def test_malformed_forms_are_refused(form: bytes, size: int) -> None:
    with pytest.raises(FormSyntaxError):
        collect(form, size)


@pytest.mark.parametrize(
    "form",
    [
        b'--B\r\nContent-Disposition: form-data; name="x"\r\n\r\n\r\n' * 65 + b"--B--\r\n",
        b"--B\r\n" + b"X-Long: " + b"x" * 9000 + b"\r\n\r\n\r\n--B--\r\n",
        b"--B\r\n" + b"X-Many: x\r\n" * 9 + b"\r\n\r\n--B--\r\n",
    ],
)
def test_excess_is_refused(form: bytes) -> None:
    with pytest.raises(FormLimitError):
        collect(form, 512)


def test_the_readers_own_errors_pass_through() -> None:
    def broken() -> Iterator[bytes]:
        yield FORM[:40]
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        list(parse_form(broken(), "B"))


@pytest.mark.parametrize(
    ("header", "boundary"),
    [
        ("multipart/form-data; boundary=abc", "abc"),
        ("multipart/form-data; boundary=" + "x" * 71, "x" * 71),
        ('Multipart/Form-Data; charset=utf-8; boundary="a b"', "a b"),
    ],
)
def test_the_boundary_is_found(header: str, boundary: str) -> None:
    assert boundary_of(header) == boundary


@pytest.mark.parametrize(
    "header",
    ["multipart/form-data", "multipart/form-data; boundary=", "multipart/mixed; boundary=x", "image/png",
     "multipart/form-data; boundary=" + "x" * 201, 'multipart/form-data; boundary="\x01"'],
)  # fmt: skip
def test_an_unusable_boundary_is_refused(header: str) -> None:
    with pytest.raises(FormSyntaxError):
        boundary_of(header)
