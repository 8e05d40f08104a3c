"""what keepers of entries look for: what has to be confirmed, whence an entry came, reminders before it expires"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

from core.database import UtcDateTime

revision: str = "0026"
down_revision: str | None = "0025"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

ENTRIES = sa.table(
    "knowledge_entries",
    sa.column("id", sa.String),
    sa.column("live_version", sa.Integer),
    sa.column("newest_version", sa.Integer),
    sa.column("to_confirm", sa.Integer),
)
VERSIONS = sa.table(
    "knowledge_versions",
    sa.column("entry_id", sa.String),
    sa.column("version", sa.Integer),
    sa.column("content", sa.JSON),
)


def upgrade() -> None:
    with op.batch_alter_table("knowledge_entries") as table:
        table.add_column(sa.Column("to_confirm", sa.Integer(), server_default="0", nullable=False))
        table.add_column(sa.Column("from_order", sa.String(length=20), nullable=True))
        table.create_unique_constraint(op.f("uq_knowledge_entries_from_order"), ["from_order"])
    op.create_table(
        "knowledge_reminders",
        sa.Column("entry_id", sa.String(length=100), nullable=False),
        sa.Column("expires", sa.Date(), nullable=False),
        sa.Column("days", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["entry_id"], ["knowledge_entries.id"], name=op.f("fk_knowledge_reminders_entry_id")),
        sa.PrimaryKeyConstraint("entry_id", "expires", "days", name=op.f("pk_knowledge_reminders")),
    )
    _count_what_is_to_confirm()


def downgrade() -> None:
    op.drop_table("knowledge_reminders")
    with op.batch_alter_table("knowledge_entries") as table:
        table.drop_constraint(op.f("uq_knowledge_entries_from_order"), type_="unique")
        table.drop_column("from_order")
        table.drop_column("to_confirm")


def _count_what_is_to_confirm() -> None:
    """Of the live version of each entry, else of the newest, as `knowledge.entries` does."""
    connection = op.get_bind()
    told = sa.func.coalesce(ENTRIES.c.live_version, ENTRIES.c.newest_version)
    joined = (VERSIONS.c.entry_id == ENTRIES.c.id) & (VERSIONS.c.version == told)
    wanted = sa.select(ENTRIES.c.id, VERSIONS.c.content).join(VERSIONS, joined)
    counted = [
        {"entry": entry_id, "count": len(content["confirm"])}
        for entry_id, content in connection.execute(wanted)
        if content.get("confirm")
    ]
    if counted:
        changed = sa.update(ENTRIES).where(ENTRIES.c.id == sa.bindparam("entry"))
        connection.execute(changed.values(to_confirm=sa.bindparam("count")), counted)
