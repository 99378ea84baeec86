"""Names of certificates (DN) as white lists write them, and the organizations that they name.  PURE.

Seen in the list of February 2025: ``CN=mss.exemple.fr,OU=318310021300028,O=GIP EXEMPLE,ST=Paris (75),C=FR``, values in
bare quotes, spaces after commas or doubled; ``OU`` holds the national number of the structure (idNat_Struct: type
digit and number).  Written forms that differ by case, spaces, quotes or order are one name here.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from directory_service.model.names import fold_once

_COMMA = re.compile(r'(?:\\.|"[^"]*"|[^,"\\]|")+')  # a quote that never closes is a letter
_ESCAPED = re.compile(r"\\(.)")
_NUMBER = re.compile(r"[0-9][0-9A-Z]{7,15}", re.ASCII)  # idNat_Struct: type digit, then FINESS, SIREN, SIRET…
_SLUG = re.compile(r"[^a-z0-9]+")
LONGEST_SLUG = 40


class Party(NamedTuple):
    """The organization of a certificate: ``key`` is the same for all its certificates."""

    key: str
    label: str
    number: str  # idNat_Struct; empty where OU holds none


def parse_subject(text: str) -> tuple[tuple[str, str], ...]:
    """(TYPE, value) pairs in the order written; parts that have no ``=`` are left out."""
    parts = (part.partition("=") for part in _COMMA.findall(text))
    return tuple((kind.strip().upper(), _value(value)) for kind, equals, value in parts if equals)


def _value(written: str) -> str:
    return " ".join(_ESCAPED.sub(r"\1", written).replace('"', " ").split())


def subject_key(text: str) -> str:
    """What two written forms of one name have in common; empty for what is no name."""
    return "\n".join(sorted(f"{kind}={value.casefold()}" for kind, value in parse_subject(text)))


def party_of(text: str) -> Party:
    """The organization that holds the certificate of this name: by its number, else its name, else the name itself."""
    said: dict[str, str] = {}
    for kind, value in parse_subject(text):
        said.setdefault(kind, value)
    label = said.get("O") or said.get("CN") or text.strip()
    number = said.get("OU", "").upper()
    number = number if _NUMBER.fullmatch(number) else ""
    return Party(f"OU={number}" if number else f"O={label.casefold()}", label, number)


def slug(label: str) -> str:
    """A name for an operator, in the letters that ``registry.operators`` takes."""
    return _SLUG.sub("-", fold_once(label)).strip("-")[:LONGEST_SLUG].strip("-") or "operateur"
