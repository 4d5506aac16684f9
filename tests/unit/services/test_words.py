"""The words of a title."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.errors import InvalidInput
from services.words import MAX_WORDS, refuse_wordy, words_of


@pytest.mark.parametrize(
    ("title", "words"),
    [
        ("", ()),
        (" -- !? … ", ()),
        ("A cat", ("a", "cat")),
        ("Cat, CAT; cat", ("cat",)),
        ("snow_white 7 dwarfs", ("snow_white", "7", "dwarfs")),
        ("well-known", ("well", "known")),
        ("don't 'quoted' o'", ("don't", "quoted", "o")),
        ("don’t don't", ("don't",)),
        ("Straße STRASSE strasse", ("strasse",)),
        ("ΣΊΣΥΦΟΣ Σίσυφος", ("σίσυφοσ",)),
        ("İstanbul", ("i\u0307stanbul",)),
        ("ﬁne ＦＩＮＥ", ("fine",)),
        ("cafe\u0301 café", ("café",)),
        ("中文 日本語", ("中文", "日本語")),
        ("हिन्दी में", ("हिन्दी", "में")),
        ("ภาษาไทย นี้", ("ภาษาไทย", "นี้")),
        ("a\u202eb 😀c", ("a", "b", "c")),
        ("%_* 'x'; --", ("_", "x")),
    ],
)
def test_words(title: str, words: tuple[str, ...]) -> None:
    assert words_of(title) == words


@given(st.text())
def test_case_and_normal_form_do_not_matter(text: str) -> None:
    words = words_of(text)
    assert words_of(unicodedata.normalize("NFC", text)) == words
    assert words_of(unicodedata.normalize("NFKC", text)) == words
    assert words_of(text.casefold()) == words


@given(st.text())
def test_a_word_is_its_own_only_word(text: str) -> None:
    """So a search for what was found finds it again."""
    words = words_of(text)
    assert len(set(words)) == len(words)
    for word in words:
        assert words_of(word) == (word,)


def test_titles_have_a_limit_of_different_words() -> None:
    title = " ".join(f"w{number}" for number in range(MAX_WORDS))
    assert refuse_wordy(f"{title} w1 w2") == f"{title} w1 w2"
    with pytest.raises(InvalidInput, match=f"title has too many different words; the limit is {MAX_WORDS}"):
        refuse_wordy(f"{title} more")
