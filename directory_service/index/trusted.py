"""The trusted space in an index file: who may be trusted for a domain at an instant, what is told of operators, and by
what they and programs are known."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

import orjson

from directory_service.entries.operators import CONTACTS
from directory_service.errors import NotFound
from directory_service.index.query import View
from directory_service.model.clients import ApiClient
from directory_service.model.mailboxes import CertificateRule, lowered

_AT: Final = "SELECT operator FROM domain WHERE name = ? AND since <= ? AND (until = '' OR until > ?) ORDER BY operator"
_TODAY: Final = "SELECT operator FROM domain WHERE name = ? AND until = '' ORDER BY operator"
_ALL: Final = (
    "SELECT d.operator, d.since, d.until, o.status, o.record FROM domain d JOIN operator o ON o.name = d.operator "
    "WHERE d.name = ? ORDER BY d.until = '' DESC, d.since DESC, d.operator"
)


@dataclass(frozen=True, slots=True)
class OperatorRecord:
    """An operator as the faces need it to authenticate."""

    name: str
    secret_hash: str
    status: str  # active, suspended, withdrawn
    domains: tuple[str, ...]
    rights: tuple[str, ...] = ()  # words of model.mailboxes.RIGHTS
    former_hash: str = ""  # of the secret before
    former_until: str = ""

    def hashes(self, now: str) -> tuple[str, ...]:
        """Of the secrets that open at ``now`` (UTC text): the one in force, and the one before for a while."""
        both = (self.secret_hash, self.former_hash if self.former_until > now else "")
        return tuple(mark for mark in both if mark)


_NAMED: Final = "SELECT name, secret_hash, status, json, former_hash, former_until FROM operator WHERE name = ?"


def operator_named(db: sqlite3.Connection, name: str) -> OperatorRecord | None:
    row = db.execute(_NAMED, (name,)).fetchone()
    if row is None:
        return None
    name, secret_hash, status, written, *former = row
    said = orjson.loads(written)
    return OperatorRecord(name, secret_hash, status, tuple(said["domains"]), tuple(said["rights"]), *former)


def operators_by_certificate(db: sqlite3.Connection, rules: Iterable[CertificateRule]) -> list[OperatorRecord]:
    """By name, those that any of these rules names."""
    sql = "SELECT operator FROM certificate WHERE method = ? AND issuer = ? AND value = ?"
    names = {name for rule in rules for (name,) in db.execute(sql, rule)}
    return [found for name in sorted(names) if (found := operator_named(db, name)) is not None]


def client_named(db: sqlite3.Connection, name: str) -> ApiClient | None:
    """As far as it is needed to know its key; revoked ones are not there."""
    row = db.execute("SELECT secret_hash FROM client WHERE name = ?", (name,)).fetchone()
    return None if row is None else ApiClient(name, row[0], "", "")


def trusted_operators(db: sqlite3.Connection, domain: str, at: str | None) -> list[str]:
    """Names of the operators that may be trusted for ``domain``, today or at ``at`` (UTC text)."""
    name = lowered(domain)
    rows = db.execute(_TODAY, (name,)) if at is None else db.execute(_AT, (name, at, at))
    return [operator for (operator,) in rows]


def was_held(db: sqlite3.Connection, domain: str, at: str | None) -> bool:
    """Whether any operator holds ``domain`` or held it, in trust or not, by ``at`` (UTC text)."""
    sql = "SELECT 1 FROM domain WHERE name = ? AND since <= ? LIMIT 1"
    return db.execute(sql, (lowered(domain), at or "9999")).fetchone() is not None


def trust_left(db: sqlite3.Connection, domain: str, at: str | None) -> str:
    """The last instant, up to ``at``, at which trust in the domain ended; "" when there is none."""
    sql = "SELECT max(until) FROM domain WHERE name = ? AND until > since AND until <= ?"
    (found,) = db.execute(sql, (lowered(domain), at or "9999")).fetchone()
    return found or ""


def operator_records(db: sqlite3.Connection, view: View, name: str | None = None) -> list[dict[str, Any]]:
    """Operators by name, or the one of that name, as this view may see them."""
    where, values = ("WHERE name = ?", (name,)) if name is not None else ("", ())
    rows = db.execute(f"SELECT record FROM operator {where} ORDER BY name", values)  # noqa: S608 - our own text
    return [_seen(orjson.loads(record), view) for (record,) in rows]


def _seen(record: dict[str, Any], view: View) -> dict[str, Any]:
    if view < View.OPERATOR:
        record.pop(CONTACTS)
    return record


def domain_record(db: sqlite3.Connection, domain: str) -> dict[str, Any]:
    """``{"name","trusted","operators":[{"name","label","status","since","until"}]}``: when each operator was trusted
    for the domain, those of today first.  Raises NotFound."""
    name = lowered(domain)
    held = [
        {"name": operator, "label": orjson.loads(record)["label"], "status": status, "since": since,
         "until": until or None}
        for operator, since, until, status, record in db.execute(_ALL, (name,))
    ]  # fmt: skip
    if not held:
        raise NotFound("aucun opérateur n'a tenu ce domaine")
    return {"name": name, "trusted": held[0]["until"] is None, "operators": held}
