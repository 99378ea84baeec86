"""The trusted space: operators, what names and speaks for them, their domains over time, when they were suspended."""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, Index, Table, Text, UniqueConstraint

from directory_service.registry.tables.base import Key, metadata, partial, source_text

operator = Table(
    "operator",
    metadata,
    Column("id", Key, primary_key=True),
    Column("name", Text, nullable=False, unique=True),
    Column("status", Text, nullable=False),  # active, suspended, withdrawn
    Column("status_since", Text, nullable=False),
    source_text("secret_hash"),  # argon2; empty: cannot bind with a secret
    source_text("former_hash"),  # of the secret before, which opens until `former_until`
    source_text("former_until"),
    Column("rights", Text, nullable=False, server_default="publish"),  # words of model.mailboxes.RIGHTS, by spaces
    source_text("label"),  # the organization, as its certificates write it
    source_text("identity"),  # its number in those certificates (idNat_Struct, in OU)
    Column("source", Text, nullable=False, server_default="manual"),  # manual, whitelist: who made it
    source_text("responsible"),  # contacts given by hand; those of the list stand with its domains
    source_text("support"),
)

operator_subject = Table(  # the certificate names (DN) by which a white list means an operator
    "operator_subject",
    metadata,
    Column("id", Key, primary_key=True),
    Column("operator_id", Key, ForeignKey("operator.id"), nullable=False, index=True),
    Column("key", Text, nullable=False, unique=True),  # model.subjects.subject_key
    Column("value", Text, nullable=False),  # as written
    Column("since", Text, nullable=False),
    Column("source", Text, nullable=False),  # manual, whitelist
)

operator_certificate = Table(  # the client certificates that speak for an operator; one rule names one operator
    "operator_certificate",
    metadata,
    Column("id", Key, primary_key=True),
    Column("operator_id", Key, ForeignKey("operator.id"), nullable=False, index=True),
    Column("method", Text, nullable=False),  # pin, subject, san
    source_text("issuer"),  # RFC 4514; empty for pins
    Column("value", Text, nullable=False),
    Column("since", Text, nullable=False),
    UniqueConstraint("method", "issuer", "value"),
)

# A suspended operator is out of trust; closed rows are the history.
suspension = Table(
    "suspension",
    metadata,
    Column("id", Key, primary_key=True),
    Column("operator_id", Key, ForeignKey("operator.id"), nullable=False, index=True),
    Column("since", Text, nullable=False),
    Column("until", Text),
)

# One stretch during which an operator holds a domain, by hand or under one certificate name of a white list; closed
# rows are the history.  A domain may stand under several operators, and under several names of one.
domain = Table(
    "domain",
    metadata,
    Column("id", Key, primary_key=True),
    Column("name", Text, nullable=False, index=True),
    Column("operator_id", Key, ForeignKey("operator.id"), nullable=False, index=True),
    Column("since", Text, nullable=False),
    Column("until", Text),
    Column("source", Text, nullable=False, server_default="manual"),  # manual, whitelist
    source_text("subject"),  # DN of the list, as written; empty by hand
    source_text("description"),
    source_text("responsible"),  # *ResponsableContact*
    source_text("support"),  # *SupportContact*
    source_text("updated"),  # *DateMAJ*, an instant
    partial(Index("uq_domain_open", "name", "operator_id", "subject", unique=True), "until IS NULL"),
)
