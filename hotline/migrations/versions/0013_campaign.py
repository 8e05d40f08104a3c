"""the call-back campaign, lists of telephone numbers"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

from core.database import Sealed, SealedJson, UtcDateTime

revision: str = "0013"
down_revision: str | None = "0012"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

RESULTS = (
    "'reached', 'refused', 'later', 'wrong_number', 'absent', 'person', 'hung_up', 'silent', 'machine', 'busy', "
    "'no_answer', 'switched_off', 'failed', 'lost', 'settled'"
)


def upgrade() -> None:
    op.create_table(
        "phone_lists",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("phone", Sealed(), nullable=True),
        sa.Column("phone_trace", sa.String(length=64), nullable=True),
        sa.Column("reason", sa.String(length=200), nullable=False),
        sa.Column("added_by", sa.String(length=50), nullable=False),
        sa.Column("added_at", UtcDateTime(), nullable=False),
        sa.Column("until", UtcDateTime(), nullable=True),
        sa.Column("removed_by", sa.String(length=50), nullable=True),
        sa.Column("removed_at", UtcDateTime(), nullable=True),
        sa.Column("removal", sa.String(length=200), nullable=True),
        sa.CheckConstraint("kind IN ('do_not_call', 'elder')", name=op.f("ck_phone_lists_known_kind")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_phone_lists")),
    )
    op.create_index(
        "ix_phone_lists_open",
        "phone_lists",
        ["kind", "phone_trace"],
        unique=True,
        sqlite_where=sa.text("removed_at IS NULL"),
        postgresql_where=sa.text("removed_at IS NULL"),
    )
    op.create_table(
        "campaign",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("paused_at", UtcDateTime(), nullable=True),
        sa.Column("changed_by", sa.String(length=50), nullable=True),
        sa.Column("changed_at", UtcDateTime(), nullable=True),
        sa.Column("reason", sa.String(length=200), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_campaign")),
    )
    op.create_table(
        "campaign_attempts",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("work_order_id", sa.Integer(), nullable=False),
        sa.Column("round", sa.Integer(), nullable=False),
        sa.Column("person", sa.String(length=40), nullable=False),
        sa.Column("nth", sa.Integer(), nullable=False),
        sa.Column("phone", Sealed(), nullable=True),
        sa.Column("phone_trace", sa.String(length=64), nullable=True),
        sa.Column("carrier", sa.String(length=20), nullable=False),
        sa.Column("call_sid", sa.String(length=64), nullable=True),
        sa.Column("claimed_at", UtcDateTime(), nullable=False),
        sa.Column("placed_at", UtcDateTime(), nullable=True),
        sa.Column("answered_at", UtcDateTime(), nullable=True),
        sa.Column("updated_at", UtcDateTime(), nullable=False),
        sa.Column("ended_at", UtcDateTime(), nullable=True),
        sa.Column("state", SealedJson(), nullable=True),
        sa.Column("instructions", SealedJson(), nullable=True),
        sa.Column("result", sa.String(length=20), nullable=True),
        sa.Column("seconds", sa.Integer(), nullable=True),
        sa.Column("solved", sa.Boolean(), nullable=True),
        sa.Column("satisfied", sa.Boolean(), nullable=True),
        sa.Column("again_at", UtcDateTime(), nullable=True),
        sa.Column("told_at", UtcDateTime(), nullable=True),
        sa.Column("refusal", sa.String(length=300), nullable=True),
        sa.CheckConstraint(f"result IN ({RESULTS})", name=op.f("ck_campaign_attempts_known_result")),
        sa.ForeignKeyConstraint(["work_order_id"], ["work_orders.id"], name=op.f("fk_campaign_attempts_work_order_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_campaign_attempts")),
    )
    op.create_index(op.f("ix_campaign_attempts_work_order_id_round"), "campaign_attempts", ["work_order_id", "round"])
    op.create_index(
        op.f("ix_campaign_attempts_phone_trace_claimed_at"), "campaign_attempts", ["phone_trace", "claimed_at"]
    )
    op.create_index(op.f("ix_campaign_attempts_claimed_at"), "campaign_attempts", ["claimed_at"])
    op.create_index(
        "ix_campaign_attempts_under_way",
        "campaign_attempts",
        ["phone_trace"],
        unique=True,
        sqlite_where=sa.text("ended_at IS NULL"),
        postgresql_where=sa.text("ended_at IS NULL"),
    )


def downgrade() -> None:
    for table in ("campaign_attempts", "campaign", "phone_lists"):
        op.drop_table(table)
