"""seats and queues"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

from core.database import UtcDateTime

revision: str = "0012"
down_revision: str | None = "0011"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.create_table(
        "phone_seats",
        sa.Column("login", sa.String(length=50), nullable=False),
        sa.Column("lines", sa.JSON(), nullable=False),
        sa.Column("dialects", sa.JSON(), nullable=False),
        sa.Column("telephone", sa.Text(), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("since", UtcDateTime(), nullable=False),
        sa.Column("heard_at", UtcDateTime(), nullable=False),
        sa.CheckConstraint("state IN ('ready', 'paused', 'off')", name=op.f("ck_phone_seats_known_state")),
        sa.PrimaryKeyConstraint("login", name=op.f("pk_phone_seats")),
    )
    op.create_table(
        "phone_tasks",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("call_sid", sa.String(length=64), nullable=False),
        sa.Column("line", sa.String(length=20), nullable=False),
        sa.Column("why", sa.String(length=20), nullable=False),
        sa.Column("phone", sa.Text(), nullable=False),
        sa.Column("phone_trace", sa.String(length=64), nullable=False),
        sa.Column("dialect", sa.String(length=20), nullable=True),
        sa.Column("elder", sa.Boolean(), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("place_at", UtcDateTime(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("not_before", UtcDateTime(), nullable=False),
        sa.Column("times", sa.Integer(), nullable=False),
        sa.Column("taken_by", sa.String(length=50), nullable=True),
        sa.Column("taken_at", UtcDateTime(), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("result", sa.String(length=20), nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("order_number", sa.String(length=20), nullable=True),
        sa.Column("closed_at", UtcDateTime(), nullable=True),
        sa.Column("closed_by", sa.String(length=50), nullable=True),
        sa.CheckConstraint("state IN ('open', 'taken', 'done', 'closed')", name=op.f("ck_phone_tasks_known_state")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_phone_tasks")),
    )
    op.create_index(op.f("ix_phone_tasks_call_sid"), "phone_tasks", ["call_sid"])
    op.create_index(
        "ix_phone_tasks_open",
        "phone_tasks",
        ["phone_trace"],
        unique=True,
        sqlite_where=sa.text("state IN ('open', 'taken')"),
        postgresql_where=sa.text("state IN ('open', 'taken')"),
    )
    op.create_index(op.f("ix_phone_tasks_state_created_at"), "phone_tasks", ["state", "created_at"])
    op.create_table(
        "phone_tries",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("task_id", sa.Integer(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("actor", sa.String(length=50), nullable=False),
        sa.Column("missed", sa.String(length=20), nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["task_id"], ["phone_tasks.id"], name=op.f("fk_phone_tries_task_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_phone_tries")),
    )
    op.create_index(op.f("ix_phone_tries_task_id"), "phone_tries", ["task_id"])
    op.create_table(
        "phone_waits",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("call_sid", sa.String(length=64), nullable=False),
        sa.Column("step", sa.Integer(), nullable=False),
        sa.Column("line", sa.String(length=20), nullable=False),
        sa.Column("queue", sa.String(length=64), nullable=False),
        sa.Column("dialect", sa.String(length=20), nullable=True),
        sa.Column("elder", sa.Boolean(), nullable=False),
        sa.Column("caller", sa.Text(), nullable=True),
        sa.Column("task_id", sa.Integer(), nullable=True),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("entered_at", UtcDateTime(), nullable=False),
        sa.Column("stands_since", UtcDateTime(), nullable=False),
        sa.Column("taken_by", sa.String(length=50), nullable=True),
        sa.Column("joined_at", UtcDateTime(), nullable=True),
        sa.Column("left_at", UtcDateTime(), nullable=True),
        sa.Column("how", sa.String(length=20), nullable=True),
        sa.Column("wish", sa.String(length=20), nullable=True),
        sa.Column("said_place", sa.Integer(), nullable=True),
        sa.Column("said_minutes", sa.Integer(), nullable=True),
        sa.Column("offered_at", UtcDateTime(), nullable=True),
        sa.Column("rounds", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "state IN ('waiting', 'offered', 'talking', 'over')", name=op.f("ck_phone_waits_known_state")
        ),
        sa.ForeignKeyConstraint(["task_id"], ["phone_tasks.id"], name=op.f("fk_phone_waits_task_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_phone_waits")),
        sa.UniqueConstraint("call_sid", "step", name=op.f("uq_phone_waits_call_sid_step")),
    )
    op.create_index(op.f("ix_phone_waits_entered_at"), "phone_waits", ["entered_at"])
    op.create_index(op.f("ix_phone_waits_state_queue"), "phone_waits", ["state", "queue"])
    op.create_index(op.f("ix_phone_waits_task_id"), "phone_waits", ["task_id"])
    op.create_table(
        "phone_talks",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("seat", sa.String(length=50), nullable=False),
        sa.Column("line", sa.String(length=20), nullable=False),
        sa.Column("room", sa.String(length=64), nullable=False),
        sa.Column("carrier", sa.String(length=20), nullable=False),
        sa.Column("call_sid", sa.String(length=64), nullable=False),
        sa.Column("wait_id", sa.Integer(), nullable=True),
        sa.Column("task_id", sa.Integer(), nullable=True),
        sa.Column("started_at", UtcDateTime(), nullable=False),
        sa.Column("joined_at", UtcDateTime(), nullable=True),
        sa.Column("over_at", UtcDateTime(), nullable=True),
        sa.Column("how", sa.String(length=20), nullable=True),
        sa.Column("result", sa.String(length=20), nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("order_number", sa.String(length=20), nullable=True),
        sa.CheckConstraint("(wait_id IS NULL) <> (task_id IS NULL)", name=op.f("ck_phone_talks_one_reason")),
        sa.ForeignKeyConstraint(["task_id"], ["phone_tasks.id"], name=op.f("fk_phone_talks_task_id")),
        sa.ForeignKeyConstraint(["wait_id"], ["phone_waits.id"], name=op.f("fk_phone_talks_wait_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_phone_talks")),
        sa.UniqueConstraint("room", name=op.f("uq_phone_talks_room")),
    )
    op.create_index(op.f("ix_phone_talks_call_sid"), "phone_talks", ["call_sid"])
    op.create_index(op.f("ix_phone_talks_line_joined_at"), "phone_talks", ["line", "joined_at"])
    op.create_index(
        "ix_phone_talks_open",
        "phone_talks",
        ["seat"],
        unique=True,
        sqlite_where=sa.text("over_at IS NULL"),
        postgresql_where=sa.text("over_at IS NULL"),
    )
    op.create_index(op.f("ix_phone_talks_task_id"), "phone_talks", ["task_id"])
    op.create_index(op.f("ix_phone_talks_wait_id"), "phone_talks", ["wait_id"])
    op.create_table(
        "phone_legs",
        sa.Column("token", sa.String(length=64), nullable=False),
        sa.Column("talk_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("who", sa.String(length=50), nullable=False),
        sa.Column("telephone", sa.Text(), nullable=True),
        sa.Column("call_sid", sa.String(length=64), nullable=True),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("asked", sa.Integer(), nullable=False),
        sa.Column("started_at", UtcDateTime(), nullable=False),
        sa.Column("over_at", UtcDateTime(), nullable=True),
        sa.CheckConstraint(
            "kind IN ('seat', 'caller', 'citizen', 'specialist')", name=op.f("ck_phone_legs_known_kind")
        ),
        sa.CheckConstraint("state IN ('ringing', 'told', 'joined', 'over')", name=op.f("ck_phone_legs_known_state")),
        sa.ForeignKeyConstraint(["talk_id"], ["phone_talks.id"], name=op.f("fk_phone_legs_talk_id")),
        sa.PrimaryKeyConstraint("token", name=op.f("pk_phone_legs")),
    )
    op.create_index(op.f("ix_phone_legs_call_sid"), "phone_legs", ["call_sid"])
    op.create_index(op.f("ix_phone_legs_talk_id"), "phone_legs", ["talk_id"])
    op.create_table(
        "phone_looks",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("task_id", sa.Integer(), nullable=True),
        sa.Column("talk_id", sa.Integer(), nullable=True),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("actor", sa.String(length=50), nullable=False),
        sa.Column("role", sa.String(length=20), nullable=False),
        sa.Column("purpose", sa.String(length=20), nullable=False),
        sa.Column("note", sa.String(length=200), nullable=True),
        sa.ForeignKeyConstraint(["talk_id"], ["phone_talks.id"], name=op.f("fk_phone_looks_talk_id")),
        sa.ForeignKeyConstraint(["task_id"], ["phone_tasks.id"], name=op.f("fk_phone_looks_task_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_phone_looks")),
    )
    op.create_index(op.f("ix_phone_looks_actor"), "phone_looks", ["actor"])
    op.create_index(op.f("ix_phone_looks_talk_id"), "phone_looks", ["talk_id"])
    op.create_index(op.f("ix_phone_looks_task_id"), "phone_looks", ["task_id"])


def downgrade() -> None:
    for table in (
        "phone_looks",
        "phone_legs",
        "phone_talks",
        "phone_waits",
        "phone_tries",
        "phone_tasks",
        "phone_seats",
    ):
        op.drop_table(table)
