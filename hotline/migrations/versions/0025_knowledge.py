"""the knowledge base: entries, versions, questions, votes, vectors"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

from core.database import Sealed, UtcDateTime

revision: str = "0025"
down_revision: str | None = "0024"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.create_table(
        "knowledge_entries",
        sa.Column("id", sa.String(length=100), nullable=False),
        sa.Column("live_version", sa.Integer(), nullable=True),
        sa.Column("newest_version", sa.Integer(), nullable=False),
        sa.Column("question", sa.String(length=500), nullable=False),
        sa.Column("category", sa.String(length=2), nullable=False),
        sa.Column("unit", sa.String(length=100), nullable=False),
        sa.Column("expires", sa.Date(), nullable=True),
        sa.Column("made_at", UtcDateTime(), nullable=False),
        sa.Column("changed_at", UtcDateTime(), nullable=False),
        sa.Column("change", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_knowledge_entries")),
    )
    for name in ("change", "changed_at", "expires", "unit"):
        op.create_index(op.f(f"ix_knowledge_entries_{name}"), "knowledge_entries", [name])
    op.create_table(
        "knowledge_versions",
        sa.Column("entry_id", sa.String(length=100), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("content", sa.JSON(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("author", sa.String(length=50), nullable=False),
        sa.Column("made_at", UtcDateTime(), nullable=False),
        sa.Column("note", sa.String(length=500), nullable=False),
        sa.Column("decided_by", sa.String(length=50), nullable=True),
        sa.Column("decided_at", UtcDateTime(), nullable=True),
        sa.Column("decision", sa.String(length=500), nullable=True),
        sa.CheckConstraint(
            "state IN ('draft', 'in_review', 'returned', 'live', 'past', 'dropped')",
            name=op.f("ck_knowledge_versions_known_state"),
        ),
        sa.ForeignKeyConstraint(["entry_id"], ["knowledge_entries.id"], name=op.f("fk_knowledge_versions_entry_id")),
        sa.PrimaryKeyConstraint("entry_id", "version", name=op.f("pk_knowledge_versions")),
    )
    op.create_index(op.f("ix_knowledge_versions_state_made_at"), "knowledge_versions", ["state", "made_at"])
    op.create_table(
        "knowledge_changes",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("entry_id", sa.String(length=100), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("actor", sa.String(length=50), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("note", sa.String(length=500), nullable=False),
        sa.ForeignKeyConstraint(["entry_id"], ["knowledge_entries.id"], name=op.f("fk_knowledge_changes_entry_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_knowledge_changes")),
    )
    op.create_index(op.f("ix_knowledge_changes_entry_id_id"), "knowledge_changes", ["entry_id", "id"])
    op.create_index(op.f("ix_knowledge_changes_at"), "knowledge_changes", ["at"])
    op.create_table(
        "knowledge_questions",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("asked_at", UtcDateTime(), nullable=False),
        sa.Column("channel", sa.String(length=20), nullable=False),
        sa.Column("line", sa.String(length=20), nullable=False),
        sa.Column("conversation_id", sa.String(length=200), nullable=True),
        sa.Column("message_id", sa.String(length=128), nullable=True),
        sa.Column("text", Sealed(), nullable=True),
        sa.Column("verdict", sa.String(length=10), nullable=False),
        sa.Column("entry_id", sa.String(length=100), nullable=True),
        sa.Column("version", sa.Integer(), nullable=True),
        sa.Column("offered", sa.JSON(), nullable=False),
        sa.Column("outcome", sa.String(length=10), nullable=True),
        sa.Column("outcome_at", UtcDateTime(), nullable=True),
        sa.Column("order_number", sa.String(length=20), nullable=True),
        sa.CheckConstraint(
            "verdict IN ('answer', 'choice', 'unsure')", name=op.f("ck_knowledge_questions_known_verdict")
        ),
        sa.CheckConstraint("outcome IN ('solved', 'unsolved')", name=op.f("ck_knowledge_questions_known_outcome")),
        sa.ForeignKeyConstraint(["entry_id"], ["knowledge_entries.id"], name=op.f("fk_knowledge_questions_entry_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_knowledge_questions")),
        sa.UniqueConstraint(
            "conversation_id", "message_id", name=op.f("uq_knowledge_questions_conversation_id_message_id")
        ),
    )
    op.create_index(op.f("ix_knowledge_questions_asked_at"), "knowledge_questions", ["asked_at"])
    op.create_index(op.f("ix_knowledge_questions_entry_id_asked_at"), "knowledge_questions", ["entry_id", "asked_at"])
    op.create_table(
        "knowledge_votes",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("entry_id", sa.String(length=100), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("voter", sa.String(length=64), nullable=False),
        sa.Column("helped", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["entry_id"], ["knowledge_entries.id"], name=op.f("fk_knowledge_votes_entry_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_knowledge_votes")),
        sa.UniqueConstraint("entry_id", "version", "voter", name=op.f("uq_knowledge_votes_entry_id_version_voter")),
    )
    op.create_table(
        "knowledge_vectors",
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("vector", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_knowledge_vectors")),
    )


def downgrade() -> None:
    for name in ("vectors", "votes", "questions", "changes", "versions", "entries"):
        op.drop_table(f"knowledge_{name}")
