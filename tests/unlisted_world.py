"""Countries that differ in nothing but their unlisted mailboxes (*liste rouge*).

``hidden`` has some fifty, published, changed, moved, closed between what everybody sees; ``other`` has as many at the
same places, of other people, addresses and texts; in ``absent`` they never were: their rows are taken out, and in the
journal something else stands in their places, so that numbers of rows and changes are the same.  ``followed`` is
``hidden``, whose index a follower has kept instead of a build that was made of it.  A few addresses, the same in all,
were first some hidden person's and then a listed one's: in ``absent`` they never were the former's.

Builds are made at one instant and have one secret, so that answers can be compared octet by octet, entity tags too.
"""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

from flask import Flask
from log_world import append, keyring
from record_factories import SUFFIX
from registry_factories import secret_of
from sqlalchemy import Connection, Engine, delete, func, select, update

from directory_service.cli import run
from directory_service.index.directory import Directory
from directory_service.index.files import current_name
from directory_service.index.follower import Follower
from directory_service.index.writer import build_index
from directory_service.model.certificates import MailCertificate
from directory_service.model.publication import parse_publication
from directory_service.registry import operators
from directory_service.registry.certificates import add_certificates, get_box
from directory_service.registry.clients import add_client
from directory_service.registry.engine import open_registry, reading, writing
from directory_service.registry.publishing import Order, Publisher
from directory_service.registry.tables import binding, journal, mail_certificate, mailbox, organization, practitioner
from directory_service.registry.upgrading import upgrade
from directory_service.settings import Settings
from directory_service.web.app import create_app
from importers.load import run_import
from importers.sample.write import write_sample

# ``nord`` publishes the hidden mailboxes; ``sud`` may see none of them.  Nobody sees any mailbox of the last domain.
NORTH, SOUTH, PROGRAM = "nord", "sud", "essai"
NORTHERN = ("medecin.mssante.fr", "infirmier.mssante.fr", "chu-de-paris-01.mssante.fr", "discret.mssante.fr")
SOUTHERN = ("pharmacien.mssante.fr", "masseur-kinesitherapeute.mssante.fr", "aura.mssante.fr", "sud.mssante.fr")
DARK = NORTHERN[-1]
CERTIFIED = "accueil@chu-de-paris-01.mssante.fr"  # listed, with a certificate
BUILD, BUILT_AT = "20260920T040000Z", "2026-09-20T04:00:00Z"
PEOPLE = 250
REGISTRY = "registry.sqlite"
Orders = list[tuple[str, dict[str, Any] | None]]


class Person(NamedTuple):
    national: str
    family: str
    given: str


@dataclass(frozen=True)
class Plan:
    """Who publishes what, in turns: for each, the listed ones, then the unlisted ones."""

    listed: Sequence[tuple[str, Orders]]
    hidden: Sequence[Orders]
    passed: Sequence[str]  # addresses that were unlisted, and are others' since

    @property
    def _never_listed(self) -> list[str]:
        return [address for orders in self.hidden for address, _ in orders if address not in self.passed]

    @cached_property
    def addresses(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(self._never_listed))


@dataclass(frozen=True)
class Country:
    folder: Path
    engine: Engine
    directory: Directory
    app: Flask
    hidden: tuple[str, ...]  # addresses

    def close(self) -> None:
        self.directory.close()
        self.engine.dispose()

    @property
    def index(self) -> Path:
        return self.folder / "index" / current_name(self.folder / "index")


class Countries(NamedTuple):
    hidden: Country
    other: Country
    absent: Country
    followed: Country
    people: Sequence[Person]  # some of them hold hidden mailboxes
    places: Sequence[str]  # national numbers
    listed: Sequence[str]  # addresses
    passed: Sequence[str]  # some of those
    key: str  # of a program

    @property
    def secrets(self) -> dict[str, str]:
        """Who asks, and by which secret."""
        return {"nobody": "", SOUTH: f"{SOUTH}.essai", NORTH: f"{NORTH}.essai", "program": self.key}

    @property
    def unlisted(self) -> tuple[str, ...]:
        """Of both countries that have some."""
        return (*self.hidden.hidden, *self.other.hidden)

    def close(self) -> None:
        for country in self[:4]:
            country.close()


def countries(folder: Path) -> Countries:
    base = folder / "base"
    engine = new_registry(base)
    key = imported(engine, base)
    keyring(base)
    with reading(engine) as connection:
        people, places, listed = _people(connection), _places(connection), _addresses(connection)
    engine.dispose()
    plans = {name: _plan(people, places, n) for n, name in enumerate(("hidden", "other"))}
    made = {name: _published(copied(base, folder / name), plan) for name, plan in plans.items()}
    made["followed"] = _published(copied(base, folder / "followed"), plans["hidden"], follow=True)
    made["absent"] = copied(folder / "hidden", folder / "absent")
    with writing(made["absent"][1]) as connection:
        _take_out(connection, plans["hidden"])
    opened = {name: _opened(*at, plans.get(name)) for name, at in made.items()}
    opened["followed"] = replace(opened["followed"], hidden=plans["hidden"].addresses)
    named = (*listed, *(address for _, orders in plans["hidden"].listed for address, _ in orders))
    passed = plans["hidden"].passed
    return Countries(**opened, people=people, places=places, listed=named, passed=passed, key=key)


