"""where an order is, and its published changes by time"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0021"
down_revision: str | None = "0020"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

INDEX = "ix_work_order_events_at_kind"


def upgrade() -> None:
    op.add_column("work_orders", sa.Column("lat", sa.Float))
    op.add_column("work_orders", sa.Column("long", sa.Float))
    op.create_index(INDEX, "work_order_events", ["at", "kind"])


def downgrade() -> None:
    op.drop_index(INDEX, "work_order_events")
    op.drop_column("work_orders", "long")
    op.drop_column("work_orders", "lat")
