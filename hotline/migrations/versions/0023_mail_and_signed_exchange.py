"""mail and signed exchange"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

from core.database import Sealed, SealedJson, UtcDateTime

revision: str = "0023"
down_revision: str | None = "0022"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.create_table(
        "inbound_messages",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("source", sa.String(length=30), nullable=False),
        sa.Column("message_id", sa.String(length=100), nullable=False),
        sa.Column("fingerprint", sa.String(length=64), nullable=False),
        sa.Column("outcome", sa.String(length=20), nullable=False),
        sa.Column("work_order_id", sa.Integer(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["work_order_id"], ["work_orders.id"], name=op.f("fk_inbound_messages_work_order_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_inbound_messages")),
        sa.UniqueConstraint("source", "message_id", name=op.f("uq_inbound_messages_source_message_id")),
    )
    op.create_index(op.f("ix_inbound_messages_work_order_id"), "inbound_messages", ["work_order_id"])
    with op.batch_alter_table("deliveries") as batch_op:
        batch_op.add_column(sa.Column("answer_id", sa.Integer(), nullable=True))
        batch_op.create_foreign_key(batch_op.f("fk_deliveries_answer_id"), "answers", ["answer_id"], ["id"])
        batch_op.create_unique_constraint(batch_op.f("uq_deliveries_answer_id"), ["answer_id"])

    with op.batch_alter_table("work_orders") as batch_op:
        batch_op.add_column(sa.Column("contact_email", Sealed(), nullable=True))
    with op.batch_alter_table("texts") as batch_op:
        batch_op.add_column(sa.Column("mail", SealedJson(), nullable=True))
    op.create_table(
        "mails",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("trace", sa.String(length=64), nullable=False),
        sa.Column("sender", sa.String(length=64), nullable=True),
        sa.Column("became", sa.String(length=20), nullable=False),
        sa.Column("work_order_id", sa.Integer(), nullable=True),
        sa.Column("received_at", UtcDateTime(), nullable=False),
        sa.CheckConstraint("became IN ('opened', 'supplemented', 'ignored')", name=op.f("ck_mails_known_became")),
        sa.ForeignKeyConstraint(["work_order_id"], ["work_orders.id"], name=op.f("fk_mails_work_order_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mails")),
        sa.UniqueConstraint("trace", name=op.f("uq_mails_trace")),
    )
    op.create_index(op.f("ix_mails_sender_received_at"), "mails", ["sender", "received_at"])


def downgrade() -> None:
    op.drop_table("mails")
    op.execute("DELETE FROM deliveries WHERE carrier = 'email'")
    with op.batch_alter_table("texts") as batch_op:
        batch_op.drop_column("mail")
    with op.batch_alter_table("work_orders") as batch_op:
        batch_op.drop_column("contact_email")
    op.execute("DELETE FROM deliveries WHERE answer_id IS NOT NULL")
    with op.batch_alter_table("deliveries") as batch_op:
        batch_op.drop_constraint(batch_op.f("uq_deliveries_answer_id"), type_="unique")
        batch_op.drop_constraint(batch_op.f("fk_deliveries_answer_id"), type_="foreignkey")
        batch_op.drop_column("answer_id")
    op.drop_table("inbound_messages")
