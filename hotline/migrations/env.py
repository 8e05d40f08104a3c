"""Alembic's entry: runs the migrations on the connection that `hotline.schema` hands over."""

from alembic import context

import channels.wechat.tables  # noqa: F401
import ivr.calls  # noqa: F401
import knowledge.tables  # noqa: F401
from core.database import metadata

connection = context.config.attributes["connection"]
context.configure(connection=connection, target_metadata=metadata, render_as_batch=connection.dialect.name == "sqlite")
with context.begin_transaction():
    context.run_migrations()
