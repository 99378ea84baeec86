"""Public records as vCards: 4.0 (RFC 6350), or 3.0 (RFC 2426) for those who ask for it.  PURE.

From the JSON of the index and nothing else, so that a card says what ``/v1`` says.  A small writer of our own: the kept
library (vobject) writes 3.0 only.  Cards are in UTF-8 with lines of at most 75 octets, folded between characters.
Numbers stand in properties of our own (``X-RPPS``, ``X-ADELI``, ``X-FINESS``, ``X-SIRET``): no standard has them.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterable, Iterator, Sequence
from enum import StrEnum
from typing import Any, Final, NamedTuple

from directory_service.entries.labels import SHORT_TITLES, capitalised, person_label
from directory_service.model.specialists import SPECIALISTS

Record = dict[str, Any]
PRODUCT: Final = "-//annuaire//carnet//FR"
_SPACE: Final = uuid.uuid5(uuid.NAMESPACE_DNS, "annuaire-sante.cards")
_MOST_PLACES: Final = 10  # of one card: telephones show a few
_LINE: Final = 75  # octets (RFC 6350 3.2), the line end aside


class Version(StrEnum):
    V3 = "3.0"
    V4 = "4.0"


class Line(NamedTuple):
    """``value`` is escaped already; parameters are ``name=value``, safe as they stand."""

    name: str
    value: str
    parameters: tuple[str, ...] = ()


def practitioner_card(record: Record, changed: str = "", version: Version = Version.V4, source: str = "") -> bytes:
    """``record`` as ``/v1/practitioners/{id}`` has it, ``changed`` its generalizedTime, ``source`` its URL."""
    return write((*_head("practitioner", record["id"], version, source), *_person(record, version), *_rev(changed)))


def organization_card(record: Record, changed: str = "", version: Version = Version.V4, source: str = "") -> bytes:
    return write((*_head("organization", record["id"], version, source), *_structure(record, version), *_rev(changed)))


def mailbox_card(record: Record, version: Version = Version.V4, source: str = "") -> bytes:
    """An open mailbox by itself: who holds it, and how to write there."""
    return write((*_head("mailbox", record["address"], version, source), *_mailbox(record, version)))


def uid_of(kind: str, identifier: str) -> str:
    """The same for one record wherever and whenever its card is made."""
    return f"urn:uuid:{uuid.uuid5(_SPACE, f'{kind}/{identifier}')}"


def _head(kind: str, identifier: str, version: Version, source: str) -> Iterator[Line]:
    yield Line("VERSION", version.value)
    yield Line("PRODID", PRODUCT)
    yield Line("UID", uid_of(kind, identifier))
    if source:
        yield Line("SOURCE", source)


def _rev(changed: str) -> Iterator[Line]:
    """``20260601034500Z`` as ``20260601T034500Z``, which both versions read."""
    if len(changed) == 15:
        yield Line("REV", f"{changed[:8]}T{changed[8:]}")


# --- who -------------------------------------------------------------------------------------------------------------


def _person(record: Record, version: Version) -> Iterator[Line]:
    family, given = record["family_name"] or "", capitalised(record["given_names"] or "")
    title = (record["title"] or {}).get("code", "")
    shown = person_label(title, given, family) or record["id"]
    yield from _kind("individual", version)
    yield Line("FN", escape(shown))
    yield Line("N", ";".join(map(escape, (family, given, "", SHORT_TITLES.get(title, ""), ""))))
    yield from _work(record)
    yield from _places(record, version)
    yield from _mails(record["mailboxes"], version)
    yield from _numbers(("X-RPPS", [record["rpps"]]), ("X-ADELI", record["adeli"]))
    if record["status"] != "active":
        yield Line("NOTE", escape("N'exerce plus."))


def _kind(kind: str, version: Version) -> Iterator[Line]:
    """Apple's word for it in 3.0."""
    if version is Version.V4:
        yield Line("KIND", kind)
    elif kind == "org":
        yield Line("X-ABSHOWAS", "COMPANY")


def _work(record: Record) -> Iterator[Line]:
    """The profession; as the role, what a specialist is called."""
    profession = record["profession"]
    skills = record["specialties"]
    if profession:
        yield Line("TITLE", escape(profession["label"]))
    role = next((SPECIALISTS[s["code"]] for s in skills if s["code"] in SPECIALISTS), "")
    if role:
        yield Line("ROLE", escape(role))
    labels = dict.fromkeys([*([profession["label"]] if profession else []), *(s["label"] for s in skills)])
    if labels:
        yield Line("CATEGORIES", ",".join(map(escape, labels)))


def _places(record: Record, version: Version) -> Iterator[Line]:
    activities = record["activities"][:_MOST_PLACES]
    structures = [a["structure"] for a in activities if a["structure"]]
    names = list(dict.fromkeys(s["name"] for s in structures if _is_name(s)))
    # Version 3.0 has one organization a card.
    for name in names if version is Version.V4 else names[:1]:
        yield Line("ORG", escape(name))
    yield from _addresses([a["address"] for a in activities if a["address"]], version)
    yield from _phones([p for a in activities for p in a["phones"]], version)


def _is_name(structure: Record) -> bool:
    """A practice without a name goes by its number."""
    return bool(structure["name"]) and structure["name"] != structure["id"]


