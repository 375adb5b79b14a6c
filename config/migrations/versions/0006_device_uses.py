"""Which phone last signed in by a device's account, from where and when."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "device_uses",
        sa.Column("sip_name", sa.String(40), nullable=False),
        sa.Column("user_agent", sa.String(200), nullable=False),
        sa.Column("address", sa.String(64), nullable=False),
        sa.Column("transport", sa.String(10), nullable=False),
        sa.Column("registered_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["sip_name"], ["devices.sip_name"], name="fk_device_uses_sip_name", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("sip_name", name="pk_device_uses"),
    )


def downgrade() -> None:
    op.drop_table("device_uses")
