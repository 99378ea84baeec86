"""The transparency log of bindings; which runs opened and closed each binding."""

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0025"
branch_labels = None
depends_on = None

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.add_column("binding", sa.Column("opened_run", KEY, nullable=True))
    op.add_column("binding", sa.Column("closed_run", KEY, nullable=True))
    op.create_table(
        "log_leaf",
        sa.Column("number", KEY, nullable=False, autoincrement=False),
        sa.Column("mailbox_id", KEY, nullable=False),
        sa.Column("binding_id", KEY, nullable=False),
        sa.Column("seq", KEY, nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_log_leaf"),
    )
    op.create_index("ix_log_leaf_mailbox_id", "log_leaf", ["mailbox_id"])
    op.create_table(
        "log_node",
        sa.Column("level", sa.BigInteger(), nullable=False, autoincrement=False),
        sa.Column("number", sa.BigInteger(), nullable=False, autoincrement=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("level", "number", name="pk_log_node"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "log_head",
        sa.Column("size", KEY, nullable=False, autoincrement=False),
        sa.Column("root", sa.Text(), nullable=False),
        sa.Column("at", sa.Text(), nullable=False),
        sa.Column("jws", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("size", name="pk_log_head"),
    )
    op.create_table(
        "log_place",
        sa.Column("id", KEY, nullable=False, autoincrement=False),
        sa.Column("seq", KEY, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_log_place"),
    )


def downgrade() -> None:
    for table in ("log_place", "log_head", "log_node", "log_leaf"):
        op.drop_table(table)
    op.drop_column("binding", "closed_run")
    op.drop_column("binding", "opened_run")
