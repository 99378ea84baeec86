"""What records hold, in the words of a page.  PURE."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from directory_service.entries.labels import capitalised, person_label
from directory_service.model.publication import PURPOSES

Record = Mapping[str, Any]

MONTHS: Final = (
    "janvier", "février", "mars", "avril", "mai", "juin", "juillet", "août", "septembre", "octobre", "novembre",
    "décembre",
)  # fmt: skip
BOX_KINDS: Final = {
    "PER": "Boîte personnelle",
    "ORG": "Boîte d’un service ou d’une structure",
    "APP": "Boîte d’une application",
    "CAB": "Boîte d’un cabinet",
}
# Sources, as people know them.
SOURCES: Final = {
    "rpps.activity": "RPPS, lieux d’exercice",
    "rpps.diploma": "RPPS, diplômes",
    "rpps.expertise": "RPPS, savoir-faire",
    "adeli.activity": "ADELI",
    "cat18.activity": "extraction monotable CAT18",
    "links.adeli_rpps": "correspondance ADELI – RPPS",
    "mssante.mailboxes": "liste nationale des boîtes MSSanté",
    "mssante.whitelist": "liste blanche de l’espace de confiance",
    "publication": "publication par l’opérateur",
    "rule": "règle des adresses de patients",
}
_NO_BREAK: Final = "\N{NARROW NO-BREAK SPACE}"


def day(instant: str | None) -> str:
    """``2026-01-05T03:45:00Z`` is ``5 janvier 2026``."""
    if not instant:
        return ""
    year, month, number = instant[:10].split("-")
    first = "1er" if number == "01" else str(int(number))
    return f"{first} {MONTHS[int(month) - 1]} {year}"


def minute(instant: str) -> str:
    """With the time of day, of Paris."""
    there = datetime.fromisoformat(instant).astimezone(ZoneInfo("Europe/Paris"))
    return f"{day(there.isoformat())} à {there:%H{_NO_BREAK}h{_NO_BREAK}%M} (heure de Paris)"


def name(person: Record) -> str:
    """``Dr Zoé D'ESSAI``."""
    title = (person.get("title") or {}).get("code", "")
    shown = person_label(title, person.get("given_names") or "", person.get("family_name") or "")
    return shown or str(person["id"])


def given(names: str | None) -> str:
    return capitalised(names or "")


def trade(person: Record) -> str:
    """Profession, and what she is expert in."""
    profession = (person.get("profession") or {}).get("label") or ""
    skills = [s["label"] for s in person.get("specialties") or [] if s.get("label")]
    return ", ".join(p for p in (profession, *skills) if p)


def place(address: Record | None) -> str:
    """Postcode and town."""
    return " ".join(x for x in ((address or {}).get("postcode"), (address or {}).get("city")) if x)


def structure(record: Record | None, nameless: str = "Structure sans nom") -> str:
    """By its sign, else its name.  Where a source gives neither, records hold its number: nothing for people."""
    known = record or {}
    found = known.get("trade_name") or known.get("name") or ""
    return nameless if found in ("", known.get("id")) else found


def posts(activities: Sequence[Record]) -> list[str]:
    """As what somebody works at one place, each once: what an older source says in part is left out."""
    said = [[(a.get(part) or {}).get("label") for part in ("mode", "role", "sector")] for a in activities]
    told = [list(filter(None, labels)) for labels in said]
    whole = [labels for labels in told if not any(set(labels) < set(others) for others in told)]
    return list(dict.fromkeys(" · ".join(labels) for labels in whole if labels))


def lines(address: Record | None) -> list[str]:
    """A postal address, line by line."""
    known = address or {}
    first = [known.get(k) for k in ("recipient", "point", "street", "distribution")]
    return [x for x in (*first, known.get("cedex") or place(known), known.get("country")) if x and x != "FRANCE"]


def phone(number: str) -> str:
    """French numbers two digits at a time."""
    plain = number.replace(" ", "").replace(".", "")
    if len(plain) == 10 and plain.isdigit():
        return _NO_BREAK.join(plain[i : i + 2] for i in range(0, 10, 2))
    return number


def number(value: int) -> str:
    """Thousands apart."""
    return f"{value:,}".replace(",", _NO_BREAK)


def grouped(text: str) -> str:
    """An identifier three characters at a time, from its end."""
    start = len(text) % 3
    return _NO_BREAK.join(x for x in (text[:start], *[text[i : i + 3] for i in range(start, len(text), 3)]) if x)


_SET: Final = (
    ("'", "’"), (" :", "\N{NO-BREAK SPACE}:"), ("« ", "«\N{NO-BREAK SPACE}"), (" »", "\N{NO-BREAK SPACE}»"),
    *((f" {mark}", f"{_NO_BREAK}{mark}") for mark in ";?!%"),
)  # fmt: skip
_FOR_PROGRAMS: Final = re.compile(r" \(paramètre \w+\)")


def typeset(text: str) -> str:
    """A text of the API, typed as on a keyboard, with the apostrophes and spaces of pages; what it says to programs
    only is left out."""
    said = _FOR_PROGRAMS.sub("", text)
    for typed, set_ in _SET:
        said = said.replace(typed, set_)
    return said


def sentence(text: str) -> str:
    """The same, as a sentence of its own."""
    said = typeset(text)
    return said[:1].upper() + said[1:] + ("" if said.endswith((".", "?", "!")) else ".")


def box_kind(code: str | None) -> str:
    return BOX_KINDS.get(code or "", "Boîte")


def uses(purposes: Sequence[str]) -> str:
    """What a mailbox is meant for, as its operator said."""
    return typeset(" ; ".join(PURPOSES[word] for word in purposes if word in PURPOSES))


def source(code: str) -> str:
    return SOURCES.get(code, code)


def plural(count: int, one: str, many: str) -> str:
    """``1 résultat``, ``2 résultats``."""
    return f"{number(count)} {many if count > 1 else one}"


def holder_path(holder: Record) -> str:
    """Where the page of a holder is, if a register knows it."""
    kind = "professionnels" if holder.get("kind") == "person" else "organisations"
    return f"/{kind}/{holder['id']}"


FILTERS: Final[dict[str, Callable[..., Any]]] = {
    f.__name__: f
    for f in (
        day,
        minute,
        name,
        given,
        trade,
        place,
        structure,
        posts,
        lines,
        phone,
        number,
        grouped,
        box_kind,
        uses,
        source,
        plural,
        holder_path,
        typeset,
        sentence,
    )
}
