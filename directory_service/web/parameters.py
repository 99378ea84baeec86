"""What callers may send: query parameters, path parts and JSON bodies, read against a table of what is known.

Everything unknown, repeated, too long or of the wrong form raises InvalidInput naming the parameter, never its value
(no answer and no log line echoes what was typed).  PURE: no request object here.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl

import orjson

from directory_service.errors import InvalidInput
from directory_service.registry.clock import parse_instant

LONGEST_TEXT = 200  # characters; the longest structure name of the extracts has 164
LONGEST_ADDRESS = 254  # RFC 5321 4.5.3.1.3, less the angle brackets
_LONGEST_INSTANT = 40  # characters
# What ``clean_text`` takes: an expression of ECMA 262, as JSON Schema has them.
_SPACE = r"[\u0009-\u000d\u001c-\u0020\u0085]*"
PRINTABLE = rf"^{_SPACE}[^\u0000-\u0008\u000a-\u001f\u007f-\u009f]*{_SPACE}$"
_MOST_FIELDS = 40  # of one query string; twice what any route knows


@dataclass(frozen=True, slots=True)
class Text:
    """Free text, its outer spaces dropped; empty when absent, and only then where ``filled``."""

    name: str
    longest: int = LONGEST_TEXT
    required: bool = False
    filled: bool = False

    def schema(self) -> dict[str, Any]:
        least = {"minLength": 1} if self.filled else {}
        return {"type": "string", "maxLength": self.longest, "pattern": PRINTABLE, **least}

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

    def schema(self) -> dict[str, Any]:
        """A default below the bounds stands for a number that must be given."""
        known = {"default": self.default} if self.default >= self.low else {}
        return {"type": "integer", "minimum": self.low, "maximum": self.high, **known}

    def parse(self, value: object) -> int:
        if value is None:
            return self.default
        text = value.strip() if isinstance(value, str) else ""
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

    def schema(self) -> dict[str, Any]:
        return {"type": "string", "enum": [*self.words], "description": "Majuscules et minuscules se valent."}

    def parse(self, value: object) -> str:
        if value is None:
            return ""
        # Not str(): that of lists in lists in lists, as JSON may hold, has no end.
        said = value.strip().lower() if isinstance(value, str) else None
        found = {w.lower(): w for w in self.words}.get(said) if said is not None else None
        if found is None:
            raise refused(self.name, f"une de ces valeurs est attendue : {', '.join(self.words)}")
        return found


@dataclass(frozen=True, slots=True)
class YesNo:
    """``true`` or ``false`` of a query string; false when absent."""

    name: str

    def schema(self) -> dict[str, Any]:
        return {"type": "string", "enum": ["true", "false"], "default": "false"}

    def parse(self, value: object) -> bool:
        return Choice(self.name, ("true", "false")).parse(value) == "true"


@dataclass(frozen=True, slots=True)
class Several:
    """Some of a few words, with commas between them, each once and in the order of ``words``; none when absent.
    ``whole`` is the word that stands for all of them, if there is one."""

    name: str
    words: tuple[str, ...]
    whole: str = ""

    def schema(self) -> dict[str, Any]:
        one = f"(?:{'|'.join(self.words)})"
        whole = f"|{self.whole}" if self.whole else ""
        return {"type": "string", "maxLength": LONGEST_TEXT, "pattern": f"^(?:{one}(?:,{one})*{whole})$"}

    def parse(self, value: object) -> tuple[str, ...]:
        if value is None:
            return ()
        if not isinstance(value, str):
            raise refused(self.name, "un texte est attendu")
        said = {part.strip().lower() for part in clean_text(value, self.name).split(",")}
        if self.whole and said == {self.whole}:
            return self.words
        if not said <= set(self.words):
            known = ", ".join((*self.words, *((self.whole,) if self.whole else ())))
            raise refused(self.name, f"des valeurs parmi celles-ci, séparées par des virgules : {known}")
        return tuple(word for word in self.words if word in said)


@dataclass(frozen=True, slots=True)
class Flag:
    """``true`` or ``false`` of a JSON body, or one of a few words that say more than ``true``."""

    name: str
    words: tuple[str, ...] = ()

    def schema(self) -> dict[str, Any]:
        """One ``enum`` of several types is more than openapi-python-client understands."""
        words = {"type": "string", "enum": [*self.words]}
        return {"anyOf": [{"type": "boolean"}, words]} if self.words else {"type": ["boolean", "null"]}

    def parse(self, value: object) -> bool | str:
        if value is None or isinstance(value, bool):
            return bool(value)
        if isinstance(value, str) and value in self.words:
            return value
        *first, last = "true", "false", *self.words
        raise refused(self.name, f"{', '.join(first)} ou {last} est attendu")


@dataclass(frozen=True, slots=True)
class Instant:
    """A date or an instant, ISO 8601; None when absent, and only then where ``filled``."""

    name: str
    filled: bool = False

    def schema(self) -> dict[str, Any]:
        kinds = [{"type": "string", "format": "date-time"}, {"type": "string", "format": "date"}]
        least = {"minLength": 1} if self.filled else {}
        said = {"type": "string", "maxLength": _LONGEST_INSTANT, "anyOf": kinds, "examples": ["2026-11-24T08:30:00Z"]}
        return said | least

    def parse(self, value: object) -> datetime | None:
        text = Text(self.name, _LONGEST_INSTANT, filled=self.filled).parse(value)
        try:
            return parse_instant(text) if text else None
        except InvalidInput as error:
            raise refused(self.name, error.message) from None


Parameter = Text | Whole | Choice | YesNo | Several | Flag | Instant


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


def is_required(parameter: Parameter) -> bool:
    """Whether leaving it out is an error."""
    needed = isinstance(parameter, Whole) and parameter.default < parameter.low
    return needed or bool(getattr(parameter, "required", False))


def body_schema(known: Sequence[Parameter]) -> dict[str, Any]:
    """JSON Schema of an object that ``read_fields`` takes: null is the same as left out."""
    fields = {p.name: p.schema() if is_required(p) else _or_null(p.schema()) for p in known}
    needed = [p.name for p in known if is_required(p)]
    return {"type": "object", "properties": fields, "required": needed, "additionalProperties": False}


def _or_null(schema: dict[str, Any]) -> dict[str, Any]:
    return {"anyOf": [schema, {"type": "null"}]}


def parse_json(body: bytes) -> object:
    """Raises InvalidInput."""
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        raise InvalidInput("le corps n'est pas du JSON", where="corps") from None


def parse_object(body: bytes) -> dict[str, Any]:
    """Raises InvalidInput, also for JSON that is no object."""
    value = parse_json(body)
    if not isinstance(value, dict):
        raise InvalidInput("un objet JSON est attendu", where="corps")
    return value


def clean_text(text: str, where: str, longest: int = LONGEST_TEXT) -> str:
    """``text`` without its outer spaces; refuses what is too long, them included, and what no keyboard types (NUL,
    controls).  A tab is a space: two cells of a spreadsheet are pasted so."""
    if len(text) > longest:
        raise refused(where, f"au plus {longest} caractères")
    text = text.replace("\t", " ").strip()
    if not text.isprintable() and any(unicodedata.category(c) in ("Cc", "Cs") for c in text):
        raise refused(where, "caractère de contrôle")
    return text


def refused(parameter: str, why: str) -> InvalidInput:
    return InvalidInput(why, where=f"paramètre {parameter}" if parameter else "requête")


def _first_known(names: Iterable[str], known: Sequence[Parameter]) -> str:
    ours = {parameter.name for parameter in known}
    return next((name for name in names if name in ours), "")
