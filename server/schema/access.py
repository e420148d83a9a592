"""Who may see what, and who saw what. Secrets are kept as their SHA-256, passwords as argon2id."""

from sqlalchemy import Boolean, Column, Index, Integer, String, Text, Uuid

from server.column_types import UtcInstant
from server.schema.columns import everywhere, spread

account = everywhere(
    "account",
    Column("account_id", Uuid, primary_key=True),
    Column("name", String(120), nullable=False, unique=True),
    Column("role", String(16), nullable=False),
    Column("password", Text),
    Column("made_at", UtcInstant, nullable=False),
    Column("disabled_at", UtcInstant),
    Column("last_seen_at", UtcInstant),
)
# Where an account's role holds: an organisation (null: all of them), or below a region of it,
# or in one of its stores, where one is named.
account_reach = everywhere(
    "account_reach",
    Column("reach_id", Uuid, primary_key=True),
    Column("account_id", Uuid, nullable=False, index=True),
    Column("org_id", Uuid),
    Column("region_id", Uuid),
    Column("store_id", Uuid),
)
session = everywhere(
    "session",
    Column("sha256", String(64), primary_key=True),
    Column("account_id", Uuid, nullable=False, index=True),
    Column("made_at", UtcInstant, nullable=False),
    Column("seen_at", UtcInstant, nullable=False),
    Column("ends_at", UtcInstant, nullable=False),
)
# A link that sets a password once: of `account_id`, or of an administrator to be made with it.
one_time_link = everywhere(
    "one_time_link",
    Column("sha256", String(64), primary_key=True),
    Column("account_id", Uuid),
    Column("ends_at", UtcInstant, nullable=False),
    Column("used_at", UtcInstant),
)
# `made_with`: the token that made it, and whose end it shares.
api_token = everywhere(
    "api_token",
    Column("token_id", Uuid, primary_key=True),
    Column("sha256", String(64), nullable=False, unique=True),
    Column("account_id", Uuid, nullable=False, index=True),
    Column("made_with", Uuid, index=True),
    Column("label", Text, nullable=False),
    Column("role", String(16), nullable=False),
    Column("org_id", Uuid),
    Column("region_id", Uuid),
    Column("store_id", Uuid),
    Column("made_at", UtcInstant, nullable=False),
    Column("ends_at", UtcInstant, nullable=False),
    Column("revoked_at", UtcInstant),
    Column("used_at", UtcInstant),
)
# Each answer that was given to somebody; `org_id` is `NO_ORGANISATION` where it was of none,
# `store_id` is null where it was of more than one store, or of none.
# `store_id`, `region_id`: the place that an answer was about; `everywhere`: about all stores.
access_log = spread(
    "access_log",
    Column("at", UtcInstant, primary_key=True),
    Column("entry_id", Uuid, primary_key=True),
    Column("store_id", Uuid),
    Column("region_id", Uuid),
    Column("everywhere", Boolean, nullable=False, default=False),
    Column("account_id", Uuid),
    Column("account", String(120), nullable=False),
    Column("way", String(8), nullable=False),
    Column("operation", String(64), nullable=False),
    Column("subject", Text, nullable=False),
    Column("status", Integer, nullable=False),
    Index("access_log_by_account", "org_id", "account_id", "at"),
    by_time="at",
)
