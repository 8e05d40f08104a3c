"""supervision, joint handling, special reports"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

from core.database import UtcDateTime

revision: str = "0005"
down_revision: str | None = "0004"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

OLD_STEPS = ("sign", "first_reply", "finish", "return", "callback", "receipt")
STEPS = (*OLD_STEPS, "supervision_sign", "supervision_reply", "joint")


def upgrade() -> None:
    with op.batch_alter_table("clocks") as batch_op:
        batch_op.drop_constraint(batch_op.f("ck_clocks_known_step"), type_="check")
        batch_op.create_check_constraint(batch_op.f("ck_clocks_known_step"), _one_of("step", STEPS))
    runs = sa.text("ended_at IS NULL")
    op.create_index("ix_clocks_running_light", "clocks", ["light", "red"], sqlite_where=runs, postgresql_where=runs)
    op.create_index(op.f("ix_work_orders_line_created_at"), "work_orders", ["line", "created_at"])
    op.create_table(
        "yearly_sequences",
        sa.Column("name", sa.String(length=20), nullable=False),
        sa.Column("year", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("last", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("name", "year", name=op.f("pk_yearly_sequences")),
    )
    op.create_table(
        "special_reports",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("number", sa.String(length=12), nullable=False),
        sa.Column("work_order_id", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("decision", sa.Text(), nullable=True),
        sa.Column("unit", sa.String(length=50), nullable=True),
        sa.Column("due", UtcDateTime(), nullable=True),
        sa.Column("decided_by", sa.String(length=50), nullable=True),
        sa.Column("result", sa.Text(), nullable=True),
        sa.Column("opened_at", UtcDateTime(), nullable=False),
        sa.Column("ended_at", UtcDateTime(), nullable=True),
        sa.CheckConstraint(
            _one_of("state", ("draft", "submitted", "decided", "done", "dropped")),
            name=op.f("ck_special_reports_known_state"),
        ),
        sa.ForeignKeyConstraint(["work_order_id"], ["work_orders.id"], name=op.f("fk_special_reports_work_order_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_special_reports")),
        sa.UniqueConstraint("number", name=op.f("uq_special_reports_number")),
    )
    op.create_index(op.f("ix_special_reports_work_order_id"), "special_reports", ["work_order_id"])
    op.create_index(op.f("ix_special_reports_state"), "special_reports", ["state"])
    op.create_table(
        "supervisions",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("number", sa.String(length=12), nullable=False),
        sa.Column("work_order_id", sa.Integer(), nullable=False),
        sa.Column("special_report_id", sa.Integer(), nullable=True),
        sa.Column("level", sa.String(length=20), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("unit", sa.String(length=50), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("demand", sa.Text(), nullable=False),
        sa.Column("due", UtcDateTime(), nullable=False),
        sa.Column("person", sa.String(length=50), nullable=True),
        sa.Column("reply", sa.Text(), nullable=True),
        sa.Column("refusals", sa.Integer(), nullable=False),
        sa.Column("opened_by", sa.String(length=50), nullable=False),
        sa.Column("opened_at", UtcDateTime(), nullable=False),
        sa.Column("ended_at", UtcDateTime(), nullable=True),
        sa.CheckConstraint(
            _one_of("level", ("hotline_office", "bureau_head", "leader")), name=op.f("ck_supervisions_known_level")
        ),
        sa.CheckConstraint(
            _one_of("state", ("opened", "signed", "replied", "accepted", "ended")),
            name=op.f("ck_supervisions_known_state"),
        ),
        sa.ForeignKeyConstraint(["work_order_id"], ["work_orders.id"], name=op.f("fk_supervisions_work_order_id")),
        sa.ForeignKeyConstraint(
            ["special_report_id"], ["special_reports.id"], name=op.f("fk_supervisions_special_report_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_supervisions")),
        sa.UniqueConstraint("number", name=op.f("uq_supervisions_number")),
    )
    op.create_index(op.f("ix_supervisions_work_order_id"), "supervisions", ["work_order_id"])
    op.create_index(op.f("ix_supervisions_unit_state"), "supervisions", ["unit", "state"])
    op.create_index(op.f("ix_supervisions_state_level"), "supervisions", ["state", "level"])
    op.create_table(
        "joint_handlings",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("work_order_id", sa.Integer(), nullable=False),
        sa.Column("lead", sa.String(length=50), nullable=False),
        sa.Column("assist_units", sa.JSON(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("due", UtcDateTime(), nullable=False),
        sa.Column("opened_by", sa.String(length=50), nullable=False),
        sa.Column("opened_at", UtcDateTime(), nullable=False),
        sa.Column("ended_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["work_order_id"], ["work_orders.id"], name=op.f("fk_joint_handlings_work_order_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_joint_handlings")),
    )
    op.create_index(op.f("ix_joint_handlings_work_order_id"), "joint_handlings", ["work_order_id"])
    op.create_table(
        "joint_meetings",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("joint_handling_id", sa.Integer(), nullable=False),
        sa.Column("held_at", UtcDateTime(), nullable=False),
        sa.Column("participants", sa.JSON(), nullable=False),
        sa.Column("agreed", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["joint_handling_id"], ["joint_handlings.id"], name=op.f("fk_joint_meetings_joint_handling_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_joint_meetings")),
    )
    op.create_index(op.f("ix_joint_meetings_joint_handling_id"), "joint_meetings", ["joint_handling_id"])
    op.create_table(
        "joint_tasks",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("joint_handling_id", sa.Integer(), nullable=False),
        sa.Column("unit", sa.String(length=50), nullable=False),
        sa.Column("task", sa.Text(), nullable=False),
        sa.Column("due", UtcDateTime(), nullable=False),
        sa.Column("done_at", UtcDateTime(), nullable=True),
        sa.Column("done_by", sa.String(length=50), nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["joint_handling_id"], ["joint_handlings.id"], name=op.f("fk_joint_tasks_joint_handling_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_joint_tasks")),
    )
    op.create_index(op.f("ix_joint_tasks_joint_handling_id"), "joint_tasks", ["joint_handling_id"])


def downgrade() -> None:
    for table in (
        "joint_tasks",
        "joint_meetings",
        "joint_handlings",
        "supervisions",
        "special_reports",
        "yearly_sequences",
    ):
        op.drop_table(table)
    op.drop_index(op.f("ix_work_orders_line_created_at"), table_name="work_orders")
    op.drop_index("ix_clocks_running_light", table_name="clocks")
    # The older version does not know these steps.
    op.execute(f"DELETE FROM clocks WHERE NOT ({_one_of('step', OLD_STEPS)})")
    with op.batch_alter_table("clocks") as batch_op:
        batch_op.drop_constraint(batch_op.f("ck_clocks_known_step"), type_="check")
        batch_op.create_check_constraint(batch_op.f("ck_clocks_known_step"), _one_of("step", OLD_STEPS))


def _one_of(column: str, values: Sequence[str]) -> str:
    return f"{column} IN ({', '.join(repr(value) for value in values)})"
