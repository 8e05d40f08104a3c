"""personal data sealed, confidential orders, looks, audit, API tokens"""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from alembic import op

from core.database import UtcDateTime, vault_of
from desk.orders.model import e164

revision: str = "0008"
down_revision: str | None = "0007"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

BATCH = 1000
# table, key, and what is sealed: with its type before
SEALED: tuple[tuple[str, str, dict[str, Any]], ...] = (
    ("work_orders", "id", {"contact_phone": sa.String(20), "contact_name": sa.String(50), "filed_by": sa.JSON()}),
    ("supporters", "id", {"contact_phone": sa.String(20)}),
    ("inbox", "id", {"caller": sa.String(20), "text": sa.Text(), "answer": sa.JSON()}),
    ("calls", "call_sid", {"caller": sa.String(20), "state": sa.JSON(), "instructions": sa.JSON()}),
)
# The log only grows, with one exception: an entry that says it was erased keeps its place, time, actor and kind.
ENTRY = ("id", "work_order_id", "sequence", "at", "actor", "kind")
APPEND_ONLY = {
    "sqlite": [
        "DROP TRIGGER work_order_events_no_UPDATE",
        f"""CREATE TRIGGER work_order_events_no_UPDATE BEFORE UPDATE ON work_order_events
        WHEN {" OR ".join(f"NEW.{column} IS NOT OLD.{column}" for column in ENTRY)}
            OR json_extract(NEW.data, '$.erased') IS NOT 1
        BEGIN SELECT RAISE(ABORT, 'work_order_events is append-only'); END""",
        *(
            f"""CREATE TRIGGER audit_no_{verb} BEFORE {verb} ON audit
            BEGIN SELECT RAISE(ABORT, 'audit is append-only'); END"""
            for verb in ("UPDATE", "DELETE")
        ),
    ],
    "postgresql": [
        "DROP TRIGGER work_order_events_append_only ON work_order_events",
        """CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN RAISE EXCEPTION '% is append-only', TG_TABLE_NAME; END $$""",
        """CREATE TRIGGER work_order_events_append_only BEFORE DELETE ON work_order_events
        FOR EACH ROW EXECUTE FUNCTION refuse_change()""",
        f"""CREATE TRIGGER work_order_events_no_rewriting BEFORE UPDATE ON work_order_events FOR EACH ROW
        WHEN ({" OR ".join(f"NEW.{column} IS DISTINCT FROM OLD.{column}" for column in ENTRY)}
            OR NEW.data->>'erased' IS DISTINCT FROM 'true')
        EXECUTE FUNCTION refuse_change()""",
        """CREATE TRIGGER audit_append_only BEFORE UPDATE OR DELETE ON audit
        FOR EACH ROW EXECUTE FUNCTION refuse_change()""",
    ],
}
APPEND_ONLY_BEFORE = {
    "sqlite": [
        "DROP TRIGGER work_order_events_no_UPDATE",
        """CREATE TRIGGER work_order_events_no_UPDATE BEFORE UPDATE ON work_order_events
        BEGIN SELECT RAISE(ABORT, 'work_order_events is append-only'); END""",
    ],
    "postgresql": [
        "DROP TRIGGER work_order_events_no_rewriting ON work_order_events",
        "DROP TRIGGER work_order_events_append_only ON work_order_events",
        """CREATE TRIGGER work_order_events_append_only BEFORE UPDATE OR DELETE ON work_order_events
        FOR EACH ROW EXECUTE FUNCTION refuse_change()""",
    ],
}


