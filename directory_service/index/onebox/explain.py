"""Why a person was found: for each word of the box, the field, how it fits, and the text that it fits.  PURE.

Fields and likenesses are codes for programs (docs/reference/search.md); texts are those of the person's own record,
which the caller has been given.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final

from directory_service.entries.attributes import town_tag
from directory_service.entries.finding import domain_word, name_words, structure_words, town_words
from directory_service.index.onebox import Box, Field
from directory_service.index.onebox.score import Fit, Match
from directory_service.index.onebox.tiers import TIERS
from directory_service.index.onebox.within import piece_of_street
from directory_service.model import nomenclature
from directory_service.model.likeness import LEAST_INSIDE
from directory_service.model.names import fold, squash

Record = Mapping[str, Any]


def explained(box: Box, match: Match, record: Record) -> dict[str, Any]:
    """``{"tier", "words": [{"word", "field", "match", "text"}]}``; words that need not be found, only if they were."""
    fits = zip(box.words, match.fits, strict=True)
    return {"tier": TIERS[match.tier].name, "words": [_word(w.typed, fit, record) for w, fit in fits if fit]}


def _word(typed: str, fit: Fit, record: Record) -> dict[str, Any]:
    field = _PARTS[fit.field](typed, fit, record) if fit.field in _PARTS else fit.field
    text = _TEXTS[field](record, typed, fit.token)
    return {"word": typed, "field": field.value, "match": fit.likeness.name.lower(), "text": text}


def _part_of_name(typed: str, fit: Fit, record: Record) -> Field:
    """Initials are of the given names, if these have the token."""
    given = record["given_names"] or ""
    held = fit.token in name_words("", given).split() if fit.token else squash(typed) in squash(given)
    return Field.GIVEN if held else Field.FAMILY


def _part_of_work(typed: str, fit: Fit, record: Record) -> Field:
    """The words of what a person does stand in one text, with her place."""
    if fit.token:
        return fit.field
    wanted = squash(typed)
    if any(wanted in squash(s["label"]) for s in record["specialties"]):
        return Field.SPECIALTY
    held = record["profession"]
    return Field.PROFESSION if held and wanted in squash(held["label"]) else _part_of_place(typed, fit, record)


def _part_of_place(typed: str, _fit: Fit, record: Record) -> Field:
    if len(typed) < LEAST_INSIDE:
        return Field.OTHER  # of a street
    wanted = squash(typed)
    places = list(_activities(record, "address"))
    if any(wanted in squash(a["city"] or "") for a in places):
        return Field.CITY
    return Field.DEPARTMENT if any(wanted in squash(_label_of(a["department"])) for a in places) else Field.OTHER


def _label_of(coded: Mapping[str, Any] | None) -> str:
    return coded["label"] or "" if coded else ""


_PARTS: Final = {Field.NAME: _part_of_name, Field.SPECIALTY: _part_of_work, Field.OTHER: _part_of_place}

# --- the text of each field ------------------------------------------------------------------------------------------


def _first(texts: Iterable[str | None], wanted: Callable[[str], bool]) -> str | None:
    """The one that is wanted, or else the first there is."""
    known = [text for text in texts if text]
    return next((text for text in known if wanted(text)), known[0] if known else None)


def _the(texts: Iterable[str | None], wanted: Callable[[str], bool]) -> str | None:
    """The one that is wanted; None where the record does not show it: of the place of a mailbox, it has the name."""
    return next((text for text in texts if text and wanted(text)), None)


def _activities(record: Record, part: str) -> Iterator[Mapping[str, Any]]:
    return (activity[part] for activity in record["activities"] if activity[part])


def _city(record: Record, typed: str, token: str) -> str | None:
    cities = (address["city"] for address in _activities(record, "address"))
    return _the(cities, lambda text: token in (town_tag(text), *town_words(text)) or squash(typed) in squash(text))


def _postcode(record: Record, _typed: str, token: str) -> str | None:
    return _the((a["postcode"] for a in _activities(record, "address")), lambda text: text == token[1:])


def _department(record: Record, typed: str, token: str) -> str | None:
    held = [a["department"] for a in _activities(record, "address") if a["department"]]
    if not token:
        return _first(map(_label_of, held), lambda text: squash(typed) in squash(text))
    return _coded(held, token) or nomenclature.DEPARTMENTS.get(token[1:].upper())


def _structure(record: Record, typed: str, token: str) -> str | None:
    """Its name, or the number that was typed or meant."""
    structures = [*_activities(record, "structure"), *(s for box in record["mailboxes"] for s in box["structures"])]
    numbers = [s.get(name) for s in structures for name in ("finess", "siret", "id")]
    if token[:1] in ("f", "n", "o"):
        return _the(numbers, lambda text: typed.upper() in text or text == token[1:].upper())
    wanted = squash(typed)
    return _first(
        (s["name"] for s in structures), lambda text: token in structure_words((text,)) or wanted in squash(text)
    )


def _profession(record: Record, _typed: str, token: str) -> str | None:
    held = [record["profession"]] if record["profession"] else []
    return _coded(held, token) or nomenclature.label("profession", token[1:].upper()) or _label(held)


def _specialty(record: Record, typed: str, token: str) -> str | None:
    held = record["specialties"]
    if not token:
        return _first((s["label"] for s in held), lambda text: squash(typed) in squash(text))
    return _coded(held, token) or nomenclature.label("expertise", token[1:].upper()) or _label(held)


def _mode(record: Record, _typed: str, token: str) -> str | None:
    return _coded(_activities(record, "mode"), token)


def _coded(held: Iterable[Mapping[str, Any]], token: str) -> str | None:
    return next((c["label"] for c in held if c["code"].lower() == token[1:]), None)


def _label(held: Iterable[Mapping[str, Any]]) -> str | None:
    return next((str(c["label"]) for c in held), None)


def _mailbox(record: Record, typed: str, token: str) -> str | None:
    addresses = [box["address"] for box in record["mailboxes"]]
    if token:
        return _first(addresses, lambda text: domain_word(text.rpartition("@")[2]).startswith(token[1:]))
    return _first(addresses, lambda text: typed in text.casefold())


def _identifier(record: Record, typed: str, _token: str) -> str | None:
    return _first([record["rpps"], *record["adeli"], record["id"]], lambda text: typed.upper() in text)


def _other(record: Record, typed: str, _token: str) -> str | None:
    """A part of a postal address or a telephone number; None where the record does not show it."""
    lines = [text for a in _activities(record, "address") for text in a.values() if isinstance(text, str)]
    if len(typed) < LEAST_INSIDE:
        piece = f" {typed} " if typed.isdigit() else piece_of_street(typed)
        return next((text for text in lines if piece in f" {fold(text)}"), None)
    phones = [phone for activity in record["activities"] for phone in activity["phones"]]
    return next((text for text in (*lines, *phones) if squash(typed) in squash(text)), None)


_TEXTS: Final[Mapping[Field, Callable[[Record, str, str], str | None]]] = {
    Field.FAMILY: lambda record, _typed, _token: record["family_name"] or None,
    Field.GIVEN: lambda record, _typed, _token: record["given_names"] or None,
    Field.PROFESSION: _profession,
    Field.SPECIALTY: _specialty,
    Field.MODE: _mode,
    Field.CITY: _city,
    Field.POSTCODE: _postcode,
    Field.DEPARTMENT: _department,
    Field.STRUCTURE: _structure,
    Field.MAILBOX: _mailbox,
    Field.IDENTIFIER: _identifier,
    Field.OTHER: _other,
}
