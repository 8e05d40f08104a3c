"""the closed orders at a spot"""

from collections.abc import Sequence

from alembic import op

revision: str = "0010"
down_revision: str | None = "0009"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.drop_index("ix_work_orders_place_key_category", "work_orders")
    columns = ["place_key", "category", "closed_at"]
    op.create_index("ix_work_orders_place_key_category_closed_at", "work_orders", columns)


def downgrade() -> None:
    op.drop_index("ix_work_orders_place_key_category_closed_at", "work_orders")
    op.create_index("ix_work_orders_place_key_category", "work_orders", ["place_key", "category"])
