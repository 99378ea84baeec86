"""Practitioner ► entry of ``ou=personnes``.  PURE.

Hot path: two million in a full build.  What many people share (codes, places) is rendered once, in ``work`` and
``places``; here is what is their own.  Measured: see docs/reference/performance.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Final, NamedTuple

import orjson

from directory_service.entries.attributes import BOX_TAG, column, id_key, names_column, tag, token_text, uuid_key
from directory_service.entries.boxes import NO_BOX, Listed, listed
from directory_service.entries.dates import generalized, iso, latest
from directory_service.entries.entry import ANYONE, PEOPLE, Entry, entry_id
from directory_service.entries.finding import domain_words, name_words
from directory_service.entries.fragments import fragment, written
from directory_service.entries.labels import SHORT_TITLES, capitalised
from directory_service.entries.naming import joined_tokens, pair_tokens
from directory_service.entries.places import NO_PLACE, Place, activity_json, coded_json, combined, digits, place_of
from directory_service.entries.wire import clean, entry_ber, one, permuted, several
from directory_service.entries.work import AUTHORITY, Work, codes_of, hc_status, work_of
from directory_service.ldap.dn import escape_value
from directory_service.model.mailboxes import Binding
from directory_service.model.names import is_saintly, other_spellings, squash
from directory_service.model.people import Organization, Practitioner, PractitionerRole, SourceMark, Status

_HC_SCHEMES: Final = {"8": "RPPS", "0": "ADELI"}


class Names(NamedTuple):
    """The name of a person in every form that entries need.  ``sn`` is never empty: the schema demands one."""

    ber: bytes  # cn, sn, givenName, displayName
    sn_text: str
    name_text: str
    given_text: str
    shown_text: str  # displayName
    label: str  # Dr Zoé D'ESSAI
    tags: str  # entries.naming
    pairs: str = ""  # the same, of mailboxes only


def _name_text(family: _Part, given: _Part, spelt: Sequence[str]) -> str:
    """Both orders, the least first, since boxes are sorted by it (``index.schema.ORDERED``); then other spellings."""
    one, other = family.squashed + given.squashed, given.squashed + family.squashed
    return column((one, other, *spelt) if one < other else (other, one, *spelt))


class Name(NamedTuple):
    """Family and given names, which the entry of a person and those of her mailboxes have in common."""

    family: str
    given: str
    ber: bytes  # cn, sn, givenName
    sn_text: str
    name_text: str
    given_text: str
    shown: str  # Zoé D'ESSAI
    squashed: str  # the same, prepared
    tags: str  # entries.naming


def name_of(family: str, given: str) -> Name:
    """``family`` must not be empty."""
    f, g = _family(family), _given(given)
    cns = (f"{family} {given}", f"{given} {family}") if f.saintly or g.saintly else ()
    return Name(
        family,
        given,
        (_both_orders(family, given) if given else one("cn", family)) + f.ber + g.ber,
        f.column,
        _name_text(f, g, [form for cn in cns for form in other_spellings(cn)]),
        g.column,
        f"{g.shown} {family}" if g.shown else family,
        g.squashed + f.squashed,
        joined_tokens(family, given),
    )


def names_of(name: Name, *, title: str = "", noun: str = "", town: str = "", paired: bool = False) -> Names:
    """The name as an entry shows it; ``paired`` for a mailbox."""
    short = SHORT_TITLES.get(title, "")
    label = f"{short} {name.shown}" if short else name.shown
    after = [part for part in ((noun, town) if noun != town else (noun,)) if part and part != label]
    shown = "".join((_squashed(short), name.squashed, *map(_squashed, after)))
    return Names(
        ber=name.ber + one("displayName", ", ".join((label, *after))),
        sn_text=name.sn_text,
        name_text=name.name_text,
        given_text=name.given_text,
        shown_text=f"^{shown}$" if shown else "",
        label=label,
        tags=name.tags,
        pairs=pair_tokens(name.family, name.given) if paired else "",
    )


class _Part(NamedTuple):
    """One of the two parts of a name, which other people have too."""

    ber: bytes
    squashed: str
    column: str
    shown: str
    saintly: bool  # it has other spellings


def _part(attribute: str, text: str, shown: str) -> _Part:
    return _Part(one(attribute, text), squash(text), names_column([text]), shown, is_saintly(text))


@lru_cache(maxsize=50_000)
def _family(text: str) -> _Part:
    return _part("sn", text, text)


@lru_cache(maxsize=50_000)
def _given(text: str) -> _Part:
    return _part("givenName", text, capitalised(text))


def _both_orders(family: str, given: str) -> bytes:
    first, second = f"{family} {given}", f"{given} {family}"
    return permuted("cn", first, second) if first.casefold() != second.casefold() else one("cn", first)


_squashed = lru_cache(maxsize=30_000)(squash)  # titles, professions and towns


class Numbers(NamedTuple):
    """Every number that a person ever held."""

    ber: bytes  # asNationalId, asRpps, asAdeli
    keys: tuple[str, ...]
    rpps: str
    adelis: tuple[str, ...]


def numbers_of(p: Practitioner) -> Numbers:
    held = p.identifiers
    if len(held) == 1 and held[0].scheme == "8" and held[0].current and p.national_id == "8" + held[0].value:
        return _only_rpps(p.national_id, held[0].value)
    national = tuple(dict.fromkeys([p.national_id, *[i.scheme + i.value for i in held]]))
    rpps = [i.value for i in held if i.scheme == "8" and digits(i.value)]
    adelis = p.adelis if len(held) > len(rpps) else ()
    return Numbers(
        several("asNationalId", [n.encode() for n in national])
        + (several("asRpps", [n.encode() for n in rpps]) if rpps else b"")
        + (several("asAdeli", [n.encode() for n in adelis]) if adelis else b""),
        tuple([id_key("i", n) for n in national]),
        p.rpps,
        adelis,
    )


def _only_rpps(national: str, rpps: str) -> Numbers:
    """Nearly everybody's numbers."""
    return Numbers(one("asNationalId", national) + one("asRpps", digits(rpps)), (id_key("i", national),), rpps, ())


