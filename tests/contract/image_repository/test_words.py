"""Searches by the words of titles."""

from __future__ import annotations

from dataclasses import replace

import pytest

from services.ports import Repository
from services.words import words_asked, words_of
from tests.contract.image_repository.model import found, store
from tests.contract.image_repository.samples import an_image


def test_words_are_whole_and_without_case(repository: Repository) -> None:
    image = an_image(title="Die STRASSE, bei Nacht: don’t_stop café №5", tags=("tag",))
    repository.add(image)
    for text in ("straße", "Strasse NACHT", "don't_stop", "CAFÉ", "cafe\u0301", "no5", "bei die"):
        assert found(repository, words=words_of(text)) == {image.image_id}, text
        assert found(repository, words=words_of(text), owner="ada") == {image.image_id}, text
    for text in ("stras", "nachts", "don", "tag", "cafe", "straße tag"):
        assert found(repository, words=words_of(text)) == set(), text


@pytest.mark.parametrize(
    "title",
    [
        " ".join(chr(ord("\U00020000") + number) for number in range(128)),
        " ".join(f"w{number:02}" for number in range(64)),
    ],
    ids=["128 words", "64 words"],
)
def test_every_word_of_a_long_title_is_found(repository: Repository, title: str) -> None:
    image = an_image(title=title, tags=tuple(f"t{number}" for number in range(20)))
    store(repository, [image, an_image(title="another", tags=("t0",))])
    words = words_of(title)
    assert len(title) <= 255
    for word in words:
        assert found(repository, words=(word,)) == {image.image_id}
    for query in (words, words[60:], (words[0], words[-1]), words[:61:20]):
        assert found(repository, words=query) == {image.image_id}
        assert found(repository, owner="ada", tags=("t3", "t19"), words=query) == {image.image_id}
        assert found(repository, words=(*query, "none")) == set()
    repository.describe(replace(image, title="short"), expected_revision=1)
    assert found(repository, words=words[:1]) == set()
    assert found(repository, words=("short",), tags=("t7",)) == {image.image_id}


def test_parts_of_a_title_without_spaces_are_found(repository: Repository) -> None:
    tower, east, cat = (an_image(title=title) for title in ("夜の東京タワー", "京都と東北", "黒猫とแมว"))
    store(repository, (tower, east, cat))
    for text, images in {
        "東京": {tower}, "東京タワー": {tower}, "タワー 夜": {tower}, "京": {tower, east}, "東": {tower, east},
        "猫": {cat}, "แมว": {cat}, "京都": {east}, "東京都": set(), "猫 京都": set(),
    }.items():  # fmt: skip
        assert found(repository, words=words_asked(text)) == {image.image_id for image in images}, text


def test_a_word_is_no_tag_and_a_pair_is_no_tag(repository: Repository) -> None:
    word = an_image(title="red", tags=())
    tag = an_image(title="", tags=("red",))
    pair = an_image(title="", tags=("red", "blue"))
    store(repository, (word, tag, pair))
    assert found(repository, words=("red",)) == {word.image_id}
    assert found(repository, tags=("red",)) == {tag.image_id, pair.image_id}
    assert found(repository, tags=("red", "blue")) == {pair.image_id}
    assert found(repository, tags=("red",), words=("red",)) == set()
