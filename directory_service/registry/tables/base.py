"""What every table of the registry is made with."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Integer, MetaData, Text

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


def source_text(name: str) -> Column[str]:
    """Text of a source: empty means unknown, NULL does not occur."""
    return Column(name, Text, nullable=False, default="", server_default="")
