"""The schema: one for SQLite and PostgreSQL.

Two kinds of tables. *Spread* ones carry `org_id`, the organisation, as the first column of
their primary key: it is the column by which a large installation is spread over machines.
*Everywhere* ones are small, and such an installation keeps a copy of them on each machine.

Those marked with `by_time` are parted by that column on PostgreSQL, so that old rows go by
dropping a part; the column is in their primary key.

`server.schema.whole` knows all of them.
"""
