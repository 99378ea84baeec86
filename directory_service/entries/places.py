"""Where people work: the part of an entry that a structure gives, the same for all who work there.  PURE.

Hot path: a hospital's part is rendered once for its thousands of people.  The cache goes by the identity of the
``Organization`` value, which the registry's readers share, because hashing thirty fields costs more than it saves;
it holds the value itself, so that an identity is never another's.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import chain
from typing import Final, NamedTuple

import orjson

from directory_service.entries.attributes import DEPARTMENT_TAG, tag, town_tag, worded
from directory_service.entries.comparing import PREPARE, MatchRule
from directory_service.entries.finding import structure_words, town_words
from directory_service.entries.fragments import fragment, written
from directory_service.entries.wire import apart, clean, distinct, many, one, phone
from directory_service.model.names import fold, fold_once, saints_spelt
from directory_service.model.nomenclature import code_of_department
from directory_service.model.people import Address, Coded, Organization, PractitionerRole
from directory_service.model.towns import other_towns

JSON = dict[str, object]
Values = tuple[str, ...]  # of one attribute, none equal to another

_EXACT, _DIGITS = PREPARE[MatchRule.EXACT], PREPARE[MatchRule.DIGITS]


class Place(NamedTuple):
    """The attributes that one structure, or several, give to an entry."""

    name: str  # as shown
    town: str
    ber: bytes
    org: tuple[str, ...]  # prepared values of the column ``org``
    org_text: str
    place: tuple[str, ...]  # prepared values of the column ``place``
    place_text: str
    tags: str
    found_by: str  # more tokens, of people who work there: ``entries.finding``
    values: tuple[Values, ...]  # of each of ``_NAMES``, of one structure
    structure_json: orjson.Fragment  # {id, name, finess, siret}
    address_json: orjson.Fragment
    phones: tuple[str, ...]
    organization: Organization | None
    activities: dict[tuple[Coded, Coded, Coded], bytes]  # those met so far: see ``activity_json``


# Two generations stand for a list of the least recently used, as in ``registry.batches.Book``: a region names nearly
# 20,000 structures, which must all stay until their own entries have been rendered.
_KEPT: Final = 20_000  # about 120 MB
_young: dict[int, Place] = {}
_old: dict[int, Place] = {}


def place_of(organization: Organization) -> Place:
    """The part that this structure gives."""
    found = _young.get(id(organization))
    if found is None or found.organization is not organization:
        found = _older(organization) or _render(organization)
        _young[id(organization)] = found
    return found


def _older(organization: Organization) -> Place | None:
    """What the old generation holds of it."""
    if len(_young) >= _KEPT:
        _old.clear()
        _old.update(_young)
        _young.clear()
    found = _old.pop(id(organization), None)
    return found if found and found.organization is organization else None


def forget_places() -> None:
    """Values that are read again are others: what was rendered of the former would be kept for nothing."""
    _young.clear()
    _old.clear()


def combined(organizations: Sequence[Organization]) -> Place:
    """The part that several structures give together, the first one being the one shown."""
    if len(organizations) == 1:
        return place_of(organizations[0])
    if not organizations:
        return NO_PLACE
    return _joined([place_of(o) for o in organizations])


def _joined(places: Sequence[Place]) -> Place:
    """All of them, the first one shown; what they have in common is said once."""
    org = tuple(dict.fromkeys([v for p in places for v in p.org]))
    place = tuple(dict.fromkeys([v for p in places for v in p.place]))
    held = zip(_NAMES, *[p.values for p in places], strict=True)
    return places[0]._replace(
        ber=b"".join([_united(name, values) for name, *values in held]),
        org=org,
        org_text=_column(org),
        place=place,
        place_text=_column(place),
        tags=_once([p.tags for p in places]),
        found_by=_once([p.found_by for p in places]),
        values=(),
    )


def _united(name: str, held: list[Values]) -> bytes:
    """One attribute; most often all have the same values, or none."""
    return apart(name, held[0]) if held.count(held[0]) == len(held) else many(name, chain(*held))


def _once(tokens: Iterable[str]) -> str:
    return " ".join(dict.fromkeys(" ".join(tokens).split()))


_NAMES: Final = (
    "o", "street", "postalCode", "l", "st", "telephoneNumber", "facsimileTelephoneNumber", "asStructureId", "asFiness",
    "asSiret",
)  # fmt: skip


def _single(text: str) -> Values:
    return (text,) if text else ()


def _pair(first: str, second: str) -> Values:
    if second and first and first != second:
        return tuple(distinct((first, second)))
    return (first or second,) if first or second else ()


def structure_names(o: Organization) -> Values:
    """The names of a structure, the one shown first; never empty."""
    return _pair(clean(o.trade_name), clean(o.name)) or (o.national_id,)


def digits(text: str) -> str:
    """A number that numericString takes (RFC 4517 3.3.23), or nothing."""
    return text if text.isascii() and text.isdigit() else ""


def _render(o: Organization) -> Place:
    a, names = o.address, structure_names(o)
    area = _area(clean(a.postcode), clean(a.town), clean(a.department), a.department_code)
    street = clean(a.street)
    phones = _pair(phone(o.phone), phone(o.phone2)) if o.phone or o.phone2 else ()
    fax = phone(o.fax) if o.fax else ""
    ids, finess, siret = _pair(clean(o.national_id), clean(o.technical_id)), clean(o.finess), digits(o.siret)
    org = _prepared(form for name in names for form in worded(name))
    folded = fold_once(street)
    place = _prepared(
        (*area.names, folded, *saints_spelt(folded.split(), " "), area.code, *map(_DIGITS, phones), _DIGITS(fax))
    )
    numbers = [tag("o", _EXACT(i)) for i in ids]
    if finess:
        numbers.append(tag("f", _EXACT(finess)))
    if siret:
        numbers.append(tag("n", _EXACT(siret)))
    return Place(
        names[0],
        area.town,
        b"".join(
            (
                *(apart("o", names), apart("telephoneNumber", phones), apart("asStructureId", ids)),
                *(one("street", street), area.ber, one("facsimileTelephoneNumber", fax)),
                *(one("asFiness", finess), one("asSiret", siret)),
            )
        ),
        org,
        _column(org),
        place,
        _column(place),
        _once((area.code_tag, *area.town_tags, *numbers, area.department_tag)),
        " ".join((*area.found_by, *structure_words(names))),
        (names, _single(street), *area.values, phones, _single(fax), ids, _single(finess), _single(siret)),
        fragment(structure_json(o)),
        fragment(address_json(a)),
        _pair(clean(o.phone), clean(o.phone2)),
        o,
        {},
    )


class _Area(NamedTuple):
    """What the structures of one town, or of one postcode of it, have in common."""

    town: str
    ber: bytes  # postalCode, l, st
    names: tuple[str, ...]  # prepared town and department, and their other spellings
    code: str  # prepared postcode
    code_tag: str
    town_tags: tuple[str, ...]
    department_tag: str
    found_by: tuple[str, ...]
    values: tuple[Values, Values, Values]  # of postalCode, l, st


@lru_cache(maxsize=20_000)
def _area(postcode: str, town: str, department: str, department_code: str) -> _Area:
    code, department_code = _EXACT(postcode), _EXACT(department_code)
    towns = (fold(town), *other_towns(town))
    return _Area(
        town,
        one("postalCode", postcode) + one("l", town) + one("st", department),
        (*towns, fold(department), *code_of_department(department)),
        code,
        tag("z", code) if code else "",
        tuple(map(town_tag, filter(None, towns))),
        tag(DEPARTMENT_TAG, department_code) if department_code else "",
        town_words(town),
        (_single(postcode), _single(town), _single(department)),
    )


def _prepared(values: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys([v for v in values if v]))


def _column(prepared: tuple[str, ...]) -> str:
    return f"^{'$^'.join(prepared)}$" if prepared else ""


def structure_json(o: Organization) -> JSON:
    """How a structure is spoken of inside another record."""
    return {"id": o.national_id, "name": o.display_name, "finess": o.finess or None, "siret": o.siret or None}


def address_json(a: Address) -> JSON:
    department = {"code": a.department_code, "label": a.department} if a.department_code or a.department else None
    return {
        "recipient": a.recipient or None,
        "point": a.point or None,
        "street": a.street or None,
        "distribution": a.distribution or None,
        "cedex": a.cedex or None,
        "postcode": a.postcode or None,
        "city": a.city or None,
        "city_code": a.city_code or None,
        "department": department,
        "country": a.country or a.country_code or None,
    }


@lru_cache(maxsize=20_000)
def coded_json(value: Coded) -> orjson.Fragment:
    """Code and label together, always; null when unknown."""
    return fragment({"code": value.code, "label": value.label} if value.code or value.label else None)


def activity_json(place: Place, role: PractitionerRole) -> orjson.Fragment:
    """One of the ``activities`` of contract.md §3: many who work at a place do so in the same way."""
    way = (role.mode, role.sector, role.role)
    found = place.activities.get(way)
    if found is None:
        found = place.activities[way] = _activity(place, role)
    return orjson.Fragment(_profession_json(role.profession, role.category) + found)


@lru_cache(maxsize=1_000)
def _profession_json(profession: Coded, category: Coded) -> bytes:
    """The beginning of an activity: that of hers which she practises there."""
    return written({"profession": coded_json(profession), "category": coded_json(category)})[:-1] + b","


def _activity(place: Place, role: PractitionerRole) -> bytes:
    """The rest of it."""
    return written(
        {
            "structure": place.structure_json,
            "address": place.address_json,
            "mode": coded_json(role.mode),
            "sector": coded_json(role.sector),
            "role": coded_json(role.role),
            "phones": place.phones,
        }
    )[1:]


NO_PLACE: Final = Place("", "", b"", (), "", (), "", "", "", (), fragment(None), fragment(None), (), None, {})