def full_name(p: Practitioner) -> tuple[str, str]:
    """Family and given names; the family name is never empty."""
    family, given = clean(p.family_name), clean(p.given_names)
    return (family, given) if family else (given or p.national_id, "")


def workplaces(p: Practitioner) -> list[Organization]:
    """The structures of her activities, each once, in the order of the source."""
    if len(p.roles) == 1:
        only = p.roles[0].organization
        return [only] if only else []
    return list({r.organization.pk: r.organization for r in p.roles if r.organization}.values())


class Known(NamedTuple):
    """What the entry of a person and those of her mailboxes have in common."""

    practitioner: Practitioner
    name: Name
    numbers: Numbers
    structures: list[Organization]
    place: Place  # of all her structures


def known(p: Practitioner) -> Known:
    structures = workplaces(p)
    return Known(p, name_of(*full_name(p)), numbers_of(p), structures, combined(structures))


def practitioner_entry(p: Practitioner, bindings: Sequence[Binding], suffix: str) -> Entry:
    """``bindings`` are those that she holds; the closed and the unlisted ones leave no trace in the entry."""
    return known_entry(known(p), bindings, suffix)


def known_entry(k: Known, bindings: Sequence[Binding], suffix: str) -> Entry:
    """``practitioner_entry`` of a person whose mailboxes are rendered too."""
    p, place, numbers = k.practitioner, k.place, k.numbers
    boxes = listed(bindings) if bindings else NO_BOX
    work = work_of(codes_of(p, PEOPLE))
    names = names_of(k.name, title=p.title.code, noun=work.noun, town=place.town)
    dn = f"uid={escape_value(p.national_id)},ou=personnes,{suffix}"
    around = _around(k, boxes)
    changed = [p.changed_at, *[s.changed_at for s in k.structures], *[b.changed_at for b in boxes.bindings]]
    own = (work.ber, names.ber, _own(p, numbers), _mail(boxes) if boxes.addresses else b"", place.ber)
    return Entry(  # by position: twice as fast as by name
        entry_id(PEOPLE, boxes.rank(p.status), p.pk),
        dn,
        ANYONE,
        names.sn_text,
        names.name_text,
        names.given_text,
        boxes.text,
        names.shown_text,
        around.org_text,
        work.column,
        around.place_text,
        token_text(
            (
                *(work.tags, around.tags, names.tags, *[tag(BOX_TAG, t.lower()) for t in boxes.types]),
                *(name_words(k.name.family, k.name.given), around.found_by, *domain_words(boxes.addresses)),
            )
        ),
        (id_key("u", p.national_id), uuid_key(dn), *numbers.keys, *boxes.keys),
        entry_ber(dn, b"".join(own)),
        written(practitioner_json(p, numbers, work, boxes)),
        generalized(p.created_at),
        generalized(latest(changed)),
    )


