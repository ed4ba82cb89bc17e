"""Run the revisions on the connection that `journal/store.py` hands over."""

from alembic import context

from reciprocity.journal.schema import tables

context.configure(connection=context.config.attributes["connection"], target_metadata=tables)
with context.begin_transaction():
    context.run_migrations()
