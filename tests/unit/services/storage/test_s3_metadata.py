from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from services.models import ObjectAttributes
from services.storage.s3_metadata import attributes_of, user_metadata

TEXT = st.text(st.characters(blacklist_categories=["Cs"]), min_size=1)


@given(TEXT, TEXT)
def test_attributes_survive_as_ascii(owner: str, filename: str) -> None:
    attributes = ObjectAttributes("image/png", owner, filename)

    stored = user_metadata(attributes, "w")

    assert all(value.isascii() and value.isprintable() for value in stored.values())
    assert attributes_of("image/png", stored) == attributes


def test_an_object_of_somebody_else_has_defaults() -> None:
    assert attributes_of("image/png", {}) == ObjectAttributes("image/png", "anonymous", "")
