"""Run by Alembic for every command; `config.migrations` has opened the transaction already."""

from alembic import context

context.configure(
    connection=context.config.attributes["connection"],
    transactional_ddl=True,  # SQLite can, once the driver doesn't commit by itself
)
context.run_migrations()
