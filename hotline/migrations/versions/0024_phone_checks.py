"""telephones that citizens prove to be theirs"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

from core.database import Sealed, UtcDateTime

revision: str = "0024"
down_revision: str | None = "0023"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.create_table(
        "phone_checks",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("phone", Sealed(), nullable=False),
        sa.Column("phone_trace", sa.String(length=64), nullable=False),
        sa.Column("code", Sealed(), nullable=True),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("made_at", UtcDateTime(), nullable=False),
        sa.Column("until", UtcDateTime(), nullable=False),
        sa.Column("proved_at", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_phone_checks")),
        sa.UniqueConstraint("key", name=op.f("uq_phone_checks_key")),
    )
    op.create_index(op.f("ix_phone_checks_phone_trace"), "phone_checks", ["phone_trace"])
    op.create_index(op.f("ix_phone_checks_made_at"), "phone_checks", ["made_at"])


def downgrade() -> None:
    op.drop_table("phone_checks")
