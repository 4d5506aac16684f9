"""Reading IAM policy documents: what they grant, and whether a web identity passes a role's trust."""

from __future__ import annotations

import json
import operator
from collections.abc import Callable, Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Any

Statement = dict[str, Any]
Document = Mapping[str, Any]


def documents(value: Any, path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Every policy document in a resource's attributes, with the path of its attribute."""
    if isinstance(value, Mapping):
        for name, inner in value.items():
            yield from documents(inner, f"{path}.{name}")
    elif isinstance(value, list):
        for inner in value:
            yield from documents(inner, path)
    elif isinstance(value, str) and value.startswith("{") and '"Statement"' in value:
        yield path, json.loads(value)


def several(value: Any) -> list[Any]:
    """A policy writes one thing alone and several as a list."""
    return value if isinstance(value, list) else [value]


def statements(document: Document) -> list[Statement]:
    """The statements with their actions and resources as lists."""
    return [
        {**each, "Action": several(each["Action"]), "Resource": several(each["Resource"])}
        for each in document["Statement"]
    ]


def without(document: Document, sid: str, action: str) -> Document:
    """The document with one action less in one statement, and without the statement when that was its only one."""
    kept = [
        {**each, "Action": [one for one in each["Action"] if (each["Sid"], one) != (sid, action)]}
        for each in statements(document)
    ]
    return {**document, "Statement": [each for each in kept if each["Action"]]}


def matching(document: Document, action: str, resource: str, context: Mapping[str, str]) -> list[Statement]:
    """The statements that apply to a request, as IAM decides it; ``context`` holds its condition keys."""
    return [
        each
        for each in statements(document)
        if any(fnmatchcase(action, pattern) for pattern in each["Action"])
        and any(fnmatchcase(resource, pattern.replace("[", "[[]")) for pattern in each["Resource"])
        and _applies(each.get("Condition", {}), context)
    ]


def allows(document: Document, action: str, resource: str, context: Mapping[str, str]) -> bool:
    """Whether a policy allows a request: some statement does, and none denies it."""
    effects = [each["Effect"] for each in matching(document, action, resource, context)]
    return "Allow" in effects and "Deny" not in effects


def _applies(condition: Mapping[str, Any], context: Mapping[str, str]) -> bool:
    return all(
        _TESTS[test](context.get(key), several(patterns))
        for test, wanted in condition.items()
        for key, patterns in wanted.items()
    )


_TESTS: dict[str, Callable[[str | None, list[str]], bool]] = {
    "Null": lambda value, wanted: wanted == [str(value is None).lower()],
    "Bool": lambda value, wanted: value in wanted,
    "StringEquals": lambda value, wanted: value in wanted,
    # Negated ones hold where the key is missing (IAM user guide, "Condition operators").
    "StringNotEquals": lambda value, wanted: value not in wanted,
    "StringLike": lambda value, wanted: value is not None and any(fnmatchcase(value, each) for each in wanted),
}


def actions(document: Mapping[str, Any], effect: str = "Allow") -> set[str]:
    """The actions that a document's statements name."""
    return {
        action
        for statement in document["Statement"]
        if statement["Effect"] == effect
        for action in several(statement["Action"])
    }


def trusts(document: Mapping[str, Any], claims: Mapping[str, str]) -> bool:
    """Whether a trust policy lets a web identity with these claims assume the role, as IAM evaluates it."""
    verdicts = [
        statement["Effect"]
        for statement in document["Statement"]
        if "sts:AssumeRoleWithWebIdentity" in several(statement["Action"]) and _holds(statement, claims)
    ]
    return "Allow" in verdicts and "Deny" not in verdicts


def _holds(statement: Statement, claims: Mapping[str, str]) -> bool:
    matches: dict[str, Callable[[str, str], bool]] = {"StringEquals": operator.eq, "StringLike": fnmatchcase}
    for test, wanted in statement.get("Condition", {}).items():
        for key, patterns in wanted.items():
            claim = claims.get(key.removeprefix("token.actions.githubusercontent.com:"))
            # A key that is not in the request fails the condition (IAM user guide, "Condition operators").
            if claim is None or not any(matches[test](claim, pattern) for pattern in several(patterns)):
                return False
    return True
