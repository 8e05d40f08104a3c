"""life of an order"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

from core.database import UtcDateTime

revision: str = "0002"
down_revision: str | None = "0001"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

OLD_STATES = ("pending_acceptance", "pending_dispatch", "withdrawn")
STATES = (
    "pending_acceptance",
    "pending_dispatch",
    "pending_sign",
    "in_progress",
    "returning",
    "waiting_for_citizen",
    "extension_asked",
    "pending_review",
    "pending_callback",
    "redo",
    "closed",
    "rejected",
    "merged",
    "withdrawn",
)


def upgrade() -> None:
    with op.batch_alter_table("work_orders") as batch_op:
        batch_op.drop_constraint(batch_op.f("ck_work_orders_known_state"), type_="check")
        batch_op.create_check_constraint(batch_op.f("ck_work_orders_known_state"), _one_of("state", STATES))
        batch_op.add_column(sa.Column("urgency", sa.String(length=20), server_default="ordinary", nullable=False))
        batch_op.add_column(sa.Column("complex", sa.Boolean(), server_default=sa.false(), nullable=False))
        batch_op.add_column(sa.Column("unit", sa.String(length=50), nullable=True))
        batch_op.add_column(sa.Column("assist_units", sa.JSON(), server_default="[]", nullable=False))
        batch_op.add_column(sa.Column("dispatches", sa.Integer(), server_default="0", nullable=False))
        batch_op.add_column(sa.Column("extended", sa.Boolean(), server_default=sa.false(), nullable=False))
        batch_op.add_column(sa.Column("redone", sa.Integer(), server_default="0", nullable=False))
        batch_op.add_column(sa.Column("merged_into", sa.Integer(), nullable=True))
        batch_op.create_foreign_key(batch_op.f("fk_work_orders_merged_into"), "work_orders", ["merged_into"], ["id"])
        batch_op.create_check_constraint(
            batch_op.f("ck_work_orders_known_urgency"), _one_of("urgency", ("ordinary", "utilities", "danger"))
        )
        batch_op.create_index(batch_op.f("ix_work_orders_unit_state"), ["unit", "state"])
    op.create_table(
        "clocks",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("work_order_id", sa.Integer(), nullable=False),
        sa.Column("step", sa.String(length=20), nullable=False),
        sa.Column("since", UtcDateTime(), nullable=False),
        sa.Column("yellow", UtcDateTime(), nullable=False),
        sa.Column("orange", UtcDateTime(), nullable=False),
        sa.Column("red", UtcDateTime(), nullable=False),
        sa.Column("light", sa.String(length=10), nullable=True),
        sa.Column("next_change", UtcDateTime(), nullable=True),
        sa.Column("ended_at", UtcDateTime(), nullable=True),
        sa.CheckConstraint(
            _one_of("step", ("sign", "first_reply", "finish", "return", "callback")), name=op.f("ck_clocks_known_step")
        ),
        sa.CheckConstraint(_one_of("light", ("yellow", "orange", "red")), name=op.f("ck_clocks_known_light")),
        sa.ForeignKeyConstraint(["work_order_id"], ["work_orders.id"], name=op.f("fk_clocks_work_order_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_clocks")),
    )
    op.create_index(op.f("ix_clocks_work_order_id"), "clocks", ["work_order_id"])
    op.create_index(op.f("ix_clocks_next_change"), "clocks", ["next_change"])
    op.create_table(
        "pauses",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("work_order_id", sa.Integer(), nullable=False),
        sa.Column("start", UtcDateTime(), nullable=False),
        sa.Column("end", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["work_order_id"], ["work_orders.id"], name=op.f("fk_pauses_work_order_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pauses")),
    )
    op.create_index(op.f("ix_pauses_work_order_id"), "pauses", ["work_order_id"])
    op.create_table(
        "users",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("login", sa.String(length=50), nullable=False),
        sa.Column("name", sa.String(length=50), nullable=False),
        sa.Column("role", sa.String(length=20), nullable=False),
        sa.Column("unit", sa.String(length=50), nullable=True),
        sa.Column("password_hash", sa.String(length=200), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_users")),
        sa.UniqueConstraint("login", name=op.f("uq_users_login")),
    )
    op.create_table(
        "sessions",
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_sessions_user_id")),
        sa.PrimaryKeyConstraint("token_hash", name=op.f("pk_sessions")),
    )
    op.create_index(op.f("ix_sessions_user_id"), "sessions", ["user_id"])
    op.create_table(
        "sign_in_failures",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("login", sa.String(length=50), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sign_in_failures")),
    )
    op.create_index(op.f("ix_sign_in_failures_login_at"), "sign_in_failures", ["login", "at"])


def downgrade() -> None:
    op.drop_table("sign_in_failures")
    op.drop_table("sessions")
    op.drop_table("users")
    op.drop_table("pauses")
    op.drop_table("clocks")
    # Orders in states the older version does not know wait for a person there.
    op.execute(f"UPDATE work_orders SET state = 'pending_acceptance' WHERE NOT ({_one_of('state', OLD_STATES)})")
    with op.batch_alter_table("work_orders") as batch_op:
        batch_op.drop_index(batch_op.f("ix_work_orders_unit_state"))
        batch_op.drop_constraint(batch_op.f("ck_work_orders_known_urgency"), type_="check")
        batch_op.drop_constraint(batch_op.f("fk_work_orders_merged_into"), type_="foreignkey")
        for column in ("merged_into", "redone", "extended", "dispatches", "assist_units", "unit", "complex", "urgency"):
            batch_op.drop_column(column)
        batch_op.drop_constraint(batch_op.f("ck_work_orders_known_state"), type_="check")
        batch_op.create_check_constraint(batch_op.f("ck_work_orders_known_state"), _one_of("state", OLD_STATES))


def _one_of(column: str, values: Sequence[str]) -> str:
    return f"{column} IN ({', '.join(repr(value) for value in values)})"
