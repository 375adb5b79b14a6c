"""What people edit or delete under a legal hold is kept; memberships remember whose they were."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "held_messages",
        sa.Column("seq", BIG, autoincrement=False, nullable=False),
        sa.Column("message_id", BIG, nullable=False),
        sa.Column("conversation_id", BIG, nullable=False),
        sa.Column("author", sa.String(32), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("written_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("why", sa.String(20), nullable=False),
        sa.Column("kept_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("kept_from", sa.String(32), nullable=False),
        sa.PrimaryKeyConstraint("seq", name="pk_held_messages"),
    )
    for column in ("message_id", "conversation_id", "author"):
        op.create_index(f"ix_held_messages_{column}", "held_messages", [column])
    op.create_table(
        "held_files",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("held_seq", BIG, nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(255), nullable=False),
        sa.Column("type", sa.String(100), nullable=False),
        sa.Column("size", BIG, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["held_seq"], ["held_messages.seq"], name="fk_held_files_held_seq", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name="pk_held_files"),
    )
    op.create_index("ix_held_files_held_seq", "held_files", ["held_seq"])

    # Of somebody who is gone already, nobody knows the number any more.
    op.add_column("conversation_members", sa.Column("was", sa.String(32), nullable=False, server_default=""))
    op.execute("UPDATE conversation_members SET was = COALESCE(number, '')")
    with op.batch_alter_table("conversation_members") as members:
        members.alter_column("was", server_default=None)
    op.create_index("ix_conversation_members_was", "conversation_members", ["was"])


def downgrade() -> None:
    op.drop_index("ix_conversation_members_was", "conversation_members")
    op.drop_column("conversation_members", "was")
    op.drop_table("held_files")
    op.drop_table("held_messages")