# --- the registry ----------------------------------------------------------------------------------------------------


def new_registry(folder: Path) -> Engine:
    folder.mkdir(parents=True, exist_ok=True)
    engine = open_registry(f"sqlite:///{folder / REGISTRY}")
    upgrade(engine)
    return engine


def copied(base: Path, folder: Path) -> tuple[Path, Engine]:
    """The registry and the keys that sign."""
    folder.mkdir()
    shutil.copytree(base / "keys", folder / "keys")
    with closing(sqlite3.connect(base / REGISTRY)) as one, closing(sqlite3.connect(folder / REGISTRY)) as other:
        one.backup(other)
    return folder, new_registry(folder)


def imported(engine: Engine, folder: Path) -> str:
    """What all have in common; the key of the program."""
    write_sample(folder / "sample", people=PEOPLE, seed=7, processes=0)
    run_import(engine, [folder / "sample"], actor="tests", as_of=datetime(2026, 9, 1, tzinfo=UTC))
    with writing(engine) as connection:
        for name, domains in ((NORTH, NORTHERN), (SOUTH, SOUTHERN)):
            operators.add_operator(connection, name, domains, actor="tests", at="2026-09-01T06:00:00Z")
            secret_of(connection, name)
        return add_client(connection, PROGRAM, actor="tests", at="2026-09-01T06:00:00Z")


def _people(connection: Connection) -> list[Person]:
    """Every fourth one, without mailboxes and with."""
    c = practitioner.c
    query = select(c.national_id, c.family_name, c.given_names).where(c.merged_into.is_(None)).order_by(c.id)
    return [Person(*row) for row in connection.execute(query)][::4]


def _places(connection: Connection) -> list[str]:
    query = select(organization.c.national_id).where(organization.c.finess != "").order_by(organization.c.id)
    return list(connection.execute(query).scalars())[:12]


def _addresses(connection: Connection) -> list[str]:
    return list(connection.execute(select(mailbox.c.address).order_by(mailbox.c.id)).scalars())


def body(kind: str, person: str = "", place: str = "", **more: Any) -> dict[str, Any]:
    holder = {name: value for name, value in (("person", person), ("structure", place)) if value}
    return {"type": kind, "holder": holder, **more}


def _plan(people: Sequence[Person], places: Sequence[str], which: int) -> Plan:
    passed = [f"releve{n}@{NORTHERN[n % 3]}" for n in range(6)]
    taken = [(address, body("PER", people[4 * n + 1].national)) for n, address in enumerate(passed)]
    listed = [
        (NORTH, [(f"vitrine{n}@{NORTHERN[n % 3]}", body("PER", people[2 * n].national, rank=n + 1))
                 for n in range(6)]),
        (SOUTH, [(f"comptoir{n}@sud.mssante.fr", body("PER", people[3 * n].national)) for n in range(6)]),
        (NORTH, [(CERTIFIED, body("ORG", place=places[0], service="Accueil")),
                 ("vitrine1@infirmier.mssante.fr", None), *taken]),
        (NORTH, [(passed[0], None), (passed[1], body("PER", people[2].national)), (passed[5], None)]),
    ]  # fmt: skip
    holders, texts = people[which::2], (("Zèbre", "labyrinthe Ж"), ("Quagga", "obélisque Ω"))[which]
    first = [_hidden(n, person, texts) for n, person in enumerate(holders)]
    own = [
        (f"{kind.lower()}-{texts[0].lower()}@{DARK}".replace("è", "e"),
         body(kind, place=places[n + which], service=texts[0], description=texts[1], unlisted=True))
        for n, kind in enumerate(("ORG", "APP"))
    ]  # fmt: skip
    moved = [(address, body | {"holder": {"person": holders[-1].national}, "service": texts[1]})
             for address, body in first[:5]]  # fmt: skip
    ended: Orders = [(address, None) for address, _ in first[3:9]]
    again = first[3:5]
    before = [(address, body("PER", holders[-2 - n].national, unlisted=True)) for n, address in enumerate(passed)]
    other = [(address, body("PER", holders[-1].national, unlisted=True)) for address in passed[2:4]]
    gone = [(address, None) for address in passed[3:]]
    return Plan(listed, [[*before, *first, *own], [*other, *gone, *moved], [*ended, *again], []], passed)


def _hidden(n: int, person: Person, texts: tuple[str, str]) -> tuple[str, dict[str, Any]]:
    """Near the names of her listed ones, or not; many ways to be preferred."""
    name = f"{person.given.split()[0]}.{person.family}".lower().replace(" ", "-").replace("'", "-")
    name = "".join(c for c in name if c.isascii() and (c.isalnum() or c in ".-")) or "x"
    local = (name, f"{name}.{n}", f"vitrine{n}", texts[0].lower().replace("è", "e") + f"{n}")[n % 4]
    more = {"rank": 1, "purposes": ["report"], "service": texts[0], "contacts": [{"system": "apicrypt", "value": name}]}
    kind = body("PER", person.national, unlisted=True, preferred=n % 2 == 0, **(more if n % 3 == 0 else {}))
    return f"{local}@{(DARK, *NORTHERN)[n % 5]}", kind


