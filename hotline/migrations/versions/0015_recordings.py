"""recordings of calls"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

from core.database import UtcDateTime

revision: str = "0015"
down_revision: str | None = "0014"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.create_table(
        "recordings",
        sa.Column("sid", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("call_sid", sa.String(length=64), nullable=True),
        sa.Column("carrier", sa.String(length=20), nullable=True),
        sa.Column("url", sa.Text(), nullable=True),
        sa.Column("seconds", sa.Integer(), nullable=True),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("why", sa.String(length=20), nullable=True),
        sa.Column("path", sa.String(length=100), nullable=True),
        sa.Column("key", sa.Text(), nullable=True),
        sa.Column("media_type", sa.String(length=30), nullable=True),
        sa.Column("sha256", sa.String(length=64), nullable=True),
        sa.Column("work_order_id", sa.Integer(), nullable=True),
        sa.Column("consent_at", UtcDateTime(), nullable=True),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("fetched_at", UtcDateTime(), nullable=True),
        sa.Column("transcribed_at", UtcDateTime(), nullable=True),
        sa.CheckConstraint("kind IN ('message', 'talk')", name=op.f("ck_recordings_known_kind")),
        sa.CheckConstraint(
            "state IN ('announced', 'fetched', 'failed', 'gone', 'erased')", name=op.f("ck_recordings_known_state")
        ),
        sa.CheckConstraint(
            "why IN ('absent', 'failed', 'unreachable', 'too_large', 'not_audio')",
            name=op.f("ck_recordings_known_why"),
        ),
        sa.ForeignKeyConstraint(["work_order_id"], ["work_orders.id"], name=op.f("fk_recordings_work_order_id")),
        sa.PrimaryKeyConstraint("sid", name=op.f("pk_recordings")),
    )
    for column in ("work_order_id", "call_sid", "transcribed_at"):
        op.create_index(op.f(f"ix_recordings_{column}"), "recordings", [column])
    op.create_table(
        "recording_tasks",
        sa.Column("sid", sa.String(length=64), nullable=False),
        sa.Column("task", sa.String(length=10), nullable=False),
        sa.Column("due_at", UtcDateTime(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "task IN ('fetch', 'delete', 'transcribe', 'remove')", name=op.f("ck_recording_tasks_known_task")
        ),
        sa.ForeignKeyConstraint(["sid"], ["recordings.sid"], name=op.f("fk_recording_tasks_sid")),
        sa.PrimaryKeyConstraint("sid", "task", name=op.f("pk_recording_tasks")),
    )
    op.create_index(op.f("ix_recording_tasks_due_at"), "recording_tasks", ["due_at"])
    op.create_table(
        "recording_notices",
        sa.Column("call_sid", sa.String(length=64), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("call_sid", name=op.f("pk_recording_notices")),
    )


def downgrade() -> None:
    op.drop_table("recording_notices")
    op.drop_table("recording_tasks")
    op.drop_table("recordings")
