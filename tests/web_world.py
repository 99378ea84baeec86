"""A small registry with one of each situation that verification and the HTTP face must tell apart, and its index.

Written straight into the tables, so that each test reads which dates and holders it is about; synthetic throughout.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from record_factories import SUFFIX, rpps
from registry_factories import secret_of
from sqlalchemy import Connection, Engine, Table, literal, select

from directory_service.index.directory import Directory
from directory_service.index.files import CURRENT
from directory_service.index.writer import build_index
from directory_service.model.trust import LISTED
from directory_service.registry import operators
from directory_service.registry.engine import open_registry, writing
from directory_service.registry.tables import (
    activity,
    binding,
    domain,
    expertise,
    identifier,
    mailbox,
    operator,
    organization,
    practitioner,
)
from directory_service.registry.upgrading import upgrade

START, TURN = "2026-01-05T03:45:00Z", "2026-06-01T03:45:00Z"  # first import; the day things changed
BEFORE, BETWEEN, AFTER = "2025-12-01T00:00:00Z", "2026-03-01T00:00:00Z", "2026-07-01T00:00:00Z"

ZOE, JEAN, JEAN_BIS, MARIE, PAUL = (f"8{rpps(n)}" for n in range(1, 6))
ZOE_ADELI = "691234563"
HOSPITAL_FINESS = "690000005"
BERTHE = f"3{HOSPITAL_FINESS}/351"  # in no registry: a number of the structure's own
OPERATOR = "essai"
DOMAINS = ("medecin.mssante.fr", "cabinet.mssante.fr", "ch-essai.mssante.fr")

_PEOPLE = (
    (1, ZOE, "D'ESSAI", "ZOÉ", "active", START),
    (2, JEAN, "DUPONT", "JEAN", "active", START),
    (3, JEAN_BIS, "DUPONT", "JEAN", "active", START),
    (4, MARIE, "LEFÈVRE", "MARIE", "inactive", TURN),
    (5, PAUL, "MARTIN", "PAUL", "active", START),
)

# key, address, type, unlisted, then one holder a line: practitioner, organization, since, until
_BOXES: tuple[tuple[int, str, str, bool, tuple[tuple[int | None, int | None, str, str | None], ...]], ...] = (
    (1, "zoe.d-essai@medecin.mssante.fr", "PER", False, ((1, 1, START, None),)),
    (2, "jean.dupont@medecin.mssante.fr", "PER", False, ((2, None, START, None),)),
    (3, "partage@cabinet.mssante.fr", "PER", False, ((2, None, START, None), (3, None, START, None))),
    (4, "marie.lefevre@medecin.mssante.fr", "PER", False, ((4, None, START, None),)),
    (5, "ancienne@medecin.mssante.fr", "PER", False, ((1, None, START, TURN),)),
    (6, "reprise@cabinet.mssante.fr", "PER", False, ((2, None, START, TURN), (1, None, TURN, None))),
    (7, "cardiologie@ch-essai.mssante.fr", "ORG", False, ((None, 1, START, None),)),
    (8, "cachee@medecin.mssante.fr", "PER", True, ((5, None, START, None),)),
    (9, "inconnue@medecin.mssante.fr", "PER", False, ((None, None, START, None),)),
    (10, "ailleurs@nulle-part.fr", "PER", False, ((2, None, START, None),)),
)


def build_world(folder: Path, *, white_list: bool = True) -> tuple[Directory, str]:
    """The directory, which the caller closes, and the operator's secret ("" without a white list).  Each caller has
    files of its own, copied from those that the first one built."""
    files, link, secret = _built(white_list)
    (folder / "index").mkdir(parents=True, exist_ok=True)
    for name, octets in files.items():
        (folder / name).write_bytes(octets)
    (folder / "index" / CURRENT).symlink_to(link)
    return Directory(folder / "index", SUFFIX), secret


@cache
def _built(white_list: bool) -> tuple[dict[Path, bytes], Path, str]:
    """Registry and index: the files by their names in the folder, which of them is the current build; the secret."""
    with TemporaryDirectory() as made:
        folder = Path(made)
        engine = open_registry(f"sqlite:///{folder / 'registry.sqlite'}")
        upgrade(engine)
        secret = fill(engine, white_list=white_list)
        build_index(engine, folder / "index", SUFFIX, workers=1)
        engine.dispose()
        files = [path for path in folder.rglob("*") if path.is_file() and not path.is_symlink()]
        link = (folder / "index" / CURRENT).readlink()
        return {path.relative_to(folder): path.read_bytes() for path in files}, link, secret


def fill(engine: Engine, *, white_list: bool = True) -> str:
    """Writes the world into an empty registry; the operator's secret ("" without a white list)."""
    with writing(engine) as connection:
        _write(connection)
        return _add_operator(connection) if white_list else ""