def _structure(record: Record, version: Version) -> Iterator[Line]:
    name = record["trade_name"] or record["name"] or record["id"]
    yield from _kind("org", version)
    yield Line("FN", escape(name))
    yield Line("N", ";".join((escape(name), "", "", "", "")))
    yield Line("ORG", escape(name))
    if record["sector"]:
        yield Line("CATEGORIES", escape(record["sector"]["label"]))
    yield from _addresses([record["address"]] if record["address"] else [], version)
    yield from _phones(record["phones"], version)
    if record["fax"]:
        yield _phone(record["fax"], ("work", "fax"), version)
    yield from _mails(record["mailboxes"], version)
    yield from _numbers(("X-FINESS", [record["finess"]]), ("X-SIRET", [record["siret"]]))
    if record["status"] != "active":
        yield Line("NOTE", escape("Structure fermée."))


def _mailbox(record: Record, version: Version) -> Iterator[Line]:
    holders = [h for h in record["holders"] if h["listed"] and not h["until"]]
    shown = ", ".join(dict.fromkeys(h["label"] for h in holders)) or record["address"]
    one = holders[0] if len(holders) == 1 and holders[0]["kind"] == "person" else None
    yield from _kind("individual" if one else "org", version)
    yield Line("FN", escape(shown))
    family, given = (one["family_name"] or "", one["given_names"] or "") if one else (shown, "")
    yield Line("N", ";".join((escape(family), escape(capitalised(given)), "", "", "")))
    names = dict.fromkeys(s["name"] for h in holders for s in h["structures"])
    for name in [*names][:1]:
        services = [h["service"] for h in holders if h["service"]]
        yield Line("ORG", ";".join(map(escape, (name, *services[:1]))))
    yield from _mails([{"address": record["address"], "preferred": False}], version)


# --- parts -----------------------------------------------------------------------------------------------------------


def _addresses(places: Iterable[Record], version: Version) -> Iterator[Line]:
    told = {}
    for p in places:
        town = p["city"] or p["cedex"] or ""
        parts = ("", p["distribution"], p["street"], town, "", p["postcode"], p["country"] or "FRANCE")
        if p["street"] or p["postcode"] or town:
            told[parts] = Line("ADR", ";".join(escape(part or "") for part in parts), _typed(("work",), version))
    yield from told.values()


def _phones(numbers: Sequence[str], version: Version) -> Iterator[Line]:
    for number in dict.fromkeys(numbers):
        yield _phone(number, ("work", "voice"), version)


def _phone(number: str, types: tuple[str, ...], version: Version) -> Line:
    """As a URI where it is a number of France: every telephone can dial that, from abroad too."""
    digits = re.sub(r"[^0-9]", "", number)
    if version is Version.V4 and len(digits) == 10 and digits[0] == "0":
        quoted = f'TYPE="{",".join(types)}"' if len(types) > 1 else f"TYPE={types[0]}"
        return Line("TEL", f"tel:+33{digits[1:]}", ("VALUE=uri", quoted))
    return Line("TEL", escape(number), _typed(types, version))


def _typed(types: tuple[str, ...], version: Version) -> tuple[str, ...]:
    return tuple(f"TYPE={t if version is Version.V4 else t.upper()}" for t in types)


def _mails(boxes: Sequence[Record], version: Version) -> Iterator[Line]:
    """In the order of the record; the preferred one says so."""
    for box in boxes:
        preferred = box["preferred"] or (box is boxes[0] and not any(b["preferred"] for b in boxes))
        if version is Version.V4:
            yield Line("EMAIL", escape(box["address"]), ("TYPE=work", *(["PREF=1"] if preferred else [])))
        else:
            types = ("TYPE=INTERNET", "TYPE=WORK", *(["TYPE=PREF"] if preferred else []))
            yield Line("EMAIL", escape(box["address"]), types)


def _numbers(*held: tuple[str, Sequence[str | None]]) -> Iterator[Line]:
    for name, numbers in held:
        yield from (Line(name, escape(n)) for n in numbers if n)


# --- the wire --------------------------------------------------------------------------------------------------------

_CONTROL: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")


def escape(text: str) -> str:
    """RFC 6350 3.4; control characters, which no field should have, go."""
    plain = _CONTROL.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))
    return plain.replace("\\", "\\\\").replace(",", "\\,").replace(";", "\\;").replace("\n", "\\n")


def write(lines: Iterable[Line]) -> bytes:
    return b"".join(_folded(_text(line)) for line in (Line("BEGIN", "VCARD"), *lines, Line("END", "VCARD")))


def _text(line: Line) -> str:
    return ";".join((line.name, *line.parameters)) + ":" + line.value


def _folded(text: str) -> bytes:
    """Cut so that no line is longer than allowed, never within a character; each further line starts with a space."""
    octets = text.encode()
    if len(octets) <= _LINE:
        return octets + b"\r\n"
    pieces, room = [], _LINE
    while octets:
        cut = min(room, len(octets))
        while cut < len(octets) and octets[cut] & 0xC0 == 0x80:
            cut -= 1
        pieces.append(octets[:cut])
        octets, room = octets[cut:], _LINE - 1
    return b"\r\n ".join(pieces) + b"\r\n"
