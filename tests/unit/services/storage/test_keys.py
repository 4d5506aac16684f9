from __future__ import annotations

import re
from pathlib import PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.errors import InvalidInput
from services.storage.keys import checked_key, is_key


@pytest.mark.parametrize("key", ["a", "images/0a1b/photo.jpg", "a/...", "a/.hidden", "-_./x", "a" * 255])
def test_keys_that_the_service_makes(key: str) -> None:
    assert checked_key(key) == key


@given(st.text(alphabet="ab./\\@%\0\n ä-_", max_size=12))
def test_an_accepted_key_stays_below_the_root(text: str) -> None:
    if is_key(text):
        assert re.fullmatch(r"[A-Za-z0-9._/-]+", text)
        parts = PurePosixPath("/root", text).parts
        assert parts[:2] == ("/", "root")
        assert ".." not in parts
        assert "/".join(parts[2:]) == text
    else:
        with pytest.raises(InvalidInput):
            checked_key(text)
