"""notices go the way the order came"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

from core.database import Sealed, UtcDateTime

revision: str = "0020"
down_revision: str | None = "0019"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    with op.batch_alter_table("notices") as batch_op:
        batch_op.add_column(sa.Column("ways", sa.JSON(), nullable=False, server_default="[]"))
    op.execute("UPDATE notices SET ways = '[\"sms\"]' WHERE sms")
    with op.batch_alter_table("notices") as batch_op:
        batch_op.alter_column("ways", server_default=None)
        batch_op.drop_column("sms")
    op.create_table(
        "notice_optouts",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("phone", Sealed(), nullable=False),
        sa.Column("phone_trace", sa.String(length=64), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notice_optouts")),
        sa.UniqueConstraint("phone_trace", name=op.f("uq_notice_optouts_phone_trace")),
    )


def downgrade() -> None:
    op.drop_table("notice_optouts")
    with op.batch_alter_table("notices") as batch_op:
        batch_op.add_column(sa.Column("sms", sa.Boolean(), nullable=False, server_default=sa.false()))
        batch_op.drop_column("ways")
    with op.batch_alter_table("notices") as batch_op:
        batch_op.alter_column("sms", server_default=None)
