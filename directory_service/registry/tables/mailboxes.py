"""Mailboxes, and whom each is bound to and was."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, ForeignKey, Table, Text, false

from directory_service.registry.tables.base import Key, metadata, source_text

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
    source_text("national_id"),  # of the person, as written
    source_text("family_name"),
    source_text("given_names"),
    source_text("category_code"),
    source_text("profession_code"),
    source_text("specialty_code"),
    source_text("service"),
    source_text("description"),
    source_text("responsible"),
    Column("paperless", Boolean),
    Column("preferred", Boolean, nullable=False, server_default=false()),
    Column("since", Text, nullable=False),
    Column("until", Text),
    Column("opened_run", Key),  # the run that bound it, and the one that ended that; NULL: no run did
    Column("closed_run", Key),
)
