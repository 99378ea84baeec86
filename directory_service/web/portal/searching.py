"""``/``: one box, and what it finds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final
from urllib.parse import urlencode

import orjson
from flask import Response, request

from directory_service.index.directory import Criteria, Wishes
from directory_service.index.onebox.facets import FACETS
from directory_service.index.query import View
from directory_service.index.shield import shielded_people
from directory_service.matching.whereabouts import box_at, place_meant, places
from directory_service.model import nomenclature
from directory_service.trust.domains import untrusted
from directory_service.web.context import directory
from directory_service.web.limiting import counted, spending
from directory_service.web.openapi.route import Rate
from directory_service.web.parameters import Choice, Text, read_fields
from directory_service.web.portal.base import blueprint, html, page
from directory_service.web.portal.french import BOX_KINDS

SCREEN: Final = 20  # results of one page
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
        return html("search", 400, chosen=chosen, used=used, filters=_filters(chosen, {}), missing=True)
    return page("search", lambda: {"chosen": chosen, "used": used, **_found(chosen, given["cursor"])})


def _given() -> dict[str, Any]:
    asked = {p.name: request.args.get(p.name) for p in _KNOWN}
    return read_fields(asked, _KNOWN) | {"type": _TYPE.parse(request.args.get("type") or None)}


def _found(chosen: Chosen, cursor: str) -> dict[str, Any]:
    count = spending()
    found = directory().find(Criteria(**chosen), View.ANONYMOUS, SCREEN, cursor or None, Wishes(facets=FACETS))
    count([hit.id for hit in found.hits])
    people = [orjson.loads(item) for item in shielded_people(found.hits)]
    for person in people:
        where = places(person)
        meant = place_meant(where, chosen["q"], department=chosen["department"], structure=chosen["structure"])
        person |= {"places": where, "place": meant or next(iter(where), None), "box": box_at(person, meant)}
    return {
        "people": people,
        "untrusted": untrusted(directory(), (person["box"]["address"] for person in people if person["box"])),
        "found": found,
        "filters": _filters(chosen, found.facets or {}),
        "next": _url(chosen, cursor=found.next) if found.next else "",
        "first": _url(chosen) if cursor else "",
    }


def _url(chosen: Chosen, **more: str) -> str:
    return "/?" + urlencode({name: value for name, value in (*chosen.items(), *more.items()) if value})


def _filters(chosen: Chosen, facets: Mapping[str, Sequence[Mapping[str, Any]]]) -> list[dict[str, Any]]:
    """The drop-down lists: what the people found have, each with how many have it, and what is chosen already."""
    made = []
    for name, (label, every) in _LISTS.items():
        options = [(f["value"], _label(name, f), f["count"]) for f in facets.get(name, ())]
        value = chosen[name]
        if value and value not in [code for code, _, _ in options]:
            options.insert(0, (value, _label(name, {"value": value, "label": value}), 0))
        made.append({"name": name, "label": label, "every": every, "value": value, "options": options})
    return made


def _label(name: str, facet: Mapping[str, Any]) -> str:
    """As people say it; departments with their number, since many know them by it."""
    value = str(facet["value"])
    if name == "type":
        return BOX_KINDS.get(value, value)
    if name == "department":
        return f"{value} – {nomenclature.DEPARTMENTS[value]}" if value in nomenclature.DEPARTMENTS else value
    return nomenclature.label(_SYSTEMS[name], value) or str(facet["label"])
