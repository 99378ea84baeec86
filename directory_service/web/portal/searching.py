"""``/``: one box, and what it finds."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any, Final
from urllib.parse import urlencode

import orjson
from flask import Response, request

from directory_service.index.directory import Criteria, Page
from directory_service.index.query import View
from directory_service.model import nomenclature
from directory_service.web.context import directory
from directory_service.web.limiting import count_records, counted, require_budget
from directory_service.web.openapi.route import Rate
from directory_service.web.parameters import Choice, Text, read_fields
from directory_service.web.portal.base import blueprint, html, page
from directory_service.web.portal.french import BOX_KINDS

SCREEN: Final = 20  # results of one page
_TEXTS: Final = ("q", "profession", "specialty", "department", "structure")
_KNOWN: Final = (*(Text(name) for name in _TEXTS), Text("cursor"))
_TYPE: Final = Choice("type", tuple(BOX_KINDS))
Options = list[tuple[str, str]]


@blueprint.get("/")
@counted(Rate.SEARCH)
def home() -> Response:
    """Parameters that are none of ours are left alone: links from elsewhere carry some."""
    given = _given()
    chosen = {name: given[name] for name in (*_TEXTS, "type")}
    common = {"chosen": chosen, "filters": _filters(chosen), "searched": any(chosen[name] for name in _TEXTS)}
    common["used"] = sum(bool(value) for name, value in chosen.items() if name != "q")
    if not any(chosen.values()):
        return page("home", lambda: {"counts": directory().build().counts})
    if not common["searched"]:
        return html("search", 400, **common, missing=True)
    return page("search", lambda: common | _found(chosen, given["cursor"]))


def _given() -> dict[str, Any]:
    asked = {p.name: request.args.get(p.name) for p in _KNOWN}
    return read_fields(asked, _KNOWN) | {"type": _TYPE.parse(request.args.get("type") or None)}


def _found(chosen: Mapping[str, str], cursor: str) -> dict[str, Any]:
    client = require_budget()
    found = directory().find(Criteria(**chosen), View.ANONYMOUS, SCREEN, cursor or None)
    count_records(client, [hit.id for hit in found.hits])
    people = [orjson.loads(hit.json) for hit in found.hits]
    return {"people": people, "found": found, "next": _next(chosen, found), "first": _url(chosen) if cursor else ""}


def _next(chosen: Mapping[str, str], found: Page) -> str:
    return _url(chosen, cursor=found.next) if found.next else ""


def _url(chosen: Mapping[str, str], **more: str) -> str:
    return "/?" + urlencode({name: value for name, value in (*chosen.items(), *more.items()) if value})


def _filters(chosen: Mapping[str, str]) -> list[dict[str, Any]]:
    """The drop-down lists, with what is chosen even where the list does not know it."""
    made = []
    for name, label, every, options in _lists():
        value = chosen[name]
        known = any(code == value for code, _ in options)
        extra = [] if known or not value else [(value, value)]
        made.append({"name": name, "label": label, "every": every, "value": value, "options": [*extra, *options]})
    return made


@cache
def _lists() -> tuple[tuple[str, str, str, Options], ...]:
    departments = [(code, f"{code} – {label}") for code, label in nomenclature.DEPARTMENTS.items()]
    boxes = [(code, label) for code, label in BOX_KINDS.items()]
    return (
        ("profession", "Profession", "Toutes", _sorted("profession", lambda code: len(code) == 2)),
        ("specialty", "Spécialité", "Toutes", _sorted("expertise", lambda code: code.startswith(("SM", "SCD", "SI")))),
        ("department", "Département", "Tous", departments),
        ("type", "Type de boîte", "Tous, même sans boîte", boxes),
    )


def _sorted(system: str, wanted: Any) -> Options:
    found = [(code, label) for code, label in nomenclature.codes(system).items() if wanted(code)]
    return sorted(found, key=lambda pair: pair[1].casefold())
