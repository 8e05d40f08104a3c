"""first floor"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

from core.database import UtcDateTime

revision: str = "0001"
down_revision: str | None = None
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

# The log of an order only grows: the database itself refuses to change or remove an entry.
APPEND_ONLY = {
    "sqlite": [
        f"""CREATE TRIGGER work_order_events_no_{verb} BEFORE {verb} ON work_order_events
        BEGIN SELECT RAISE(ABORT, 'work_order_events is append-only'); END"""
        for verb in ("UPDATE", "DELETE")
    ],
    "postgresql": [
        """CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN RAISE EXCEPTION 'work_order_events is append-only'; END $$""",
        """CREATE TRIGGER work_order_events_append_only BEFORE UPDATE OR DELETE ON work_order_events
        FOR EACH ROW EXECUTE FUNCTION refuse_change()""",
    ],
}


def upgrade() -> None:
    op.create_table(
        "calls",
        sa.Column("call_sid", sa.String(length=64), nullable=False),
        sa.Column("carrier", sa.String(length=20), nullable=False),
        sa.Column("caller", sa.String(length=20), nullable=True),
        sa.Column("line", sa.String(length=20), nullable=False),
        sa.Column("step", sa.Integer(), nullable=False),
        sa.Column("state", sa.JSON(), nullable=False),
        sa.Column("instructions", sa.JSON(), nullable=False),
        sa.Column("started_at", UtcDateTime(), nullable=False),
        sa.Column("updated_at", UtcDateTime(), nullable=False),
        sa.Column("ended_at", UtcDateTime(), nullable=True),
        sa.Column("outcome", sa.String(length=20), nullable=True),
        sa.PrimaryKeyConstraint("call_sid", name=op.f("pk_calls")),
    )
    with op.batch_alter_table("calls", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_calls_ended_at_updated_at"), ["ended_at", "updated_at"], unique=False)

    op.create_table(
        "daily_sequences",
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("last", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("day", name=op.f("pk_daily_sequences")),
    )
    op.create_table(
        "heartbeats",
        sa.Column("name", sa.String(length=50), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_heartbeats")),
    )
    op.create_table(
        "inbox",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("channel", sa.String(length=20), nullable=False),
        sa.Column("conversation_id", sa.String(length=200), nullable=False),
        sa.Column("message_id", sa.String(length=200), nullable=False),
        sa.Column("line", sa.String(length=20), nullable=False),
        sa.Column("caller", sa.String(length=20), nullable=True),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("received_at", UtcDateTime(), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("answer", sa.JSON(), nullable=True),
        sa.Column("answered_at", UtcDateTime(), nullable=True),
        sa.CheckConstraint("state IN ('pending', 'answered')", name=op.f("ck_inbox_known_state")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_inbox")),
        sa.UniqueConstraint("conversation_id", "message_id", name=op.f("uq_inbox_conversation_id_message_id")),
    )
    with op.batch_alter_table("inbox", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_inbox_state_received_at"), ["state", "received_at"], unique=False)

    op.create_table(
        "query_failures",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("number", sa.String(length=20), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_query_failures")),
    )
    with op.batch_alter_table("query_failures", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_query_failures_number_at"), ["number", "at"], unique=False)

    op.create_table(
        "work_orders",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("number", sa.String(length=20), nullable=False),
        sa.Column("query_code", sa.String(length=6), nullable=False),
        sa.Column("line", sa.String(length=20), nullable=False),
        sa.Column("channel", sa.String(length=20), nullable=False),
        sa.Column("conversation_id", sa.String(length=200), nullable=True),
        sa.Column("message_id", sa.String(length=200), nullable=True),
        sa.Column("state", sa.String(length=30), nullable=False),
        sa.Column("automatic", sa.Boolean(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("summary", sa.String(length=200), nullable=True),
        sa.Column("category", sa.String(length=2), nullable=True),
        sa.Column("confidence", sa.Float(), nullable=True),
        sa.Column("ranking", sa.JSON(), nullable=False),
        sa.Column("nature", sa.String(length=10), nullable=True),
        sa.Column("area_code", sa.String(length=12), nullable=True),
        sa.Column("place", sa.String(length=200), nullable=True),
        sa.Column("occurred", sa.String(length=200), nullable=True),
        sa.Column("contact_phone", sa.String(length=20), nullable=True),
        sa.Column("contact_name", sa.String(length=50), nullable=True),
        sa.Column("company_name", sa.String(length=100), nullable=True),
        sa.Column("credit_code", sa.String(length=18), nullable=True),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("updated_at", UtcDateTime(), nullable=False),
        sa.CheckConstraint("channel IN ('web', 'phone', 'wechat', 'api')", name=op.f("ck_work_orders_known_channel")),
        sa.CheckConstraint("line IN ('citizen', 'enterprise')", name=op.f("ck_work_orders_known_line")),
        sa.CheckConstraint(
            "state IN ('pending_acceptance', 'pending_dispatch', 'withdrawn')", name=op.f("ck_work_orders_known_state")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_work_orders")),
        sa.UniqueConstraint("number", name=op.f("uq_work_orders_number")),
    )
    with op.batch_alter_table("work_orders", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_work_orders_category_created_at"), ["category", "created_at"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_work_orders_conversation_id"), ["conversation_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_work_orders_state_created_at"), ["state", "created_at"], unique=False)

    op.create_table(
        "idempotency_keys",
        sa.Column("key", sa.String(length=255), nullable=False),
        sa.Column("fingerprint", sa.String(length=64), nullable=False),
        sa.Column("work_order_id", sa.Integer(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["work_order_id"], ["work_orders.id"], name=op.f("fk_idempotency_keys_work_order_id")),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_idempotency_keys")),
    )
    op.create_table(
        "work_order_events",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("work_order_id", sa.Integer(), nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("actor", sa.String(length=50), nullable=False),
        sa.Column("kind", sa.String(length=30), nullable=False),
        sa.Column("data", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["work_order_id"], ["work_orders.id"], name=op.f("fk_work_order_events_work_order_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_work_order_events")),
        sa.UniqueConstraint("work_order_id", "sequence", name=op.f("uq_work_order_events_work_order_id_sequence")),
    )
    for statement in APPEND_ONLY[op.get_bind().dialect.name]:
        op.execute(statement)


def downgrade() -> None:
    op.drop_table("work_order_events")
    op.drop_table("idempotency_keys")
    with op.batch_alter_table("work_orders", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_work_orders_state_created_at"))
        batch_op.drop_index(batch_op.f("ix_work_orders_conversation_id"))
        batch_op.drop_index(batch_op.f("ix_work_orders_category_created_at"))

    op.drop_table("work_orders")
    with op.batch_alter_table("query_failures", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_query_failures_number_at"))

    op.drop_table("query_failures")
    with op.batch_alter_table("inbox", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_inbox_state_received_at"))

    op.drop_table("inbox")
    op.drop_table("heartbeats")
    op.drop_table("daily_sequences")
    with op.batch_alter_table("calls", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_calls_ended_at_updated_at"))

    op.drop_table("calls")
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP FUNCTION refuse_change()")
