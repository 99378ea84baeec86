"""Programs that have a key of the API."""

from __future__ import annotations

from sqlalchemy import Column, Table, Text

from directory_service.registry.tables.base import Key, metadata, source_text

client = Table(
    "client",
    metadata,
    Column("id", Key, primary_key=True),
    Column("name", Text, nullable=False, unique=True),
    source_text("secret_hash"),  # argon2; empty once revoked
    source_text("contact"),
    Column("created_at", Text, nullable=False),
    Column("revoked_at", Text),
)
