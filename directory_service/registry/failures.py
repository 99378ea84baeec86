"""Faults of the database itself, and not of what it was asked: a full disk, a server that left, a damaged file.

They are told as RegistryUnavailable, whether SQLAlchemy raises them or the driver (``registry.bulk``); every other
error passes as it is.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Final

from directory_service.errors import RegistryUnavailable

# Beginning of SQLite's name of the error, or of PostgreSQL's SQLSTATE (its manual, appendix A) ► what is told.
_FULL, _DISK = "le disque du registre est plein", "erreur de lecture ou d'écriture sur le disque du registre"
_DAMAGED = "ce fichier n'est pas un registre, ou il est abîmé"
FAULTS: Final = {
    "SQLITE_FULL": _FULL,
    "53100": _FULL,
    "SQLITE_IOERR": _DISK,
    "SQLITE_CANTOPEN": _DISK,
    "58030": _DISK,
    "SQLITE_CORRUPT": _DAMAGED,
    "SQLITE_NOTADB": _DAMAGED,
    "XX001": _DAMAGED,
    "08": "le registre ne répond plus",
    "57P": "le registre s'arrête ou redémarre",
    "57014": "le serveur du registre a interrompu une demande trop longue (statement_timeout)",
    "25P03": "le serveur du registre a fermé une session (idle_in_transaction_session_timeout)",
    "42501": "le rôle PostgreSQL du registre n'a pas ce droit : il faut le propriétaire des tables et de leur schéma",
    "53": "le registre est à bout de ressources",
}
# Of who writes; of who reads, a write would be a fault of ours.
FAULTS_OF_WRITING: Final = {
    "SQLITE_READONLY": "le registre ne peut pas être écrit : fichier ou dossier en lecture seule",
    "25006": "le registre ne peut pas être écrit : serveur en lecture seule",
}


@contextmanager
def told(faults: Mapping[str, str]) -> Iterator[None]:
    """Raises RegistryUnavailable for one of these ``faults``."""
    try:
        yield
    except Exception as error:
        why = _why(error, faults)
        if not why:
            raise
        raise RegistryUnavailable(why) from error


def _why(error: Exception, faults: Mapping[str, str]) -> str:
    of_driver = getattr(error, "orig", None) or error
    if getattr(of_driver, "sqlstate", "") is None and type(of_driver).__name__ == "OperationalError":
        return faults.get("08", "")  # psycopg: the connection was lost, and no server is left to say why
    code = getattr(of_driver, "sqlite_errorname", None) or getattr(of_driver, "sqlstate", None) or ""
    return next((why for prefix, why in faults.items() if code.startswith(prefix)), "")
