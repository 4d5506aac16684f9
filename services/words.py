"""The words of a title, as a search compares them: one rule for what is stored and for what is asked.

Scripts that put no space between words (Chinese, Japanese, Thai, Lao, Khmer, Burmese) have no words that a program
without a dictionary could find. A run of such letters is filed under each of them and under each two that stand side by
side, and looked up by its pairs, or by its one letter: so any part of it is found.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from itertools import pairwise

_WORD = re.compile(r"\w+(?:['\u2019]\w+)*", re.UNICODE)

_UNSPACED = (
    "\u0e00-\u0e7f"  # Thai
    "\u0e80-\u0eff"  # Lao
    "\u1000-\u109f\ua9e0-\ua9ff\uaa60-\uaa7f"  # Myanmar
    "\u1780-\u17ff"  # Khmer
    "\u3005-\u3007\u3021-\u3029\u3038-\u303b"  # ideographic marks and numerals
    "\u3040-\u30ff\u31f0-\u31ff\U0001b000-\U0001b16f"  # Hiragana and Katakana
    "\u3100-\u312f\u31a0-\u31bf"  # Bopomofo
    "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003fffd"  # Han
)
_RUNS = re.compile(f"[{_UNSPACED}]+|[^{_UNSPACED}]+")
_UNSPACED_RUN = re.compile(f"[{_UNSPACED}]")


def words_of(text: str) -> tuple[str, ...]:
    """What a title is found by: the different words of ``text`` in their order, folded so that case and compatibility
    forms do not matter.

    A word is a run of letters with their marks, digits and underscores, apostrophes inside included; ``Straße`` and
    ``STRASSE`` are one word (Unicode default case folding, section 3.13, over NFKC). In a script without spaces it is
    each letter, and each two that are neighbours.
    """
    return tuple(dict.fromkeys(word for run in _runs(text) for word in (*run, *_pairs(run))))


def words_asked(text: str) -> tuple[str, ...]:
    """What a search for ``text`` looks up: as ``words_of``, but of several letters without spaces only each two."""
    return tuple(dict.fromkeys(word for run in _runs(text) for word in _pairs(run) or run))


def _pairs(run: tuple[str, ...]) -> list[str]:
    return [one + next_one for one, next_one in pairwise(run)]


def _runs(text: str) -> Iterator[tuple[str, ...]]:
    """Each word as one member; a run in a script without spaces as its letters."""
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    spaced = not _UNSPACED_RUN.search(folded)
    for found in _WORD.finditer(folded if folded.isascii() else _with_marks_as_letters(folded)):
        word = folded[found.start() : found.end()].replace("\u2019", "'")
        if spaced:
            yield (word,)
            continue
        for run in _RUNS.findall(word):
            if _UNSPACED_RUN.match(run):
                yield tuple(_letters(run))
            elif run.strip("'"):
                yield (run.strip("'"),)


def _letters(run: str) -> list[str]:
    """Each letter with its marks, such as the tones of Thai: a mark alone is nothing to look for."""
    letters: list[str] = []
    for character in run:
        if letters and unicodedata.category(character).startswith("M"):
            letters[-1] += character
        else:
            letters.append(character)
    return letters


def _with_marks_as_letters(text: str) -> str:
    """``text`` of the same length; a pattern of letters leaves out marks, the vowels of Hindi, Thai and others."""
    return "".join("x" if unicodedata.category(character).startswith("M") else character for character in text)
