"""replies, call-backs, re-checks, repeats"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

from core.database import UtcDateTime

revision: str = "0004"
down_revision: str | None = "0003"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

OUTCOMES = ("solved", "partly_solved", "explained", "unfounded", "beyond_duty", "planned")
MISSED = ("no_answer", "wrong_number", "refused", "no_contact")
NEW = ("level", "people", "forsaken", "reply", "outcome", "replied_at", "closed_at", "place_key")


def upgrade() -> None:
    with op.batch_alter_table("work_orders") as batch_op:
        batch_op.add_column(sa.Column("level", sa.Integer(), server_default="0", nullable=False))
        batch_op.add_column(sa.Column("people", sa.Integer(), server_default="1", nullable=False))
        batch_op.add_column(sa.Column("forsaken", sa.Boolean(), server_default=sa.false(), nullable=False))
        batch_op.add_column(sa.Column("reply", sa.Text(), nullable=True))
        batch_op.add_column(sa.Column("outcome", sa.String(length=20), nullable=True))
        batch_op.add_column(sa.Column("replied_at", UtcDateTime(), nullable=True))
        batch_op.add_column(sa.Column("closed_at", UtcDateTime(), nullable=True))
        batch_op.add_column(sa.Column("place_key", sa.String(length=210), nullable=True))
        batch_op.create_check_constraint(batch_op.f("ck_work_orders_known_outcome"), _one_of("outcome", OUTCOMES))
        batch_op.create_index(batch_op.f("ix_work_orders_place_key_category"), ["place_key", "category"])
        batch_op.create_index(batch_op.f("ix_work_orders_merged_into"), ["merged_into"])
    op.execute("UPDATE work_orders SET closed_at = updated_at WHERE state = 'closed'")
    # Replies that wait for their call-back stand in its list by their time.
    op.execute("UPDATE work_orders SET replied_at = updated_at WHERE state = 'pending_callback'")
    op.create_table(
        "supporters",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("work_order_id", sa.Integer(), nullable=False),
        sa.Column("conversation_id", sa.String(length=200), nullable=False),
        sa.Column("contact_phone", sa.String(length=20), nullable=True),
        sa.Column("text", sa.Text(), nullable=True),
        sa.Column("query_code", sa.String(length=6), nullable=False),
        sa.Column("joined_at", UtcDateTime(), nullable=False),
        sa.Column("left_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["work_order_id"], ["work_orders.id"], name=op.f("fk_supporters_work_order_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_supporters")),
    )
    op.create_index(op.f("ix_supporters_work_order_id"), "supporters", ["work_order_id"])
    op.create_table(
        "callbacks",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("work_order_id", sa.Integer(), nullable=False),
        sa.Column("round", sa.Integer(), nullable=False),
        sa.Column("person", sa.String(length=40), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("by", sa.String(length=10), nullable=False),
        sa.Column("actor", sa.String(length=50), nullable=False),
        sa.Column("missed", sa.String(length=20), nullable=True),
        sa.Column("solved", sa.Boolean(), nullable=True),
        sa.Column("satisfied", sa.Boolean(), nullable=True),
        sa.Column("service_satisfied", sa.Boolean(), nullable=True),
        sa.Column("enterprise_satisfied", sa.Boolean(), nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.CheckConstraint("\"by\" IN ('seat', 'citizen')", name=op.f("ck_callbacks_known_by")),
        sa.CheckConstraint(_one_of("missed", MISSED), name=op.f("ck_callbacks_known_missed")),
        sa.ForeignKeyConstraint(["work_order_id"], ["work_orders.id"], name=op.f("fk_callbacks_work_order_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_callbacks")),
    )
    op.create_index(op.f("ix_callbacks_work_order_id_round"), "callbacks", ["work_order_id", "round"])
    op.create_index(op.f("ix_callbacks_at"), "callbacks", ["at"])
    op.create_table(
        "rechecks",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("work_order_id", sa.Integer(), nullable=False),
        sa.Column("due_at", UtcDateTime(), nullable=False),
        sa.Column("shown_at", UtcDateTime(), nullable=True),
        sa.Column("done_at", UtcDateTime(), nullable=True),
        sa.Column("result", sa.String(length=10), nullable=True),
        sa.CheckConstraint(_one_of("result", ("holds", "came_back", "dropped")), name=op.f("ck_rechecks_known_result")),
        sa.ForeignKeyConstraint(["work_order_id"], ["work_orders.id"], name=op.f("fk_rechecks_work_order_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rechecks")),
    )
    op.create_index(op.f("ix_rechecks_work_order_id"), "rechecks", ["work_order_id"])
    op.create_index(op.f("ix_rechecks_done_at_due_at"), "rechecks", ["done_at", "due_at"])


def downgrade() -> None:
    op.drop_table("rechecks")
    op.drop_table("callbacks")
    op.drop_table("supporters")
    with op.batch_alter_table("work_orders") as batch_op:
        batch_op.drop_index(batch_op.f("ix_work_orders_merged_into"))
        batch_op.drop_index(batch_op.f("ix_work_orders_place_key_category"))
        batch_op.drop_constraint(batch_op.f("ck_work_orders_known_outcome"), type_="check")
        for column in NEW:
            batch_op.drop_column(column)


def _one_of(column: str, values: Sequence[str]) -> str:
    return f"{column} IN ({', '.join(repr(value) for value in values)})"