def _write(connection: Connection) -> None:
    stamps = {"created_at": START, "changed_at": START}
    _insert(connection, organization, [_hospital() | stamps])
    _insert(connection, practitioner, [_person(*p) | stamps for p in _PEOPLE])
    _insert(connection, identifier, [_number(p[0], "8", p[1][1:], True) for p in _PEOPLE])
    _insert(connection, identifier, [_number(1, "0", ZOE_ADELI, False) | {"how": "link-table"}])
    _insert(connection, activity, [_activity(p[0]) for p in _PEOPLE if p[4] == "active"])
    skill = {"profession_code": "10", "type_code": "S", "code": "SM04", "source": "rpps.expertise"}
    _insert(connection, expertise, [skill | {"practitioner_id": 1}])
    for key, address, kind, unlisted, holders in _BOXES:
        _insert(connection, mailbox, [_box(key, address, kind, unlisted, holders)])
        _insert(connection, binding, [_held(key, *holder) for holder in holders])


def _insert(connection: Connection, table: Table, rows: list[dict[str, Any]]) -> None:
    connection.execute(table.insert(), rows)


def _hospital() -> dict[str, Any]:
    return {
        "id": 1,
        "technical_id": "F" + HOSPITAL_FINESS,
        "national_id": "1" + HOSPITAL_FINESS,
        "name": "CENTRE HOSPITALIER D'ESSAI",
        "finess": HOSPITAL_FINESS,
        "siret": "26690000000017",
        "siren": "266900000",
        "number": "12",
        "street_type": "Rue",
        "street_name": "DES LILAS",
        "postcode": "69003",
        "city_code": "69383",
        "city": "LYON",
        "department_code": "69",
        "department": "Rhône",
        "phone": "0472000000",
        "sector_code": "SA01",
        "source": "rpps.activity",
        "digest": 1,
    }


def _person(key: int, national_id: str, family: str, given: str, status: str, since: str) -> dict[str, Any]:
    return {
        "id": key,
        "national_id": national_id,
        "family_name": family,
        "given_names": given,
        "status": status,
        "status_since": since,
        "title_code": "DR",
        "civility_code": "MME",
        "profession_code": "10",
        "category_code": "C",
    }


def _number(person: int, scheme: str, value: str, current: bool) -> dict[str, Any]:
    return {
        "practitioner_id": person,
        "scheme": scheme,
        "value": value,
        "current": current,
        "since": START,
        "how": "extract",
    }


def _activity(person: int) -> dict[str, Any]:
    return {
        "practitioner_id": person,
        "organization_id": 1,
        "source": "rpps.activity",
        "profession_code": "10",
        "category_code": "C",
        "mode_code": "S",
        "sector_code": "SA01",
        "authority": "CNOM",
    }


def _box(key: int, address: str, kind: str, unlisted: bool, holders: Any) -> dict[str, Any]:
    return {
        "id": key,
        "address": address,
        "type": kind,
        "unlisted": unlisted,
        "source": "mssante.mailboxes",
        "since": START,
        "until": None if any(until is None for *_, until in holders) else TURN,
        "changed_at": START,
    }


def _held(box: int, person: int | None, place: int | None, since: str, until: str | None) -> dict[str, Any]:
    names = {p[0]: (p[1], p[2], p[3]) for p in _PEOPLE} | {None: ("", "", "")}
    national_id, family, given = names[person] if person or place else (BERTHE, "NOUVELLE", "BERTHE")
    return {
        "mailbox_id": box,
        "practitioner_id": person,
        "organization_id": place,
        "source": "mssante.mailboxes",
        "national_id": national_id,
        "family_name": family,
        "given_names": given,
        "profession_code": "10" if person else "",
        "service": "" if person or not place else "Cardiologie",
        "paperless": True,
        "preferred": False,
        "since": since,
        "until": until,
    }


def _add_operator(connection: Connection) -> str:
    operators.add_operator(connection, OPERATOR, DOMAINS, actor="test", at=START)
    former = {"name": "jadis.mssante.fr", "since": START, "until": START, "source": LISTED}
    connection.execute(
        domain.insert().from_select(["operator_id", *former], select(operator.c.id, *map(literal, former.values())))
    )
    return secret_of(connection, OPERATOR)
