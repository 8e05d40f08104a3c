"""known callers: wrong proofs, family members, texts, the telephone of a leader's session"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

from core.database import UtcDateTime

revision: str = "0014"
down_revision: str | None = "0013"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.create_table(
        "caller_failures",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("phone_trace", sa.String(length=64), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_caller_failures")),
    )
    op.create_index(op.f("ix_caller_failures_phone_trace_at"), "caller_failures", ["phone_trace", "at"])
    op.create_table(
        "proxies",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("work_order_id", sa.Integer(), nullable=False),
        sa.Column("phone", sa.Text(), nullable=True),
        sa.Column("phone_trace", sa.String(length=64), nullable=True),
        sa.Column("scope", sa.JSON(), nullable=False),
        sa.Column("until", sa.Date(), nullable=False),
        sa.Column("consent", sa.String(length=200), nullable=True),
        sa.Column("added_at", UtcDateTime(), nullable=False),
        sa.Column("ended_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["work_order_id"], ["work_orders.id"], name=op.f("fk_proxies_work_order_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_proxies")),
    )
    op.create_index(op.f("ix_proxies_work_order_id"), "proxies", ["work_order_id"])
    op.create_index(op.f("ix_proxies_phone_trace_added_at"), "proxies", ["phone_trace", "added_at"])
    op.create_table(
        "texts",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("work_order_id", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(length=160), nullable=False),
        sa.Column("phone", sa.Text(), nullable=True),
        sa.Column("text", sa.Text(), nullable=True),
        sa.Column("made_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["work_order_id"], ["work_orders.id"], name=op.f("fk_texts_work_order_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_texts")),
        sa.UniqueConstraint("key", name=op.f("uq_texts_key")),
    )
    op.create_index(op.f("ix_texts_work_order_id"), "texts", ["work_order_id"])
    with op.batch_alter_table("deliveries") as batch_op:
        batch_op.add_column(sa.Column("text_id", sa.Integer(), nullable=True))
        batch_op.create_foreign_key(op.f("fk_deliveries_text_id"), "texts", ["text_id"], ["id"])
        batch_op.create_unique_constraint(op.f("uq_deliveries_text_id"), ["text_id"])
    with op.batch_alter_table("leader_sessions") as batch_op:
        batch_op.add_column(sa.Column("telephone", sa.Text(), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("leader_sessions") as batch_op:
        batch_op.drop_column("telephone")
    op.execute("DELETE FROM deliveries WHERE text_id IS NOT NULL")
    with op.batch_alter_table("deliveries") as batch_op:
        batch_op.drop_constraint(op.f("uq_deliveries_text_id"), type_="unique")
        batch_op.drop_constraint(op.f("fk_deliveries_text_id"), type_="foreignkey")
        batch_op.drop_column("text_id")
    for table in ("texts", "proxies", "caller_failures"):
        op.drop_table(table)
