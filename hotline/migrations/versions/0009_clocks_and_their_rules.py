"""clocks know by which rules they run, and which end was set by hand"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0009"
down_revision: str | None = "0008"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

# Before, nobody wrote down who had set an end. Where it may have been a person it stays.
SET_BY_HAND = """
UPDATE clocks SET by_hand = true WHERE step IN ('supervision_reply', 'joint') OR step = 'finish' AND (
    EXISTS (SELECT 1 FROM work_orders WHERE work_orders.id = clocks.work_order_id AND work_orders.extended)
    OR EXISTS (
        SELECT 1 FROM work_order_events WHERE work_order_events.work_order_id = clocks.work_order_id
        AND work_order_events.kind = 'assign' AND work_order_events.at = clocks.since))
"""


def upgrade() -> None:
    op.add_column("clocks", sa.Column("by_hand", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.add_column("clocks", sa.Column("rules", sa.String(length=16), server_default="", nullable=False))
    op.execute(SET_BY_HAND)
    op.create_index(
        "ix_clocks_running_rules",
        "clocks",
        ["rules"],
        sqlite_where=sa.text("ended_at IS NULL"),
        postgresql_where=sa.text("ended_at IS NULL"),
    )


def downgrade() -> None:
    op.drop_index("ix_clocks_running_rules", "clocks")
    with op.batch_alter_table("clocks") as batch_op:
        batch_op.drop_column("rules")
        batch_op.drop_column("by_hand")
