"""``/``: one box, what it proposes while typing, and what it finds."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final
from urllib.parse import urlencode

import orjson
from flask import Response, request

from directory_service.errors import NotFound
from directory_service.index.directory import Criteria, Hit, Page, Wishes
from directory_service.index.onebox.facets import FACETS
from directory_service.index.query import View
from directory_service.index.shield import shielded_people
from directory_service.matching.whereabouts import box_at, place_meant, places
from directory_service.model import nomenclature
from directory_service.model.names import fold
from directory_service.model.vocabulary import skipped
from directory_service.trust.domains import untrusted
from directory_service.web.answers import turn
from directory_service.web.context import directory
from directory_service.web.limiting import counted, spending
from directory_service.web.openapi.route import Rate
from directory_service.web.parameters import Choice, Text, read_fields
from directory_service.web.portal.base import answer, blueprint, html, page
from directory_service.web.portal.french import BOX_KINDS, name, trade

SCREEN: Final = 20  # results of one page
PROPOSED: Final = 8  # people proposed while typing
_WARDS: Final = 3  # mailboxes of structures told beside people
_NUMBER: Final = re.compile(r"[0-9]?[0-9ABab][0-9 ]{7,}", re.ASCII)  # of a person or a structure; FINESS of Corsica
_MOST_LEFT_OUT: Final = 6  # words, of which each is left out where nobody has all of them
_SUBSCRIBER: Final = 9  # digits of a telephone number without its country and its zero
_FINDING_WARDS: Final = 0.5  # seconds
_LEAVING_OUT: Final = 1.0  # seconds for that
_TEXTS: Final = ("q", "profession", "specialty", "department", "structure")
_KNOWN: Final = (*(Text(name) for name in _TEXTS), Text("cursor"))
_TYPE: Final = Choice("type", tuple(BOX_KINDS))
# Filter: its title, and what it says when none is chosen.
_LISTS: Final = MappingProxyType(
    {
        "profession": ("Profession", "Toutes"),
        "specialty": ("Spécialité", "Toutes"),
        "department": ("Département", "Tous"),
        "type": ("Type de boîte", "Tous, même sans boîte"),
    }
)
_SYSTEMS: Final = MappingProxyType({"profession": "profession", "specialty": "expertise"})
Chosen = Mapping[str, str]


@blueprint.get("/")
@counted(Rate.SEARCH)
def home() -> Response:
    """Parameters that are none of ours are left alone: links from elsewhere carry some."""
    given = _given()
    chosen = {name: given[name] for name in (*_TEXTS, "type")}
    used = sum(bool(value) for name, value in chosen.items() if name != "q")
    if not any(chosen.values()):
        return page("home", lambda: {"counts": directory().build().counts})
    if not any(chosen[name] for name in _TEXTS):
        return html("search", 400, chosen=chosen, used=used, filters=_filters(chosen, {}), place=None, missing=True)
    return page("search", lambda: {"chosen": chosen, "used": used, **_found(chosen, given["cursor"])})


def _given() -> dict[str, Any]:
    asked = {p.name: request.args.get(p.name) for p in _KNOWN}
    return read_fields(asked, _KNOWN) | {"type": _TYPE.parse(request.args.get("type") or None)}


def _found(chosen: Chosen, cursor: str) -> dict[str, Any]:
    found = _find(chosen, SCREEN, cursor, Wishes(facets=FACETS))
    people = _people(found.hits, chosen)
    wards = [] if cursor else _wards(chosen, bool(people))
    boxes = [*(person["box"] for person in people if person["box"]), *wards]
    return {
        "people": people,
        "wards": wards,
        "place": _place(chosen),
        "is_number": _is_number(chosen["q"]),
        "by_phone": _has_telephone(people, chosen["q"]),
        "untrusted": untrusted(directory(), (box["address"] for box in boxes)),
        "found": found,
        "filters": _filters(chosen, found.facets or {}),
        "next": _url(chosen, cursor=found.next) if found.next else "",
        "first": _url(chosen) if cursor else "",
        "without": [] if people else _without_a_word(chosen),
    }


def _wards(chosen: Chosen, beside: bool) -> list[dict[str, Any]]:
    """Mailboxes of structures, which the box proposes while typing and no person has.  ``beside`` people, only where
    the best proposal is one of them."""
    if (
        not chosen["q"]
        or chosen["q"].isdecimal()
        or any(chosen[name] for name in _TEXTS[1:])
        or chosen["type"] in ("PER", "CAB")
    ):
        return []
    count = spending()
    found = directory().suggestions(chosen["q"], PROPOSED, View.ANONYMOUS, _FINDING_WARDS)
    items = list(zip(found.ids, orjson.loads(b"[%b]" % found.items), strict=True))
    if beside and (not items or "structure" not in items[0][1]):
        return []
    kept = [(pk, box) for pk, box in items if "structure" in box and chosen["type"] in ("", box["type"])]
    kept = kept[: _WARDS if beside else PROPOSED]
    count([pk for pk, _ in kept])
    return [box for _, box in kept]


def _place(chosen: Chosen) -> dict[str, Any] | None:
    """The structure that a filter, or a number alone, asks for."""
    asked = chosen["structure"] or (chosen["q"] if _is_number(chosen["q"]) else "")
    try:
        found: dict[str, Any] = orjson.loads(directory().organization(asked, View.ANONYMOUS).json) if asked else {}
    except NotFound:
        return None
    return found or None


def _is_number(text: str) -> bool:
    return _NUMBER.fullmatch(text) is not None


def _has_telephone(people: Sequence[Mapping[str, Any]], asked: str) -> bool:
    """Whether the text is a telephone number of one of them, with its country or without."""
    wanted = _digits(asked)[-_SUBSCRIBER:]
    phones = (phone for person in people for activity in person["activities"] for phone in activity["phones"])
    return len(wanted) == _SUBSCRIBER and any(_digits(phone).endswith(wanted) for phone in phones)


def _digits(text: str) -> str:
    return "".join(filter(str.isdecimal, text))


def _without_a_word(chosen: Chosen) -> list[dict[str, Any]]:
    """What the search finds if one of its words is left out, the fewest first: a wrong town is seen at a glance."""
    words, until = chosen["q"].split(), time.monotonic() + _LEAVING_OUT
    ways = []
    for n, word in enumerate(words if 1 < len(words) <= _MOST_LEFT_OUT else ()):
        less = {**chosen, "q": " ".join(words[:n] + words[n + 1 :])}
        if not (folded := fold(word)) or folded in skipped() or time.monotonic() > until:
            continue
        found = directory().find(Criteria(**less), View.ANONYMOUS, 1, None, Wishes())
        if found.hits:
            ways.append({"word": word, "url": _url(less), "total": found.total, "exact": found.total_exact})
    return sorted(ways, key=lambda way: way["total"])


def _find(chosen: Chosen, most: int, cursor: str, wishes: Wishes) -> Page:
    count = spending()
    found = directory().find(Criteria(**chosen), View.ANONYMOUS, most, cursor or None, wishes)
    count([hit.id for hit in found.hits])
    return found


def _people(hits: Sequence[Hit], chosen: Chosen) -> list[dict[str, Any]]:
    """Their records, with the place that was asked about and the mailbox there."""
    people = [orjson.loads(item) for item in shielded_people(hits)]
    for person in people:
        where = places(person)
        meant = place_meant(where, chosen["q"], department=chosen["department"], structure=chosen["structure"])
        person |= {"places": where, "place": meant or next(iter(where), None), "box": box_at(person, meant)}
    return people


@blueprint.get("/propositions")
@counted(Rate.SEARCH)
def proposed() -> Response:
    """What the box proposes while typing where no mailbox bears these letters, since they are a trade, a town, a
    number or a slip: the people that the button would find, in the shape of ``/v1/suggest``."""
    chosen = dict.fromkeys(_TEXTS, "") | read_fields({"q": request.args.get("q")}, _KNOWN[:1])

    def write() -> bytes:
        with turn():
            people = _people(_find(chosen, PROPOSED, "", Wishes()).hits, chosen) if chosen["q"] else []
        return orjson.dumps({"items": list(map(_proposal, people))})

    return answer(write, "application/json")


def _proposal(person: Mapping[str, Any]) -> dict[str, Any]:
    """An item as ``portal.js`` shows it."""
    there = person["place"][0] if person["place"] else {}
    known = (trade(person), (there.get("structure") or {}).get("name"), (there.get("address") or {}).get("city"))
    return {
        "label": name(person),
        "hint": ", ".join(dict.fromkeys(filter(None, known))),
        "address": person["box"]["address"] if person["box"] else "",
        "person": {"id": person["id"]},
        "apart": person["apart"],
        "mistaken": person["mistaken"],
    }


def _url(chosen: Chosen, **more: str) -> str:
    return "/?" + urlencode({name: value for name, value in (*chosen.items(), *more.items()) if value})


def _filters(chosen: Chosen, facets: Mapping[str, Sequence[Mapping[str, Any]]]) -> list[dict[str, Any]]:
    """The drop-down lists: what the people found have, each with how many have it, and what is chosen already."""
    made = []
    for field, (label, every) in _LISTS.items():
        options = [(f["value"], _label(field, f), f["count"]) for f in facets.get(field, ())]
        value = chosen[field]
        if value and value not in [code for code, _, _ in options]:
            options.insert(0, (value, _label(field, {"value": value, "label": value}), 0))
        made.append({"name": field, "label": label, "every": every, "value": value, "options": options})
    return made


def _label(field: str, facet: Mapping[str, Any]) -> str:
    """As people say it; departments with their number, since many know them by it."""
    value = str(facet["value"])
    if field == "type":
        return BOX_KINDS.get(value, value)
    if field == "department":
        return f"{value} – {nomenclature.DEPARTMENTS[value]}" if value in nomenclature.DEPARTMENTS else value
    return nomenclature.label(_SYSTEMS[field], value) or str(facet["label"])
