"""looks at calls"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

from core.database import UtcDateTime

revision: str = "0016"
down_revision: str | None = "0015"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.create_table(
        "call_looks",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("call_sid", sa.String(length=64), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("actor", sa.String(length=50), nullable=False),
        sa.Column("role", sa.String(length=20), nullable=False),
        sa.Column("unit", sa.String(length=50), nullable=True),
        sa.Column("purpose", sa.String(length=20), nullable=False),
        sa.Column("note", sa.String(length=200), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_call_looks")),
    )
    op.create_index(op.f("ix_call_looks_actor"), "call_looks", ["actor"])
    op.create_index(op.f("ix_call_looks_call_sid"), "call_looks", ["call_sid"])
    op.create_index(op.f("ix_calls_started_at"), "calls", ["started_at"])


def downgrade() -> None:
    op.drop_index(op.f("ix_calls_started_at"), table_name="calls")
    op.drop_table("call_looks")
