"""Runs schema migrations on the connection that `wherry.store.upgrade` hands over."""

from alembic import context

from wherry.store.tables import metadata

connection = context.config.attributes.get("connection")

if connection is None:
    context.configure(
        dialect_name=context.config.attributes["dialect"],
        target_metadata=metadata,
        output_buffer=context.config.output_buffer,
        as_sql=True,
        literal_binds=True,
    )
else:
    context.configure(connection=connection, target_metadata=metadata)

with context.begin_transaction():
    context.run_migrations()
