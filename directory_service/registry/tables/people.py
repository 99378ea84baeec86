"""Practitioners, their numbers, structures and what they do where; who is who."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Float, ForeignKey, Index, Table, Text, UniqueConstraint

from directory_service.registry.tables.base import Key, metadata, partial, source_text

nomenclature = Table(  # label of a code as the sources write it, first seen
    "nomenclature",
    metadata,
    Column("system", Text, primary_key=True),  # profession, category, mode, sector, section, role, kind, expertise…
    Column("code", Text, primary_key=True),
    source_text("label"),
)

practitioner = Table(
    "practitioner",
    metadata,
    Column("id", Key, primary_key=True),
    Column("national_id", Text, nullable=False, unique=True),
    Column("status", Text, nullable=False),
    Column("status_since", Text, nullable=False),
    source_text("title_code"),
    source_text("civility_code"),
    source_text("family_name"),
    source_text("given_names"),
    source_text("profession_code"),
    source_text("category_code"),
    source_text("match_key"),  # model.names.squash(family + given): blocking key of reconciliation
    Column("created_at", Text, nullable=False),
    Column("changed_at", Text, nullable=False),
    Column("merged_into", Key, ForeignKey("practitioner.id")),  # absorbed by another record; NULL when alive
    Index("ix_practitioner_match_key", "match_key"),
    # For the foreign key alone: without it, each record taken out by a rollback would be looked for in the whole table.
    partial(Index("ix_practitioner_merged_into", "merged_into"), "merged_into IS NOT NULL"),
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
    source_text("name"),
    source_text("trade_name"),
    source_text("finess"),
    source_text("finess_legal"),
    source_text("siret"),
    source_text("siren"),
    source_text("former_id"),
    source_text("recipient"),
    source_text("point"),
    source_text("number"),
    source_text("repetition"),
    source_text("street_type"),
    source_text("street_name"),
    source_text("distribution"),
    source_text("cedex"),
    source_text("postcode"),
    source_text("city_code"),
    source_text("city"),
    source_text("country_code"),
    source_text("country"),
    source_text("department_code"),
    source_text("department"),
    source_text("phone"),
    source_text("phone2"),
    source_text("fax"),
    source_text("email"),
    source_text("sector_code"),
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
    source_text("profession_code"),
    source_text("category_code"),
    source_text("mode_code"),
    source_text("sector_code"),
    source_text("section_code"),
    source_text("role_code"),
    source_text("kind_code"),
    source_text("authority"),
)

expertise = Table(
    "expertise",
    metadata,
    Column("id", Key, primary_key=True),
    Column("practitioner_id", Key, ForeignKey("practitioner.id"), nullable=False, index=True),
    Column("source", Text, nullable=False),
    source_text("profession_code"),
    source_text("type_code"),
    source_text("code"),
)

qualification = Table(
    "qualification",
    metadata,
    Column("id", Key, primary_key=True),
    Column("practitioner_id", Key, ForeignKey("practitioner.id"), nullable=False, index=True),
    Column("source", Text, nullable=False),
    source_text("diploma_type_code"),
    source_text("diploma_code"),
    source_text("authorization_type_code"),
    source_text("authorization_code"),
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
    source_text("reason"),
    Column("run_id", Key, nullable=False),
    Column("actor", Text, nullable=False),  # who decided: of an import, who ran it
    Column("at", Text, nullable=False),
    Column("score", Float),  # bits; NULL of a rule
    Column("probability", Float),
    Column("weights", Text, nullable=False, server_default="[]"),  # JSON: comparison, level, bits
    Column("seen", Text, nullable=False, server_default="[]"),  # JSON: both records as they were compared
    source_text("note"),  # what a person wrote
    Index("ix_decision_outcome_kind", "outcome", "kind"),
    sqlite_autoincrement=True,  # who answers by number must not answer another question
)
