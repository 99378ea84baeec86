"""What people do: the coded part of an entry, which very many people share.  PURE.

Hot path: the codes of two million people make some ten thousands of combinations; each is put together once, from
parts that far fewer combinations share.  Everything in the keys is text, whose hash is known.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final, NamedTuple

import orjson

from directory_service.entries.attributes import ATTRIBUTES, LABELS, column, index_tag, tag
from directory_service.entries.comparing import PREPARE, MatchRule
from directory_service.entries.entry import CLASSES, PEOPLE
from directory_service.entries.fragments import fragment
from directory_service.entries.labels import personal_title
from directory_service.entries.wire import clean, many, one
from directory_service.model import nomenclature
from directory_service.model.people import Coded, Expertise, Practitioner, Status
from directory_service.model.specialists import SPECIALISTS

AUTHORITY: Final = "ANS"  # who issues the codes and numbers, in HcIdentifier, HcProfession and HcSpecialisation

_EXACT, _TEXT = PREPARE[MatchRule.EXACT], PREPARE[MatchRule.TEXT]


class Codes(NamedTuple):
    """The key.  A profession is a ``Coded``; an expertise is (code, label, type code, type label)."""

    branch: int
    active: bool
    title: str
    civility: str
    professions: tuple[tuple[str, str], ...]
    categories: tuple[str, ...]
    modes: tuple[str, ...]
    sectors: tuple[str, ...]
    expertises: tuple[tuple[str, str, str, str], ...]


class Work(NamedTuple):
    """The attributes, tokens and JSON that the codes give."""

    ber: bytes  # objectClass first
    column: str  # the column ``work``
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
    roles, profession, category = person.roles, person.profession, person.category.code
    known = tuple([_expertise_key(e) for e in person.expertises]) if person.expertises else ()
    if expertises:
        known = _led_by(expertises, known)
    return Codes(
        branch,
        person.status is Status.ACTIVE,
        person.title.code,
        person.civility.code,
        (*professions, profession, *[r.profession for r in roles if r.profession is not profession]),
        (category, *[c for r in roles if (c := r.category.code) != category]),
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


@lru_cache(maxsize=30_000)
def work_of(codes: Codes) -> Work:
    """The part of the entry that these codes give."""
    what = _skill(codes.branch, codes.active, codes.title, codes.civility, codes.professions, codes.expertises)
    category = labelled("asCategory", codes.categories)
    mode, sector = labelled("asMode", codes.modes), labelled("asSector", codes.sectors)
    tags = (what.professions.tags, category.tags, what.specialties.tags, mode.tags, sector.tags, what.status.tags)
    return Work(
        b"".join((what.ber, category.ber, what.specialties.ber, mode.ber, sector.ber, what.status.ber, what.hc_ber)),
        what.column,
        " ".join(dict.fromkeys(" ".join([t for t in (*tags, *what.hc_tags) if t]).split())),
        what.noun,
        what.profession_json,
        what.specialty_json,
        what.specialties_json,
    )


class Values(NamedTuple):
    ber: bytes
    tags: str


@lru_cache(maxsize=20_000)
def _values(name: str, letter: str, codes: tuple[str, ...]) -> Values:
    """One attribute and its tokens."""
    values = [clean(c) for c in codes]
    return Values(many(name, values), " ".join(dict.fromkeys([tag(letter, e) for v in values if (e := _EXACT(v))])))


@lru_cache(maxsize=20_000)
def labelled(name: str, codes: tuple[str, ...]) -> Values:
    """The attribute of the codes, and that of their labels; the tokens find both, in whatever case a code came."""
    system, coded = LABELS[name]
    known = _values(coded, ATTRIBUTES[coded.lower()].tag, codes)
    return Values(known.ber + many(name, [nomenclature.label(system, clean(c).upper()) for c in codes]), known.tags)


class _Skill(NamedTuple):
    """What combinations of category, mode and sector leave as it is."""

    ber: bytes  # up to asProfessionCode
    professions: Values
    specialties: Values
    status: Values
    hc_ber: bytes
    hc_tags: tuple[str, ...]  # most of them are tokens of the codes as well
    column: str
    noun: str
    profession_json: orjson.Fragment
    specialty_json: orjson.Fragment
    specialties_json: orjson.Fragment


@lru_cache(maxsize=20_000)
def _skill(
    branch: int,
    active: bool,
    title: str,
    civility: str,
    all_professions: tuple[tuple[str, str], ...],
    all_expertises: tuple[tuple[str, str, str, str], ...],
) -> _Skill:
    professions = [p for p in dict.fromkeys(all_professions) if p[0] or p[1]]
    expertises = [e for e in dict.fromkeys(all_expertises) if e[0] or e[1]]
    shown = personal_title(title, civility)
    titles, specialties = [clean(p[1]) for p in professions], [clean(e[1]) for e in expertises]
    ordered = sorted(expertises, key=lambda e: e[2] != "S")  # ordinal specialties first: the sort is stable
    coded = _values("asProfessionCode", "p", tuple([p[0] for p in professions]))
    hc = _hc(professions, expertises) if branch == PEOPLE else {}
    hc_tags = [index_tag(ATTRIBUTES[name.lower()], v.encode()) or "" for name, values in hc.items() for v in values]
    return _Skill(
        ber=many("objectClass", CLASSES[branch])
        + one("personalTitle", shown)
        + many("title", titles)
        + many("asSpecialty", specialties)
        + coded.ber,
        professions=coded,
        specialties=_values("asSpecialtyCode", "s", tuple([e[0] for e in expertises])),
        status=_values("asStatus", "a", (status_text(active),)),
        hc_ber=b"".join(many(name, values) for name, values in hc.items())
        + (one("hpdProviderStatus", hc_status(active)) if branch == PEOPLE else b""),
        hc_tags=tuple(t for t in dict.fromkeys(hc_tags) if t),
        column=column([_TEXT(v) for v in (shown, *titles, *specialties)]),
        noun=next((SPECIALISTS[e[0]] for e in ordered if e[0] in SPECIALISTS), titles[0] if titles else ""),
        profession_json=fragment(_coded_json(*professions[0]) if professions else None),
        specialty_json=fragment(_coded_json(*ordered[0][:2]) if ordered else None),
        specialties_json=fragment([{"code": e[0], "label": e[1], "type": _coded_json(*e[2:])} for e in ordered]),
    )


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
