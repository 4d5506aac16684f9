"""User supplied strings: what is kept, what is refused, what they become."""

from __future__ import annotations

import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.errors import InvalidInput
from services.models import EXTENSIONS
from services.names import (
    clean_description,
    clean_filename,
    clean_owner,
    clean_tags,
    clean_title,
    download_name,
    object_name,
    split_tags,
)

SAFE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}\Z")


@pytest.mark.parametrize(
    ("given_name", "expected"),
    [
        ("photo.jpg", "photo.jpg"),
        ("photo.jpeg", "photo.jpeg"),
        ("photo.JPG", "photo.jpg"),
        ("photo.png", "photo.jpg"),
        ("../../etc/passwd", "passwd.jpg"),
        ("C:\\Users\\x\\y.png", "y.jpg"),
        ("evil.html", "evil.html.jpg"),
        ("café ☕.JPG", "cafe.jpg"),
        ("日本.jpg", "jpg.jpg"),
        ("", "image.jpg"),
        ("...", "image.jpg"),
        ("x" * 255, "x" * 96 + ".jpg"),
    ],
)
def test_object_names(given_name: str, expected: str) -> None:
    assert object_name(clean_filename(given_name), "image/jpeg") == expected


@given(st.text(max_size=300), st.sampled_from(sorted(EXTENSIONS)))
def test_object_names_are_always_safe(name: str, content_type: str) -> None:
    made = object_name(name, content_type)
    assert SAFE.match(made)
    assert ".." not in made or "/" not in made


@given(st.text(max_size=300), st.sampled_from(sorted(EXTENSIONS)))
def test_download_names_end_in_an_extension_of_the_true_type(name: str, content_type: str) -> None:
    made = download_name(name, content_type).lower()
    assert made.endswith((EXTENSIONS[content_type], ".jpeg", ".jpe", ".jfif", ".tif", ".dib"))
    assert not any(unicodedata.category(character) == "Cf" for character in made)


@pytest.mark.parametrize(
    ("name", "served"),
    [
        ("a.jpg", "a.jpg"),
        ("a.png", "a.jpg"),
        ("evil.html", "evil.html.jpg"),
        ("", "image.jpg"),
        ("\u202egpj.exe", "gpj.exe.jpg"),
    ],
)
def test_download_names(name: str, served: str) -> None:
    assert download_name(name, "image/jpeg") == served


def test_text_is_normalised_and_trimmed() -> None:
    assert clean_title("  e\u0301  ") == "\u00e9"
    assert clean_description("a\r\n\tb") == "a\r\n\tb"
    assert clean_title("'; DROP TABLE images; -- % _ 🦀 \u200f") == "'; DROP TABLE images; -- % _ 🦀 \u200f"


@pytest.mark.parametrize("bad", ["a\x00", "a\x1b[31m", "a\nb", "a\x7f", "a\x85", "x" * 256, "\ud800"])
def test_titles_refuse(bad: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        clean_title(bad)
    assert caught.value.code == "invalid_field"
    assert "title" in str(caught.value)


def test_limits_are_exact_and_count_characters() -> None:
    assert clean_title("é" * 255) == "é" * 255
    assert clean_description("x" * 4000)
    with pytest.raises(InvalidInput):
        clean_description("x" * 4001)
    with pytest.raises(InvalidInput):
        clean_title("x" * 10_000_000)


def test_owners_are_not_empty() -> None:
    assert clean_owner(" me ") == "me"
    with pytest.raises(InvalidInput):
        clean_owner("  ")


def test_tags_keep_their_order_without_repeats() -> None:
    assert split_tags("b, a ,,b,") == ("b", "a")
    assert split_tags("") == ()
    assert len(clean_tags(str(n) for n in range(20))) == 20
    with pytest.raises(InvalidInput):
        clean_tags(str(n) for n in range(21))
    with pytest.raises(InvalidInput):
        split_tags("x" * 65)
    with pytest.raises(InvalidInput):
        split_tags("," * 100_000)


def test_a_long_folder_does_not_count_against_the_file_name() -> None:
    assert clean_filename("x/" * 400 + "a.jpg") == "a.jpg"
