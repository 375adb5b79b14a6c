"""Chat: conversations, messages, files, search; retention."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    state = op.create_table(
        "chat_state",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("seq", BIG, nullable=False),
        sa.Column("purged_seq", BIG, nullable=False),
        sa.Column("calls_until", sa.Double(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_chat_state"),
    )
    op.bulk_insert(state, [{"id": 1, "seq": 0, "purged_seq": 0, "calls_until": None}])

    op.create_table(
        "conversations",
        sa.Column("id", BIG, autoincrement=False, nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("title", sa.String(100), nullable=True),
        sa.Column("pair", sa.String(65), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_seq", BIG, nullable=False),
        sa.Column("last_seq", BIG, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_conversations"),
        sa.UniqueConstraint("pair", name="uq_conversations_pair"),
    )
    op.create_table(
        "conversation_members",
        sa.Column("id", BIG, autoincrement=False, nullable=False),
        sa.Column("conversation_id", BIG, nullable=False),
        sa.Column("number", sa.String(32), nullable=True),
        sa.Column("role", sa.String(20), nullable=False),
        sa.Column("joined_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("left_seq", BIG, nullable=True),
        sa.Column("read_seq", BIG, nullable=False),
        sa.Column("muted", sa.Boolean(), nullable=False),
        sa.Column("changed_seq", BIG, nullable=False),
        sa.ForeignKeyConstraint(
            ["conversation_id"],
            ["conversations.id"],
            name="fk_conversation_members_conversation_id",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["number"], ["users.number"], name="fk_conversation_members_number", ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_conversation_members"),
    )
    op.create_index(
        "uq_conversation_members_conversation_id", "conversation_members", ["conversation_id", "number"], unique=True
    )
    op.create_index("ix_conversation_members_number", "conversation_members", ["number"])
    op.create_index("ix_conversation_members_changed_seq", "conversation_members", ["changed_seq"])

    op.create_table(
        "messages",
        sa.Column("id", BIG, autoincrement=False, nullable=False),
        sa.Column("conversation_id", BIG, nullable=False),
        sa.Column("changed_seq", BIG, nullable=False),
        sa.Column("author", sa.String(32), nullable=False),
        sa.Column("client_id", sa.String(80), nullable=True),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("silent", sa.Boolean(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("reply_to", BIG, nullable=True),
        sa.Column("detail", sa.JSON(), nullable=True),
        sa.Column("attachments", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("edited_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["conversation_id"], ["conversations.id"], name="fk_messages_conversation_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_messages"),
    )
    op.create_index(
        "ix_messages_conversation_id", "messages", ["conversation_id", "id", "author", "silent", "deleted_at"]
    )
    op.create_index("uq_messages_author", "messages", ["author", "client_id"], unique=True)
    op.create_index("ix_messages_changed_seq", "messages", ["changed_seq"])
    op.create_index("ix_messages_created_at", "messages", ["created_at"])

    op.create_table(
        "attachments",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("owner", sa.String(32), nullable=False),
        sa.Column("message_id", BIG, nullable=True),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(255), nullable=False),
        sa.Column("type", sa.String(100), nullable=False),
        sa.Column("size", BIG, nullable=False),
        sa.Column("stored", sa.Boolean(), nullable=False),
        sa.Column("thumbnail", sa.String(20), nullable=False),
        sa.Column("width", sa.Integer(), nullable=True),
        sa.Column("height", sa.Integer(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("removed_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["message_id"], ["messages.id"], name="fk_attachments_message_id", ondelete="SET NULL"),
        sa.PrimaryKeyConstraint("id", name="pk_attachments"),
    )
    for column in ("owner", "message_id", "thumbnail", "created_at", "expires_at"):
        op.create_index(f"ix_attachments_{column}", "attachments", [column])

    op.create_table(
        "retention_rules",
        sa.Column("store", sa.String(20), nullable=False),
        sa.Column("days", sa.Integer(), nullable=True),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_by", sa.String(100), nullable=False),
        sa.PrimaryKeyConstraint("store", name="pk_retention_rules"),
    )
    op.create_table(
        "legal_holds",
        sa.Column("number", sa.String(32), nullable=False),
        sa.Column("reason", sa.String(200), nullable=False),
        sa.Column("set_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("set_by", sa.String(100), nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_legal_holds"),
    )
    _create_search()


def _create_search() -> None:
    """The index of words, which is no table of the models: each database has its own kind (messaging.search)."""
    connection = op.get_bind()
    if connection.dialect.name != "sqlite":
        op.execute(
            "CREATE TABLE message_search (message_id BIGINT PRIMARY KEY REFERENCES messages (id) ON DELETE CASCADE, "
            "words TSVECTOR NOT NULL)"
        )
        op.execute("CREATE INDEX ix_message_search_words ON message_search USING gin (words)")
        return
    options = connection.exec_driver_sql("PRAGMA compile_options").scalars().all()
    if "ENABLE_FTS5" in options:
        # The words come folded and without punctuation: nothing is left for the tokenizer to decide.
        op.execute(
            "CREATE VIRTUAL TABLE message_search USING fts5 "
            "(words, prefix = '2 3', tokenize = \"unicode61 remove_diacritics 0\", detail = none)"
        )
    else:
        op.execute("CREATE TABLE message_search (words TEXT NOT NULL)")


def downgrade() -> None:
    for table in (
        "message_search",
        "legal_holds",
        "retention_rules",
        "attachments",
        "messages",
        "conversation_members",
        "conversations",
        "chat_state",
    ):
        op.drop_table(table)
