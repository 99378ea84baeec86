"""Reads the operators of the trusted space: what they hold and held, who names them, when they were suspended."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from sqlalchemy import Connection, Select, select

from directory_service.errors import NotFound
from directory_service.model.mailboxes import CertificateRule, Operator
from directory_service.model.trust import DomainStretch, Span
from directory_service.registry.tables import domain, operator, operator_certificate, operator_subject, suspension

_STRETCH = ("name", "since", "until", "source", "subject", "description", "responsible", "support", "updated")


def read_operators(connection: Connection, keys: Iterable[int] | None = None) -> list[Operator]:
    """Every operator, suspended and withdrawn ones too, by name; or those of ``keys``.  Sorted here, by code points: a
    database may sort as its language does."""
    chosen = None if keys is None else list(keys)
    held = _grouped(connection, _of(domain, *_STRETCH), chosen)
    rules = _grouped(connection, _of(operator_certificate, "method", "issuer", "value"), chosen)
    subjects = _grouped(connection, _of(operator_subject, "value"), chosen)
    off = _grouped(connection, _of(suspension, "since", "until"), chosen)
    query = select(operator)
    rows = connection.execute(query if chosen is None else query.where(operator.c.id.in_(chosen)))
    return [
        Operator(
            pk=row.id,
            name=row.name,
            status=row.status,
            secret_hash=row.secret_hash,
            domains=tuple(dict.fromkeys(s[0] for s in held[row.id] if s[2] is None)),
            certificates=tuple(CertificateRule(*r) for r in rules[row.id]),
            rights=tuple(row.rights.split()),
            since=row.status_since,
            label=row.label,
            identity=row.identity,
            source=row.source,
            responsible=row.responsible,
            support=row.support,
            subjects=tuple(value for (value,) in subjects[row.id]),
            stretches=tuple(DomainStretch(*s) for s in held[row.id]),
            suspensions=tuple(Span(*s) for s in off[row.id]),
            former_hash=row.former_hash,
            former_until=row.former_until,
        )
        for row in sorted(rows, key=lambda row: row.name)
    ]


def get_operator(connection: Connection, name: str) -> Operator:
    """One operator, by name; raises NotFound."""
    key = connection.execute(select(operator.c.id).where(operator.c.name == name)).scalar()
    if key is None:
        raise NotFound("aucun opérateur ne porte ce nom")
    return read_operators(connection, [key])[0]


def _of(table: Any, *columns: str) -> Select[Any]:
    order = (domain.c.name, domain.c.since) if table is domain else ()
    return select(table.c.operator_id, *(table.c[c] for c in columns)).order_by(*order, table.c.id)


def _grouped(connection: Connection, query: Select[Any], keys: list[int] | None) -> defaultdict[int, list[Any]]:
    if keys is not None:
        query = query.where(query.selected_columns[0].in_(keys))
    found: defaultdict[int, list[Any]] = defaultdict(list)
    for key, *row in connection.execute(query):
        found[key].append(row)
    return found
