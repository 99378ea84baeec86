"""What people do: the coded part of an entry, which very many people share.  PURE.

Hot path: the codes of two million people make some thousands of combinations; each is
rendered once.  Everything in the key is text, since hashing text is cheap and hashing our dataclasses is not.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Final, NamedTuple

import orjson

from directory_service.entries.attributes import ATTRIBUTES, PREPARE, MatchRule, index_tag, tag
from directory_service.entries.entry import CLASSES, PEOPLE
from directory_service.entries.labels import SPECIALISTS, personal_title
from directory_service.entries.wire import clean, many, one
from directory_service.model.people import Coded, Expertise, Practitioner

AUTHORITY: Final = "ANS"  # who issues the codes and numbers, in HcIdentifier, HcProfession and HcSpecialisation

_EXACT, _TEXT = PREPARE[MatchRule.EXACT], PREPARE[MatchRule.TEXT]


class Codes(NamedTuple):
    """The key.  A pair is (code, label); an expertise is (code, label, type code, type label)."""

    branch: int
    active: bool
    title: str
    civility: str
    professions: tuple[tuple[str, str], ...]
    categories: tuple[str, ...]
    modes: tuple[str, ...]
    sectors: tuple[str, ...]
    expertises: tuple[tuple[str, str, str, str], ...]


@dataclass(frozen=True, slots=True)
class Work:
    """The attributes, tokens and JSON that the codes give."""

    ber: bytes  # objectClass first
    texts: tuple[str, ...]  # prepared values of the column ``work``, displayName aside
    tags: str
    noun: str  # Cardiologue
    profession_json: orjson.Fragment
    specialty_json: orjson.Fragment  # the first one
    specialties_json: orjson.Fragment


def codes_of(
    person: Practitioner,
    branch: int,
    professions: tuple[Coded, ...] = (),
    expertises: tuple[Coded, ...] = (),
) -> Codes:
    """Those of a practitioner, after the professions and expertises that a mailbox adds."""
    roles = person.roles
    known = tuple([_expertise_key(e) for e in person.expertises])
    if expertises:
        known = _led_by(expertises, known)
    return Codes(
        branch,
        person.status == "active",
        person.title.code,
        person.civility.code,
        tuple([(c.code, c.label) for c in (*professions, person.profession, *[r.profession for r in roles])]),
        (person.category.code, *[r.category.code for r in roles]),
        tuple([r.mode.code for r in roles]),
        tuple([r.sector.code for r in roles]),
        known,
    )


def _expertise_key(e: Expertise) -> tuple[str, str, str, str]:
    return e.expertise.code, e.expertise.label, e.type.code, e.type.label


def _led_by(
    first: tuple[Coded, ...], known: tuple[tuple[str, str, str, str], ...]
) -> tuple[tuple[str, str, str, str], ...]:
    """The expertises, those of the mailbox before the others."""
    by_code = {k[0]: k for k in known}
    led = [by_code.get(c.code, (c.code, c.label, "", "")) for c in first]
    return tuple(dict.fromkeys((*led, *known)))


@lru_cache(maxsize=100_000)
def work_of(codes: Codes) -> Work:
    """The part of the entry that these codes give."""
    professions = [p for p in dict.fromkeys(codes.professions) if p[0] or p[1]]
    expertises = [e for e in dict.fromkeys(codes.expertises) if e[0] or e[1]]
    shown = personal_title(codes.title, codes.civility)
    titles, specialties = [clean(p[1]) for p in professions], [clean(e[1]) for e in expertises]
    ordered = sorted(expertises, key=lambda e: e[2] != "S")  # ordinal specialties first: the sort is stable
    coded = _coded(codes, professions, expertises)
    hc = _hc(professions, expertises) if codes.branch == PEOPLE else {}
    hc_tags = [index_tag(ATTRIBUTES[name.lower()], v.encode()) or "" for name, values in hc.items() for v in values]
    return Work(
        ber=many("objectClass", CLASSES[codes.branch])
        + one("personalTitle", shown)
        + many("title", titles)
        + many("asSpecialty", specialties)
        + b"".join(many(name, values) for name, _, values in coded)
        + b"".join(many(name, values) for name, values in hc.items())
        + (one("hpdProviderStatus", hc_status(codes.active)) if codes.branch == PEOPLE else b""),
        texts=tuple(_TEXT(v) for v in (shown, *titles, *specialties)),
        tags=" ".join(
            dict.fromkeys(
                (*(tag(letter, _EXACT(v)) for _, letter, values in coded for v in values if _EXACT(v)), *hc_tags)
            )
        ),
        noun=next((SPECIALISTS[e[0]] for e in ordered if e[0] in SPECIALISTS), titles[0] if titles else ""),
        profession_json=_fragment(_coded_json(*professions[0]) if professions else None),
        specialty_json=_fragment(_coded_json(*ordered[0][:2]) if ordered else None),
        specialties_json=_fragment([{"code": e[0], "label": e[1], "type": _coded_json(*e[2:])} for e in ordered]),
    )


def _coded(
    codes: Codes, professions: list[tuple[str, str]], expertises: list[tuple[str, str, str, str]]
) -> list[tuple[str, str, list[str]]]:
    """Attribute, letter of its tags, values."""
    return [
        ("asProfessionCode", "p", [clean(p[0]) for p in professions]),
        ("asCategoryCode", "k", [clean(c) for c in codes.categories]),
        ("asSpecialtyCode", "s", [clean(e[0]) for e in expertises]),
        ("asModeCode", "m", [clean(c) for c in codes.modes]),
        ("asSectorCode", "e", [clean(c) for c in codes.sectors]),
        ("asStatus", "a", [status_text(codes.active)]),
    ]


def status_text(active: bool) -> str:
    return "active" if active else "inactive"


def hc_status(active: bool) -> str:
    """As IHE HPD spells it."""
    return "Active" if active else "Inactive"


def _hc(professions: list[tuple[str, str]], expertises: list[tuple[str, str, str, str]]) -> dict[str, list[str]]:
    """``ANS:Profession:10:Médecin``: issuer, code system, code, label.  HCProfessional demands a profession."""
    known = [f"{AUTHORITY}:Profession:{code}:{label}" for code, label in professions]
    return {
        "HcProfession": known or [f"{AUTHORITY}:Profession::Inconnue"],
        "HcSpecialisation": [f"{AUTHORITY}:SavoirFaire:{e[0]}:{e[1]}" for e in expertises],
    }


def _coded_json(code: str, label: str) -> dict[str, str] | None:
    return {"code": code, "label": label} if code or label else None


def _fragment(value: object) -> orjson.Fragment:
    return orjson.Fragment(orjson.dumps(value))
