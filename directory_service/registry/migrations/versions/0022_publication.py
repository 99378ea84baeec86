"""What operators publish: columns of mailboxes and bindings, and answers to be given again."""

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0024"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("mailbox", sa.Column("operator", sa.Text(), server_default="", nullable=False))
    op.add_column("mailbox", sa.Column("purposes", sa.Text(), server_default="[]", nullable=False))
    op.add_column("mailbox", sa.Column("contacts", sa.Text(), server_default="[]", nullable=False))
    op.add_column("mailbox", sa.Column("published_at", sa.Text(), nullable=True))
    op.add_column("binding", sa.Column("rank", sa.Integer(), nullable=True))
    for column in ("opened_operator", "closed_operator"):
        op.add_column("binding", sa.Column(column, sa.Text(), server_default="", nullable=False))
    op.create_table(
        "replay",
        sa.Column("operator", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=False),
        sa.Column("answer", sa.LargeBinary(), nullable=False),
        sa.Column("version", sa.Text(), server_default="", nullable=False),
        sa.Column("at", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("operator", "key", name="pk_replay"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_replay_at", "replay", ["at"])


def downgrade() -> None:
    op.drop_table("replay")
    for column in ("closed_operator", "opened_operator", "rank"):
        op.drop_column("binding", column)
    for column in ("published_at", "contacts", "purposes", "operator"):
        op.drop_column("mailbox", column)
