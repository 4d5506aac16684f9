"""Images and their versions.

Column types are spelled out rather than taken from ``tables``: a migration stays what it was when the tables move on.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision: str | None = None
branch_labels: str | None = None
depends_on: str | None = None


def upgrade() -> None:
    """Create both tables."""
    op.create_table(
        "images",
        sa.Column("image_id", sa.Text, nullable=False),
        sa.Column("owner", sa.Text, nullable=False),
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
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("updated_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("image_id", name="pk_images"),
    )
    op.create_table(
        "image_versions",
        sa.Column("image_id", sa.Text, nullable=False),
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


def downgrade() -> None:
    """Drop both tables and every row in them."""
    op.drop_table("image_versions")
    op.drop_table("images")
