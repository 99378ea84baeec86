"""The pages of one record: a practitioner, a structure."""

from __future__ import annotations

import io
from collections.abc import Collection
from typing import Any, Final

import orjson
import segno
from flask import Response, request
from segno import helpers

from directory_service.entries.history import once_each
from directory_service.errors import NotFound
from directory_service.index.directory import Hit
from directory_service.index.query import View
from directory_service.matching.whereabouts import places
from directory_service.model.publication import PURPOSES
from directory_service.trust.domains import untrusted
from directory_service.trust.rightbox import Asked, practitioner_mailboxes
from directory_service.web.answers import turn
from directory_service.web.context import directory
from directory_service.web.limiting import counted
from directory_service.web.openapi.route import Rate
from directory_service.web.parameters import Choice, clean_text
from directory_service.web.portal.base import answer, blueprint, page
from directory_service.web.portal.french import name, structure, trade

Record = dict[str, Any]
_PURPOSE: Final = Choice("usage", tuple(PURPOSES))


@blueprint.get("/professionnels/<path:identifier>")  # path: an idNat_PS of type 3 holds a slash
@counted(Rate.READ)
def practitioner(identifier: str) -> Response:
    asked = clean_text(identifier, "id")
    purpose = _PURPOSE.parse(request.args.get(_PURPOSE.name) or None)

    with turn(), directory().held():
        hit, former = _person(asked)
        person = orjson.loads(hit.json)
        _, chosen = practitioner_mailboxes(directory(), person["id"], Asked(purpose), View.ANONYMOUS)
        boxes = [box | {"history": _hers(box["address"], person["id"])} for box in chosen["items"]]
    # Certificates expire while the build stays what it is.
    valid = "".join(str(int(box["certificate"])) for box in boxes)
    return page(
        "practitioner",
        state=f"-{valid}",
        person=person,
        places=places(person),
        boxes=boxes,
        former=former,
        chosen=chosen,
        purposes=PURPOSES,
    )


@blueprint.get("/cartes/<path:identifier>.svg")
@counted(Rate.READ)
def card(identifier: str) -> Response:
    """The QR code of her card; apart, since it takes longer to draw than the page, and few open it."""
    asked = clean_text(identifier, "id")

    def draw() -> bytes:
        person = orjson.loads(directory().practitioner(asked, View.ANONYMOUS)[0].json)
        return qr_code(person, untrusted(directory(), (box["address"] for box in person["mailboxes"])))

    return answer(draw, "image/svg+xml")


@blueprint.get("/organisations/<path:identifier>")
@counted(Rate.READ)
def organization(identifier: str) -> Response:
    asked = clean_text(identifier, "id")

    def make() -> Record:
        place = orjson.loads(_structure(asked).json)
        return {"place": place, "untrusted": untrusted(directory(), (box["address"] for box in place["mailboxes"]))}

    return page("organization", make)


def _person(asked: str) -> tuple[Hit, str | None]:
    """A false number is told with those that it was probably meant for."""
    found = directory()
    try:
        return found.practitioner(asked, View.ANONYMOUS)
    except NotFound as error:
        raise NotFound(error.message, suggestions=found.near_persons(asked, View.ANONYMOUS)) from None


def _structure(asked: str) -> Hit:
    found = directory()
    try:
        return found.organization(asked, View.ANONYMOUS)
    except NotFound as error:
        raise NotFound(error.message, suggestions=found.near_structures(asked, View.ANONYMOUS)) from None


def _hers(address: str, holder: str) -> list[Record]:
    """When the address was hers, oldest first.  None where the mailbox went away meanwhile."""
    try:
        record = directory().mailbox(address, View.ANONYMOUS)
    except NotFound:
        return []
    return [item for item in once_each(record) if item["holder"]["id"] == holder]


def qr_code(person: Record, unsafe: Collection[str] = ()) -> bytes:
    """``small_card`` as an SVG drawing that a telephone reads."""
    drawn = io.BytesIO()
    segno.make(small_card(person, unsafe), error="m", micro=False).save(
        drawn, kind="svg", border=4, dark="#000", light="#fff", omitsize=True, xmldecl=False, nl=False
    )
    return drawn.getvalue()


def small_card(person: Record, unsafe: Collection[str] = ()) -> str:
    """Her vCard 3.0: name, profession, first mailboxes and telephones.  No ``unsafe`` address: nothing in a telephone
    would warn of it."""
    family, given = person["family_name"] or "", person["given_names"] or ""
    named = (structure(a["structure"], "") for a in person["activities"])
    phones = dict.fromkeys(p for a in person["activities"] for p in a["phones"])
    addresses = [box["address"] for box in person["mailboxes"] if box["address"] not in unsafe]
    card: str = helpers.make_vcard_data(
        name=f"{family};{given}",
        displayname=name(person),
        email=addresses[:2] or None,
        phone=[*phones][:2] or None,
        org=next(filter(None, named), None),
        title=trade(person)[:80] or None,
    )
    return card
