"""Run by Alembic, on the connection that ``engine.upgrade`` opened; there is no offline mode and no alembic.ini."""

from alembic import context

from directory_service.registry.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,  # SQLite alters a table by copying it
)
with context.begin_transaction():
    context.run_migrations()
