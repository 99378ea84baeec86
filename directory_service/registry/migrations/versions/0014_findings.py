"""Rules of data quality: what each file tripped, and the numbers that were probably meant."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.add_column("run_file", sa.Column("findings", sa.Text(), server_default="{}", nullable=False))
    op.add_column("rejection", sa.Column("suggestion", sa.Text(), server_default="", nullable=False))
    op.create_table(
        "finding",
        sa.Column("id", KEY, nullable=False),
        sa.Column("run_file_id", KEY, nullable=False),
        sa.Column("line", sa.BigInteger(), nullable=False),
        sa.Column("column_name", sa.Text(), server_default="", nullable=False),
        sa.Column("rule", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), server_default="", nullable=False),
        sa.Column("suggestion", sa.Text(), server_default="", nullable=False),
        sa.ForeignKeyConstraint(["run_file_id"], ["run_file.id"], name="fk_finding_run_file_id"),
        sa.PrimaryKeyConstraint("id", name="pk_finding"),
    )
    op.create_index("ix_finding_run_file_id", "finding", ["run_file_id"])


def downgrade() -> None:
    op.drop_table("finding")
    op.drop_column("rejection", "suggestion")
    op.drop_column("run_file", "findings")
