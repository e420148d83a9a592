"""Writes distribute.sql: what Citus must know of the schema, from the schema itself.

    python deploy/server/citus/distribute.py > deploy/server/citus/distribute.sql

Spread tables are spread by `org_id`, and lie together with the first of them, so that whatever is
asked about one organisation is answered by one machine. The others are on each machine.
"""

from server.schema.whole import SPREAD, metadata

HEAD = """\
-- Made by distribute.py. Run it once, on the coordinator, in a database in which
-- `encounter-server migrate` has made the schema, and before the first data:
--
--   psql -d encounter -v ON_ERROR_STOP=1 -f distribute.sql
CREATE EXTENSION IF NOT EXISTS citus;
BEGIN;
"""


def statements() -> list[str]:
    """A statement a table, in the order of the schema."""
    first = SPREAD[0].name
    small = [table.name for table in metadata.sorted_tables if table not in SPREAD]
    beside = {table.name: "none" if table.name == first else first for table in SPREAD}
    return [
        *(f"SELECT create_reference_table('{name}');" for name in small),
        *(
            f"SELECT create_distributed_table('{name}', 'org_id', colocate_with => '{with_which}');"
            for name, with_which in beside.items()
        ),
    ]


def script() -> str:
    """The whole file."""
    return HEAD + "\n".join(statements()) + "\nCOMMIT;\n"


if __name__ == "__main__":
    print(script(), end="")
