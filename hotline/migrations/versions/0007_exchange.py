"""orders in and out"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

from core.database import UtcDateTime

revision: str = "0007"
down_revision: str | None = "0006"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

LISTED = (["created_at"], ["unit", "created_at"], ["unit", "state", "created_at"], ["source", "created_at"])


def upgrade() -> None:
    with op.batch_alter_table("work_orders") as batch_op:
        batch_op.add_column(sa.Column("source", sa.String(length=30), nullable=True))
        batch_op.add_column(sa.Column("source_number", sa.String(length=100), nullable=True))
        batch_op.add_column(sa.Column("source_fingerprint", sa.String(length=64), nullable=True))
        batch_op.create_unique_constraint(
            batch_op.f("uq_work_orders_source_source_number"), ["source", "source_number"]
        )
        batch_op.drop_index(batch_op.f("ix_work_orders_unit_state"))
        for columns in LISTED:
            batch_op.create_index(batch_op.f(f"ix_work_orders_{'_'.join(columns)}"), columns)
    op.create_table(
        "answers",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("source", sa.String(length=30), nullable=False),
        sa.Column("work_order_id", sa.Integer(), nullable=False),
        sa.Column("event_id", sa.Integer(), nullable=False),
        sa.Column("settled_at", UtcDateTime(), nullable=True),
        sa.Column("refused", sa.String(length=200), nullable=True),
        sa.ForeignKeyConstraint(["work_order_id"], ["work_orders.id"], name=op.f("fk_answers_work_order_id")),
        sa.ForeignKeyConstraint(["event_id"], ["work_order_events.id"], name=op.f("fk_answers_event_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_answers")),
        sa.UniqueConstraint("event_id", "work_order_id", name=op.f("uq_answers_event_id_work_order_id")),
    )
    op.create_index(
        "ix_answers_unsettled",
        "answers",
        ["source", "id"],
        sqlite_where=sa.text("settled_at IS NULL"),
        postgresql_where=sa.text("settled_at IS NULL"),
    )
    op.create_table(
        "exports",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("actor", sa.String(length=50), nullable=False),
        sa.Column("whole", sa.Boolean(), nullable=False),
        sa.Column("purpose", sa.String(length=200), nullable=True),
        sa.Column("filters", sa.JSON(), nullable=False),
        sa.Column("rows", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_exports")),
    )


def downgrade() -> None:
    op.drop_table("exports")
    op.drop_table("answers")
    with op.batch_alter_table("work_orders") as batch_op:
        for columns in LISTED:
            batch_op.drop_index(batch_op.f(f"ix_work_orders_{'_'.join(columns)}"))
        batch_op.create_index(batch_op.f("ix_work_orders_unit_state"), ["unit", "state"])
        batch_op.drop_constraint(batch_op.f("uq_work_orders_source_source_number"), type_="unique")
        for column in ("source_fingerprint", "source_number", "source"):
            batch_op.drop_column(column)
