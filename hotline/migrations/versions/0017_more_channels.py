"""more channels"""

from collections.abc import Sequence

from alembic import op

revision: str = "0017"
down_revision: str | None = "0016"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

BEFORE = "channel IN ('web', 'phone', 'wechat', 'api')"
NOW = "channel IN ('web', 'phone', 'wechat', 'email', 'open311', 'api')"


def upgrade() -> None:
    _know(NOW)


def downgrade() -> None:
    op.execute("UPDATE work_orders SET channel = 'api' WHERE channel IN ('email', 'open311')")
    _know(BEFORE)


def _know(channels: str) -> None:
    with op.batch_alter_table("work_orders") as batch_op:
        batch_op.drop_constraint(batch_op.f("ck_work_orders_known_channel"), type_="check")
        batch_op.create_check_constraint(batch_op.f("ck_work_orders_known_channel"), channels)
