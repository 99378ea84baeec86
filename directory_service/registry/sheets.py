"""Both sides of a decision as the staff read them: each record as French lines, field by field."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from sqlalchemy import Connection, select

from directory_service.model.people import Coded, Practitioner, PractitionerRole
from directory_service.registry.decisions import Decision, Kind
from directory_service.registry.overview import resolve
from directory_service.registry.read import read_bindings, read_practitioners
from directory_service.registry.tables import binding, mailbox

Sheet = Mapping[str, Sequence[str]]  # field ► its lines
_HOWS: Final[Mapping[str, str]] = {
    "extract": "extraction",
    "link-table": "table de correspondance",
    "review": "réponse de l'équipe",
    "model:": "ressemblance pesée",
    "rule:same_mailbox": "même BAL personnelle",
    "rule:same_name_profession_structure": "mêmes nom, profession et structure",
    "rule:holder_names": "noms écrits avec l'adresse",
    "rule:published_holder": "titulaire publié, autre dans l'extraction",
    "rule:published_absent": "boîte publiée, absente de l'extraction",
    "rule:published_open": "boîte fermée par l'opérateur, ouverte dans l'extraction",
}


def how_said(how: str) -> str:
    """What made a link between numbers, or asked a question, in French; ``""`` for what a later version calls so."""
    return _HOWS.get("model:" if how.startswith("model:") else how, "")


def read_sides(connection: Connection, decision: Decision) -> tuple[Sheet, Sheet]:
    """What the registry holds today of what a decision is about, the one that would be absorbed first."""
    first = _box(connection, decision) if decision.kind == Kind.HOLDER else _person(connection, decision.one)
    return first, _person(connection, decision.other)


def _person(connection: Connection, national: str) -> Sheet:
    pk = resolve(connection, national[:1], national[1:])
    found = list(read_practitioners(connection, [pk])) if pk is not None else []
    return _practitioner(connection, found[0]) if found else {"Identifiant": (national,), "État": ("inconnu",)}


def _practitioner(connection: Connection, person: Practitioner) -> Sheet:
    query = select(mailbox.c.address, binding.c.until).join(binding).where(binding.c.practitioner_id == person.pk)
    found = [tuple(row) for row in connection.execute(query)]
    held = {address for address, until in found if until is None}
    return {
        "Identifiant": (person.national_id,),
        "Numéros": [f"{i.value} ({how_said(i.how) or i.how})" for i in person.identifiers],
        "Nom": (person.family_name,),
        "Prénoms": (person.given_names,),
        "Civilité": (_label(person.civility),),
        "Profession": sorted({_label(person.profession), *(_label(r.profession) for r in person.roles)} - {""}),
        "État": ("en exercice" if person.status == "active" else "n'exerce plus",),
        "Exercice": list(dict.fromkeys(_place(role) for role in person.roles)),
        "BAL": [a if a in held else f"{a} (fermée)" for a in sorted({address for address, _ in found})],
        "Sources": sorted({s.name for s in person.sources}),
    }


def _box(connection: Connection, decision: Decision) -> Sheet:
    """The lines of the mailbox that name this holder: those of today, or where it is closed the former ones."""
    pk = connection.execute(select(mailbox.c.id).where(mailbox.c.address == decision.one)).scalar()
    found = [b for _, bindings in read_bindings(connection, [pk]) for b in bindings] if pk is not None else []
    named = [b for b in found if b.national_id == decision.other] or found
    held = [b for b in named if b.until is None] or named
    return {
        "Identifiant": (decision.one,),
        "Numéros": sorted({b.national_id for b in held} - {""}),
        "Nom": sorted({b.family_name for b in held}),
        "Prénoms": sorted({b.given_names for b in held}),
        "Profession": sorted({_label(b.profession) for b in held} - {""}),
        "État": ["ouverte" if any(b.until is None for b in held) else "fermée"],
        "Exercice": sorted({b.organization.display_name for b in held if b.organization}),
        "Sources": sorted({b.source for b in held}),
    }


def _place(role: PractitionerRole) -> str:
    where = role.organization
    if where is None:
        return _label(role.profession)
    return ", ".join(p for p in (where.display_name, where.address.street, where.address.postcode,
                                 where.address.town) if p)  # fmt: skip


def _label(coded: Coded) -> str:
    return coded.label or (f"code {coded.code}, sans libellé" if coded.code else "")
