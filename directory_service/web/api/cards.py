"""``GET /v1/practitioners/{id}.vcf``, ``/v1/organizations/{id}.vcf`` and ``/v1/mailboxes/{address}.vcf``: vCards.

4.0, or 3.0 where ``Accept`` says ``text/vcard;version=3.0``.  The entity tag is that of the card and not of the build,
so that an address book that asks again each night is told 304 until the person changes.
"""

from __future__ import annotations

import hashlib
from urllib.parse import quote

import orjson
from flask import Blueprint, Response, request

from directory_service.entries.vcard import Version, mailbox_card, organization_card, practitioner_card
from directory_service.errors import NotFound
from directory_service.index.query import View
from directory_service.web.answers import expect_state, varies
from directory_service.web.cards import accepted, card_answer, file_name
from directory_service.web.context import directory, identify
from directory_service.web.links import public_base
from directory_service.web.openapi.route import Place, Route, describe, ok
from directory_service.web.parameters import LONGEST_ADDRESS, clean_text, read_query

blueprint = Blueprint("cards", __name__)

_CARD = ok("La carte de visite", None, "text/vcard")
_VERSIONS = "vCard 4.0, ou 3.0 avec `Accept: text/vcard;version=3.0`."
AGE = 300  # seconds that a card may be kept


@blueprint.get("/v1/practitioners/<path:identifier>.vcf")
@describe(Route(
    "La carte de visite d'un professionnel", "Cartes", _CARD, _VERSIONS,
    path=(Place("id", "RPPS, ADELI ou idNat_PS", example="10900000018"),),
    problems=("not-found", "precondition-failed"), cached=True,
))  # fmt: skip
def practitioner(identifier: str) -> Response:
    view, version = _asked()
    hit, _ = directory().practitioner(clean_text(identifier, "id"), view)
    record = orjson.loads(hit.json)
    return _answer(practitioner_card(record, hit.changed, version, _source()), version, record["id"], view)


@blueprint.get("/v1/organizations/<path:identifier>.vcf")
@describe(Route(
    "La carte de visite d'une structure", "Cartes", _CARD, _VERSIONS,
    path=(Place("id", "FINESS, SIRET, SIREN ou idNat_Struct", example="690000005"),),
    problems=("not-found", "precondition-failed"), cached=True,
))  # fmt: skip
def organization(identifier: str) -> Response:
    view, version = _asked()
    hit = directory().organization(clean_text(identifier, "id"), view)
    record = orjson.loads(hit.json)
    return _answer(organization_card(record, hit.changed, version, _source()), version, record["id"], view)


@blueprint.get("/v1/mailboxes/<address:address>.vcf")
@describe(Route(
    "La carte de visite d'une boîte ouverte", "Cartes", _CARD, _VERSIONS,
    path=(Place("address", "L'adresse"),),
    problems=("not-found", "precondition-failed"), cached=True,
))  # fmt: skip
def mailbox(address: str) -> Response:
    """Of an open one: nobody should keep the card of a closed one."""
    view, version = _asked()
    record = directory().mailbox(clean_text(address, "address", LONGEST_ADDRESS), view)
    if record["status"] != "open":
        raise NotFound("cette boîte est fermée")
    return _answer(mailbox_card(record, version, _source()), version, record["address"], view)


def _asked() -> tuple[View, Version]:
    read_query(request.query_string, ())
    return identify(), accepted(Version.V4)


def _source() -> str:
    """Where the card can be had again (RFC 6350 6.1.3)."""
    return public_base() + quote(request.path, safe="/@:")


def _answer(card: bytes, version: Version, name: str, view: View) -> Response:
    response = card_answer(card, version, file_name(name))
    etag = hashlib.sha256(card).hexdigest()[:32]
    expect_state(etag)
    response.set_etag(etag)
    response.headers["Vary"] = f"Accept, {varies()}"
    response.headers["Cache-Control"] = f"{'private' if view else 'public'}, max-age={AGE}"
    return response.make_conditional(request)  # type: ignore[return-value]
