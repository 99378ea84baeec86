"""What people ask, drawn from the sample's own mailboxes with a fixed seed."""

from __future__ import annotations

import csv
import random
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from bench.requests import escape


@dataclass(frozen=True, slots=True)
class Known:
    """One mailbox of the extract: what a user may have in mind when typing."""

    address: str
    family: str
    given: str
    rpps: str = ""


def read_known(folder: Path, *, wanted: int = 60_000, seed: int = 7) -> list[Known]:
    """A uniform draw of personal mailboxes from the MSSanté extract of a sample folder."""
    path = next(folder.glob("Extraction_Correspondance_MSSante*.txt"))
    with path.open(encoding="utf-8-sig", newline="") as lines:
        rows = csv.DictReader(lines, delimiter="|", quoting=csv.QUOTE_NONE)
        found = [
            Known(r["Adresse BAL"], r["Nom d'exercice"], r["Prénom d'exercice"], _rpps(r))
            for r in rows
            if r["Type de BAL"] == "PER" and r["Nom d'exercice"] and "@" in r["Adresse BAL"]
        ]
    return random.Random(seed).sample(found, min(wanted, len(found)))


def _rpps(row: dict[str, str]) -> str:
    return row["Identifiant PP"] if row["Type Identifiant PP"] == "8" else ""


def equality(known: list[Known]) -> list[str]:
    return [f"(mail={escape(k.address)})" for k in known]


def by_number(known: list[Known]) -> list[str]:
    return [f"(asRpps={k.rpps})" for k in known if k.rpps]


def client(known: list[Known], made: Callable[[str], str], *, seed: int = 8) -> list[str]:
    """What a client sends for 3 to 8 letters of the surname; one text in four goes on with the given name."""
    rng = random.Random(seed)
    return [made(_typed(k, rng)) for k in known]


def outlook_filter(text: str) -> str:
    """Autocomplete of the address book."""
    typed = escape(text)
    return f"(&(mail=*)(|(mail={typed}*)(|(cn={typed}*)(|(sn={typed}*)(givenName={typed}*)))))"


def apple_filter(text: str) -> str:
    """Contacts and Mail of macOS."""
    typed = escape(text)
    return f"(|(givenname={typed}*)(sn={typed}*)(cn={typed}*)(mail={typed}*))"


def evolution_filter(text: str) -> str:
    """Completion: the whole, and its words with anything between."""
    typed, apart = escape(text), "*".join(map(escape, text.split()))
    names = f"(displayName={typed}*)(mail={typed}*)(displayName=*{apart}*)(mail=*{apart}*)(|(cn={typed}*)(sn={typed}*))"
    return f"(&(objectClass=inetOrgPerson)(|{names}))"


def roundcube_filter(text: str) -> str:
    """Each word in any of four attributes."""
    each = (escape(word) for word in text.split())
    words = (f"(|(cn=*{w}*)(givenName=*{w}*)(sn=*{w}*)(mail=*{w}*))" for w in each)
    return f"(&(objectClass=inetOrgPerson){''.join(words)})"


def lengths(known: list[Known], letters: int) -> list[str]:
    """Thunderbird's filter for so many letters of longer names."""
    names = (k.family.lower() for k in known if len(k.family) > letters and k.family.isalpha())
    return [thunderbird_filter(name[:letters]) for name in names]


def short(known: list[Known], letters: int) -> list[str]:
    return sorted({thunderbird_filter(k.family[:letters].lower()) for k in known if len(k.family) >= letters})


def nothing(known: list[Known]) -> list[str]:
    """Names spelt so that nobody bears them: the middle letters doubled and reversed."""
    return [thunderbird_filter(k.family.lower()[::-1] + "zq" + k.given.lower()[::-1]) for k in known[:2000]]


def typed_texts(known: list[Known], *, seed: int = 9) -> list[str]:
    """What a portal's search box receives: 1 to 8 letters, one in four with the given name."""
    rng = random.Random(seed)
    return [_typed(k, rng, shortest=1) for k in known]


def _typed(known: Known, rng: random.Random, shortest: int = 3) -> str:
    family = known.family.lower()
    if rng.random() < 0.25:
        return f"{family} {known.given.lower()[: rng.randint(2, 6)]}".strip()
    return family[: rng.randint(shortest, 8)].strip()


def thunderbird_filter(text: str) -> str:
    """Thunderbird's autocomplete, its own template: in ``cn`` the first word and the others, in ``givenName`` the first
    alone, the text whole in ``mail`` and ``sn``."""
    whole = escape(text)
    first, _, others = whole.partition(" ")
    starred = f"{first}*{others}" if others else first
    return f"(|(cn=*{starred}*)(mail=*{whole}*)(givenName=*{first}*)(sn=*{whole}*))"
