"""Where people work: the part of an entry that a structure gives, the same for all who work there.  PURE.

Hot path: a hospital's part is rendered once for its thousands of people.  The cache goes by the identity of the
``Organization`` value, which the registry's readers share, because hashing thirty fields costs more than it saves;
it holds the value itself, so that an identity is never another's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import orjson

from directory_service.entries.attributes import DEPARTMENT_TAG, column, tag
from directory_service.entries.attributes import PREPARE as _PREPARE
from directory_service.entries.attributes import MatchRule as _Rule
from directory_service.entries.wire import clean, distinct, many, phone
from directory_service.model.people import Address, Coded, Organization

JSON = dict[str, object]

_EXACT, _TEXT, _DIGITS = _PREPARE[_Rule.EXACT], _PREPARE[_Rule.TEXT], _PREPARE[_Rule.DIGITS]


@dataclass(frozen=True, slots=True)
class Place:
    """The attributes that one structure, or several, give to an entry."""

    name: str  # as shown
    town: str
    values: dict[str, tuple[str, ...]]  # attribute ► values
    ber: bytes
    org: tuple[str, ...]  # prepared values of the column ``org``
    org_text: str
    place_text: str
    tags: str
    structure_json: orjson.Fragment  # {id, name, finess, siret}
    address_json: orjson.Fragment
    phones: tuple[str, ...]
    organization: Organization | None


_CACHE: Final[dict[int, Place]] = {}
_CACHED: Final = 50_000  # about 100 MB; then it starts again


def place_of(organization: Organization) -> Place:
    """The part that this structure gives."""
    found = _CACHE.get(id(organization))
    if found is None or found.organization is not organization:
        if len(_CACHE) >= _CACHED:
            _CACHE.clear()
        found = _CACHE[id(organization)] = _render(_values(organization), organization)
    return found


def combined(organizations: Sequence[Organization]) -> Place:
    """The part that several structures give together, the first one being the one shown."""
    if not organizations:
        return NO_PLACE
    first = place_of(organizations[0])
    if len(organizations) == 1:
        return first
    places = [first, *map(place_of, organizations[1:])]
    return _render(
        {name: tuple(v for p in places for v in p.values[name]) for name in first.values}, first.organization
    )


def _values(o: Organization) -> dict[str, tuple[str, ...]]:
    a = o.address
    return {
        "o": structure_names(o),
        "street": (clean(a.street),),
        "postalCode": (clean(a.postcode),),
        "l": (clean(a.town),),
        "st": (clean(a.department),),
        "telephoneNumber": (phone(o.phone), phone(o.phone2)),
        "facsimileTelephoneNumber": (phone(o.fax),),
        "asStructureId": (clean(o.national_id), clean(o.technical_id)),
        "asFiness": (clean(o.finess),),
        "asSiret": (digits(o.siret),),
        "": (a.department_code,),  # no attribute: a tag only
    }


def structure_names(o: Organization) -> tuple[str, ...]:
    """The names of a structure, the one shown first; never empty."""
    return tuple(distinct((clean(o.display_name), clean(o.name)))) or (o.national_id,)


def digits(text: str) -> str:
    """A number that numericString takes (RFC 4517 3.3.23), or nothing."""
    return text if text.isascii() and text.isdigit() else ""


_TAGS: Final = {"postalCode": "z", "asStructureId": "o", "asFiness": "f", "asSiret": "n", "": DEPARTMENT_TAG}


def _render(values: dict[str, tuple[str, ...]], o: Organization | None) -> Place:
    org = tuple(_TEXT(v) for v in values["o"])
    place = [_TEXT(v) for name in ("l", "st", "street") for v in values[name]]
    place += [_EXACT(v) for v in values["postalCode"]]
    place += [_DIGITS(v) for name in ("telephoneNumber", "facsimileTelephoneNumber") for v in values[name]]
    tags = (tag(letter, prepared) for name, letter in _TAGS.items() for v in values[name] if (prepared := _EXACT(v)))
    return Place(
        name=values["o"][0] if o else "",
        town=clean(o.address.town) if o else "",
        values=values,
        ber=b"".join(many(name, found) for name, found in values.items() if name),
        org=org,
        org_text=column(org),
        place_text=column(place),
        tags=" ".join(dict.fromkeys(tags)),
        structure_json=orjson.Fragment(orjson.dumps(structure_json(o) if o else None)),
        address_json=orjson.Fragment(orjson.dumps(address_json(o.address) if o else None)),
        phones=tuple(distinct((clean(o.phone), clean(o.phone2)))) if o else (),
        organization=o,
    )


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


def coded_json(value: Coded) -> JSON | None:
    """Code and label together, always; None when unknown."""
    return {"code": value.code, "label": value.label} if value.code or value.label else None


NO_PLACE: Final = _render(
    dict.fromkeys((*_TAGS, "o", "street", "l", "st", "telephoneNumber", "facsimileTelephoneNumber"), ()), None
)
