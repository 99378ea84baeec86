"""What a rollback needs: the keys that a run gave, the rows as they were before it, which run was taken back."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
MERGED = sa.text("merged_into IS NOT NULL")


def upgrade() -> None:
    op.create_table(
        "undo_range",
        sa.Column("run_id", KEY, nullable=False),
        sa.Column("table_name", sa.Text(), nullable=False),
        sa.Column("first", sa.BigInteger(), nullable=False),
        sa.Column("after", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["run.id"], name="fk_undo_range_run_id"),
        sa.PrimaryKeyConstraint("run_id", "table_name", name="pk_undo_range"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "undo_row",
        sa.Column("run_id", KEY, nullable=False),
        sa.Column("table_name", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("before", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("run_id", "table_name", "key", name="pk_undo_row"),
        sqlite_with_rowid=False,
    )
    op.add_column("run", sa.Column("undone_by", KEY, nullable=True))
    op.create_index(
        "ix_practitioner_merged_into",
        "practitioner",
        ["merged_into"],
        sqlite_where=MERGED,
        postgresql_where=MERGED,
    )


def downgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP FUNCTION IF EXISTS annuaire_keep_row() CASCADE")  # and the triggers that call it
    op.drop_index("ix_practitioner_merged_into", "practitioner")
    with op.batch_alter_table("run") as batch:
        batch.drop_column("undone_by")
    op.drop_table("undo_row")
    op.drop_table("undo_range")
