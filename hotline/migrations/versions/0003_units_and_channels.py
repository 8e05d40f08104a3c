"""responsibility table, levels of units, special channels"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

from core.database import UtcDateTime

revision: str = "0003"
down_revision: str | None = "0002"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

OLD_STATES = (
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
STATES = (*OLD_STATES[:10], "referred", *OLD_STATES[10:])
OLD_LINES = ("citizen", "enterprise")
LINES = (*OLD_LINES, "deputy", "finance", "suggestion", "leader")
OLD_STEPS = ("sign", "first_reply", "finish", "return", "callback")
STEPS = (*OLD_STEPS, "receipt")
CLASSES = ("public_interest", "social_governance", "state_organs")
INDEXES = (["working_unit", "state"], ["returns"], ["session_id"], ["deputy"])


def upgrade() -> None:
    op.create_table(
        "leader_sessions",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("starts_at", UtcDateTime(), nullable=False),
        sa.Column("ends_at", UtcDateTime(), nullable=False),
        sa.Column("leader", sa.String(length=50), nullable=False),
        sa.Column("topic", sa.String(length=200), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("created_by", sa.String(length=50), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_leader_sessions")),
    )
    op.create_index(op.f("ix_leader_sessions_starts_at"), "leader_sessions", ["starts_at"])
    with op.batch_alter_table("work_orders") as batch_op:
        batch_op.add_column(sa.Column("working_unit", sa.String(length=50), nullable=True))
        batch_op.add_column(sa.Column("returns", sa.Integer(), server_default="0", nullable=False))
        batch_op.add_column(sa.Column("referred_to", sa.String(length=50), nullable=True))
        batch_op.add_column(sa.Column("receipt", sa.String(length=100), nullable=True))
        batch_op.add_column(sa.Column("session_id", sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column("deputy", sa.String(length=50), nullable=True))
        batch_op.add_column(sa.Column("suggestion_class", sa.String(length=20), nullable=True))
        batch_op.add_column(sa.Column("filed_by", sa.JSON(none_as_null=True), nullable=True))
        batch_op.create_foreign_key(batch_op.f("fk_work_orders_session_id"), "leader_sessions", ["session_id"], ["id"])
        batch_op.create_check_constraint(
            batch_op.f("ck_work_orders_known_suggestion_class"), _one_of("suggestion_class", CLASSES)
        )
        _check(batch_op, "work_orders", "state", STATES)
        _check(batch_op, "work_orders", "line", LINES)
        for columns in INDEXES:
            batch_op.create_index(batch_op.f(f"ix_work_orders_{'_'.join(columns)}"), columns)
    op.execute(
        "UPDATE work_orders SET returns = (SELECT count(*) FROM work_order_events "
        "WHERE work_order_events.work_order_id = work_orders.id AND work_order_events.kind = 'return')"
    )
    with op.batch_alter_table("clocks") as batch_op:
        _check(batch_op, "clocks", "step", STEPS)
    with op.batch_alter_table("users") as batch_op:
        batch_op.add_column(sa.Column("away_until", UtcDateTime(), nullable=True))
        batch_op.create_index(batch_op.f("ix_users_unit"), ["unit"])


def downgrade() -> None:
    with op.batch_alter_table("users") as batch_op:
        batch_op.drop_index(batch_op.f("ix_users_unit"))
        batch_op.drop_column("away_until")
    op.execute("DELETE FROM clocks WHERE step = 'receipt'")
    with op.batch_alter_table("clocks") as batch_op:
        _check(batch_op, "clocks", "step", OLD_STEPS)
    # The older version knows neither the state nor the lines: the orders wait for a unit there, on the citizens' line.
    op.execute("UPDATE work_orders SET state = 'pending_dispatch', unit = NULL WHERE state = 'referred'")
    op.execute(f"UPDATE work_orders SET line = 'citizen' WHERE NOT ({_one_of('line', OLD_LINES)})")
    with op.batch_alter_table("work_orders") as batch_op:
        for columns in INDEXES:
            batch_op.drop_index(batch_op.f(f"ix_work_orders_{'_'.join(columns)}"))
        _check(batch_op, "work_orders", "state", OLD_STATES)
        _check(batch_op, "work_orders", "line", OLD_LINES)
        batch_op.drop_constraint(batch_op.f("ck_work_orders_known_suggestion_class"), type_="check")
        batch_op.drop_constraint(batch_op.f("fk_work_orders_session_id"), type_="foreignkey")
        for column in (
            "filed_by",
            "suggestion_class",
            "deputy",
            "session_id",
            "receipt",
            "referred_to",
            "returns",
            "working_unit",
        ):
            batch_op.drop_column(column)
    op.drop_table("leader_sessions")


def _check(batch_op, table: str, column: str, values: Sequence[str]) -> None:  # type: ignore[no-untyped-def]
    """Let a column take these values and no others."""
    name = batch_op.f(f"ck_{table}_known_{column}")
    batch_op.drop_constraint(name, type_="check")
    batch_op.create_check_constraint(name, _one_of(column, values))


def _one_of(column: str, values: Sequence[str]) -> str:
    return f"{column} IN ({', '.join(repr(value) for value in values)})"
