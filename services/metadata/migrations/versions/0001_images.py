"""Images, their versions, what finds them, what they add up to, and announced uploads.

Column types are spelled out rather than taken from ``tables``: a migration stays what it was when the tables move on.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision: str | None = None
branch_labels: str | None = None
depends_on: str | None = None

_SORTED = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")

_SLOTS = 16
"""Rows of one day on PostgreSQL, so that sixteen uploads can commit at once. SQLite has one writer and needs one."""


def upgrade() -> None:
    """Create all tables, their indexes and triggers."""
    _images()
    _versions()
    _terms()
    _totals()
    _pending_uploads()
    for statement in _POSTGRES if op.get_bind().dialect.name == "postgresql" else _SQLITE:
        op.execute(statement)


def downgrade() -> None:
    """Drop all tables and every row in them."""
    for table in ("pending_uploads", "image_terms", "image_versions", "images", "daily_totals"):
        op.drop_table(table)  # its indexes and triggers go with it
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP FUNCTION count_image")


def _images() -> None:
    op.create_table(
        "images",
        sa.Column("image_id", _SORTED, nullable=False),
        sa.Column("owner", _SORTED, nullable=False),
        sa.Column("object_key", sa.Text, nullable=False),
        sa.Column("filename", sa.Text, nullable=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("description", sa.Text, nullable=False),
        sa.Column("tags", sa.Text, nullable=False),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("visibility", sa.Text, nullable=False),
        sa.Column("revision", sa.Integer, nullable=False, comment="counts the changes of the row"),
        sa.Column("version_id", sa.Text, nullable=False, comment="the current version's"),
        sa.Column("sequence", sa.Integer, nullable=False, comment="the current version's"),
        sa.Column("size", sa.BigInteger, nullable=False, comment="the current version's, for the totals"),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("updated_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("image_id", name="pk_images"),
    )
    op.create_index("ix_images_status_owner", "images", ["status", "owner", "created_at", "image_id"])
    op.create_index("ix_images_status_created_at", "images", ["status", "created_at", "image_id"])


def _versions() -> None:
    op.create_table(
        "image_versions",
        sa.Column("image_id", _SORTED, nullable=False),
        sa.Column("sequence", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("version_id", sa.Text, nullable=False),
        sa.Column("content_type", sa.Text, nullable=False),
        sa.Column("size", sa.BigInteger, nullable=False),
        sa.Column("sha256", sa.Text, nullable=False),
        sa.Column("width", sa.Integer, nullable=False),
        sa.Column("height", sa.Integer, nullable=False),
        sa.Column("frames", sa.Integer, nullable=False),
        sa.Column("orientation", sa.Integer, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("deleted", sa.Boolean, nullable=False),
        sa.PrimaryKeyConstraint("image_id", "sequence", name="pk_image_versions"),
        sa.UniqueConstraint("image_id", "version_id", name="uq_image_versions_image_id_version_id"),
        sa.ForeignKeyConstraint(["image_id"], ["images.image_id"], name="fk_image_versions_image_id"),
        sqlite_with_rowid=False,
    )


def _terms() -> None:
    op.create_table(
        "image_terms",
        sa.Column("term", sa.LargeBinary, nullable=False, comment="a digest, see services.metadata.sql_terms"),
        sa.Column("created_at", sa.BigInteger, nullable=False, comment="the image's"),
        sa.Column("image_id", _SORTED, nullable=False),
        sa.PrimaryKeyConstraint("term", "created_at", "image_id", name="pk_image_terms"),
        sqlite_with_rowid=False,
    )


def _totals() -> None:
    day = "of created_at, in days since 1970-01-01 UTC"
    op.create_table(
        "daily_totals",
        sa.Column("day", sa.Integer, autoincrement=False, nullable=False, comment=day),
        sa.Column("slot", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("images", sa.BigInteger, nullable=False),
        sa.Column("size", sa.BigInteger, nullable=False),
        sa.Column("deleted", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("day", "slot", name="pk_daily_totals"),
        sqlite_with_rowid=False,
    )


def _pending_uploads() -> None:
    op.create_table(
        "pending_uploads",
        sa.Column("image_id", _SORTED, nullable=False),
        sa.Column("owner", _SORTED, nullable=False),
        sa.Column("object_key", sa.Text, nullable=False),
        sa.Column("filename", sa.Text, nullable=False),
        sa.Column("content_type", sa.Text, nullable=False),
        sa.Column("max_size", sa.BigInteger, nullable=False),
        sa.Column("title", sa.Text),
        sa.Column("description", sa.Text),
        sa.Column("tags", sa.Text),
        sa.Column("visibility", sa.Text),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("expires_at", sa.BigInteger, nullable=False),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("reason_code", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("image_id", name="pk_pending_uploads"),
    )
    by_owner = ["status", "owner", "created_at", "image_id"]
    op.create_index("ix_pending_uploads_status_owner", "pending_uploads", by_owner)
    op.create_index("ix_pending_uploads_status_created_at", "pending_uploads", ["status", "created_at", "image_id"])
    op.create_index("ix_pending_uploads_expires_at", "pending_uploads", ["expires_at", "image_id"])


# The totals are counted by triggers: in the same transaction whatever writes the row, and without a round trip of its
# own for each upload. A change that counts nothing new (a description) fires none.

_DAY_MICROSECONDS = 86_400_000_000


def _counting(row: str, sign: str, slot: str) -> str:
    """Add ``row`` (NEW or OLD) to its day, or take it away. Division rounds towards zero, so it is corrected below."""
    remainder = f"(({row}.created_at % {_DAY_MICROSECONDS}) + {_DAY_MICROSECONDS}) % {_DAY_MICROSECONDS}"
    return f"""
        INSERT INTO daily_totals (day, slot, images, size, deleted) VALUES (
            ({row}.created_at - {remainder}) / {_DAY_MICROSECONDS},
            {slot},
            {sign} CASE WHEN {row}.status = 'ready' THEN 1 ELSE 0 END,
            {sign} CASE WHEN {row}.status = 'ready' THEN {row}.size ELSE 0 END,
            {sign} CASE WHEN {row}.status = 'deleted' THEN 1 ELSE 0 END
        )
        ON CONFLICT (day, slot) DO UPDATE SET
            images = daily_totals.images + excluded.images,
            size = daily_totals.size + excluded.size,
            deleted = daily_totals.deleted + excluded.deleted;
    """  # noqa: S608 - made of the literals in this file only


_CHANGED = "OLD.status <> NEW.status OR OLD.size <> NEW.size OR OLD.created_at <> NEW.created_at"
_ADD, _TAKE = _counting("NEW", "+", "0"), _counting("OLD", "-", "0")

_SQLITE = (
    f"CREATE TRIGGER count_added_image AFTER INSERT ON images BEGIN {_ADD} END",
    f"CREATE TRIGGER count_removed_image AFTER DELETE ON images BEGIN {_TAKE} END",
    "CREATE TRIGGER count_changed_image AFTER UPDATE OF status, size, created_at ON images"
    f" WHEN {_CHANGED} BEGIN {_TAKE} {_ADD} END",
)

# A session keeps to one slot: its transactions follow each other anyway.
_SLOT = f"pg_backend_pid() % {_SLOTS}"

_POSTGRES = (
    f"""
    CREATE FUNCTION count_image() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF TG_OP <> 'INSERT' THEN {_counting("OLD", "-", _SLOT)} END IF;
        IF TG_OP <> 'DELETE' THEN {_counting("NEW", "+", _SLOT)} END IF;
        RETURN NULL;
    END $$
    """,
    "CREATE TRIGGER count_image AFTER INSERT OR DELETE ON images FOR EACH ROW EXECUTE FUNCTION count_image()",
    "CREATE TRIGGER count_changed_image AFTER UPDATE OF status, size, created_at ON images"
    f" FOR EACH ROW WHEN ({_CHANGED}) EXECUTE FUNCTION count_image()",
)
