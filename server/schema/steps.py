"""How often a migration took something away: an older server must know that, see migrating."""

from sqlalchemy import Column, Integer

from server.schema.columns import everywhere

schema_contractions = everywhere(
    "schema_contractions",
    Column("contractions", Integer, primary_key=True, autoincrement=False),
)
