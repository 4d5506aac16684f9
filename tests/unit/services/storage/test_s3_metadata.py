from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.models import ObjectAttributes
from services.storage.s3_metadata import attributes_of, user_metadata

CHARACTERS = st.characters(blacklist_categories=["Cs"])
TEXT = st.text(CHARACTERS, min_size=1, max_size=40)
WRITE_ID = "0" * 32


def size(stored: dict[str, str]) -> int:
    """As S3 counts it, and with the prefix, as some servers do."""
    return sum(len(f"x-amz-meta-{name}{value}".encode()) for name, value in stored.items())


@given(TEXT, TEXT)
def test_attributes_survive_as_ascii(owner: str, filename: str) -> None:
    attributes = ObjectAttributes("image/png", owner, filename)

    stored = user_metadata(attributes, "w")

    assert all(value.isascii() and value.isprintable() for value in stored.values())
    assert attributes_of("image/png", stored) == attributes


@pytest.mark.parametrize("filename", ["写" * 251 + ".png", "😀" * 200, "a" * 1999, "aé写😀" * 100, "%" * 700, ""])
@pytest.mark.parametrize("owner", ["somebody", "😀" * 128])
def test_a_long_file_name_is_cut_to_what_s3_takes(owner: str, filename: str) -> None:
    stored = user_metadata(ObjectAttributes("image/png", owner, filename), WRITE_ID)

    assert size(stored) < 2000
    read = attributes_of("image/png", stored)
    assert read.owner == owner
    assert filename.startswith(read.filename)
    assert read.filename == filename or size(stored) > 2000 - 14, "cut by more than a character"


@given(st.text(CHARACTERS, min_size=1, max_size=300).map(lambda text: text * 8))
def test_no_text_is_too_long_or_cut_inside_a_character(text: str) -> None:
    stored = user_metadata(ObjectAttributes("image/png", text, text), WRITE_ID)

    assert size(stored) < 2000
    read = attributes_of("image/png", stored)
    assert text.startswith(read.owner)
    assert text.startswith(read.filename)


def test_an_object_of_somebody_else_has_defaults() -> None:
    assert attributes_of("image/png", {}) == ObjectAttributes("image/png", "anonymous", "")
