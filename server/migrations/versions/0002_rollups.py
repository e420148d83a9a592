"""Unions of cells that are computed ahead."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None
TABLES = ("standing", "rollup_due", "rollup")
INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Expand."""
    _rollups()


def downgrade() -> None:
    """Back by one."""
    for name in TABLES:
        op.drop_table(name)


def _rollups() -> None:
    op.create_table(
        "rollup",
        sa.Column("org_id", sa.Uuid, primary_key=True),
        sa.Column("subject_id", sa.Uuid, primary_key=True),
        sa.Column("grain", sa.String(8), primary_key=True),
        sa.Column("start_at", INSTANT, primary_key=True),
        sa.Column("end_at", INSTANT, nullable=False),
        sa.Column("cells", sa.Integer, nullable=False),
        sa.Column("visits", sa.Integer, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        postgresql_partition_by="RANGE (start_at)",
    )
    op.create_table(
        "rollup_due",
        sa.Column("org_id", sa.Uuid, primary_key=True),
        sa.Column("point_id", sa.Uuid, primary_key=True),
        sa.Column("day", sa.Date, primary_key=True),
        sa.Column("marked_at", INSTANT, nullable=False),
    )
    op.create_table(
        "standing",
        sa.Column("org_id", sa.Uuid, primary_key=True),
        sa.Column("subject_id", sa.Uuid, primary_key=True),
        sa.Column("week", sa.Date, primary_key=True),
        sa.Column("figure", sa.String(24), primary_key=True),
        sa.Column("value", sa.Float),
        sa.Column("low", sa.Float),
        sa.Column("high", sa.Float),
        sa.Column("rests_on", sa.Integer),
        sa.Column("expected_s", sa.Float),
        sa.Column("of_s", sa.Float),
    )
