"""Two Terraform plans (``terraform show -json``) compared, as Markdown: what is new, what is gone, what differs.

python3 -m scripts.pipeline.plan_diff before.json after.json
"""

from __future__ import annotations

import argparse
import difflib
import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

Values = Mapping[str, Any]
UNKNOWN = "(known after apply)"
SECRET = "(sensitive)"  # noqa: S105 - what is shown instead


def resources(plan: Values) -> dict[str, Any]:
    """Address -> planned attributes; what is not known yet or sensitive is replaced by words that say so."""
    return {
        change["address"]: _planned(
            change["change"].get("after"),
            change["change"].get("after_unknown"),
            change["change"].get("after_sensitive"),
        )
        for change in plan.get("resource_changes", [])
        if change["mode"] == "managed" and change["change"]["actions"] != ["delete"]
    }


def _planned(after: Any, unknown: Any, sensitive: Any) -> Any:
    if sensitive is True:
        return SECRET
    if unknown is True:
        return UNKNOWN
    if isinstance(after, Mapping) or isinstance(unknown, Mapping):
        known, hidden = after or {}, unknown or {}
        secret = sensitive if isinstance(sensitive, Mapping) else {}
        found = {
            name: _planned(known.get(name), hidden.get(name), secret.get(name)) for name in sorted({*known, *hidden})
        }
        return {name: value for name, value in found.items() if value not in (None, [], {})}
    if isinstance(after, list):
        hidden = unknown if isinstance(unknown, list) else []
        secrets = sensitive if isinstance(sensitive, list) else []
        return [_planned(value, _at(hidden, place), _at(secrets, place)) for place, value in enumerate(after)]
    return _document(after)


def _at(values: list[Any], place: int) -> Any:
    return values[place] if place < len(values) else None


def _document(value: Any) -> Any:
    # A policy is one long string of JSON: compared line by line it can be read.
    if isinstance(value, str) and value[:1] in ("{", "["):
        try:
            return json.loads(value)
        except ValueError:
            return value
    return value


def report(before: Values, after: Values) -> str:
    """The comparison as Markdown."""
    old, new = resources(before), resources(after)
    added, removed = sorted(new.keys() - old.keys()), sorted(old.keys() - new.keys())
    changed = [address for address in sorted(old.keys() & new.keys()) if old[address] != new[address]]
    lines = ["### Terraform: what this branch changes in `examples/complete`", ""]
    if not (added or removed or changed):
        return "\n".join([*lines, f"Nothing: both plans make the same {len(new)} resources.", ""])
    lines += [f"{len(added)} added, {len(changed)} changed, {len(removed)} removed, of {len(new)} resources.", ""]
    lines += [f"- added `{address}`" for address in added] + [f"- removed `{address}`" for address in removed]
    for address in changed:
        lines += ["", f"<details><summary>changed <code>{address}</code></summary>", "", "```diff"]
        lines += [*_difference(old[address], new[address]), "```", "", "</details>"]
    return "\n".join([*lines, ""])


def _difference(old: Any, new: Any) -> Iterator[str]:
    before, after = (json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False) for value in (old, new))
    for line in difflib.unified_diff(before.splitlines(), after.splitlines(), lineterm="", n=2):
        if not line.startswith(("---", "+++", "@@")):
            yield line.replace("```", "'''")


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    parser = argparse.ArgumentParser(prog="plan_diff", description=__doc__)
    parser.add_argument("before", type=Path)
    parser.add_argument("after", type=Path)
    chosen = parser.parse_args(arguments)
    before, after = (json.loads(path.read_text(encoding="utf-8")) for path in (chosen.before, chosen.after))
    print(report(before, after))
    return 0


if __name__ == "__main__":
    sys.exit(main())
