"""The types and properties that the reconciliation service knows: tables, and how entities are named.

The identifier of an entity is the path of its record below ``/v1/``, so that the identifier space and an identifier
together are the address of that record.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

Record = dict[str, Any]

PRACTITIONER, ORGANIZATION, MAILBOX = "practitioner", "organization", "mailbox"


class Type(NamedTuple):
    id: str
    name: str  # in French
    description: str
    folder: str  # of its records below /v1/

    def as_dict(self) -> dict[str, str]:
        return {"id": self.id, "name": self.name, "description": self.description}

    @property
    def short(self) -> dict[str, str]:
        return {"id": self.id, "name": self.name}

    def entity(self, identifier: str) -> str:
        return f"{self.folder}/{identifier}"


TYPES: Final = {
    t.id: t
    for t in (
        Type(PRACTITIONER, "Professionnel", "Professionnel de santé, par son nom ou son numéro", "practitioners"),
        Type(ORGANIZATION, "Structure", "Établissement, cabinet, officine, par son nom ou son numéro", "organizations"),
        Type(MAILBOX, "Boîte aux lettres", "Adresse de messagerie sécurisée, ou son titulaire", "mailboxes"),
    )
}
_OF_FOLDER: Final = {t.folder: t for t in TYPES.values()}


def parse_entity(text: str) -> tuple[Type, str] | None:
    """The type and the identifier that an entity's name holds; None for what we never named."""
    folder, slash, identifier = text.partition("/")
    found = _OF_FOLDER.get(folder)
    return (found, identifier) if found and slash and identifier else None


@dataclass(frozen=True, slots=True)
class Property:
    """``field`` is that of a description (``matching.FIELDS``), "" where it is fetched only; ``values`` reads those of
    a record; ``of`` are the types that have it; ``refers`` the type of values that are entities themselves."""

    id: str
    name: str
    field: str
    of: tuple[str, ...]
    values: Callable[[Record], Iterator[object]]
    refers: str = ""

    def as_dict(self) -> dict[str, str]:
        return {"id": self.id, "name": self.name}


def _one(name: str) -> Callable[[Record], Iterator[object]]:
    def values(record: Record) -> Iterator[object]:
        if record.get(name):
            yield record[name]

    return values


def _label(name: str) -> Callable[[Record], Iterator[object]]:
    def values(record: Record) -> Iterator[object]:
        if record.get(name):
            yield record[name]["label"]

    return values


def _places(record: Record) -> Iterator[Record]:
    """Addresses of a practitioner's activities, or a structure's own."""
    for held in record.get("activities", [record]):
        if held.get("address"):
            yield held["address"]


def _of_places(name: str) -> Callable[[Record], Iterator[object]]:
    return lambda record: (p[name] for p in _places(record) if p[name])


def _departments(record: Record) -> Iterator[object]:
    return (p["department"]["label"] for p in _places(record) if p["department"])


def _structures(record: Record) -> Iterator[object]:
    """Entities: those that a practitioner works in, or that hold a mailbox."""
    works = [a["structure"] for a in record.get("activities", ())]
    held = [s for h in _present(record) for s in h["structures"]]
    for structure in (*works, *held):
        if structure:
            yield {"id": TYPES[ORGANIZATION].entity(structure["id"]), "name": structure["name"]}


def _present(record: Record) -> list[Record]:
    """Holders of a mailbox, today and for all to see."""
    return [h for h in record.get("holders", ()) if h["listed"] and not h["until"]]


def _finess(record: Record) -> Iterator[object]:
    if record.get("finess"):
        yield record["finess"]
    structures = [a["structure"] for a in record.get("activities", ())]
    yield from (s["finess"] for s in structures if s and s["finess"])


def _boxes(record: Record) -> Iterator[object]:
    boxes = sorted(record.get("mailboxes", ()), key=lambda b: not b["preferred"])
    return iter([b["address"] for b in boxes] or ([record["address"]] if "holders" in record else []))


def _phones(record: Record) -> Iterator[object]:
    for held in record.get("activities", [record]):
        yield from held.get("phones", ())


def _holders(record: Record) -> Iterator[object]:
    for h in _present(record):
        if h["known"]:
            kind = PRACTITIONER if h["kind"] == "person" else ORGANIZATION
            yield {"id": TYPES[kind].entity(h["id"]), "name": h["label"]}


_P, _O, _M = (PRACTITIONER,), (ORGANIZATION,), (MAILBOX,)
PROPERTIES: Final = {
    p.id: p
    for p in (
        Property("rpps", "N° RPPS", "identifier", _P, _one("rpps")),
        Property("adeli", "N° ADELI", "identifier", _P, lambda r: iter(r.get("adeli", ()))),
        Property("national_id", "Identifiant national", "identifier", _P + _O, _one("id")),
        Property("family_name", "Nom", "family", _P, _one("family_name")),
        Property("given_names", "Prénoms", "given", _P, _one("given_names")),
        Property("title", "Civilité d'exercice", "", _P, _label("title")),
        Property("profession", "Profession", "profession", _P, _label("profession")),
        Property("specialty", "Spécialité", "specialty", _P, lambda r: (s["label"] for s in r.get("specialties", ()))),
        Property("status", "État", "", _P + _O + _M, _one("status")),
        Property("town", "Commune", "town", _P + _O, _of_places("city")),
        Property("postcode", "Code postal", "postcode", _P + _O, _of_places("postcode")),
        Property("department", "Département", "department", _P + _O, _departments),
        Property("street", "Voie", "", _P + _O, _of_places("street")),
        Property("structure", "Structure", "structure", _P + _M, _structures, refers=ORGANIZATION),
        Property("finess", "N° FINESS", "structure_id", _P + _O, _finess),
        Property("siret", "N° SIRET", "structure_id", _O, _one("siret")),
        Property("siren", "N° SIREN", "structure_id", _O, _one("siren")),
        Property("name", "Nom", "structure", _O, _one("name")),
        Property("mailbox", "Adresse de messagerie", "address", _P + _O + _M, _boxes),
        Property("phone", "Téléphone", "phone", _P + _O, _phones),
        Property("type", "Type de boîte", "", _M, _one("type")),
        Property("operator", "Opérateur", "", _M, _one("operator")),
        Property("holder", "Titulaire", "", _M, _holders, refers=PRACTITIONER),
    )
}  # fmt: skip
