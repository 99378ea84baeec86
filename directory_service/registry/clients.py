"""Programs that have a key of the API, changed by the staff (``annuaire client``).

A key reads ``client~<name>.<random>``; only its argon2 hash is kept, and it is given once.  Each change is journalled,
without the key, its hash or the contact.  What a key opens is ``trust.doors``'s affair: higher limits, nothing else.
"""

from __future__ import annotations

import re
from typing import Any, Final

from sqlalchemy import Connection, insert, select, update

from directory_service.errors import InvalidInput, NotFound
from directory_service.model.clients import PREFIX, ApiClient
from directory_service.registry import journal
from directory_service.registry.clock import now_text
from directory_service.registry.minting import mint
from directory_service.registry.operators import checked_contact
from directory_service.registry.tables import client

SUBJECT: Final = "client"  # of their changes in the journal
_NAME: Final = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?", re.ASCII)  # no dot: the key ends with one and chance


def add_client(connection: Connection, name: str, contact: str = "", *, actor: str, at: str | None = None) -> str:
    """Adds a program and gives its key, which is kept nowhere.  Raises InvalidInput, also for a name that was revoked:
    logs name it."""
    if not _NAME.fullmatch(name):
        raise InvalidInput("un nom de client est fait de minuscules, chiffres et tirets (64 caractères au plus)")
    if _find(connection, name) is not None:
        raise InvalidInput("un client porte, ou a porté, ce nom")
    (key, made), moment = mint(PREFIX + name), at or now_text()
    values = {"name": name, "secret_hash": made, "contact": checked_contact(contact), "created_at": moment}
    number = int(connection.execute(insert(client).values(values).returning(client.c.id)).scalar_one())
    _journal(connection, actor, "create", number, name, moment)
    return key


def renew_client(connection: Connection, name: str, *, actor: str, at: str | None = None) -> str:
    """A new key for the program; the old one opens nothing any more.  Raises NotFound, InvalidInput once revoked."""
    row = _get(connection, name)
    if row.revoked_at is not None:
        raise InvalidInput("cette clé est révoquée : ajoutez un client d'un autre nom")
    key, made = mint(PREFIX + name)
    connection.execute(update(client).where(client.c.id == row.id).values(secret_hash=made))
    _journal(connection, actor, "secret", row.id, name, at)
    return key


def revoke_client(connection: Connection, name: str, *, actor: str, at: str | None = None) -> bool:
    """The program's key opens nothing from now on; tells whether it did.  Raises NotFound."""
    row, moment = _get(connection, name), at or now_text()
    if row.revoked_at is not None:
        return False
    connection.execute(update(client).where(client.c.id == row.id).values(secret_hash="", revoked_at=moment))
    _journal(connection, actor, "revoke", row.id, name, moment)
    return True


def read_clients(connection: Connection) -> list[ApiClient]:
    """All of them, revoked ones too, by name."""
    rows = connection.execute(select(client).order_by(client.c.name))
    return [ApiClient(r.name, r.secret_hash, r.contact, r.created_at, r.revoked_at or "") for r in rows]


def _find(connection: Connection, name: str) -> Any:
    return connection.execute(select(client).where(client.c.name == name)).one_or_none()


def _get(connection: Connection, name: str) -> Any:
    row = _find(connection, name)
    if row is None:
        raise NotFound("aucun client ne porte ce nom")
    return row


def _journal(connection: Connection, actor: str, kind: str, key: int, name: str, at: str | None) -> None:
    journal.append(connection, actor=actor, kind=kind, subject=SUBJECT, subject_id=key, after={"name": name}, at=at)
