"""Mailboxes, and whom each is bound to and was."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, ForeignKey, Integer, LargeBinary, Table, Text, UniqueConstraint, false

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
    source_text("operator"),  # name of the one that published it last
    Column("purposes", Text, nullable=False, server_default="[]"),  # JSON list of model.publication.PURPOSES
    Column("contacts", Text, nullable=False, server_default="[]"),  # JSON list of [system, value]
    Column("published_at", Text),  # when its operator last changed it; NULL: never
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
    Column("rank", Integer),  # among the boxes of the holder, as the operator says
    Column("opened_run", Key),  # the run that bound it, and the one that ended that; NULL: no run did
    source_text("opened_operator"),  # or the operator who published that
    Column("closed_run", Key),
    source_text("closed_operator"),
    # It ended while its mailbox was unlisted: whatever becomes of that, nobody else learns of it.  False while open.
    Column("unlisted", Boolean, nullable=False, server_default=false()),
)

mail_certificate = Table(  # S/MIME; by address, so that they outlive what imports do to the row of the mailbox
    "mail_certificate",
    metadata,
    Column("id", Key, primary_key=True),
    Column("address", Text, nullable=False),
    Column("sha256", Text, nullable=False),  # of `der`
    Column("der", LargeBinary, nullable=False),
    Column("subject", Text, nullable=False),  # RFC 4514
    Column("issuer", Text, nullable=False),
    Column("serial", Text, nullable=False),  # hexadecimal
    Column("not_before", Text, nullable=False),
    Column("not_after", Text, nullable=False),
    Column("uses", Text, nullable=False),  # signature, encryption, by spaces
    Column("added_at", Text, nullable=False),
    Column("added_by", Text, nullable=False),
    Column("removed_at", Text),  # by whoever may; NULL while published
    Column("revoked_at", Text),  # found on a list
    UniqueConstraint("address", "sha256"),
)

replay = Table(  # answers to publications that carry an Idempotency-Key, to be given again
    "replay",
    metadata,
    Column("operator", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("fingerprint", Text, nullable=False),  # of the request: a key must not come with another one
    Column("status", Integer, nullable=False),
    Column("answer", LargeBinary, nullable=False),  # zlib
    source_text("version"),
    Column("at", Text, nullable=False, index=True),
    sqlite_with_rowid=False,
)
