"""Practitioner ► entry of ``ou=personnes``.  PURE.

Hot path: two million in a full build.  What many people share (codes, places) is rendered once, in ``work`` and
``places``; here is what is their own.  Measured: see docs/reference/performance.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Final, NamedTuple

import orjson

from directory_service.entries.attributes import BOX_TAG, column, id_key, tag, token_text
from directory_service.entries.boxes import Listed, listed
from directory_service.entries.dates import generalized, iso, latest
from directory_service.entries.entry import ANYONE, INACTIVE_RANK, PEOPLE, Entry, entry_id
from directory_service.entries.labels import SHORT_TITLES, person_label
from directory_service.entries.places import Place, coded_json, combined, digits, place_of
from directory_service.entries.wire import clean, entry_ber, one, several
from directory_service.entries.work import AUTHORITY, Work, codes_of, hc_status, work_of
from directory_service.ldap.dn import escape_value
from directory_service.model.mailboxes import Binding
from directory_service.model.names import squash
from directory_service.model.people import Organization, Practitioner, Status

_HC_SCHEMES: Final = {"8": "RPPS", "0": "ADELI"}


class Names(NamedTuple):
    """The name of a person in every form that entries need.  ``sn`` is never empty: the schema demands one."""

    ber: bytes  # cn, sn, givenName, displayName
    sn_text: str
    name_text: str
    given_text: str
    shown_text: str  # prepared displayName
    label: str  # Dr Zoé D'ESSAI


def names_of(family: str, given: str, *, title: str = "", noun: str = "", town: str = "") -> Names:
    """``family`` must not be empty."""
    label = person_label(title, given, family)
    f, g = _squashed(family), _squashed(given)
    after = [p for p in dict.fromkeys((noun, town)) if p and p != label]
    cn = _both_orders(family, given) if given else one("cn", family)
    return Names(
        ber=cn + one("sn", family) + one("givenName", given) + one("displayName", ", ".join([label, *after])),
        sn_text=f"^{f}$" if f else "",
        name_text=column(sorted((f + g, g + f)) if f and g else (f, g)),
        given_text=f"^{g}$" if g else "",
        shown_text="".join([_squashed(SHORT_TITLES.get(title, "")), g, f, *map(_squashed, after)]),
        label=label,
    )


def _both_orders(family: str, given: str) -> bytes:
    first, second = f"{family} {given}", f"{given} {family}"
    return (
        several("cn", (first.encode(), second.encode())) if first.casefold() != second.casefold() else one("cn", first)
    )


_squashed = lru_cache(maxsize=200_000)(squash)


class Numbers(NamedTuple):
    """Every number that a person ever held."""

    ber: bytes  # asNationalId, asRpps, asAdeli
    keys: tuple[str, ...]
    rpps: str
    adelis: tuple[str, ...]


def numbers_of(p: Practitioner) -> Numbers:
    held = p.identifiers
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


def practitioner_entry(p: Practitioner, bindings: Sequence[Binding], suffix: str) -> Entry:
    """``bindings`` are those that she holds; the closed and the unlisted ones leave no trace in the entry."""
    boxes = listed(bindings)
    structures = workplaces(p)
    work, place, numbers = work_of(codes_of(p, PEOPLE)), combined(structures), numbers_of(p)
    family, given = full_name(p)
    names = names_of(family, given, title=p.title.code, noun=work.noun, town=place.town)
    dn = f"uid={escape_value(p.national_id)},ou=personnes,{suffix}"
    changed = latest([p.changed_at, *[s.changed_at for s in structures], *[b.changed_at for b in boxes.bindings]])
    return Entry(
        id=entry_id(PEOPLE, _rank(p, boxes), p.pk),
        dn=dn,
        view=ANYONE,
        sn=names.sn_text,
        name=names.name_text,
        given=names.given_text,
        mail=boxes.text,
        org=place.org_text,
        work=column((*work.texts, names.shown_text)),
        place=place.place_text,
        tags=token_text((work.tags, place.tags, *[tag(BOX_TAG, t.lower()) for t in boxes.types])),
        keys=(id_key("u", p.national_id), *numbers.keys, *boxes.keys),
        ber=entry_ber(dn, work.ber + names.ber + _own(p, numbers) + _mail(boxes) + place.ber),
        json=orjson.dumps(practitioner_json(p, numbers, work, boxes)),
        created=generalized(p.created_at),
        changed=generalized(changed),
    )


def _rank(p: Practitioner, boxes: Listed) -> int:
    if p.status is not Status.ACTIVE:
        return INACTIVE_RANK
    return 0 if boxes.bindings else 1


def _own(p: Practitioner, numbers: Numbers) -> bytes:
    """The numbers, also as ``issuer:type:value:status`` (IHE HPD)."""
    active = p.status is Status.ACTIVE
    hc = [
        f"{AUTHORITY}:{_HC_SCHEMES[i.scheme]}:{i.value}:{hc_status(active and i.current)}"
        for i in p.identifiers
        if i.scheme in _HC_SCHEMES
    ] or [f"{AUTHORITY}:IDNPS:{p.national_id}:{hc_status(active)}"]
    since = one("asSince", generalized(p.status_since)) if p.status_since else b""
    return one("uid", p.national_id) + numbers.ber + several("HcIdentifier", [h.encode() for h in hc]) + since


def _mail(boxes: Listed) -> bytes:
    if not boxes.addresses:
        return b""
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
        "activities": _activities(p),
        "mailboxes": boxes.json,
        "sources": [{"name": s.name, "run": s.run, "seen": iso(s.seen)} for s in p.sources],
    }


def _activities(p: Practitioner) -> list[dict[str, object]]:
    found: list[dict[str, object]] = []
    for role in p.roles:
        place: Place | None = place_of(role.organization) if role.organization else None
        found.append(
            {
                "structure": place.structure_json if place else None,
                "address": place.address_json if place else None,
                "mode": coded_json(role.mode),
                "sector": coded_json(role.sector),
                "role": coded_json(role.role),
                "phones": place.phones if place else (),
            }
        )
    return found


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
