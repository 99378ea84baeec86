"""What a matching rule that an extensible match names does to a value (RFC 4511 4.5.1.7.7, RFC 4517 4.2).  PURE.

Every attribute has its own rule (``attributes``), by which the index finds it.  A standard rule that a client names is
narrower: a value must then be equal by both, so that what the index finds is a superset whatever Unicode does.  Our own
``asNameMatch`` and ``asPlaceMatch``, and the rules that say no more than the attribute's, leave nothing to add.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Final

from directory_service.entries.attributes import ATTRIBUTES
from directory_service.entries.comparing import MatchRule
from directory_service.index.query import Equal, Extensible, Substrings
from directory_service.model.names import normalized
from ldap_schema.matching import find_rule
from ldap_schema.schema import load


@lru_cache(maxsize=1024)
def suited(rule: str, attribute: str) -> tuple[str, ...] | None:
    """The attributes of the table that an assertion by this rule is about; ``attribute`` "" names none.  None when the
    rule does not suit the attribute named: the assertion is Undefined."""
    known = find_rule(rule)
    if known is None:
        return None
    schema = load()
    if attribute:
        definition = schema.resolve(attribute)
        return (attribute,) if definition and schema.suits(known, definition) else None
    definitions = [(a.name, schema.resolve(a.name)) for a in ATTRIBUTES.values()]
    return tuple(name for name, d in definitions if d and schema.suits(known, d))


@lru_cache(maxsize=64)
def structural(classes: tuple[bytes, ...]) -> str:
    """The structural class of an entry of these classes."""
    return load().structural(name.decode() for name in classes)


def _spaces(text: str) -> str:
    return " ".join(text.split())


def _exactly(text: str) -> str:
    return _spaces(normalized("NFKC", text))


def _ignoring_case(text: str) -> str:
    return _spaces(normalized("NFKC", normalized("NFKC", text.casefold()).casefold()))


# Rules that tell apart what the attribute's own may not: RFC 4518 2, but for characters that are mapped to nothing.
_PREPARED: Final[dict[str, Callable[[str], str]]] = {
    "caseIgnoreMatch": _ignoring_case,
    "caseExactMatch": _exactly,
    "caseIgnoreIA5Match": _ignoring_case,
    "caseExactIA5Match": _exactly,
    "numericStringMatch": lambda text: text.replace(" ", ""),
    "telephoneNumberMatch": lambda text: re.sub(r"[ -]", "", text.casefold()),
}
_SUBSTRINGS_OF: Final = frozenset((MatchRule.NAME, MatchRule.TEXT, MatchRule.MAIL, MatchRule.EXACT, MatchRule.DIGITS))


def plain(asked: Extensible) -> Equal | Substrings | None:
    """The assertion by the attribute's own rule; None when the value is not of the syntax of the rule."""
    if not _is_substrings(asked.rule):
        return Equal(asked.attribute, asked.value)
    parts = _components(asked.value)
    if parts is None or ATTRIBUTES[asked.attribute.lower()].rule not in _SUBSTRINGS_OF:
        return None
    return Substrings(asked.attribute, parts[0], tuple(p for p in parts[1:-1] if p), parts[-1])


def narrower(asked: Extensible) -> Callable[[bytes], bool] | None:
    """What a value must meet as well; None: nothing."""
    known = find_rule(asked.rule) if asked.rule else None
    made = _PREPARED.get(known.equality or known.name) if known else None
    if made is None or known is None:
        return None
    if known.equality:
        first, *middle, last = [made(part.decode(errors="replace")) for part in _components(asked.value) or (b"", b"")]
        holds = in_order(first, middle, last)
        return lambda value: holds(made(value.decode(errors="replace")))
    wanted = made(asked.value.decode(errors="replace"))
    return lambda value: made(value.decode(errors="replace")) == wanted


def _is_substrings(rule: str) -> bool:
    known = find_rule(rule) if rule else None
    return bool(known and known.equality)


def _components(value: bytes) -> list[bytes] | None:
    """RFC 4517 3.3.30: ``*dup*jean``; ``\\2A`` and ``\\5C`` are a star and a backslash."""
    parts = value.split(b"*")
    if len(parts) < 2 or not any(parts):
        return None
    return [re.sub(rb"\\(2[Aa]|5[Cc])", lambda m: bytes([int(m[1], 16)]), part) for part in parts]


def in_order(start: str, middle: Sequence[str], end: str) -> Callable[[str], bool]:
    """Whether a value begins and ends so, and has what is in the middle between, in this order."""

    def holds(value: str) -> bool:
        at, stop = len(start), len(value) - len(end)
        if at > stop or not (value.startswith(start) and value.endswith(end)):
            return False
        for piece in middle:
            at = value.find(piece, at, stop)
            if at < 0:
                return False
            at += len(piece)
        return True

    return holds
