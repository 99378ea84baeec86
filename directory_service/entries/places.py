"""Where people work: the part of an entry that a structure gives, the same for all who work there.  PURE.

Hot path: a hospital's part is rendered once for its thousands of people.  The cache goes by the identity of the
``Organization`` value, which the registry's readers share, because hashing thirty fields costs more than it saves;
it holds the value itself, so that an identity is never another's.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import islice
from typing import Final, NamedTuple

import orjson

from directory_service.entries.attributes import DEPARTMENT_TAG, tag
from directory_service.entries.attributes import PREPARE as _PREPARE
from directory_service.entries.attributes import MatchRule as _Rule
from directory_service.entries.finding import structure_words, town_words
from directory_service.entries.wire import clean, comparable, distinct, phone, several
from directory_service.model.people import Address, Coded, Organization, PractitionerRole

JSON = dict[str, object]
Values = dict[str, bytes]  # of one attribute: what two equal values have in common ► the value

_EXACT, _TEXT, _DIGITS = _PREPARE[_Rule.EXACT], _PREPARE[_Rule.TEXT], _PREPARE[_Rule.DIGITS]


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
    values: dict[str, Values]  # attribute ► its values, of one structure; absent when it has none
    structure_json: orjson.Fragment  # {id, name, finess, siret}
    address_json: orjson.Fragment
    phones: tuple[str, ...]
    organization: Organization | None
    activities: dict[tuple[Coded, Coded, Coded], orjson.Fragment]  # those met so far: see ``activity_json``


_CACHE: Final[dict[int, Place]] = {}
_CACHED: Final = 16_000  # about 150 MB; then the older half goes


def place_of(organization: Organization) -> Place:
    """The part that this structure gives."""
    found = _CACHE.get(id(organization))
    if found is None or found.organization is not organization:
        if len(_CACHE) >= _CACHED:
            for oldest in list(islice(_CACHE, _CACHED // 2)):
                del _CACHE[oldest]
        found = _CACHE[id(organization)] = _render(organization)
    return found


def forget_places() -> None:
    """Values that are read again are others: what was rendered of the former would be kept for nothing."""
    _CACHE.clear()


def combined(organizations: Sequence[Organization]) -> Place:
    """The part that several structures give together, the first one being the one shown."""
    if len(organizations) == 1:
        return place_of(organizations[0])
    if not organizations:
        return NO_PLACE
    return _joined([place_of(o) for o in organizations])


def _joined(places: Sequence[Place]) -> Place:
    """All of them, the first one shown; what they have in common is said once."""
    first = places[0]
    chunks = []
    for name in _NAMES:
        held = _united([p.values[name] for p in places if name in p.values])
        if held:
            chunks.append(several(name, held.values()))
    org = tuple(dict.fromkeys([v for p in places for v in p.org]))
    place = tuple(dict.fromkeys([v for p in places for v in p.place]))
    return first._replace(
        ber=b"".join(chunks),
        org=org,
        org_text=_column(org),
        place=place,
        place_text=_column(place),
        tags=" ".join(dict.fromkeys(" ".join([p.tags for p in places]).split())),
        found_by=" ".join(dict.fromkeys(" ".join([p.found_by for p in places]).split())),
        values={},
    )


def _united(several_values: list[Values]) -> Values:
    """The first of what equals another, in the order met: ``|`` keeps the place of the first and the value of the
    last."""
    held: Values = {}
    for values in several_values:
        held = held | values | held if held else values
    return held


_NAMES: Final = (
    "o", "street", "postalCode", "l", "st", "telephoneNumber", "facsimileTelephoneNumber", "asStructureId", "asFiness",
    "asSiret",
)  # fmt: skip


def _values(o: Organization) -> dict[str, tuple[str, ...]]:
    """In the order that the entry shows; empty where there is none."""
    a = o.address
    siret, finess = digits(o.siret), clean(o.finess)
    return {
        "o": structure_names(o),
        "telephoneNumber": _pair(phone(o.phone), phone(o.phone2)) if o.phone or o.phone2 else (),
        "asStructureId": _pair(clean(o.national_id), clean(o.technical_id)),
        "street": _single(clean(a.street)),
        "postalCode": _single(clean(a.postcode)),
        "l": _single(clean(a.town)),
        "st": _single(clean(a.department)),
        "facsimileTelephoneNumber": _single(phone(o.fax)) if o.fax else (),
        "asFiness": _single(finess),
        "asSiret": _single(siret),
    }


def _single(text: str) -> tuple[str, ...]:
    return (text,) if text else ()


def _pair(first: str, second: str) -> tuple[str, ...]:
    if second and first and first != second:
        return tuple(distinct((first, second)))
    return (first or second,) if first or second else ()


def structure_names(o: Organization) -> tuple[str, ...]:
    """The names of a structure, the one shown first; never empty."""
    return _pair(clean(o.trade_name), clean(o.name)) or (o.national_id,)


def digits(text: str) -> str:
    """A number that numericString takes (RFC 4517 3.3.23), or nothing."""
    return text if text.isascii() and text.isdigit() else ""


_TAGS: Final = (("postalCode", "z"), ("asStructureId", "o"), ("asFiness", "f"), ("asSiret", "n"))
_PLACE: Final = (
    ("l", _TEXT), ("st", _TEXT), ("street", _TEXT), ("postalCode", _EXACT),
    ("telephoneNumber", _DIGITS), ("facsimileTelephoneNumber", _DIGITS),
)  # fmt: skip


def _render(o: Organization) -> Place:
    texts = {name: held for name, held in _values(o).items() if held}
    values = {name: _comparable(held) for name, held in texts.items()}
    org = _prepared([_TEXT(v) for v in texts["o"]])
    place = _prepared([rule(v) for name, rule in _PLACE if name in texts for v in texts[name]])
    tokens = [tag(letter, _EXACT(v)) for name, letter in _TAGS if name in texts for v in texts[name]]
    if o.address.department_code:
        tokens.append(tag(DEPARTMENT_TAG, _EXACT(o.address.department_code)))
    return Place(
        texts["o"][0],
        clean(o.address.town),
        b"".join([several(name, held.values()) for name, held in values.items()]),
        org,
        _column(org),
        place,
        _column(place),
        " ".join(dict.fromkeys(tokens)),
        " ".join((*town_words(clean(o.address.town)), *structure_words(texts["o"]))),
        values,
        _fragment(structure_json(o)),
        _fragment(address_json(o.address)),
        _pair(clean(o.phone), clean(o.phone2)),
        o,
        {},
    )


def _comparable(texts: tuple[str, ...]) -> Values:
    """Values that are already told apart."""
    return {comparable(text): text.encode() for text in texts}


def _prepared(values: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys([v for v in values if v]))


def _column(prepared: tuple[str, ...]) -> str:
    return f"^{'$^'.join(prepared)}$" if prepared else ""


def _fragment(value: object) -> orjson.Fragment:
    return orjson.Fragment(orjson.dumps(value))


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
    return _fragment({"code": value.code, "label": value.label} if value.code or value.label else None)


def activity_json(place: Place, role: PractitionerRole) -> orjson.Fragment:
    """One of the ``activities`` of contract.md §3: many who work at a place do so in the same way."""
    way = (role.mode, role.sector, role.role)
    found = place.activities.get(way)
    if found is None:
        found = place.activities[way] = _activity(place, role)
    return found


def _activity(place: Place, role: PractitionerRole) -> orjson.Fragment:
    return _fragment(
        {
            "structure": place.structure_json,
            "address": place.address_json,
            "mode": coded_json(role.mode),
            "sector": coded_json(role.sector),
            "role": coded_json(role.role),
            "phones": place.phones,
        }
    )


NO_PLACE: Final = Place("", "", b"", (), "", (), "", "", "", {}, _fragment(None), _fragment(None), (), None, {})
