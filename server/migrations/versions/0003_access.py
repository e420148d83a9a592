"""Accounts, roles, sessions, tokens, and the log of who saw what."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None
TABLES = ("access_log", "api_token", "one_time_link", "session", "account_reach", "account")
INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Expand."""
    _access()


def downgrade() -> None:
    """Back by one."""
    for name in TABLES:
        op.drop_table(name)


def _access() -> None:
    op.create_table(
        "account",
        sa.Column("account_id", sa.Uuid, primary_key=True),
        sa.Column("name", sa.String(120), nullable=False),
        sa.Column("role", sa.String(16), nullable=False),
        sa.Column("password", sa.Text),
        sa.Column("made_at", INSTANT, nullable=False),
        sa.Column("disabled_at", INSTANT),
        sa.Column("last_seen_at", INSTANT),
        sa.UniqueConstraint("name"),
    )
    op.create_table(
        "account_reach",
        sa.Column("reach_id", sa.Uuid, primary_key=True),
        sa.Column("account_id", sa.Uuid, nullable=False),
        sa.Column("org_id", sa.Uuid),
        sa.Column("region_id", sa.Uuid),
        sa.Column("store_id", sa.Uuid),
    )
    op.create_index("ix_account_reach_account_id", "account_reach", ["account_id"])
    op.create_table(
        "session",
        sa.Column("sha256", sa.String(64), primary_key=True),
        sa.Column("account_id", sa.Uuid, nullable=False),
        sa.Column("made_at", INSTANT, nullable=False),
        sa.Column("seen_at", INSTANT, nullable=False),
        sa.Column("ends_at", INSTANT, nullable=False),
    )
    op.create_index("ix_session_account_id", "session", ["account_id"])
    op.create_table(
        "one_time_link",
        sa.Column("sha256", sa.String(64), primary_key=True),
        sa.Column("account_id", sa.Uuid),
        sa.Column("ends_at", INSTANT, nullable=False),
        sa.Column("used_at", INSTANT),
    )
    op.create_table(
        "api_token",
        sa.Column("token_id", sa.Uuid, primary_key=True),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("account_id", sa.Uuid, nullable=False),
        sa.Column("made_with", sa.Uuid),
        sa.Column("label", sa.Text, nullable=False),
        sa.Column("role", sa.String(16), nullable=False),
        sa.Column("org_id", sa.Uuid),
        sa.Column("region_id", sa.Uuid),
        sa.Column("store_id", sa.Uuid),
        sa.Column("made_at", INSTANT, nullable=False),
        sa.Column("ends_at", INSTANT, nullable=False),
        sa.Column("revoked_at", INSTANT),
        sa.Column("used_at", INSTANT),
        sa.UniqueConstraint("sha256"),
    )
    op.create_index("ix_api_token_account_id", "api_token", ["account_id"])
    op.create_index("ix_api_token_made_with", "api_token", ["made_with"])
    op.create_table(
        "access_log",
        sa.Column("org_id", sa.Uuid, primary_key=True),
        sa.Column("at", INSTANT, primary_key=True),
        sa.Column("entry_id", sa.Uuid, primary_key=True),
        sa.Column("store_id", sa.Uuid),
        sa.Column("region_id", sa.Uuid),
        sa.Column("everywhere", sa.Boolean, nullable=False),
        sa.Column("account_id", sa.Uuid),
        sa.Column("account", sa.String(120), nullable=False),
        sa.Column("way", sa.String(8), nullable=False),
        sa.Column("operation", sa.String(64), nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("status", sa.Integer, nullable=False),
        postgresql_partition_by="RANGE (at)",
    )
    op.create_index("access_log_by_account", "access_log", ["org_id", "account_id", "at"])
