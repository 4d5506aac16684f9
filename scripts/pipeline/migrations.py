"""The gate for migrations: what a release does to the database, found by reading it, before anything runs.

    python3 -m scripts.pipeline.migrations <commit that runs> <commit to deploy>

While a deployment changes over, the old and the new release use one database, and a rollback leaves the new tables to
the old release. So a migration may add (expand). One that removes or renames (contract) is refused until the
environment's variable APPROVED_MIGRATIONS names its revision: whoever sets it has seen that no release in use needs
what goes. A migration that was released is never changed, and a release that lacks one that ran is not deployed: it
would refuse to start.

The same holds for the DynamoDB table's keys and indexes. Needs nothing but Python and git.
"""

from __future__ import annotations

import argparse
import ast
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from scripts.pipeline.errors import PipelineError, run
from scripts.pipeline.outputs import summary

ROOT = Path(__file__).resolve().parents[2]
FOLDER = "services/metadata/migrations/versions"
TABLE = "services/metadata/dynamo_table.py"
APPROVED = "APPROVED_MIGRATIONS"

# Alembic's operations that take away, or change so that the former release may fail.
_CONTRACTS = frozenset(
    {
        *("drop_column", "drop_constraint", "drop_index", "drop_table", "drop_table_comment", "rename_table"),
        *("alter_column", "batch_alter_table", "bulk_insert", "create_check_constraint", "create_foreign_key"),
        *("create_primary_key", "create_unique_constraint", "create_exclude_constraint"),
    }
)
_STATEMENT = re.compile(r"\b(ALTER|DELETE|DROP|MERGE|RENAME|REPLACE|REVOKE|TRUNCATE|UPDATE)\b", re.IGNORECASE)
_KEYS = ("PARTITION_KEY", "SORT_KEY", "EVERYONE_KEY", "EVERYONE", "TTL")


def contracts(source: str) -> list[str]:
    """What a migration's ``upgrade`` takes away or tightens, one phrase each; empty when it only adds.

    Functions of the module that ``upgrade`` may call are read as well, ``downgrade`` is not. SQL that is made at run
    time can not be read, so it counts as destructive.
    """
    module = ast.parse(source)
    found: list[str] = []
    for part in module.body:
        if isinstance(part, ast.FunctionDef) and part.name == "downgrade":
            continue
        for node in ast.walk(part):
            found += _of_node(node)
    return sorted(set(found))


def _of_node(node: ast.AST) -> list[str]:
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
        return []
    name = node.func.attr
    if name in _CONTRACTS:
        return [f"op.{name}"]
    if name == "add_column" and not _optional(node):
        return ["op.add_column of a column that the former release does not fill (nullable=False, no server_default)"]
    if name != "execute":
        return []
    texts = [each.value for each in ast.walk(node) if isinstance(each, ast.Constant) and isinstance(each.value, str)]
    if not texts:
        return ["op.execute of a statement that can not be read here"]
    return [f"op.execute {word[1].upper()}" for text in texts if (word := _STATEMENT.search(text))]


def _optional(call: ast.Call) -> bool:
    names = {word.arg: word.value for each in ast.walk(call) if isinstance(each, ast.Call) for word in each.keywords}
    nullable = names.get("nullable")
    return "server_default" in names or not (isinstance(nullable, ast.Constant) and nullable.value is False)


def check(before: Mapping[str, str], after: Mapping[str, str], approved: frozenset[str]) -> list[str]:
    """The names of the migrations that are new.

    :param before: file name -> source of each migration of the release that runs.
    :param after: the same of the release to deploy.
    :param approved: revisions of contract migrations that may run, ``0007``.
    :raises PipelineError: when the release must not be deployed.
    """
    if lost := sorted(before.keys() - after.keys()):
        raise PipelineError(
            f"the database has {', '.join(lost)}, which this release does not know, so it would not start: deploy a "
            "later release, or restore the database first (docs/operations.md)"
        )
    if changed := sorted(name for name in before if before[name] != after[name]):
        raise PipelineError(f"{', '.join(changed)} was released already and must not change: write another migration")
    new = sorted(after.keys() - before.keys())
    for name in new:
        takes = contracts(after[name])
        if takes and name.partition("_")[0] not in approved:
            raise PipelineError(
                f"{name} is destructive: {'; '.join(takes)}. Deploy the code that no longer needs it first, then name "
                f"{name.partition('_')[0]} in the environment's variable {APPROVED}"
            )
    return new


def check_table(before: str, after: str) -> None:
    """Compare the DynamoDB table's keys of two releases.

    :raises PipelineError: when they differ: DynamoDB can not change a key, Terraform would replace the table.
    """
    old, new = (_constants(source) for source in (before, after))
    if old != new:
        differs = ", ".join(sorted(name for name in _KEYS if old.get(name) != new.get(name)))
        raise PipelineError(
            f"{TABLE} changes {differs}: that is another table. Copy the rows into a new one first (docs/operations.md)"
        )


def _constants(source: str) -> dict[str, object]:
    return {
        target.id: node.value.value
        for node in ast.parse(source).body
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant)
        for target in node.targets
        if isinstance(target, ast.Name) and target.id in _KEYS
    }


def _git(*arguments: str) -> str:
    command = ["git", "-C", str(ROOT), *arguments]
    done = subprocess.run(command, check=False, capture_output=True, text=True)  # noqa: S603 - no shell, and checked
    if done.returncode:
        raise PipelineError(f"git {' '.join(arguments)}: {done.stderr.strip()}")
    return done.stdout


def migrations_at(commit: str) -> dict[str, str]:
    """File name -> source of each migration at ``commit``."""
    names = _git("ls-tree", "--name-only", commit, f"{FOLDER}/").split()
    return {Path(name).name: _git("show", f"{commit}:{name}") for name in names if name.endswith(".py")}


def gate(before: str, after: str, approved: str) -> None:
    """Compare two commits and say in the summary what the release does to the database.

    :raises PipelineError: when the release must not be deployed.
    """
    for commit in (before, after):
        if not re.fullmatch("[0-9a-f]{40}", commit):
            raise PipelineError(f"{commit!r} is not a commit: write 40 hexadecimal digits")
    check_table(_git("show", f"{before}:{TABLE}"), _git("show", f"{after}:{TABLE}"))
    allowed = frozenset(re.findall(r"[A-Za-z0-9]+", approved))
    new = check(migrations_at(before), migrations_at(after), allowed)
    summary(f"Migrations: {', '.join(new) or 'none'}")


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    parser = argparse.ArgumentParser(prog="migrations", description=__doc__)
    parser.add_argument("before")
    parser.add_argument("after")
    chosen = parser.parse_args(arguments)
    return run(lambda: gate(chosen.before, chosen.after, os.environ.get(APPROVED, "")))


if __name__ == "__main__":
    sys.exit(main())
