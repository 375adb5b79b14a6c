"""What the web process keeps: sessions, preferences, favourites, whose calls are whose; temporary passwords."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("users", sa.Column("password_temporary", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.create_table(
        "web_sessions",
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column("id", sa.String(16), nullable=False),
        sa.Column("number", sa.String(32), nullable=False),
        sa.Column("standing", sa.String(64), nullable=False),
        sa.Column("address", sa.String(64), nullable=False),
        sa.Column("user_agent", sa.String(300), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["number"], ["users.number"], name="fk_web_sessions_number", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("token_hash", name="pk_web_sessions"),
        sa.UniqueConstraint("id", name="uq_web_sessions_id"),
    )
    op.create_index("ix_web_sessions_number", "web_sessions", ["number"])
    op.create_table(
        "preferences",
        sa.Column("number", sa.String(32), nullable=False),
        sa.Column("language", sa.String(10), nullable=True),
        sa.Column("theme", sa.String(10), nullable=True),
        sa.Column("status", sa.String(100), nullable=False),
        sa.Column("calls_seen_at", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(["number"], ["users.number"], name="fk_preferences_number", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("number", name="pk_preferences"),
    )
    op.create_table(
        "favourites",
        sa.Column("owner", sa.String(32), nullable=False),
        sa.Column("number", sa.String(32), nullable=False),
        sa.ForeignKeyConstraint(["owner"], ["users.number"], name="fk_favourites_owner", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["number"], ["users.number"], name="fk_favourites_number", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("owner", "number", name="pk_favourites"),
    )
    op.create_index("ix_call_records_ended_at", "call_records", ["ended_at"])
    op.create_table(
        "call_parties",
        sa.Column("call_id", sa.Text(), nullable=False),
        sa.Column("number", sa.String(32), nullable=False),
        sa.Column("outgoing", sa.Boolean(), nullable=False),
        sa.Column("missed", sa.Boolean(), nullable=False),
        sa.Column("started_at", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(["call_id"], ["call_records.id"], name="fk_call_parties_call_id", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["number"], ["users.number"], name="fk_call_parties_number", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("call_id", "number", name="pk_call_parties"),
    )
    op.create_index("ix_call_parties_number_started_at", "call_parties", ["number", "started_at"])


def downgrade() -> None:
    op.drop_table("call_parties")
    op.drop_index("ix_call_records_ended_at", "call_records")
    op.drop_table("favourites")
    op.drop_table("preferences")
    op.drop_table("web_sessions")
    with op.batch_alter_table("users") as users:
        users.drop_column("password_temporary")
