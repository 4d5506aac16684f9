from __future__ import annotations

import pytest

from scripts.pipeline import migrations
from scripts.pipeline.errors import PipelineError
from tests.pipelines.house import House
from tests.pipelines.runner import ROOT, Runner

STEP = "Refuse destructive migrations"
NONE: frozenset[str] = frozenset()


def upgrade(body: str) -> str:
    return f"from alembic import op\n\ndef upgrade():\n    {body}\n\ndef downgrade():\n    op.drop_table('x')\n"


@pytest.mark.parametrize(
    "body",
    [
        "op.drop_table('images')",
        "op.drop_column('images', 'title')",
        "op.alter_column('images', 'title', new_column_name='name')",
        "op.rename_table('images', 'pictures')",
        "op.add_column('images', sa.Column('place', sa.Text, nullable=False))",
        "op.create_unique_constraint('one', 'images', ['title'])",
        "op.execute('DROP TABLE images')",
        "op.execute(sa.text('update images set title = 1'))",
        "op.execute('''\n    ALTER TABLE images RENAME TO x''')",
        "op.execute(statement)",
        "op.get_bind().execute(f'DELETE FROM {table}')",
        "_helper()\n\ndef _helper():\n    op.drop_index('ix_images')",
        "with op.batch_alter_table('images') as batch:\n        batch.drop_column('title')",
    ],
)
def test_what_the_former_release_may_need_is_not_taken_away(body: str) -> None:
    with pytest.raises(PipelineError, match="destructive"):
        migrations.check({}, {"0002_x.py": upgrade(body)}, NONE)
    with pytest.raises(PipelineError, match="destructive"):
        migrations.check({}, {"0002_x.py": upgrade(body)}, frozenset({"0003", "0002_x"}))
    assert migrations.check({}, {"0002_x.py": upgrade(body)}, frozenset({"0002"})) == ["0002_x.py"]


@pytest.mark.parametrize(
    "body",
    [
        "op.create_table('albums', sa.Column('id', sa.Text, nullable=False))",
        "op.add_column('images', sa.Column('place', sa.Text))",
        "op.add_column('images', sa.Column('place', sa.Text, nullable=False, server_default=''))",
        "op.create_index('ix_place', 'images', ['place'])",
        "op.execute('CREATE INDEX updated_at_index ON images (updated_at)')",
    ],
)
def test_adding_is_free(body: str) -> None:
    assert migrations.check({}, {"0002_x.py": upgrade(body)}, NONE) == ["0002_x.py"]


def test_a_migration_that_ran_is_not_changed_and_not_left_out() -> None:
    first = {"0001_a.py": upgrade("pass")}
    with pytest.raises(PipelineError, match="must not change"):
        migrations.check(first, {"0001_a.py": upgrade("op.create_index('i', 't', ['c'])")}, frozenset({"0001"}))
    with pytest.raises(PipelineError, match="does not know"):
        migrations.check({**first, "0002_b.py": upgrade("pass")}, first, frozenset({"0002"}))
    assert migrations.check(first, first, NONE) == []


def test_the_tables_keys_stay() -> None:
    source = (ROOT / migrations.TABLE).read_text()
    changed = source.replace('PARTITION_KEY = "pk"', 'PARTITION_KEY = "id"')
    assert changed != source
    with pytest.raises(PipelineError, match="PARTITION_KEY"):
        migrations.check_table(source, changed)
    migrations.check_table(source, source + "\n# a comment\n")


def test_every_constant_of_the_table_is_compared() -> None:
    constants = migrations._constants((ROOT / migrations.TABLE).read_text())
    assert constants == dict(zip(migrations._KEYS, ("pk", "sk", "g1pk", "by_everyone", "ttl"), strict=True))


def test_the_workflow_asks_for_an_approval(runner: Runner, house: House) -> None:
    before = house.git("rev-parse", "HEAD")
    house.migration("0002_more.py", "op.add_column('images', sa.Column('place', sa.Text))")
    expand = house.commit("expand")
    house.migration("0003_less.py", "op.drop_column('images', 'title')")
    contract = house.commit("contract")

    def gate(running: str, wanted: str, approved: str = "") -> int:
        runner.environ["GITHUB_SHA"] = wanted
        runner.context |= {"steps.running.outputs.commit": running, "vars.APPROVED_MIGRATIONS": approved}
        return runner.job("deploy.yml", "deploy", only=STEP)[STEP]

    assert gate(before, expand) == 0
    assert "Migrations: 0002_more.py" in runner.said(STEP)
    assert gate(before, contract) == 1
    assert "0003_less.py is destructive: op.drop_column" in runner.said(STEP)
    assert gate(expand, contract, "0002") == 1
    assert gate(expand, contract, "0003") == 0
    assert gate(contract, expand, "0003") == 1  # back over a migration
    assert "does not know" in runner.said(STEP)
    assert gate("", contract) == 1
