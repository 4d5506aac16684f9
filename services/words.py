"""The words of a title, as a search compares them: one rule for what is stored and for what is asked."""

from __future__ import annotations

import re
import unicodedata

from services.errors import InvalidInput

MAX_WORDS = 27
"""Most different words in one title. Each is an index entry of its own, and all entries of an image must fit into one
DynamoDB transaction of 100 actions together with those that a change removes."""

_WORD = re.compile(r"\w+(?:['\u2019]\w+)*", re.UNICODE)


def words_of(text: str) -> tuple[str, ...]:
    """The different words of ``text`` in their order, folded so that case and compatibility forms do not matter.

    A word is a run of letters with their marks, digits and underscores, apostrophes inside included; ``Straße`` and
    ``STRASSE`` are one word (Unicode default case folding, section 3.13, over NFKC).
    """
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    found = _WORD.finditer(folded if folded.isascii() else _with_marks_as_letters(folded))
    return tuple(dict.fromkeys(folded[each.start() : each.end()].replace("\u2019", "'") for each in found))


def _with_marks_as_letters(text: str) -> str:
    """``text`` of the same length; a pattern of letters leaves out marks, the vowels of Hindi, Thai and others."""
    return "".join("x" if unicodedata.category(character).startswith("M") else character for character in text)


def refuse_wordy(title: str) -> str:
    """``title``, unless it has more different words than can be indexed (``InvalidInput``)."""
    if len(words_of(title)) > MAX_WORDS:
        raise InvalidInput(f"title has too many different words; the limit is {MAX_WORDS}.", code="invalid_field")
    return title