def _published(at: tuple[Path, Engine], plan: Plan, *, follow: bool = False) -> tuple[Path, Engine]:
    folder, engine = at
    if follow:
        build_index(engine, folder / "index", SUFFIX)
    for day, (name, orders) in enumerate(plan.listed, 2):
        publish(engine, name, orders, f"2026-09-{day:02}T08:00:00Z")
        publish(engine, NORTH, plan.hidden[day - 2], f"2026-09-{day:02}T09:00:00Z")
        if day == len(plan.listed) + 1:
            _certify(engine, (*plan.addresses[10:13], CERTIFIED))
        if follow:
            Follower(engine, folder / "index", SUFFIX).catch_up()
    return folder, engine


def publish(engine: Engine, name: str, orders: Orders, at: str) -> None:
    asked = [Order(address, None if body is None else parse_publication(body)) for address, body in orders]
    with writing(engine) as connection:
        done = Publisher(connection, name, at).do_all(asked)
    assert [d for d in done if isinstance(d, Exception)] == []


def _certify(engine: Engine, addresses: Sequence[str]) -> None:
    """Octets that nobody reads: what they are is ``trust.smime``'s affair, and not what is looked at here."""
    dates = "2026-01-01T00:00:00Z", "2099-01-01T00:00:00Z"
    with writing(engine) as connection:
        for address in addresses:
            der = f"certificat de {address}".encode()
            made = MailCertificate(sha256(der).hexdigest(), der, "CN=x", "CN=y", "1f", *dates, ("encryption",))
            add_certificates(connection, get_box(connection, address), [made], actor=NORTH, at="2026-09-10T00:00:00Z")


_NOTHING = {"subject": "client", "subject_id": 1, "kind": "secret", "before": None, "after": None}


def _take_out(connection: Connection, plan: Plan) -> None:
    """As if they had never been, and a program's key had been seen to instead."""
    addresses = plan.addresses
    keys = list(connection.execute(select(mailbox.c.id).where(mailbox.c.address.in_(addresses))).scalars())
    assert len(keys) == len(addresses)
    connection.execute(delete(mail_certificate).where(mail_certificate.c.address.in_(addresses)))
    connection.execute(delete(binding).where(binding.c.mailbox_id.in_(keys)))
    connection.execute(delete(mailbox).where(mailbox.c.id.in_(keys)))
    told = journal.c.subject == "mailbox", journal.c.subject_id.in_(keys)
    connection.execute(update(journal).where(*told).values(_NOTHING))
    _take_out_before(connection, plan.passed)


def _take_out_before(connection: Connection, addresses: Sequence[str]) -> None:
    """As if these had first been published when they were listed."""
    for key in connection.execute(select(mailbox.c.id).where(mailbox.c.address.in_(addresses))).scalars().all():
        connection.execute(delete(binding).where(binding.c.mailbox_id == key, binding.c.unlisted))
        since = connection.execute(select(func.min(binding.c.since)).where(binding.c.mailbox_id == key)).scalar_one()
        connection.execute(update(mailbox).where(mailbox.c.id == key).values(since=since))
        told = journal.c.subject == "mailbox", journal.c.subject_id == key
        connection.execute(update(journal).where(*told, journal.c.at < since).values(_NOTHING))
        created = {"kind": "create", "before": None, "after": None}
        assert connection.execute(update(journal).where(*told, journal.c.at == since).values(created)).rowcount == 1


# --- what reads it ---------------------------------------------------------------------------------------------------


def _opened(folder: Path, engine: Engine, plan: Plan | None) -> Country:
    index = folder / "index"
    if not index.exists():
        build_index(engine, index, SUFFIX)
    same = {"build": BUILD, "built_at": BUILT_AT, "filling": "00"}
    with closing(sqlite3.connect(index / current_name(index), isolation_level=None)) as db:
        db.executemany("UPDATE meta SET value = ? WHERE key = ?", [(value, key) for key, value in same.items()])
    append(engine, folder)
    for form in ("ndjson", "csv", "ldif", "mssante"):
        assert run(["--data", str(folder), "export", form, "--publish"]) == 0
    directory = Directory(index, SUFFIX)
    app = create_app(directory, settings_of(folder))
    return Country(folder, engine, directory, app, plan.addresses if plan else ())


def settings_of(folder: Path) -> Settings:
    """Nobody is counted: questions here are more than anybody's."""
    free = {f"http_rate_{kind}": 0 for kind in ("suggest", "search", "read", "verify", "batch", "write", "export")}
    return Settings(data=folder, database_url=f"sqlite:///{folder / REGISTRY}", ldap_harvest_anonymous=0,
                    ldap_harvest_operator=0, **free)  # fmt: skip


def pieces_of(text: str) -> Iterator[str]:
    """What one may type of it."""
    local, _, domain = text.partition("@")
    yield from (text, local, local[:4], local[-3:], domain, text.replace(".", " ").replace("@", " "))
