"""What the role that owns a registry on PostgreSQL must be allowed: asked by ``annuaire init`` and ``annuaire doctor``,
and before an import, which would otherwise hear of it after minutes of work.
"""

from __future__ import annotations

from sqlalchemy import Connection, text

from directory_service.errors import RegistryUnavailable

_ASKED = text(
    "SELECT current_database() AS base, current_user AS role, current_schema() AS schema, "
    "has_schema_privilege(current_schema(), 'CREATE') AS creates, "
    "has_database_privilege(current_database(), 'TEMPORARY') AS temporary"
)


def require_grants(connection: Connection) -> None:
    """Raises RegistryUnavailable, which tells the administrator what to grant.  Does nothing on SQLite."""
    if connection.dialect.name != "postgresql":
        return
    held = connection.execute(_ASKED).one()
    if held.schema is None:
        raise _lacking(f"aucun schéma de la base {held.base} n'est à lui", f"CREATE SCHEMA x AUTHORIZATION {held.role}")
    if not held.creates:
        grant = f"CREATE SCHEMA {held.role} AUTHORIZATION {held.role}"
        raise _lacking(f"il ne peut rien créer dans le schéma {held.schema}", grant)
    if not held.temporary:
        grant = f"GRANT TEMPORARY ON DATABASE {held.base} TO {held.role}"
        raise _lacking("il ne peut pas créer de table temporaire", grant)


def _lacking(what: str, grant: str) -> RegistryUnavailable:
    return RegistryUnavailable(f"un droit manque au rôle PostgreSQL du registre : {what}", hint=grant)
