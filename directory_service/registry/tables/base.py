"""What every table of the registry is made with."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Connection, Index, Integer, MetaData, Text, event, text

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


def partial(index: Index, condition: str) -> Index:
    """Of the rows that meet it alone, in both databases.  Said when the index is created: ``postgresql_where`` here
    would load all that SQLAlchemy knows of PostgreSQL, in every command on SQLite."""

    def say(_: object, connection: Connection, **_more: object) -> None:
        index.dialect_kwargs[f"{connection.dialect.name}_where"] = text(condition)

    event.listen(index, "before_create", say)
    return index
