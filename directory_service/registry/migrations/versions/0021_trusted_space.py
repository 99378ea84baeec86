"""Domains over time and where they come from, suspensions, the certificate names of a white list, contacts."""

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0012"
branch_labels = None
depends_on = None

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
OPEN = sa.text("until IS NULL")
OF_OPERATOR = ("label", "identity", "responsible", "support")
OF_DOMAIN = ("subject", "description", "responsible", "support", "updated")


def _text(name: str, default: str = "") -> sa.Column[str]:
    return sa.Column(name, sa.Text(), server_default=default, nullable=False)


def upgrade() -> None:
    for name in OF_OPERATOR:
        op.add_column("operator", _text(name))
    op.add_column("operator", _text("source", "manual"))
    with op.batch_alter_table("domain") as batch:
        batch.drop_constraint("uq_domain_name_operator_id", type_="unique")
        for name in OF_DOMAIN:
            batch.add_column(_text(name))
        batch.add_column(_text("source", "manual"))
    op.create_index("ix_domain_name", "domain", ["name"])
    op.create_index(
        "uq_domain_open", "domain", ["name", "operator_id", "subject"], unique=True, sqlite_where=OPEN,
        postgresql_where=OPEN,
    )  # fmt: skip
    op.create_table(
        "operator_subject",
        sa.Column("id", KEY, nullable=False),
        sa.Column("operator_id", KEY, nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("since", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["operator_id"], ["operator.id"], name="fk_operator_subject_operator_id"),
        sa.PrimaryKeyConstraint("id", name="pk_operator_subject"),
        sa.UniqueConstraint("key", name="uq_operator_subject_key"),
    )
    op.create_index("ix_operator_subject_operator_id", "operator_subject", ["operator_id"])
    op.create_table(
        "suspension",
        sa.Column("id", KEY, nullable=False),
        sa.Column("operator_id", KEY, nullable=False),
        sa.Column("since", sa.Text(), nullable=False),
        sa.Column("until", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["operator_id"], ["operator.id"], name="fk_suspension_operator_id"),
        sa.PrimaryKeyConstraint("id", name="pk_suspension"),
    )
    op.create_index("ix_suspension_operator_id", "suspension", ["operator_id"])
    op.execute(
        "INSERT INTO suspension (operator_id, since) SELECT id, status_since FROM operator WHERE status = 'suspended'"
    )


def downgrade() -> None:
    """Of several stretches the last one stays: there was room for one."""
    op.drop_table("suspension")
    op.drop_table("operator_subject")
    op.drop_index("uq_domain_open", "domain")
    op.drop_index("ix_domain_name", "domain")
    op.execute(
        "DELETE FROM domain WHERE EXISTS (SELECT 1 FROM domain d WHERE d.name = domain.name "
        "AND d.operator_id = domain.operator_id AND d.id > domain.id)"
    )
    with op.batch_alter_table("domain") as batch:
        for name in (*OF_DOMAIN, "source"):
            batch.drop_column(name)
        batch.create_unique_constraint("uq_domain_name_operator_id", ["name", "operator_id"])
    for name in (*OF_OPERATOR, "source"):  # not in a batch, which makes the table anew: others name it
        op.drop_column("operator", name)
