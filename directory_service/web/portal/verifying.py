"""``/boites/…`` and ``/verification``: is this address really hers?  Judged by ``trust.verify``, told in plain words.

The person asked about comes in a body and never in a URL.  Asking changes nothing, no cookie says who asks: a form of
another site could ask no more than its own server can, so that no token is needed against it (CSRF).
"""

from __future__ import annotations

from types import MappingProxyType
from typing import Any, Final

from flask import Response

from directory_service.entries.history import once_each, shown
from directory_service.errors import InvalidInput, NotFound
from directory_service.index.query import View
from directory_service.matching.addresses import LookAlike, look_alikes
from directory_service.matching.description import address_of
from directory_service.model.mailboxes import is_address, lowered
from directory_service.trust.access import Caller
from directory_service.trust.domains import untrusted
from directory_service.trust.verdicts import Outcome, Verdict
from directory_service.trust.verify import Question, ask
from directory_service.web.answers import turn
from directory_service.web.bodies import expect_type, read_body
from directory_service.web.context import directory, patient_domain
from directory_service.web.limiting import counted, numbered, spending
from directory_service.web.openapi.route import Rate
from directory_service.web.parameters import LONGEST_ADDRESS, Text, clean_text, read_query
from directory_service.web.portal.base import blueprint, html, page

_NOBODYS: Final = (Outcome.UNKNOWN_ADDRESS, Outcome.UNTRUSTED_DOMAIN)
_FORM: Final = "application/x-www-form-urlencoded"
_PERSON: Final = Text("person")
_ADDRESS: Final = Text("address", LONGEST_ADDRESS)

# outcome: (tone, what to say when nobody was asked about, what to say of the person)
_SAYS = MappingProxyType(
    {
        Outcome.VERIFIED: ("good", "Cette boîte est ouverte et sûre.", "Oui, cette adresse est bien la sienne."),
        Outcome.MISMATCH: (
            "bad",
            "Cette boîte n’est plus celle de son ancien titulaire.",
            "Non, cette adresse n’est pas la sienne.",
        ),
        Outcome.UNKNOWN_ADDRESS: (
            "bad",
            "Cette adresse n’est pas dans l’annuaire.",
            "Cette adresse n’est pas dans l’annuaire.",
        ),
        Outcome.UNKNOWN_PERSON: (
            "unsure",
            "Cette personne n’est pas dans l’annuaire.",
            "Cette personne n’est pas dans l’annuaire : rien ne dit que l’adresse est la sienne.",
        ),
        Outcome.CLOSED: ("bad", "Cette boîte est fermée.", "Cette adresse a été la sienne, elle ne l’est plus."),
        Outcome.INACTIVE: (
            "bad",
            "Le titulaire n’exerce plus.",
            "C’est bien son adresse, mais cette personne n’exerce plus.",
        ),
        Outcome.UNTRUSTED_DOMAIN: (
            "bad",
            "Le domaine de cette adresse n’est pas sûr.",
            "Le domaine de cette adresse n’est pas sûr : n’y envoyez rien de confidentiel.",
        ),
        Outcome.AMBIGUOUS: (
            "unsure",
            "Plusieurs personnes portent ce nom.",
            "Plusieurs titulaires portent ce nom : donnez plutôt un numéro.",
        ),
    }
)


@blueprint.get("/verification", strict_slashes=False)
def verification() -> Response:
    return page("verify")


@blueprint.post("/verification", strict_slashes=False)
@counted(Rate.VERIFY)
def verified() -> Response:
    asked = _asked((_ADDRESS, _PERSON))
    if not asked["address"]:
        return _again(asked, "address", "Saisissez l’adresse à vérifier.")
    return _answer(address_of(asked["address"]), asked["person"])


@blueprint.get("/boites/<address:address>")
@counted(Rate.READ)
def mailbox(address: str) -> Response:
    asked = lowered(clean_text(address, "address", LONGEST_ADDRESS))

    def make() -> dict[str, Any]:
        record = directory().mailbox(asked, View.ANONYMOUS)
        return {"box": shown(record), "history": once_each(record), "untrusted": untrusted(directory(), [asked])}

    try:
        return page("mailbox", make)
    except NotFound:
        return html("verify", 404, unknown=True, address=asked, near=_near(asked))


@blueprint.post("/boites/<address:address>")
@counted(Rate.VERIFY)
def mailbox_verified(address: str) -> Response:
    asked = _asked((_PERSON,))
    return _answer(lowered(clean_text(address, "address", LONGEST_ADDRESS)), asked["person"])


def _asked(fields: tuple[Text, ...]) -> dict[str, Any]:
    expect_type(_FORM)
    return read_query(read_body(), fields)


def _answer(address: str, person: str) -> Response:
    try:
        question = Question(address, person)
        verdict = ask(directory(), question, Caller(View.ANONYMOUS), patient_domain=patient_domain())
    except InvalidInput as error:
        asked = {"address": address, "person": person}
        if error.where == "paramètre address":
            return _again(
                asked,
                "address",
                "Ce texte n’a pas la forme d’une adresse de messagerie, comme prenom.nom@medecin.mssante.fr.",
            )
        return _again(asked, "person", error.message)
    tone, alone, of_person = _SAYS[verdict.verdict]
    return html(
        "verdict",
        verdict=verdict,
        tone=tone,
        title=of_person if person else alone,
        address=verdict.address,
        person=person,
        holder=_holder(verdict),
        near=_near(verdict.address) if verdict.verdict in _NOBODYS else (),
    )


def _holder(verdict: Verdict) -> dict[str, Any] | None:
    """Who has a page, of the holder that is told."""
    if not verdict.holder:
        return None
    try:
        holders = directory().mailbox(verdict.address, View.ANONYMOUS)["holders"]
    except NotFound:
        return None
    return next((h for h in holders if h["known"] and h["id"] == verdict.holder.id), None)


def _near(address: str) -> tuple[LookAlike, ...]:
    """The known addresses that an unknown one was probably meant for, as the clean-up page tells them."""
    if not is_address(address):
        return ()
    count = spending()
    with turn():
        near = look_alikes(directory(), address)
    count(numbered(found.address for found in near))
    return near


def _again(asked: dict[str, Any], field: str, fault: str) -> Response:
    return html("verify", 400, **asked, fault_of=field, fault=fault)
