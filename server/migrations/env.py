"""Alembic's way in: it works on the connection that `server.migrating` hands over."""

from alembic import context

from server.schema.whole import metadata

connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=metadata,
    render_as_batch=connection.dialect.name == "sqlite",
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
