"""A table of environment variables: each described, parsed, validated, with its aliases.

Parsing and validating is marshmallow's; here is only what it lacks: several names for one value, and problems as lines.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from marshmallow import ValidationError, validate
from marshmallow import fields as mf


@dataclass(frozen=True, slots=True)
class Setting:
    """One row of the table: ``aliases`` maps another variable's name to what turns its text into this one's."""

    name: str
    field: mf.Field[Any]
    default: str | None
    expects: str
    doc: str
    aliases: Mapping[str, Callable[[str], str | None]]
    secret: bool = False

    @property
    def attribute(self) -> str:
        """The member of ``Settings`` that holds the value."""
        return self.name.lower()


def _same(text: str) -> str:
    return text


def row(
    name: str,
    field: mf.Field[Any],
    default: str | None,
    expects: str,
    doc: str,
    *aliases: str,
    secret: bool = False,
    **converted: Callable[[str], str | None],
) -> Setting:
    """A row; ``aliases`` hold the same text, those in ``converted`` one that must be turned into it first."""
    return Setting(name, field, default, expects, doc, {**dict.fromkeys(aliases, _same), **converted}, secret)


def whole(low: int, high: int) -> mf.Integer:
    """A whole number from ``low`` to ``high``."""
    return mf.Integer(validate=validate.Range(low, high))


def matches(pattern: str) -> mf.String:
    """Text that matches the whole regular expression."""
    return mf.String(validate=validate.Regexp(re.compile(rf"(?:{pattern})\Z")))


def one_of(*choices: str) -> mf.String:
    """One of some words."""
    return mf.String(validate=validate.OneOf(choices))


def read(setting: Setting, environ: Mapping[str, str], problems: list[str]) -> Any:
    """One row's value: from its own name or an alias, else the default; None after a problem was noted."""
    given: dict[str, str] = {}
    for name, convert in {setting.name: _same, **setting.aliases}.items():
        text = environ.get(name, "").strip()
        if not text:
            continue
        try:
            converted = convert(text)
        except ValueError as error:
            problems.append(f"{name} is {_shown(setting, text)}: it should be {error}")
            continue
        if converted is not None:
            given[name] = converted
    if len({_parsed(setting, value) for value in given.values()}) > 1:
        names = " and ".join(f"{name}={_shown(setting, value)}" for name, value in given.items())
        problems.append(f"{names} contradict each other: both set {setting.name}; keep one")
        return None
    if not given and setting.default is None:
        return None
    name, value = next(iter(given.items()), (setting.name, setting.default or ""))
    try:
        return setting.field.deserialize(value)
    except ValidationError:
        problems.append(f"{name} is {_shown(setting, value)}: it should be {setting.expects}")
        return None


def _parsed(setting: Setting, text: str) -> Any:
    try:
        return setting.field.deserialize(text)
    except ValidationError:
        return text


def _shown(setting: Setting, text: str) -> str:
    # A secret must not reach the log, not even a wrong one: it is often a right one with a typing error.
    return f"(hidden, {len(text)} characters)" if setting.secret else repr(text[:200])
