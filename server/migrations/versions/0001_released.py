"""What devices release, and who is who."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None
TABLES = (
    "schema_contractions",
    "audit_report",
    "ledger_day",
    "ledger_head",
    "device_terms",
    "device_status",
    "amendment",
    "store_week",
    "cell",
    "window",
    "aside",
    "progress",
    "raw_message",
    "message",
    "assignment",
    "device",
    "point",
    "confirmation",
    "store",
    "region",
    "device_owner",
    "organisation",
)
INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Expand."""
    _identity()
    _messages()
    _cells()
    _fleet()
    _steps()


def downgrade() -> None:
    """Back by one."""
    for name in TABLES:
        op.drop_table(name)


def _identity() -> None:
    op.create_table(
        "organisation",
        sa.Column("org_id", sa.Uuid, primary_key=True),
        sa.Column("slug", sa.String(63), nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.UniqueConstraint("slug"),
        sa.Column("held", sa.Text),
    )
    op.create_table(
        "device_owner",
        sa.Column("device", sa.String(63), primary_key=True),
        sa.Column("org_id", sa.Uuid, nullable=False),
    )
    op.create_table(
        "region",
        sa.Column("org_id", sa.Uuid, primary_key=True),
        sa.Column("region_id", sa.Uuid, primary_key=True),
        sa.Column("slug", sa.String(63), nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("parent_id", sa.Uuid),
        sa.Column("held", sa.Text),
        sa.UniqueConstraint("org_id", "slug"),
    )
    op.create_table(
        "store",
        sa.Column("org_id", sa.Uuid, primary_key=True),
        sa.Column("store_id", sa.Uuid, primary_key=True),
        sa.Column("slug", sa.String(63), nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("region_id", sa.Uuid),
        sa.Column("timezone", sa.String(64), nullable=False),
        sa.Column("day_starts", sa.String(5), nullable=False),
        sa.Column("opening", sa.Text, nullable=False),
        sa.Column("closed", sa.Text, nullable=False),
        sa.Column("special", sa.Text, nullable=False),
        sa.Column("confirmed_at", INSTANT),
        sa.Column("confirmed_by", sa.Text),
        sa.Column("ended_at", INSTANT),
        sa.Column("held", sa.Text),
        sa.UniqueConstraint("org_id", "slug"),
    )
    op.create_table(
        "confirmation",
        sa.Column("org_id", sa.Uuid, primary_key=True),
        sa.Column("confirmation_id", sa.Uuid, primary_key=True),
        sa.Column("store_id", sa.Uuid, nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("was_from", INSTANT),
        sa.Column("counts_from", INSTANT),
        sa.Column("reason", sa.Text),
        sa.Column("made_by", sa.Text, nullable=False),
        sa.Column("made_at", INSTANT, nullable=False),
    )
    op.create_index("confirmation_by_store", "confirmation", ["org_id", "store_id", "number"])
    op.create_table(
        "point",
        sa.Column("org_id", sa.Uuid, primary_key=True),
        sa.Column("point_id", sa.Uuid, primary_key=True),
        sa.Column("store_id", sa.Uuid, nullable=False),
        sa.Column("slug", sa.String(63), nullable=False),
        sa.Column("label", sa.Text, nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("merged_into", sa.Uuid),
        sa.Column("merged_since", INSTANT),
        sa.Column("held", sa.Text),
        sa.UniqueConstraint("org_id", "store_id", "slug"),
    )
    op.create_table(
        "device",
        sa.Column("org_id", sa.Uuid, primary_key=True),
        sa.Column("device", sa.String(63), primary_key=True),
        sa.Column("label", sa.Text, nullable=False),
        sa.Column("store_id", sa.Uuid, nullable=False),
        sa.Column("retired_at", INSTANT),
        sa.Column("held", sa.Text),
    )
    op.create_table(
        "assignment",
        sa.Column("org_id", sa.Uuid, primary_key=True),
        sa.Column("assignment_id", sa.Uuid, primary_key=True),
        sa.Column("device", sa.String(63), nullable=False),
        sa.Column("local_id", sa.String(63), nullable=False),
        sa.Column("point_id", sa.Uuid, nullable=False),
        sa.Column("valid_from", INSTANT, nullable=False),
        sa.Column("valid_to", INSTANT),
        sa.Column("held", sa.Text),
        sa.UniqueConstraint("org_id", "device", "local_id", "valid_from"),
    )


def _messages() -> None:
    op.create_table(
        "message",
        sa.Column("org_id", sa.Uuid, primary_key=True),
        sa.Column("device", sa.String(63), primary_key=True),
        sa.Column("epoch", sa.String(16), primary_key=True),
        sa.Column("sequence", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("reason", sa.String(200)),
        sa.Column("received_at", INSTANT, nullable=False),
    )
    rejected = sa.text("status = 'rejected'")
    op.create_index(
        "message_rejected",
        "message",
        ["org_id", "device", "epoch", "sequence"],
        sqlite_where=rejected,
        postgresql_where=rejected,
    )
    op.create_table(
        "raw_message",
        sa.Column("org_id", sa.Uuid, primary_key=True),
        sa.Column("received_on", sa.Date, primary_key=True),
        sa.Column("device", sa.String(63), primary_key=True),
        sa.Column("epoch", sa.String(16), primary_key=True),
        sa.Column("sequence", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("payload", sa.LargeBinary, nullable=False),
        postgresql_partition_by="RANGE (received_on)",
    )
    op.create_table(
        "progress",
        sa.Column("org_id", sa.Uuid, primary_key=True),
        sa.Column("device", sa.String(63), primary_key=True),
        sa.Column("epoch", sa.String(16), primary_key=True),
        sa.Column("up_to", sa.BigInteger, nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("changed_at", INSTANT, nullable=False),
    )
    op.create_table(
        "aside",
        sa.Column("org_id", sa.Uuid, primary_key=True),
        sa.Column("aside_id", sa.Uuid, primary_key=True),
        sa.Column("device", sa.String(63), nullable=False),
        sa.Column("epoch", sa.String(16)),
        sa.Column("sequence", sa.BigInteger),
        sa.Column("cell_index", sa.Integer),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("reason", sa.String(32), nullable=False),
        sa.Column("detail", sa.String(200), nullable=False),
        sa.Column("kept_at", INSTANT, nullable=False),
        sa.Column("payload", sa.LargeBinary, nullable=False),
    )
    op.create_index("aside_by_message", "aside", ["org_id", "device", "epoch", "sequence"])


def _cells() -> None:
    op.create_table(
        "window",
        sa.Column("org_id", sa.Uuid, primary_key=True),
        sa.Column("device", sa.String(63), primary_key=True),
        sa.Column("start_at", INSTANT, primary_key=True),
        sa.Column("end_at", INSTANT, nullable=False),
        sa.Column("epoch", sa.String(16), primary_key=True),
        sa.Column("sequence", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("coverage", sa.String(8), nullable=False),
        sa.Column("clock", sa.String(16), nullable=False),
        sa.Column("invalid", sa.Text, nullable=False),
        postgresql_partition_by="RANGE (start_at)",
    )
    op.create_table(
        "cell",
        sa.Column("org_id", sa.Uuid, primary_key=True),
        sa.Column("point_id", sa.Uuid, primary_key=True),
        sa.Column("start_at", INSTANT, primary_key=True),
        sa.Column("end_at", INSTANT, nullable=False),
        sa.Column("cell_id", sa.Uuid, primary_key=True),
        sa.Column("device", sa.String(63), nullable=False),
        sa.Column("epoch", sa.String(16), nullable=False),
        sa.Column("sequence", sa.BigInteger, nullable=False),
        sa.Column("level", sa.String(16), nullable=False),
        sa.Column("k", sa.Integer, nullable=False),
        sa.Column("visits", sa.Integer, nullable=False),
        sa.Column("left_censored", sa.Integer, nullable=False),
        sa.Column("passers_by", sa.Integer, nullable=False),
        sa.Column("served", sa.Integer, nullable=False),
        sa.Column("greeted_only", sa.Integer, nullable=False),
        sa.Column("abandoned", sa.Integer, nullable=False),
        sa.Column("passed", sa.Integer, nullable=False),
        sa.Column("still_present", sa.Integer, nullable=False),
        sa.Column("waiting", sa.Text, nullable=False),
        sa.Column("stay", sa.Text, nullable=False),
        sa.Column("observed_s", sa.Float, nullable=False),
        sa.Column("bridged_s", sa.Float, nullable=False),
        sa.Column("unknown_s", sa.Float, nullable=False),
        sa.Column("definition_version", sa.Integer, nullable=False),
        sa.Column("geometry_hash", sa.String(64), nullable=False),
        sa.Column("expectations_hash", sa.String(64), nullable=False),
        sa.Column("model", sa.String(80), nullable=False),
        sa.Column("staff", sa.Text),
        postgresql_partition_by="RANGE (start_at)",
    )
    op.create_table(
        "store_week",
        sa.Column("org_id", sa.Uuid, primary_key=True),
        sa.Column("week_id", sa.Uuid, primary_key=True),
        sa.Column("store_id", sa.Uuid, nullable=False),
        sa.Column("device", sa.String(63), nullable=False),
        sa.Column("epoch", sa.String(16), nullable=False),
        sa.Column("sequence", sa.BigInteger, nullable=False),
        sa.Column("start_at", INSTANT, nullable=False),
        sa.Column("end_at", INSTANT, nullable=False),
        sa.Column("level", sa.String(16), nullable=False),
        sa.Column("k", sa.Integer, nullable=False),
        sa.Column("visits", sa.Integer, nullable=False),
        sa.Column("left_censored", sa.Integer, nullable=False),
        sa.Column("passers_by", sa.Integer, nullable=False),
        sa.Column("served", sa.Integer, nullable=False),
        sa.Column("greeted_only", sa.Integer, nullable=False),
        sa.Column("abandoned", sa.Integer, nullable=False),
        sa.Column("passed", sa.Integer, nullable=False),
        sa.Column("still_present", sa.Integer, nullable=False),
        sa.Column("waiting", sa.Text, nullable=False),
        sa.Column("stay", sa.Text, nullable=False),
        sa.Column("observed_s", sa.Float, nullable=False),
        sa.Column("bridged_s", sa.Float, nullable=False),
        sa.Column("unknown_s", sa.Float, nullable=False),
        sa.Column("definition_version", sa.Integer, nullable=False),
        sa.Column("geometry_hash", sa.String(64), nullable=False),
        sa.Column("expectations_hash", sa.String(64), nullable=False),
        sa.Column("model", sa.String(80), nullable=False),
        sa.Column("week", sa.Text, nullable=False),
    )
    op.create_index("store_week_by_device", "store_week", ["org_id", "device", "start_at"])
    op.create_index("store_week_by_time", "store_week", ["org_id", "store_id", "start_at"])
    op.create_table(
        "amendment",
        sa.Column("org_id", sa.Uuid, primary_key=True),
        sa.Column("amendment_id", sa.Uuid, primary_key=True),
        sa.Column("kind", sa.String(8), nullable=False),
        sa.Column("store_id", sa.Uuid, nullable=False),
        sa.Column("point_id", sa.Uuid),
        sa.Column("to_point_id", sa.Uuid),
        sa.Column("start_at", INSTANT, nullable=False),
        sa.Column("end_at", INSTANT, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("made_by", sa.Text, nullable=False),
        sa.Column("made_at", INSTANT, nullable=False),
        sa.Column("withdrawn_by", sa.Text),
        sa.Column("withdrawn_at", INSTANT),
    )
    op.create_index("amendment_by_store", "amendment", ["org_id", "store_id", "start_at"])


def _fleet() -> None:
    op.create_table(
        "device_status",
        sa.Column("org_id", sa.Uuid, primary_key=True),
        sa.Column("device", sa.String(63), primary_key=True),
        sa.Column("last_sign_at", INSTANT, nullable=False),
        sa.Column("online", sa.Boolean),
        sa.Column("software", sa.Text),
        sa.Column("faults", sa.Text),
        sa.Column("clock", sa.String(16)),
        sa.Column("disk_free_mb", sa.Integer),
        sa.Column("kernel_layers", sa.Text),
        sa.Column("certificate_days", sa.Integer),
        sa.Column("speaks", sa.Text),
        sa.Column("health_at", INSTANT),
        sa.Column("reported", sa.Text),
    )
    op.create_table(
        "device_terms",
        sa.Column("org_id", sa.Uuid, primary_key=True),
        sa.Column("device", sa.String(63), primary_key=True),
        sa.Column("since", INSTANT, primary_key=True),
        sa.Column("greet_within_s", sa.Float, nullable=False),
        sa.Column("serve_within_s", sa.Float, nullable=False),
        sa.Column("k", sa.Integer, nullable=False),
    )
    op.create_table(
        "ledger_head",
        sa.Column("org_id", sa.Uuid, primary_key=True),
        sa.Column("device", sa.String(63), primary_key=True),
        sa.Column("ledger", sa.String(16), nullable=False),
        sa.Column("size", sa.BigInteger, nullable=False),
        sa.Column("root", sa.String(64), nullable=False),
        sa.Column("window_at", INSTANT, nullable=False),
        sa.Column("signature", sa.String(128), nullable=False),
        sa.Column("received_at", INSTANT, nullable=False),
    )
    op.create_table(
        "ledger_day",
        sa.Column("org_id", sa.Uuid, primary_key=True),
        sa.Column("device", sa.String(63), primary_key=True),
        sa.Column("day", sa.Date, primary_key=True),
        sa.Column("ledger", sa.String(16), primary_key=True),
        sa.Column("part", sa.BigInteger, primary_key=True, autoincrement=False, server_default="0"),
        sa.Column("size", sa.BigInteger, nullable=False),
        sa.Column("root", sa.String(64), nullable=False),
        sa.Column("window_at", INSTANT, nullable=False),
        sa.Column("signature", sa.String(128), nullable=False),
        sa.Column("received_at", INSTANT, nullable=False),
    )
    op.create_table(
        "audit_report",
        sa.Column("org_id", sa.Uuid, primary_key=True),
        sa.Column("report_id", sa.Uuid, primary_key=True),
        sa.Column("store_id", sa.Uuid, nullable=False),
        sa.Column("device", sa.String(63), nullable=False),
        sa.Column("made_at", INSTANT, nullable=False),
        sa.Column("handed_in_at", INSTANT, nullable=False),
        sa.Column("handed_in_by", sa.Text, nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("verdict", sa.String(16), nullable=False),
        sa.Column("software", sa.Text, nullable=False),
        sa.Column("report", sa.LargeBinary, nullable=False),
    )
    op.create_index("audit_report_by_device", "audit_report", ["org_id", "device", "made_at"])
    op.create_index("audit_report_by_store", "audit_report", ["org_id", "store_id", "handed_in_at"])


def _steps() -> None:
    op.create_table(
        "schema_contractions",
        sa.Column("contractions", sa.Integer, primary_key=True, autoincrement=False),
    )
