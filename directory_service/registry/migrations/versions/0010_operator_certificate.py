"""Client certificates of operators."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0001"
branch_labels = None
depends_on = None

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "operator_certificate",
        sa.Column("id", KEY, nullable=False),
        sa.Column("operator_id", KEY, nullable=False),
        sa.Column("method", sa.Text(), nullable=False),
        sa.Column("issuer", sa.Text(), server_default="", nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("since", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["operator_id"], ["operator.id"], name="fk_operator_certificate_operator_id"),
        sa.PrimaryKeyConstraint("id", name="pk_operator_certificate"),
        sa.UniqueConstraint("method", "issuer", "value", name="uq_operator_certificate_method_issuer_value"),
    )
    op.create_index("ix_operator_certificate_operator_id", "operator_certificate", ["operator_id"])


def downgrade() -> None:
    op.drop_table("operator_certificate")
