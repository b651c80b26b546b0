"""What alembic runs to migrate: on the connection, and in the transaction, that the history has opened."""

from __future__ import annotations

from alembic import context

from perfkit.history.tables import METADATA

# On SQLite too: the history begins its transactions itself, and there tables come and go with them.
context.configure(connection=context.config.attributes["connection"], target_metadata=METADATA, transactional_ddl=True)
context.run_migrations()
