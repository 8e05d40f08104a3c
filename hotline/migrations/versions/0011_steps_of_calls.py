"""the steps of calls"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

from core.database import SealedJson, UtcDateTime

revision: str = "0011"
down_revision: str | None = "0010"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    with op.batch_alter_table("calls") as batch_op:
        batch_op.add_column(sa.Column("where", sa.String(length=20), nullable=False, server_default="talk"))
    with op.batch_alter_table("calls") as batch_op:
        batch_op.alter_column("where", server_default=None)
    op.create_table(
        "call_steps",
        sa.Column("call_sid", sa.String(length=64), nullable=False),
        sa.Column("step", sa.Integer(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("event", SealedJson(), nullable=False),
        sa.Column("where", sa.String(length=20), nullable=False),
        sa.Column("instructions", SealedJson(), nullable=False),
        sa.Column("took_ms", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["call_sid"], ["calls.call_sid"], name=op.f("fk_call_steps_call_sid")),
        sa.PrimaryKeyConstraint("call_sid", "step", name=op.f("pk_call_steps")),
    )


def downgrade() -> None:
    op.drop_table("call_steps")
    with op.batch_alter_table("calls") as batch_op:
        batch_op.drop_column("where")
