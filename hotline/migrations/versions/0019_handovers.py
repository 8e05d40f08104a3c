"""conversations a person takes over"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

from core.database import Sealed, UtcDateTime

revision: str = "0019"
down_revision: str | None = "0018"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

UNDER_WAY = sa.text("state IN ('waiting', 'talking')")


def upgrade() -> None:
    op.create_table(
        "chat_seats",
        sa.Column("login", sa.String(length=50), nullable=False),
        sa.Column("heard_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("login", name=op.f("pk_chat_seats")),
    )
    op.create_table(
        "handovers",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("conversation_id", sa.String(length=200), nullable=False),
        sa.Column("channel", sa.String(length=20), nullable=False),
        sa.Column("line", sa.String(length=20), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("asked_at", UtcDateTime(), nullable=False),
        sa.Column("waiting_since", UtcDateTime(), nullable=False),
        sa.Column("spoken_at", UtcDateTime(), nullable=False),
        sa.Column("seat", sa.String(length=50), nullable=True),
        sa.Column("taken_at", UtcDateTime(), nullable=True),
        sa.Column("ended_at", UtcDateTime(), nullable=True),
        sa.Column("how", sa.String(length=20), nullable=True),
        sa.CheckConstraint("state IN ('waiting', 'talking', 'ended')", name=op.f("ck_handovers_known_state")),
        sa.CheckConstraint(
            "how IN ('citizen', 'handed_back', 'closed', 'silent', 'nobody')", name=op.f("ck_handovers_known_how")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_handovers")),
    )
    op.create_index(
        "ix_handovers_under_way",
        "handovers",
        ["conversation_id"],
        unique=True,
        sqlite_where=UNDER_WAY,
        postgresql_where=UNDER_WAY,
    )
    op.create_index(op.f("ix_handovers_state_asked_at"), "handovers", ["state", "asked_at"])
    op.create_table(
        "remarks",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("conversation_id", sa.String(length=200), nullable=False),
        sa.Column("handover_id", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(length=128), nullable=False),
        sa.Column("author", sa.String(length=10), nullable=False),
        sa.Column("login", sa.String(length=50), nullable=True),
        sa.Column("text", Sealed(), nullable=False),
        sa.Column("said_at", UtcDateTime(), nullable=False),
        sa.CheckConstraint("author IN ('seat', 'system')", name=op.f("ck_remarks_known_author")),
        sa.ForeignKeyConstraint(["handover_id"], ["handovers.id"], name=op.f("fk_remarks_handover_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_remarks")),
        sa.UniqueConstraint("conversation_id", "key", name=op.f("uq_remarks_conversation_id_key")),
    )
    op.create_index(op.f("ix_remarks_said_at"), "remarks", ["said_at"])


def downgrade() -> None:
    op.drop_table("remarks")
    op.drop_table("handovers")
    op.drop_table("chat_seats")
