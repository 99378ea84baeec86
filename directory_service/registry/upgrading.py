"""Bringing the tables of a registry up to date, by Alembic.  Apart from ``engine``: loading Alembic takes longer than
most commands."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Engine

from directory_service.errors import RegistryUnavailable
from directory_service.registry.engine import file_of, require_no_others, writing
from directory_service.registry.grants import require_grants
from directory_service.registry.tables import metadata

MIGRATIONS = Path(__file__).parent / "migrations"


def upgrade(engine: Engine) -> None:
    """Creates the registry, or moves its tables to this version's, in one transaction.  Raises RegistryUnavailable."""
    path = file_of(engine)
    if path is not None:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
        except OSError as error:
            raise RegistryUnavailable(f"le registre ne peut pas être créé par ce compte : {path}") from error
    with writing(engine, upgrading=True) as connection:
        require_grants(connection)
        require_no_others(connection, metadata.tables)
        config = _config()
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def _config() -> Config:
    config = Config()
    # ConfigParser's interpolation would trip over a % in the path.
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config
