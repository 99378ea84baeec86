"""The tables of the registry, the system of record: SQLAlchemy Core, the same for SQLite and PostgreSQL.

One practitioner is one row of ``practitioner`` whatever the number of sources that speak of her; ``identifier`` keeps
every number ever issued; ``source_record`` remembers, per source, the digest of what that source last said, so that
an unchanged record costs nothing.  Nothing is deleted by an import: it becomes inactive or closed, with its date.
Instants are stored as UTC text ``YYYY-MM-DDTHH:MM:SSZ`` in both databases: sortable, readable and equal everywhere.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    false,
    text,
)

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)

# BIGINT on PostgreSQL; INTEGER on SQLite, where only that spelling is the rowid itself.
Key = BigInteger().with_variant(Integer, "sqlite")


_MERGED = text("merged_into IS NOT NULL")


def _text(name: str) -> Column[str]:
    """Text of a source: empty means unknown, NULL does not occur."""
    return Column(name, Text, nullable=False, default="", server_default="")


run = Table(
    "run",
    metadata,
    Column("id", Key, primary_key=True),
    Column("started_at", Text, nullable=False),
    Column("finished_at", Text),
    Column("actor", Text, nullable=False),  # who ran it: system user, operator name
    Column("kind", Text, nullable=False),  # import, rollback, publication…
    Column("status", Text, nullable=False),  # done, unchanged
    Column("as_of", Text, nullable=False),  # the instant that the changes bear
    Column("counts", Text, nullable=False, server_default="{}"),  # JSON: acts in numbers, by kind of record
    Column("undone_by", Key),  # the rollback that took it back; NULL while it stands
    Column("impact", Text, nullable=False, server_default="{}"),  # JSON: importers.impact
    Column("accepted", Text),  # JSON: who let an impact past its thresholds, why, and what; NULL when nobody had to
)

run_file = Table(
    "run_file",
    metadata,
    Column("id", Key, primary_key=True),
    Column("run_id", Key, ForeignKey("run.id"), nullable=False, index=True),
    Column("layout", Text, nullable=False),  # rpps.activity, mssante.mailboxes…
    Column("name", Text, nullable=False),
    Column("sha256", Text, nullable=False),
    Column("bytes", BigInteger, nullable=False),
    Column("rows", BigInteger, nullable=False),
    Column("rejected", BigInteger, nullable=False),
    Column("warnings", Text, nullable=False, server_default="[]"),  # JSON list
    Column("findings", Text, nullable=False, server_default="{}"),  # JSON: rule ► lines, rejected or not
    Column("published", Text),  # when its source made it: the stamp of its name, else its own date
    Column("stamped", Boolean, nullable=False, server_default=false()),  # by the stamp
    Index("ix_run_file_layout_sha256", "layout", "sha256"),
)

rejection = Table(
    "rejection",
    metadata,
    Column("id", Key, primary_key=True),
    Column("run_file_id", Key, ForeignKey("run_file.id"), nullable=False, index=True),
    Column("line", BigInteger, nullable=False),
    _text("column_name"),
    Column("reason", Text, nullable=False),  # stable code: columns, identifier, name…
    Column("message", Text, nullable=False),
    Column("raw", Text, nullable=False),
    _text("suggestion"),  # the number that was probably meant
)

finding = Table(  # a line that was kept and trips a rule of quality; the first ones of each rule and file
    "finding",
    metadata,
    Column("id", Key, primary_key=True),
    Column("run_file_id", Key, ForeignKey("run_file.id"), nullable=False, index=True),
    Column("line", BigInteger, nullable=False),
    _text("column_name"),
    Column("rule", Text, nullable=False),  # code of importers.quality.rules
    _text("value"),
    _text("suggestion"),
)

nomenclature = Table(  # label of a code as the sources write it, first seen
    "nomenclature",
    metadata,
    Column("system", Text, primary_key=True),  # profession, category, mode, sector, section, role, kind, expertise…
    Column("code", Text, primary_key=True),
    _text("label"),
)

practitioner = Table(
    "practitioner",
    metadata,
    Column("id", Key, primary_key=True),
    Column("national_id", Text, nullable=False, unique=True),
    Column("status", Text, nullable=False),
    Column("status_since", Text, nullable=False),
    _text("title_code"),
    _text("civility_code"),
    _text("family_name"),
    _text("given_names"),
    _text("profession_code"),
    _text("category_code"),
    _text("match_key"),  # model.names.squash(family + given): blocking key of reconciliation
    Column("created_at", Text, nullable=False),
    Column("changed_at", Text, nullable=False),
    Column("merged_into", Key, ForeignKey("practitioner.id")),  # absorbed by another record; NULL when alive
    Index("ix_practitioner_match_key", "match_key"),
    # For the foreign key alone: without it, each record taken out by a rollback would be looked for in the whole table.
    Index("ix_practitioner_merged_into", "merged_into", sqlite_where=_MERGED, postgresql_where=_MERGED),
)

identifier = Table(
    "identifier",
    metadata,
    Column("id", Key, primary_key=True),
    Column("practitioner_id", Key, ForeignKey("practitioner.id"), nullable=False, index=True),
    Column("scheme", Text, nullable=False),  # TRE_G08 type digit
    Column("value", Text, nullable=False),  # without the type digit
    Column("current", Boolean, nullable=False),
    Column("since", Text, nullable=False),
    Column("until", Text),
    Column("how", Text, nullable=False),  # extract, link-table, rule:<name>, review
    UniqueConstraint("scheme", "value"),
)

organization = Table(
    "organization",
    metadata,
    Column("id", Key, primary_key=True),
    Column("technical_id", Text, nullable=False, unique=True),  # the key: R…, C…, F… of the extracts, or derived
    Column("national_id", Text, nullable=False, index=True),
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
    Column("source", Text, nullable=False),
    Column("digest", BigInteger, nullable=False),  # of the columns above, to skip what has not changed
    Column("created_at", Text, nullable=False),
    Column("changed_at", Text, nullable=False),
    Index("ix_organization_finess", "finess"),
    Index("ix_organization_siret", "siret"),
)

activity = Table(  # PractitionerRole, situation d'exercice
    "activity",
    metadata,
    Column("id", Key, primary_key=True),
    Column("practitioner_id", Key, ForeignKey("practitioner.id"), nullable=False, index=True),
    Column("organization_id", Key, ForeignKey("organization.id"), index=True),
    Column("source", Text, nullable=False),
    _text("profession_code"),
    _text("category_code"),
    _text("mode_code"),
    _text("sector_code"),
    _text("section_code"),
    _text("role_code"),
    _text("kind_code"),
    _text("authority"),
)

expertise = Table(
    "expertise",
    metadata,
    Column("id", Key, primary_key=True),
    Column("practitioner_id", Key, ForeignKey("practitioner.id"), nullable=False, index=True),
    Column("source", Text, nullable=False),
    _text("profession_code"),
    _text("type_code"),
    _text("code"),
)

qualification = Table(
    "qualification",
    metadata,
    Column("id", Key, primary_key=True),
    Column("practitioner_id", Key, ForeignKey("practitioner.id"), nullable=False, index=True),
    Column("source", Text, nullable=False),
    _text("diploma_type_code"),
    _text("diploma_code"),
    _text("authorization_type_code"),
    _text("authorization_code"),
)

source_record = Table(  # what a source last said of one key
    "source_record",
    metadata,
    Column("source", Text, primary_key=True),  # rpps.activity, adeli.activity, mssante.mailboxes…
    Column("key", Text, primary_key=True),  # idNat_PS, address…
    Column("digest", BigInteger, nullable=False),
    Column("subject_id", Key, nullable=False),  # practitioner or mailbox
    Column("run_id", Key, nullable=False),  # the run that last changed it
    Column("gone_at", Text),  # vanished from its source, kept
    Index("ix_source_record_subject_id", "subject_id"),
    sqlite_with_rowid=False,
)

link = Table(  # official ADELI-to-RPPS crosswalk (n ADELI : 1 RPPS), kept even while neither number is known here
    "link",
    metadata,
    Column("adeli", Text, primary_key=True),  # 9 characters, no type digit
    Column("rpps", Text, nullable=False, index=True),
    Column("run_id", Key, nullable=False),  # the run that brought it
    sqlite_with_rowid=False,
)

decision = Table(  # who is who: what the matching found and what the staff said (registry/decisions.py)
    "decision",
    metadata,
    Column("id", Key, primary_key=True),
    Column("kind", Text, nullable=False),  # person, link, mailbox
    Column("outcome", Text, nullable=False),  # merge, review, apart; accepted, rejected, later, split
    Column("one", Text, nullable=False, index=True),  # idNat_PS of who is absorbed, or an address
    Column("other", Text, nullable=False, index=True),  # idNat_PS of who stays
    Column("how", Text, nullable=False),  # link-table, rule:<name>, model:<version>
    _text("reason"),
    Column("run_id", Key, nullable=False),
    Column("actor", Text, nullable=False),  # who decided: of an import, who ran it
    Column("at", Text, nullable=False),
    Column("score", Float),  # bits; NULL of a rule
    Column("probability", Float),
    Column("weights", Text, nullable=False, server_default="[]"),  # JSON: comparison, level, bits
    Column("seen", Text, nullable=False, server_default="[]"),  # JSON: both records as they were compared
    _text("note"),  # what a person wrote
    Index("ix_decision_outcome_kind", "outcome", "kind"),
    sqlite_autoincrement=True,  # who answers by number must not answer another question
)

operator = Table(
    "operator",
    metadata,
    Column("id", Key, primary_key=True),
    Column("name", Text, nullable=False, unique=True),
    Column("status", Text, nullable=False),  # active, suspended
    Column("status_since", Text, nullable=False),
    _text("secret_hash"),  # argon2; empty: cannot bind with a secret
)

operator_certificate = Table(  # the client certificates that speak for an operator; one rule names one operator
    "operator_certificate",
    metadata,
    Column("id", Key, primary_key=True),
    Column("operator_id", Key, ForeignKey("operator.id"), nullable=False, index=True),
    Column("method", Text, nullable=False),  # pin, subject, san
    _text("issuer"),  # RFC 4514; empty for pins
    Column("value", Text, nullable=False),
    Column("since", Text, nullable=False),
    UniqueConstraint("method", "issuer", "value"),
)

domain = Table(  # one row per (domain, operator): a domain may stand under several operators
    "domain",
    metadata,
    Column("id", Key, primary_key=True),
    Column("name", Text, nullable=False),
    Column("operator_id", Key, ForeignKey("operator.id"), nullable=False, index=True),
    Column("since", Text, nullable=False),
    Column("until", Text),
    UniqueConstraint("name", "operator_id"),
)

mailbox = Table(
    "mailbox",
    metadata,
    Column("id", Key, primary_key=True),
    Column("address", Text, nullable=False, unique=True),  # lower case
    Column("type", Text, nullable=False),  # TRE_R257
    Column("source", Text, nullable=False),
    Column("since", Text, nullable=False),  # first seen or published
    Column("until", Text),  # closed at
    Column("unlisted", Boolean, nullable=False),
    Column("changed_at", Text, nullable=False),
)

binding = Table(  # one address bound to one holder from `since` until `until`; closed rows are the history
    "binding",
    metadata,
    Column("id", Key, primary_key=True),
    Column("mailbox_id", Key, ForeignKey("mailbox.id"), nullable=False, index=True),
    Column("practitioner_id", Key, ForeignKey("practitioner.id"), index=True),
    Column("organization_id", Key, ForeignKey("organization.id"), index=True),
    Column("source", Text, nullable=False),
    _text("national_id"),  # of the person, as written
    _text("family_name"),
    _text("given_names"),
    _text("category_code"),
    _text("profession_code"),
    _text("specialty_code"),
    _text("service"),
    _text("description"),
    _text("responsible"),
    Column("paperless", Boolean),
    Column("preferred", Boolean, nullable=False, server_default=false()),
    Column("since", Text, nullable=False),
    Column("until", Text),
)

journal = Table(
    "journal",
    metadata,
    Column("seq", Key, primary_key=True),
    Column("at", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("run_id", Key),
    Column("kind", Text, nullable=False),  # create, update, close, reopen, merge…
    Column("subject", Text, nullable=False),  # practitioner, organization, mailbox, operator
    Column("subject_id", Key, nullable=False),
    Column("before", LargeBinary),  # JSON; NULL on create
    Column("after", LargeBinary),  # JSON; NULL on a bulk create: the record itself, or the next entry's `before`
    Column("file_id", Key),  # run_file that said so, or no longer says it
    Column("line", BigInteger),  # in that file, of the first row of the record; NULL when it is there no longer
    sqlite_autoincrement=True,
)

undo_range = Table(  # the keys that a run gave, per table: first <= key < after
    "undo_range",
    metadata,
    Column("run_id", Key, ForeignKey("run.id"), primary_key=True),
    Column("table_name", Text, primary_key=True),
    Column("first", BigInteger, nullable=False),
    Column("after", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

undo_row = Table(  # rows as they were before a run first touched them (registry.undo)
    "undo_row",
    metadata,
    Column("run_id", Key, primary_key=True),  # no foreign key: it would be checked at each row
    Column("table_name", Text, primary_key=True),
    Column("key", Text, primary_key=True),  # the number, or a JSON list of the columns of the key
    Column("before", Text),  # JSON by column; NULL: there was no such row
    sqlite_with_rowid=False,
)

tally = Table(  # how much there is, by what an import may hit: kept by imports, so that no percentage needs a scan
    "tally",
    metadata,
    Column("dimension", Text, primary_key=True),  # people, activities, mailboxes; domain, profession, department
    Column("key", Text, primary_key=True),  # domain name, code; empty for the whole
    Column("number", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)
