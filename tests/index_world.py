"""Entries made of plain attributes, for tests of the index alone: every promise of ``entries.attributes`` is kept from
the table itself, so that an index of any attributes can be made without a registry or a record."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from pathlib import Path

from record_factories import SUFFIX

from directory_service.entries.attributes import (
    ATTRIBUTES,
    SOUNDED,
    column,
    id_key,
    index_key,
    index_tag,
    prepare,
    prepared_forms,
    uuid_key,
)
from directory_service.entries.comparing import MatchRule
from directory_service.entries.containers import container_entries
from directory_service.entries.entry import BAL, CLASSES, PEOPLE, STRUCTURES, Entry, entry_id, kind_of
from directory_service.entries.naming import GIVEN, all_tokens
from directory_service.index.files import current_name
from directory_service.index.plan.access import COLUMNS
from directory_service.index.schema import ORDERED
from directory_service.index.writer import write_entries
from directory_service.ldap.ber import octets, partial_attribute, sequence
from directory_service.ldap.dn import escape_value
from directory_service.model.towns import other_towns

Attributes = Mapping[str, Sequence[str]]
OUS = {BAL: "bal", PEOPLE: "personnes", STRUCTURES: "structures"}
CREATED, CHANGED = "20260105034500Z", "20260601034500Z"


def make_entry(
    branch: int = BAL, pk: int = 1, *, rank: int = 0, view: int = 0, created: str = CREATED, changed: str = CHANGED,
    **given: Sequence[str],
) -> Entry:  # fmt: skip
    """``given`` attributes by canonical name, ``uid`` first for the name of the entry; those that every entry of the
    branch has are added when missing."""
    place, branch = branch, kind_of(branch)
    uid = list(given.pop("uid", ()) or [f"{place}{pk:04d}"])
    held = {"objectClass": CLASSES[branch], "uid": uid, **{n: v for n, v in given.items() if v}}
    for a in ATTRIBUTES.values():
        if branch in a.always and not a.operational:
            held.setdefault(a.name, [CREATED if a.rule is MatchRule.TIME else "1"])
    dn = f"uid={escape_value(uid[0])},ou={OUS[branch]},{SUFFIX}"
    texts = {c: column(_prepared(held, c) + _spelt(held, c)) for c in COLUMNS}
    texts |= {c: column(sorted(_prepared(held, c)) + _spelt(held, c)) for c in ORDERED.values()}
    body = sequence(*(partial_attribute(name, [v.encode() for v in values]) for name, values in held.items()))
    return Entry(
        id=entry_id(place, rank, pk),
        dn=dn,
        view=view,
        **texts,
        tags=" ".join([*_each(_all_forms(held), index_tag), *_sounds(branch, held)]),
        keys=tuple(dict.fromkeys((*_each(held, index_key), id_key("u", uid[0]), uuid_key(dn)))),
        ber=octets(dn) + body,
        json=b"{}",
        created=created,
        changed=changed,
    )


def _prepared(held: Attributes, wanted: str) -> list[str]:
    pairs = ((ATTRIBUTES[name.lower()], values) for name, values in held.items())
    return [p for a, values in pairs if wanted in a.columns for v in values if (p := prepare(a, v.encode()))]


def _spelt(held: Attributes, wanted: str) -> list[str]:
    pairs = ((ATTRIBUTES[name.lower()], values) for name, values in held.items())
    return [p for a, values in pairs if wanted in a.columns for v in values for p in prepared_forms(a, v.encode())[1:]]


def _all_forms(held: Attributes) -> Attributes:
    """Towns with their other spellings, each of which has its token."""
    return {n: [f for v in values for f in (v, *other_towns(v))] if n == "l" else values for n, values in held.items()}


def _sounds(branch: int, held: Attributes) -> list[str]:
    held = {name: held.get(name, ()) for name in SOUNDED if branch in SOUNDED[name]}
    given = held.pop("givenName", ())
    return [*all_tokens(v for values in held.values() for v in values).split(), *all_tokens(given, GIVEN).split()]


def _each(held: Attributes, made):  # type: ignore[no-untyped-def]
    pairs = ((ATTRIBUTES[name.lower()], values) for name, values in held.items())
    return list(dict.fromkeys(m for a, values in pairs for v in values if (m := made(a, v.encode()))))


def write_index(folder: Path, entries: Iterable[Entry]) -> Path:
    """Gives the folder of an index of these entries, below their containers."""
    from datetime import UTC, datetime

    from directory_service.index.files import new_path

    write_entries(new_path(folder, datetime.now(UTC)), entries, SUFFIX)
    return folder


def all_entries(entries: Iterable[Entry]) -> list[Entry]:
    """With the containers, in rank order."""
    return sorted([*container_entries(SUFFIX), *entries])


def fingerprint(folder: Path) -> list[tuple[object, ...]]:
    """Everything that readers see of a build, but its name and its sample of terms."""
    with closing(sqlite3.connect(folder / current_name(folder))) as db:
        tables = ("entry", "body", "key", "mailbox", "hashed", "operator", "domain", "smime")
        rows = [row for table in tables for row in db.execute(f"SELECT * FROM {table} ORDER BY 1, 2")]
        for table in ("text", "tag", "names"):
            db.execute(f"CREATE VIRTUAL TABLE temp.{table}_held USING fts5vocab(main, {table}, instance)")
            rows += db.execute(f"SELECT DISTINCT term, doc, col FROM temp.{table}_held ORDER BY 1, 2, 3")
        return rows
