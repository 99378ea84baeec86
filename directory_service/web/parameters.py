"""What callers may send: query parameters, path parts and JSON bodies, read against a table of what is known.

Everything unknown, repeated, too long or of the wrong form raises InvalidInput naming the parameter, never its value
(no answer and no log line echoes what was typed).  PURE: no request object here.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

from directory_service.errors import InvalidInput

LONGEST_TEXT = 200  # characters; the longest structure name of the extracts has 164
LONGEST_ADDRESS = 254  # RFC 5321 4.5.3.1.3, less the angle brackets
_MOST_FIELDS = 40  # of one query string; twice what any route knows


@dataclass(frozen=True, slots=True)
class Text:
    """Free text, its outer spaces dropped; empty when absent, and only then where ``filled``."""

    name: str
    longest: int = LONGEST_TEXT
    required: bool = False
    filled: bool = False

    def parse(self, value: object) -> str:
        if value is None:
            if self.required:
                raise refused(self.name, "ce paramètre est obligatoire")
            return ""
        if not isinstance(value, str):
            raise refused(self.name, "un texte est attendu")
        text = clean_text(value, self.name, self.longest)
        if self.filled and not text:
            raise refused(self.name, "ce paramètre est vide : donnez-le, ou laissez-le de côté")
        return text


@dataclass(frozen=True, slots=True)
class Whole:
    """A whole number between two bounds, both allowed."""

    name: str
    low: int
    high: int
    default: int

    def parse(self, value: object) -> int:
        if value is None:
            return self.default
        text = str(value).strip()
        # isascii: int() and isdigit() take Arabic or Thai digits too.
        number = int(text) if text.isascii() and text.isdigit() and len(text) < 10 else -1
        if not self.low <= number <= self.high:
            raise refused(self.name, f"un nombre entier de {self.low} à {self.high} est attendu")
        return number


@dataclass(frozen=True, slots=True)
class Choice:
    """One of a few words, whatever the case; empty when absent."""

    name: str
    words: tuple[str, ...]

    def parse(self, value: object) -> str:
        if value is None:
            return ""
        found = {w.lower(): w for w in self.words}.get(str(value).strip().lower())
        if found is None:
            raise refused(self.name, f"une de ces valeurs est attendue : {', '.join(self.words)}")
        return found


@dataclass(frozen=True, slots=True)
class Flag:
    """``true`` or ``false`` of a JSON body."""

    name: str

    def parse(self, value: object) -> bool:
        if value is None or isinstance(value, bool):
            return bool(value)
        raise refused(self.name, "true ou false est attendu")


@dataclass(frozen=True, slots=True)
class FlagOr:
    """``true`` or ``false`` of a JSON body, or one of a few words that say more than ``true``."""

    name: str
    words: tuple[str, ...]

    def parse(self, value: object) -> bool | str:
        if value is None or isinstance(value, bool):
            return bool(value)
        if isinstance(value, str) and value in self.words:
            return value
        raise refused(self.name, f"true, false ou {', '.join(self.words)} est attendu")


Parameter = Text | Whole | Choice | Flag | FlagOr


def read_query(raw: bytes, known: Sequence[Parameter]) -> dict[str, Any]:
    """The value of every known parameter, from the query string as received.  Raises InvalidInput."""
    try:
        pairs = parse_qsl(raw.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=_MOST_FIELDS)
    except UnicodeDecodeError:
        raise InvalidInput("le texte n'est pas de l'UTF-8 codé en pour cent", where="requête") from None
    except ValueError:
        raise InvalidInput(f"plus de {_MOST_FIELDS} paramètres", where="requête") from None
    given = dict(pairs)
    if len(given) < len(pairs):
        names = [name for name, _ in pairs]
        raise refused(_first_known((n for n in names if names.count(n) > 1), known), "paramètre donné plusieurs fois")
    return read_fields(given, known)


def read_fields(given: Mapping[str, object], known: Sequence[Parameter]) -> dict[str, Any]:
    """The value of every known field of ``given``; a name that is not known is refused without being repeated."""
    values = {parameter.name: parameter.parse(given.get(parameter.name)) for parameter in known}
    if not given.keys() <= values.keys():
        raise InvalidInput(f"paramètre inconnu ; les paramètres sont : {', '.join(values) or 'aucun'}", where="requête")
    return values


def clean_text(text: str, where: str, longest: int = LONGEST_TEXT) -> str:
    """``text`` without its outer spaces; refuses what is too long and what no keyboard types (NUL, controls)."""
    text = text.strip()
    if len(text) > longest:
        raise refused(where, f"au plus {longest} caractères")
    if not text.isprintable() and any(unicodedata.category(c) in ("Cc", "Cs") for c in text):
        raise refused(where, "caractère de contrôle")
    return text


def refused(parameter: str, why: str) -> InvalidInput:
    return InvalidInput(why, where=f"paramètre {parameter}" if parameter else "requête")


def _first_known(names: Iterable[str], known: Sequence[Parameter]) -> str:
    ours = {parameter.name for parameter in known}
    return next((name for name in names if name in ours), "")
