"""Where a change was read (file and line), what an import touched, who let it through, how old a file is."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0011"
branch_labels = None
depends_on = None

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.add_column("journal", sa.Column("file_id", KEY, nullable=True))
    op.add_column("journal", sa.Column("line", sa.BigInteger(), nullable=True))
    op.add_column("run", sa.Column("impact", sa.Text(), server_default="{}", nullable=False))
    op.add_column("run", sa.Column("accepted", sa.Text(), nullable=True))
    op.add_column("run_file", sa.Column("published", sa.Text(), nullable=True))
    op.add_column("run_file", sa.Column("stamped", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.create_table(
        "tally",
        sa.Column("dimension", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("dimension", "key", name="pk_tally"),
        sqlite_with_rowid=False,
    )


def downgrade() -> None:
    op.drop_table("tally")
    for table, columns in (("run_file", ("stamped", "published")), ("run", ("accepted", "impact"))):
        for column in columns:
            op.drop_column(table, column)
    op.drop_column("journal", "line")
    op.drop_column("journal", "file_id")
