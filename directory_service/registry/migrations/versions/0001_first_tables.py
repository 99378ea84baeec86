"""Tables of the first version.  Longer than a function should be: it is a list."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text(), server_default="", nullable=False)


def upgrade() -> None:
    op.create_table(
        "journal",
        sa.Column("seq", KEY, nullable=False),
        sa.Column("at", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("run_id", KEY, nullable=True),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("subject_id", KEY, nullable=False),
        sa.Column("before", sa.LargeBinary(), nullable=True),
        sa.Column("after", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("seq", name="pk_journal"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "link",
        sa.Column("adeli", sa.Text(), nullable=False),
        sa.Column("rpps", sa.Text(), nullable=False),
        sa.Column("run_id", KEY, nullable=False),
        sa.PrimaryKeyConstraint("adeli", name="pk_link"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_link_rpps", "link", ["rpps"])
    op.create_table(
        "mailbox",
        sa.Column("id", KEY, nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("since", sa.Text(), nullable=False),
        sa.Column("until", sa.Text(), nullable=True),
        sa.Column("unlisted", sa.Boolean(), nullable=False),
        sa.Column("changed_at", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_mailbox"),
        sa.UniqueConstraint("address", name="uq_mailbox_address"),
    )
    op.create_table(
        "nomenclature",
        sa.Column("system", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        _text("label"),
        sa.PrimaryKeyConstraint("system", "code", name="pk_nomenclature"),
    )
    op.create_table(
        "operator",
        sa.Column("id", KEY, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("status_since", sa.Text(), nullable=False),
        _text("secret_hash"),
        sa.PrimaryKeyConstraint("id", name="pk_operator"),
        sa.UniqueConstraint("name", name="uq_operator_name"),
    )
    op.create_table(
        "organization",
        sa.Column("id", KEY, nullable=False),
        sa.Column("technical_id", sa.Text(), nullable=False),
        sa.Column("national_id", sa.Text(), nullable=False),
        _text("name"),
        _text("trade_name"),
        _text("finess"),
        _text("finess_legal"),
        _text("siret"),
        _text("siren"),
        _text("former_id"),
        _text("recipient"),
        _text("point"),
        _text("number"),
        _text("repetition"),
        _text("street_type"),
        _text("street_name"),
        _text("distribution"),
        _text("cedex"),
        _text("postcode"),
        _text("city_code"),
        _text("city"),
        _text("country_code"),
        _text("country"),
        _text("department_code"),
        _text("department"),
        _text("phone"),
        _text("phone2"),
        _text("fax"),
        _text("email"),
        _text("sector_code"),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("digest", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.Text(), nullable=False),
        sa.Column("changed_at", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_organization"),
        sa.UniqueConstraint("technical_id", name="uq_organization_technical_id"),
    )
    op.create_index("ix_organization_finess", "organization", ["finess"])
    op.create_index("ix_organization_national_id", "organization", ["national_id"])
    op.create_index("ix_organization_siret", "organization", ["siret"])
    op.create_table(
        "practitioner",
        sa.Column("id", KEY, nullable=False),
        sa.Column("national_id", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("status_since", sa.Text(), nullable=False),
        _text("title_code"),
        _text("civility_code"),
        _text("family_name"),
        _text("given_names"),
        _text("profession_code"),
        _text("category_code"),
        _text("match_key"),
        sa.Column("created_at", sa.Text(), nullable=False),
        sa.Column("changed_at", sa.Text(), nullable=False),
        sa.Column("merged_into", KEY, nullable=True),
        sa.ForeignKeyConstraint(["merged_into"], ["practitioner.id"], name="fk_practitioner_merged_into"),
        sa.PrimaryKeyConstraint("id", name="pk_practitioner"),
        sa.UniqueConstraint("national_id", name="uq_practitioner_national_id"),
    )
    op.create_index("ix_practitioner_match_key", "practitioner", ["match_key"])
    op.create_table(
        "run",
        sa.Column("id", KEY, nullable=False),
        sa.Column("started_at", sa.Text(), nullable=False),
        sa.Column("finished_at", sa.Text(), nullable=True),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("as_of", sa.Text(), nullable=False),
        sa.Column("counts", sa.Text(), server_default="{}", nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_run"),
    )
    op.create_table(
        "source_record",
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("digest", sa.BigInteger(), nullable=False),
        sa.Column("subject_id", KEY, nullable=False),
        sa.Column("run_id", KEY, nullable=False),
        sa.Column("gone_at", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("source", "key", name="pk_source_record"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_source_record_subject_id", "source_record", ["subject_id"])
    op.create_table(
        "activity",
        sa.Column("id", KEY, nullable=False),
        sa.Column("practitioner_id", KEY, nullable=False),
        sa.Column("organization_id", KEY, nullable=True),
        sa.Column("source", sa.Text(), nullable=False),
        _text("profession_code"),
        _text("category_code"),
        _text("mode_code"),
        _text("sector_code"),
        _text("section_code"),
        _text("role_code"),
        _text("kind_code"),
        _text("authority"),
        sa.ForeignKeyConstraint(["organization_id"], ["organization.id"], name="fk_activity_organization_id"),
        sa.ForeignKeyConstraint(["practitioner_id"], ["practitioner.id"], name="fk_activity_practitioner_id"),
        sa.PrimaryKeyConstraint("id", name="pk_activity"),
    )
    op.create_index("ix_activity_organization_id", "activity", ["organization_id"])
    op.create_index("ix_activity_practitioner_id", "activity", ["practitioner_id"])
    op.create_table(
        "binding",
        sa.Column("id", KEY, nullable=False),
        sa.Column("mailbox_id", KEY, nullable=False),
        sa.Column("practitioner_id", KEY, nullable=True),
        sa.Column("organization_id", KEY, nullable=True),
        sa.Column("source", sa.Text(), nullable=False),
        _text("national_id"),
        _text("family_name"),
        _text("given_names"),
        _text("category_code"),
        _text("profession_code"),
        _text("specialty_code"),
        _text("service"),
        _text("description"),
        _text("responsible"),
        sa.Column("paperless", sa.Boolean(), nullable=True),
        sa.Column("preferred", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("since", sa.Text(), nullable=False),
        sa.Column("until", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["mailbox_id"], ["mailbox.id"], name="fk_binding_mailbox_id"),
        sa.ForeignKeyConstraint(["organization_id"], ["organization.id"], name="fk_binding_organization_id"),
        sa.ForeignKeyConstraint(["practitioner_id"], ["practitioner.id"], name="fk_binding_practitioner_id"),
        sa.PrimaryKeyConstraint("id", name="pk_binding"),
    )
    op.create_index("ix_binding_mailbox_id", "binding", ["mailbox_id"])
    op.create_index("ix_binding_organization_id", "binding", ["organization_id"])
    op.create_index("ix_binding_practitioner_id", "binding", ["practitioner_id"])
    op.create_table(
        "domain",
        sa.Column("id", KEY, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("operator_id", KEY, nullable=False),
        sa.Column("since", sa.Text(), nullable=False),
        sa.Column("until", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["operator_id"], ["operator.id"], name="fk_domain_operator_id"),
        sa.PrimaryKeyConstraint("id", name="pk_domain"),
        sa.UniqueConstraint("name", "operator_id", name="uq_domain_name_operator_id"),
    )
    op.create_index("ix_domain_operator_id", "domain", ["operator_id"])
    op.create_table(
        "expertise",
        sa.Column("id", KEY, nullable=False),
        sa.Column("practitioner_id", KEY, nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        _text("profession_code"),
        _text("type_code"),
        _text("code"),
        sa.ForeignKeyConstraint(["practitioner_id"], ["practitioner.id"], name="fk_expertise_practitioner_id"),
        sa.PrimaryKeyConstraint("id", name="pk_expertise"),
    )
    op.create_index("ix_expertise_practitioner_id", "expertise", ["practitioner_id"])
    op.create_table(
        "identifier",
        sa.Column("id", KEY, nullable=False),
        sa.Column("practitioner_id", KEY, nullable=False),
        sa.Column("scheme", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("current", sa.Boolean(), nullable=False),
        sa.Column("since", sa.Text(), nullable=False),
        sa.Column("until", sa.Text(), nullable=True),
        sa.Column("how", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["practitioner_id"], ["practitioner.id"], name="fk_identifier_practitioner_id"),
        sa.PrimaryKeyConstraint("id", name="pk_identifier"),
        sa.UniqueConstraint("scheme", "value", name="uq_identifier_scheme_value"),
    )
    op.create_index("ix_identifier_practitioner_id", "identifier", ["practitioner_id"])
    op.create_table(
        "qualification",
        sa.Column("id", KEY, nullable=False),
        sa.Column("practitioner_id", KEY, nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        _text("diploma_type_code"),
        _text("diploma_code"),
        _text("authorization_type_code"),
        _text("authorization_code"),
        sa.ForeignKeyConstraint(["practitioner_id"], ["practitioner.id"], name="fk_qualification_practitioner_id"),
        sa.PrimaryKeyConstraint("id", name="pk_qualification"),
    )
    op.create_index("ix_qualification_practitioner_id", "qualification", ["practitioner_id"])
    op.create_table(
        "run_file",
        sa.Column("id", KEY, nullable=False),
        sa.Column("run_id", KEY, nullable=False),
        sa.Column("layout", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.Column("rows", sa.BigInteger(), nullable=False),
        sa.Column("rejected", sa.BigInteger(), nullable=False),
        sa.Column("warnings", sa.Text(), server_default="[]", nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["run.id"], name="fk_run_file_run_id"),
        sa.PrimaryKeyConstraint("id", name="pk_run_file"),
    )
    op.create_index("ix_run_file_layout_sha256", "run_file", ["layout", "sha256"])
    op.create_index("ix_run_file_run_id", "run_file", ["run_id"])
    op.create_table(
        "rejection",
        sa.Column("id", KEY, nullable=False),
        sa.Column("run_file_id", KEY, nullable=False),
        sa.Column("line", sa.BigInteger(), nullable=False),
        _text("column_name"),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("raw", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["run_file_id"], ["run_file.id"], name="fk_rejection_run_file_id"),
        sa.PrimaryKeyConstraint("id", name="pk_rejection"),
    )
    op.create_index("ix_rejection_run_file_id", "rejection", ["run_file_id"])


def downgrade() -> None:
    for table in reversed(_TABLES):
        op.drop_table(table)


_TABLES = (
    "journal",
    "link",
    "mailbox",
    "nomenclature",
    "operator",
    "organization",
    "practitioner",
    "run",
    "source_record",
    "activity",
    "binding",
    "domain",
    "expertise",
    "identifier",
    "qualification",
    "run_file",
    "rejection",
)
