"""Messaging operators of the trusted space: who they are, which domains they hold, their secret, their certificates.

A secret reads ``<name>.<random>``, so that the secret alone says whose it is; only its argon2 hash is kept, and it is
given once.  Each change is journalled, without the secret or its hash.  Who may do what with it is ``trust``'s affair.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Sequence

from argon2 import PasswordHasher
from sqlalchemy import ColumnElement, Connection, delete, insert, select, update

from directory_service.errors import InvalidInput, NotFound
from directory_service.model.mailboxes import RIGHTS, CertificateRule, Operator
from directory_service.registry import journal
from directory_service.registry.clock import now_text
from directory_service.registry.overview import read_operators
from directory_service.registry.tables import domain, operator, operator_certificate

# The name stands in a DN (cn=<name>,ou=operateurs,…) and before the last dot of a secret: neither must need escaping.
_NAME = re.compile(r"[a-z0-9](?:[a-z0-9._-]{0,62}[a-z0-9])?", re.ASCII)
_DOMAIN = re.compile(r"(?=.{4,253}\Z)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]*[a-z0-9]", re.ASCII)
_SECRET_BYTES = 32
_hasher = PasswordHasher()


def add_operator(
    connection: Connection, name: str, domains: Sequence[str] = (), *, actor: str, at: str | None = None
) -> int:
    """Adds an active operator, who has no secret yet, and gives its key.  Raises InvalidInput."""
    if not _NAME.fullmatch(name):
        raise InvalidInput(
            "un nom d'opérateur est fait de minuscules, chiffres, points, tirets et soulignés (64 au plus)"
        )
    if _find(connection, name) is not None:
        raise InvalidInput("un opérateur porte déjà ce nom")
    held, moment = [_checked(d) for d in domains], at or now_text()
    values = {"name": name, "status": "active", "status_since": moment}
    key = int(connection.execute(insert(operator).values(values).returning(operator.c.id)).scalar_one())
    _journal(connection, actor, "create", key, {"name": name, "domains": held}, moment)
    for each in held:
        _open_domain(connection, key, each, moment)
    return key


def get_operator(connection: Connection, name: str) -> Operator:
    """One operator with its domains; raises NotFound."""
    for found in read_operators(connection):
        if found.name == name:
            return found
    raise NotFound("aucun opérateur ne porte ce nom")


def set_secret(connection: Connection, name: str, *, actor: str, at: str | None = None) -> str:
    """Gives the operator a new secret, which is returned and kept nowhere; the old one no longer opens anything."""
    key = _get(connection, name)
    secret = f"{name}.{secrets.token_urlsafe(_SECRET_BYTES)}"
    connection.execute(update(operator).where(operator.c.id == key).values(secret_hash=_hasher.hash(secret)))
    _journal(connection, actor, "secret", key, None, at)
    return secret


def add_certificate(
    connection: Connection, name: str, rule: CertificateRule, *, actor: str, at: str | None = None
) -> bool:
    """The certificates of this rule speak for the operator from now on; tells whether that is new.  Raises InvalidInput
    where they speak for another."""
    key, moment = _get(connection, name), at or now_text()
    owner = connection.execute(select(operator_certificate.c.operator_id).where(*_is(rule))).scalar()
    if owner is not None and owner != key:
        raise InvalidInput("ce certificat désigne déjà un autre opérateur")
    if owner is None:
        connection.execute(insert(operator_certificate).values(operator_id=key, since=moment, **rule._asdict()))
        _journal(connection, actor, "certificate", key, {"added": rule._asdict()}, moment)
    return owner is None


def remove_certificate(
    connection: Connection, name: str, rule: CertificateRule, *, actor: str, at: str | None = None
) -> bool:
    """The certificates of this rule no longer speak for the operator; tells whether they did."""
    key = _get(connection, name)
    theirs = operator_certificate.c.operator_id == key, *_is(rule)
    changed = connection.execute(delete(operator_certificate).where(*theirs)).rowcount > 0
    if changed:
        _journal(connection, actor, "certificate", key, {"removed": rule._asdict()}, at)
    return changed


def _is(rule: CertificateRule) -> tuple[ColumnElement[bool], ...]:
    return tuple(operator_certificate.c[name] == value for name, value in rule._asdict().items())


def set_status(connection: Connection, name: str, status: str, *, actor: str, at: str | None = None) -> bool:
    """``active`` or ``suspended``; tells whether that changed anything."""
    if status not in ("active", "suspended"):
        raise InvalidInput("un opérateur est active ou suspended")
    key, moment = _get(connection, name), at or now_text()
    other = operator.c.id == key, operator.c.status != status
    changed = connection.execute(update(operator).where(*other).values(status=status, status_since=moment)).rowcount > 0
    if changed:
        _journal(connection, actor, "suspend" if status == "suspended" else "resume", key, {"status": status}, moment)
    return changed


def set_right(connection: Connection, name: str, right: str, given: bool, *, actor: str, at: str | None = None) -> bool:
    """Gives or takes one right of ``RIGHTS``; tells whether that changed anything.  Raises InvalidInput, NotFound."""
    if right not in RIGHTS:
        raise InvalidInput(f"un droit est l'un de : {', '.join(RIGHTS)}")
    key = _get(connection, name)
    held = set(connection.execute(select(operator.c.rights).where(operator.c.id == key)).scalar_one().split())
    after = held | {right} if given else held - {right}
    if after == held:
        return False
    connection.execute(update(operator).where(operator.c.id == key).values(rights=" ".join(sorted(after))))
    _journal(connection, actor, "right", key, {"given" if given else "taken": right}, at)
    return True


def suspend(connection: Connection, name: str, *, actor: str, at: str | None = None) -> bool:
    """The operator may no longer publish or read as one; its mailboxes stay."""
    return set_status(connection, name, "suspended", actor=actor, at=at)


def add_domain(connection: Connection, name: str, domain_name: str, *, actor: str, at: str | None = None) -> bool:
    """Puts a domain under an operator (others may hold it too); tells whether it was not there already."""
    key, checked, moment = _get(connection, name), _checked(domain_name), at or now_text()
    changed = _open_domain(connection, key, checked, moment)
    if changed:
        _journal(connection, actor, "domain", key, {"opened": checked}, moment)
    return changed


def remove_domain(connection: Connection, name: str, domain_name: str, *, actor: str, at: str | None = None) -> bool:
    """The operator no longer holds the domain, from now on; tells whether it did."""
    key, checked, moment = _get(connection, name), _checked(domain_name), at or now_text()
    held = domain.c.operator_id == key, domain.c.name == checked, domain.c.until.is_(None)
    changed = connection.execute(update(domain).where(*held).values(until=moment)).rowcount > 0
    if changed:
        _journal(connection, actor, "domain", key, {"closed": checked}, moment)
    return changed


def _open_domain(connection: Connection, key: int, name: str, moment: str) -> bool:
    """A domain that comes back starts anew: its row holds the last stretch, the journal the ones before."""
    row = domain.c.operator_id == key, domain.c.name == name
    found = connection.execute(select(domain.c.until).where(*row)).first()
    if found is None:
        connection.execute(insert(domain).values(name=name, operator_id=key, since=moment))
    elif found.until is not None:
        connection.execute(update(domain).where(*row).values(since=moment, until=None))
    return found is None or found.until is not None


def _checked(name: str) -> str:
    lowered = name.strip().lower().rstrip(".")
    if not _DOMAIN.fullmatch(lowered):
        raise InvalidInput("nom de domaine attendu, par exemple medecin.mssante.fr")
    return lowered


def _find(connection: Connection, name: str) -> int | None:
    return connection.execute(select(operator.c.id).where(operator.c.name == name)).scalar()


def _get(connection: Connection, name: str) -> int:
    key = _find(connection, name)
    if key is None:
        raise NotFound("aucun opérateur ne porte ce nom")
    return key


def _journal(
    connection: Connection, actor: str, kind: str, key: int, after: journal.State | None, at: str | None
) -> None:
    journal.append(connection, actor=actor, kind=kind, subject="operator", subject_id=key, after=after, at=at)
