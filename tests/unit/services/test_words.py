"""The words of a title."""

from __future__ import annotations

import time
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.words import words_asked, words_of


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
        ("हिन्दी में", ("हिन्दी", "में")),
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


@pytest.mark.parametrize(
    ("title", "words"),
    [
        ("猫", ("猫",)),
        ("中文 日本語", ("中", "文", "中文", "日", "本", "語", "日本", "本語")),
        ("東京2024年", ("東", "京", "東京", "2024", "年")),
        ("iPhoneで撮影", ("iphone", "で", "撮", "影", "で撮", "撮影")),
        ("ラーメン・餃子", ("ラ", "ー", "メ", "ン", "ラー", "ーメ", "メン", "餃", "子", "餃子")),
        ("ﾗｰ", ("ラ", "ー", "ラー")),
        ("พี่น้อง", ("พี่", "น้", "อ", "ง", "พี่น้", "น้อ", "อง")),
        ("l'東京 '東'", ("l", "東", "京", "東京")),
        ("한국어 사진", ("한국어", "사진")),
        ("𠮷野家", ("𠮷", "野", "家", "𠮷野", "野家")),
    ],
)
def test_letters_without_spaces_are_found_one_by_one_and_two_by_two(title: str, words: tuple[str, ...]) -> None:
    assert words_of(title) == words


@pytest.mark.parametrize(
    ("asked", "found", "missed"),
    [
        ("東京", "夜の東京タワー", "京都と東北"),
        ("東京タワー", "夜の東京タワー", "東京の夜"),
        ("猫", "黒猫の写真", "犬の写真"),
        ("写真", "黒猫の写真", "真写"),
        ("แมว", "ภาพแมวดำ", "ภาพหมา"),
        ("ຫມາ", "ຮູບຫມາ", "ຮູບ"),
        ("ឆ្មា", "រូបឆ្មា", "រូប"),
        ("ကြောင်", "ပုံကြောင်", "ပုံ"),
        ("2024年 東京", "東京 2024年", "東京 2023年"),
        ("iphone 撮影", "iPhoneで撮影", "撮影"),
        ("ﾀﾜｰ", "東京タワー", "東京"),
    ],
)
def test_a_part_of_what_has_no_spaces_is_found(asked: str, found: str, missed: str) -> None:
    assert words_asked(asked)
    assert set(words_asked(asked)) <= set(words_of(found))
    assert not set(words_asked(asked)) <= set(words_of(missed))


LETTERS = st.text(st.sampled_from("aé '東京ター猫กิ่ก้2_") | st.characters())


@given(LETTERS, st.integers(0, 30), st.integers(1, 30))
def test_any_part_without_spaces_is_found(text: str, start: int, length: int) -> None:
    run = "".join(character for character in text if character in "東京ター猫")
    assert set(words_asked(run[start : start + length])) <= set(words_of(f"x {run} y"))


@given(LETTERS)
def test_a_title_is_found_by_all_that_it_says(text: str) -> None:
    assert set(words_asked(text)) <= set(words_of(text))


@given(LETTERS)
def test_a_word_is_its_own_only_word(text: str) -> None:
    """So a search for what was found finds it again."""
    words = words_of(text)
    assert len(set(words)) == len(words)
    for word in words:
        assert words_asked(word) == (word,)


def test_a_long_title_takes_little_time() -> None:
    began = time.perf_counter()
    assert len(words_of("東京猫" * 85)) == 3 + 3
    assert len(words_of(" ".join(chr(0x4E00 + number) for number in range(128)))) == 128
    assert time.perf_counter() - began < 0.5