def _around(k: Known, boxes: Listed) -> Place:
    """What she is found by: where she works and, after that, where else her mailboxes are used, as suggestions say.  Of
    these she has no attributes (decision 0057)."""
    others = [o for o in boxes.structures if all(o.pk != known.pk for known in k.structures)]
    return combined([*k.structures, *others]) if others else k.place


def _own(p: Practitioner, numbers: Numbers) -> bytes:
    """The numbers, also as ``issuer:type:value:status`` (IHE HPD)."""
    active = p.status is Status.ACTIVE
    hc = [
        f"{AUTHORITY}:{_HC_SCHEMES[i.scheme]}:{i.value}:{hc_status(active and i.current)}"
        for i in p.identifiers
        if i.scheme in _HC_SCHEMES
    ] or [f"{AUTHORITY}:IDNPS:{p.national_id}:{hc_status(active)}"]
    written = one("HcIdentifier", hc[0]) if len(hc) == 1 else several("HcIdentifier", [h.encode() for h in hc])
    since = one("asSince", generalized(p.status_since)) if p.status_since else b""
    return one("uid", p.national_id) + numbers.ber + written + since


def _mail(boxes: Listed) -> bytes:
    return boxes.ber + one("hpdMedicalRecordsDeliveryEmailAddress", boxes.addresses[0])


def practitioner_json(p: Practitioner, numbers: Numbers, work: Work, boxes: Listed) -> dict[str, object]:
    """The practitioner of contract.md §3.  Unknown is null; a coded value is always code and label."""
    return {
        "id": p.national_id,
        "rpps": numbers.rpps or None,
        "adeli": numbers.adelis,
        "status": p.status.value,
        "status_since": iso(p.status_since),
        "title": coded_json(p.title),
        "family_name": p.family_name,
        "given_names": p.given_names,
        "profession": work.profession_json,
        "category": coded_json(p.category),
        "specialties": work.specialties_json,
        "activities": [_activity(role) for role in p.roles],
        "mailboxes": boxes.json,
        "sources": _sources(p.sources),
    }


def _activity(role: PractitionerRole) -> orjson.Fragment:
    return activity_json(place_of(role.organization) if role.organization else NO_PLACE, role)


@lru_cache(maxsize=20_000)
def _sources(marks: tuple[SourceMark, ...]) -> orjson.Fragment:
    """There are as many sources as files times runs."""
    return fragment([{"name": s.name, "run": s.run, "seen": iso(s.seen)} for s in marks])


def person_json(p: Practitioner, numbers: Numbers, work: Work) -> dict[str, object]:
    """How a person is spoken of in an answer of ``/v1/suggest``."""
    return {
        "id": p.national_id,
        "rpps": numbers.rpps or None,
        "family_name": p.family_name,
        "given_names": p.given_names,
        "profession": work.profession_json,
        "specialty": work.specialty_json,
    }