def upgrade() -> None:
    with op.batch_alter_table("work_orders") as batch_op:
        batch_op.add_column(sa.Column("phone_trace", sa.String(length=64), nullable=True))
        batch_op.add_column(sa.Column("id_number", sa.Text(), nullable=True))
        batch_op.add_column(sa.Column("confidential", sa.Boolean(), server_default=sa.false(), nullable=False))
        batch_op.add_column(sa.Column("erased_at", UtcDateTime(), nullable=True))
        batch_op.create_index(batch_op.f("ix_work_orders_phone_trace"), ["phone_trace"])
    op.execute("UPDATE work_orders SET confidential = true WHERE nature = '举报'")
    _retype(sealed=True)
    for table, key, columns in SEALED:
        _change(table, key, [*columns], seal=True)
    op.create_table(
        "looks",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("work_order_id", sa.Integer(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("actor", sa.String(length=50), nullable=False),
        sa.Column("role", sa.String(length=20), nullable=False),
        sa.Column("unit", sa.String(length=50), nullable=True),
        sa.Column("purpose", sa.String(length=20), nullable=False),
        sa.Column("note", sa.String(length=200), nullable=True),
        sa.ForeignKeyConstraint(["work_order_id"], ["work_orders.id"], name=op.f("fk_looks_work_order_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_looks")),
    )
    op.create_index(op.f("ix_looks_work_order_id"), "looks", ["work_order_id"])
    op.create_index(op.f("ix_looks_actor"), "looks", ["actor"])
    op.create_table(
        "audit",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("actor", sa.String(length=50), nullable=False),
        sa.Column("kind", sa.String(length=30), nullable=False),
        sa.Column("subject", sa.String(length=50), nullable=False),
        sa.Column("data", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit")),
    )
    op.create_index(op.f("ix_audit_subject"), "audit", ["subject"])
    op.create_table(
        "api_tokens",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("role", sa.String(length=20), nullable=False),
        sa.Column("unit", sa.String(length=50), nullable=True),
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("created_by", sa.String(length=50), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.Column("revoked_at", UtcDateTime(), nullable=True),
        sa.Column("last_used_at", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_tokens")),
        sa.UniqueConstraint("name", name=op.f("uq_api_tokens_name")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_api_tokens_token_hash")),
    )
    for statement in APPEND_ONLY[op.get_bind().dialect.name]:
        op.execute(statement)


def downgrade() -> None:
    for statement in APPEND_ONLY_BEFORE[op.get_bind().dialect.name]:
        op.execute(statement)
    for table in ("api_tokens", "audit", "looks"):
        op.drop_table(table)
    for table, key, columns in SEALED:
        _change(table, key, [*columns], seal=False)
    _retype(sealed=False)
    with op.batch_alter_table("work_orders") as batch_op:
        batch_op.drop_index(batch_op.f("ix_work_orders_phone_trace"))
        for column in ("erased_at", "confidential", "id_number", "phone_trace"):
            batch_op.drop_column(column)


def _retype(*, sealed: bool) -> None:
    for table, _, columns in SEALED:
        with op.batch_alter_table(table) as batch_op:
            for column, before in columns.items():
                existing, wanted = (before, sa.Text()) if sealed else (sa.Text(), before)
                using = f"{column}::{'json' if isinstance(wanted, sa.JSON) else 'text'}"
                batch_op.alter_column(column, type_=wanted, existing_type=existing, postgresql_using=using)


def _change(table: str, key: str, columns: list[str], *, seal: bool) -> None:
    """Seal or open the columns of all rows; the texts are read and written as they are stored."""
    bind = op.get_bind()
    stored = sa.table(table, sa.column(key), *(sa.column(column, sa.Text) for column in columns))
    traced = sa.table(table, sa.column("id"), sa.column("phone_trace", sa.String)) if table == "work_orders" else None
    last: Any = None
    while True:
        query = sa.select(stored).order_by(stored.c[key]).limit(BATCH)
        rows = bind.execute(query if last is None else query.where(stored.c[key] > last)).mappings().all()
        for row in rows:
            vault, last = vault_of(bind), row[key]
            treat = vault.seal if seal else vault.open
            changed = {column: treat(row[column]) for column in columns if row[column] is not None}
            if changed:
                bind.execute(sa.update(stored).where(stored.c[key] == row[key]).values(**changed))
            if traced is not None and seal and row["contact_phone"] and (number := e164(row["contact_phone"])):
                bind.execute(sa.update(traced).where(traced.c.id == row[key]).values(phone_trace=vault.trace(number)))
        if len(rows) < BATCH:
            break
    if table == "work_orders" and seal:
        _hash_fingerprints(bind)


def _hash_fingerprints(bind: sa.Connection) -> None:
    keys = sa.table("idempotency_keys", sa.column("key"), sa.column("fingerprint", sa.String))
    for row in bind.execute(sa.select(keys)).mappings().all():
        fingerprint = vault_of(bind).trace(row["fingerprint"])
        bind.execute(sa.update(keys).where(keys.c.key == row["key"]).values(fingerprint=fingerprint))
