"""Messages of phones on their way into chat, and how the media of calls was."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "sip_inbox",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("sender", sa.Text(), nullable=False),
        sa.Column("receiver", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_sip_inbox"),
    )
    op.create_table(
        "call_media",
        sa.Column("call_id", sa.Text(), nullable=False),
        sa.Column("statistics", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("call_id", name="pk_call_media"),
    )


def downgrade() -> None:
    op.drop_table("call_media")
    op.drop_table("sip_inbox")
