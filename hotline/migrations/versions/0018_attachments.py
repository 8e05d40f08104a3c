"""files of citizens"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

from core.database import Sealed, UtcDateTime

revision: str = "0018"
down_revision: str | None = "0017"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.create_table(
        "attachments",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("conversation_id", sa.String(length=200), nullable=False),
        sa.Column("message_id", sa.String(length=200), nullable=False),
        sa.Column("work_order_id", sa.Integer(), nullable=True),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("media_type", sa.String(length=30), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("path", sa.String(length=100), nullable=False),
        sa.Column("key", Sealed(), nullable=False),
        sa.Column("kept_at", UtcDateTime(), nullable=False),
        sa.CheckConstraint("kind IN ('picture', 'video', 'voice')", name=op.f("ck_attachments_known_kind")),
        sa.ForeignKeyConstraint(["work_order_id"], ["work_orders.id"], name=op.f("fk_attachments_work_order_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_attachments")),
        sa.UniqueConstraint("conversation_id", "message_id", name=op.f("uq_attachments_conversation_id_message_id")),
        sa.UniqueConstraint("path", name=op.f("uq_attachments_path")),
    )
    op.create_index(op.f("ix_attachments_work_order_id"), "attachments", ["work_order_id"])


def downgrade() -> None:
    op.drop_table("attachments")
