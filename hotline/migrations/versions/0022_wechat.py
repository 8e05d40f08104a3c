"""wechat: its users, bindings, turns, files and token; texts to an OpenID; deliveries that are held"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

from core.database import Sealed, SealedJson, UtcDateTime

revision: str = "0022"
down_revision: str | None = "0021"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

BEFORE = "state IN ('waiting', 'delivered', 'dead')"
NOW = "state IN ('waiting', 'delivered', 'dead', 'held')"


def upgrade() -> None:
    op.create_table(
        "wechat_users",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("openid", Sealed(), nullable=False),
        sa.Column("openid_trace", sa.String(length=64), nullable=False),
        sa.Column("subscribed", sa.Boolean(), nullable=False),
        sa.Column("wrote_at", UtcDateTime(), nullable=True),
        sa.Column("sent", sa.Integer(), nullable=False),
        sa.Column("place", Sealed(), nullable=True),
        sa.Column("place_message", sa.String(length=200), nullable=True),
        sa.Column("binding", SealedJson(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_wechat_users")),
        sa.UniqueConstraint("openid_trace", name=op.f("uq_wechat_users_openid_trace")),
    )
    op.create_table(
        "wechat_bindings",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("phone", Sealed(), nullable=False),
        sa.Column("phone_trace", sa.String(length=64), nullable=False),
        sa.Column("consented_at", UtcDateTime(), nullable=False),
        sa.Column("consent_version", sa.String(length=20), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["wechat_users.id"], name=op.f("fk_wechat_bindings_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_wechat_bindings")),
        sa.UniqueConstraint("user_id", name=op.f("uq_wechat_bindings_user_id")),
    )
    op.create_index(op.f("ix_wechat_bindings_phone_trace"), "wechat_bindings", ["phone_trace"])
    op.create_table(
        "wechat_turns",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("conversation_id", sa.String(length=200), nullable=False),
        sa.Column("message_id", sa.String(length=200), nullable=False),
        sa.Column("way", sa.String(length=10), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.CheckConstraint("way IN ('open', 'passive', 'late', 'handed_on')", name=op.f("ck_wechat_turns_known_way")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_wechat_turns")),
        sa.UniqueConstraint("conversation_id", "message_id", name=op.f("uq_wechat_turns_conversation_id_message_id")),
    )
    op.create_index(op.f("ix_wechat_turns_way_at"), "wechat_turns", ["way", "at"])
    op.create_table(
        "wechat_media",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("conversation_id", sa.String(length=200), nullable=False),
        sa.Column("message_id", sa.String(length=200), nullable=False),
        sa.Column("media_id", Sealed(), nullable=True),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("due_at", UtcDateTime(), nullable=False),
        sa.Column("last_error", sa.String(length=100), nullable=True),
        sa.CheckConstraint("state IN ('waiting', 'kept', 'failed')", name=op.f("ck_wechat_media_known_state")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_wechat_media")),
        sa.UniqueConstraint("conversation_id", "message_id", name=op.f("uq_wechat_media_conversation_id_message_id")),
    )
    op.create_index(op.f("ix_wechat_media_state_due_at"), "wechat_media", ["state", "due_at"])
    op.create_table(
        "wechat_tokens",
        sa.Column("app_id", sa.String(length=40), nullable=False),
        sa.Column("token", Sealed(), nullable=True),
        sa.Column("ends_at", UtcDateTime(), nullable=True),
        sa.Column("leased_until", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("app_id", name=op.f("pk_wechat_tokens")),
    )
    with op.batch_alter_table("texts") as batch_op:
        batch_op.alter_column("work_order_id", existing_type=sa.Integer(), nullable=True)
        batch_op.add_column(sa.Column("openid", Sealed(), nullable=True))
        batch_op.add_column(sa.Column("openid_trace", sa.String(length=64), nullable=True))
        batch_op.add_column(sa.Column("buttons", SealedJson(), nullable=True))
        batch_op.create_index(op.f("ix_texts_openid_trace"), ["openid_trace"])
    _know(NOW)


def downgrade() -> None:
    of_no_order = "text_id IN (SELECT id FROM texts WHERE work_order_id IS NULL)"
    op.execute(f"DELETE FROM deliveries WHERE carrier = 'wechat' OR {of_no_order}")
    op.execute("DELETE FROM texts WHERE work_order_id IS NULL OR openid IS NOT NULL")
    _know(BEFORE)
    with op.batch_alter_table("texts") as batch_op:
        batch_op.drop_index(op.f("ix_texts_openid_trace"))
        for column in ("buttons", "openid_trace", "openid"):
            batch_op.drop_column(column)
        batch_op.alter_column("work_order_id", existing_type=sa.Integer(), nullable=False)
    for table in ("wechat_tokens", "wechat_media", "wechat_turns", "wechat_bindings", "wechat_users"):
        op.drop_table(table)


def _know(states: str) -> None:
    with op.batch_alter_table("deliveries") as batch_op:
        batch_op.drop_constraint(batch_op.f("ck_deliveries_known_state"), type_="check")
        batch_op.create_check_constraint(batch_op.f("ck_deliveries_known_state"), states)
