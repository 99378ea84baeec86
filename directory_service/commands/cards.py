"""A record of the JSON contract as a few French lines for a terminal.  Text only; ``--json`` tells all."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from directory_service.model.nomenclature import label

Record = Mapping[str, Any]

_STATUS = {"active": "en exercice", "inactive": "n'exerce plus", "open": "ouverte", "closed": "fermée"}
_VERDICTS = {
    "verified": "vérifiée",
    "mismatch": "l'adresse est à quelqu'un d'autre",
    "unknown_address": "adresse inconnue",
    "unknown_person": "personne inconnue",
    "closed": "adresse fermée",
    "inactive": "le titulaire n'exerce plus",
    "untrusted_domain": "domaine hors de l'espace de confiance",
    "ambiguous": "plusieurs titulaires portent ce nom",
}
_OF_SENDERS = {"other_operator", "operator_unknown"}  # reasons
_NO_SENDER = "cet opérateur ne peut pas émettre au nom de l'adresse"


def card(record: Record) -> list[str]:
    """The lines for any record: a person, a structure, a mailbox, a choice of one or a verdict, told apart by what only
    they have."""
    for key, lines in _CARDS.items():
        if key in record:
            return [line for line in lines(record) if line]
    raise KeyError("record of another kind")


def _person(record: Record) -> Iterator[str]:
    yield _join(" ", _label(record["title"]), record["given_names"], record["family_name"])
    yield _join(", ", _label(record["profession"]), *map(_label, record["specialties"]))
    yield _named("Identifiant", record["id"], _status(record))
    yield _named("RPPS", record["rpps"])
    yield _named("ADELI", *record["adeli"])
    yield _named("Ancien numéro demandé", record.get("resolved_from"))
    yield from (_named("Adresse", box["address"], _type(box), _since(box)) for box in record["mailboxes"])
    yield from (_named("Exercice", *_activity(activity)) for activity in record["activities"])
    yield _named("Sources", *(f"{s['name']} (import {s['run']})" for s in record["sources"]))


def _since(box: Record) -> str:
    return f"depuis le {_day(box['since'])}" if box["since"] else ""


def _activity(activity: Record) -> Iterator[str]:
    place = activity["structure"]
    yield str(place["name"]) if place else ""
    yield from _postal(activity["address"])
    yield _label(activity["mode"])
    yield _label(activity["role"])
    yield _join(" ", *activity["phones"])


def _structure(record: Record) -> Iterator[str]:
    yield _join(" ; ", *dict.fromkeys((record["name"], record["trade_name"])))
    yield _label(record["sector"])
    yield _named("État", "" if record["status"] == "active" else "fermée")
    yield _named("Identifiant", *dict.fromkeys((record["id"], record["technical_id"])))
    yield _named("FINESS", record["finess"])
    yield _named("SIRET", record["siret"])
    yield _named("Lieu", *_postal(record["address"]))
    yield _named("Téléphone", *record["phones"])
    yield from (_named("Adresse", box["address"], _type(box)) for box in record["mailboxes"])


def _mailbox(record: Record) -> Iterator[str]:
    yield record["address"]
    yield _named("Boîte", _type(record), _status(record), "liste rouge" if record["unlisted"] else "")
    yield _named("Depuis le", _day(record["since"]))
    yield _named("Jusqu'au", _day(record["until"]))
    yield _named("Opérateur", record["operator"])
    for holder in record["holders"]:
        until = _day(holder["until"])
        ended = f"jusqu'au {until}" if until else ""
        yield _named("Titulaire", holder["label"], holder["id"], holder["service"], ended)


def verdict_said(verdict: str, codes: Iterable[str]) -> str:
    """A verdict and the codes of its reasons, in French; one of a later version as it is."""
    return _NO_SENDER if not _OF_SENDERS.isdisjoint(codes) else _VERDICTS.get(verdict, verdict)


def _verdict(record: Record) -> Iterator[str]:
    yield f"{record['address']} : {verdict_said(record['verdict'], (reason['code'] for reason in record['reasons']))}"
    holder = record.get("holder")
    yield _named("Titulaire", *((holder["label"], holder["id"]) if holder else ()))
    yield _named("Opérateur", record.get("operator"))
    yield from (f"  {reason['text']}" for reason in record["reasons"])
    fresh = record["freshness"]
    yield _named("D'après", fresh["source"], _day(fresh["seen"]))
    yield _named("Reçu", record.get("receipt"))
    yield from (_named(f"Sel ({field})", salt) for field, salt in record.get("receipt_salts", {}).items())


_FITS = {"yes": "", "doubtful": "douteuse", "no": "ne convient pas"}


def _choice(record: Record) -> Iterator[str]:
    found, ambiguous = record["recommended"], record["ambiguous"]
    yield found or ("ambigu : rien ne permet de choisir sans deviner" if ambiguous else "aucune boîte ne convient")
    yield from (f"  pour trancher : {fact['text']}" for fact in record["would_decide"])
    for item in record["items"]:
        hidden = "liste rouge" if item["unlisted"] else ""
        yield "  " + _join(", ", item["address"], _type(item), item["service"], _FITS[item["fit"]], hidden)
        yield from (f"    {reason['text']}" for reason in item["reasons"])


_CARDS = {
    "recommended": _choice,
    "verdict": _verdict,
    "holders": _mailbox,
    "technical_id": _structure,
    "family_name": _person,
}


def _join(between: str, *parts: object) -> str:
    return between.join(str(part) for part in parts if part)


def _named(name: str, *parts: object) -> str:
    """``  name : parts``, or nothing when there is nothing to say."""
    said = _join(", ", *parts)
    return f"  {name} : {said}" if said else ""


def _label(coded: Record | None) -> str:
    return str(coded["label"] or coded["code"]) if coded else ""


def _type(box: Record) -> str:
    """``PER (personnelle)``: the code that everybody uses, with what is its own in the nomenclature's label."""
    said = label("mailbox_type", box["type"]).removeprefix("Boîte aux lettres ")
    return f"{box['type']} ({said})" if said else str(box["type"])


def _status(record: Record) -> str:
    return _STATUS.get(record["status"], str(record["status"]))


def _day(instant: str | None) -> str:
    """``24/11/2026`` from the stored text of an instant."""
    year, month, day = (instant or "--")[:10].split("-")
    return _join("/", day, month, year)


def _postal(address: Record | None) -> Iterable[str]:
    if not address:
        return ()
    return address["street"] or "", _join(" ", address["postcode"], address["city"])
