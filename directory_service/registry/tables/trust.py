"""The trusted space: operators, the certificates that speak for them, their domains."""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, Table, Text, UniqueConstraint

from directory_service.registry.tables.base import Key, metadata, source_text

operator = Table(
    "operator",
    metadata,
    Column("id", Key, primary_key=True),
    Column("name", Text, nullable=False, unique=True),
    Column("status", Text, nullable=False),  # active, suspended
    Column("status_since", Text, nullable=False),
    source_text("secret_hash"),  # argon2; empty: cannot bind with a secret
    Column("rights", Text, nullable=False, server_default="publish"),  # words of model.mailboxes.RIGHTS, by spaces
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
