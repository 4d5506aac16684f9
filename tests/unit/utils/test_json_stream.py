from __future__ import annotations

import json
import random
from typing import Any

import pytest

from utils.json_stream import JsonLimitError, JsonSyntaxError, MemberStream


def taken(body: bytes, size: int = 1 << 20, limit: int = 10_000) -> tuple[str | None, dict[str, Any]]:
    """The member ``image`` and the rest, fed in pieces of ``size`` bytes."""
    stream = MemberStream("image", limit=limit)
    pieces = [piece for at in range(0, len(body), size) for piece in stream.feed(body[at : at + size])]
    rest = stream.finish()
    return ("".join(pieces) if stream.seen else None), rest


OBJECTS: list[dict[str, Any]] = [
    {"image": "abc"},
    {"image": ""},
    {"a": 1, "image": "x" * 1000, "b": [1, {"image": "inner"}], "c": {"image": "inner too"}},
    {"image": "a/b\n\t\\ é ☕", "title": 'quotes " and \\ and ü'},
    {"title": "image", "image": "v"},
    {'i"mage': "no", "image": "yes", "": None},
    {},
    {"other": "x"},
]


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1 << 20])
@pytest.mark.parametrize("value", OBJECTS)
@pytest.mark.parametrize("style", [{}, {"indent": 2}, {"separators": (",", ":")}, {"ensure_ascii": False}])
def test_what_comes_out_is_what_went_in(value: dict[str, Any], size: int, style: dict[str, Any]) -> None:
    member, rest = taken(json.dumps(value, **style).encode(), size if style != {"ensure_ascii": False} else 1 << 20)
    assert member == value.get("image")
    assert rest == {name: "" if name == "image" else value[name] for name in value}


def test_escaped_slashes_in_pieces() -> None:
    text = "".join(random.Random(1).choices("ab/+\n", k=5000))
    body = json.dumps({"image": text}).replace("/", "\\/").encode()
    for size in (1, 5, 64, 1000):
        assert taken(body, size)[0] == text


def test_a_member_that_is_no_string_stays() -> None:
    assert taken(b'{"image": 12, "a": 1}') == (None, {"image": 12, "a": 1})
    assert taken(b'{"image": ["x"]}') == (None, {"image": ["x"]})


@pytest.mark.parametrize("name", [b'"im\\u0061ge"', b'"image" '])
def test_names_are_compared_unescaped(name: bytes) -> None:
    assert taken(b"{" + name + b': "abc"}')[0] == "abc"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b'["image", "x"]',
        b'"image"',
        b'{"image": "abc',
        b'{"image": "abc"',
        b'{"image": "a\nb"}',
        b'{"image": "a\\x"}',
        b'{"image": "\\u12"}',
        b'{"image": "a\\"b"}',
        b'{"image": "\xff"}',
        b'{"image": "a", "image": "b"}',
        b'{"image": "a"} x',
        b'{"image" "a"}',
        b'{"a\\q": 1, "image": "a"}',
        b"{" * 5000,
    ],
)
def test_what_is_no_object_is_refused(body: bytes) -> None:
    for size in (1, 1 << 20):
        with pytest.raises(JsonSyntaxError):
            taken(body, size)


def test_only_the_member_may_be_large() -> None:
    member, _ = taken(json.dumps({"image": "x" * 1_000_000, "a": "y" * 100}).encode(), 1000, limit=200)
    assert member == "x" * 1_000_000
    with pytest.raises(JsonLimitError):
        taken(json.dumps({"image": "x", "a": "y" * 300}).encode(), 1000, limit=200)
    with pytest.raises(JsonLimitError):
        taken(b" " * 300, 1000, limit=200)
