"""Values made comparable: each rule of matching as a function of text, whose results are compared by ``==`` and ``in``.
PURE.

Which attribute has which rule is ``attributes``'s table; what a rule that a client names adds to it is ``rules``'s.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from enum import Enum
from functools import lru_cache
from typing import Final

from directory_service.entries.marks import unmarked
from directory_service.errors import InvalidInput
from directory_service.ldap.dn import normalise
from directory_service.model.names import fold_any, squash
from ldap_schema.schema import load


class MatchRule(Enum):
    """How two values are made comparable; see ``PREPARE``."""

    NAME = "name"  # accents, case, spaces, hyphens and apostrophes do not count: our asNameMatch
    TEXT = "text"  # accents and case do not count, punctuation is a space
    MAIL = "mail"  # case does not count
    EXACT = "exact"  # case and spaces do not count
    DIGITS = "digits"  # telephone numbers: only digits and letters count, +33 is 0
    TIME = "time"  # generalizedTime, in UTC to the second
    BOOLEAN = "boolean"
    DN = "dn"
    CLASS = "class"  # name or OID of an object class of the schema
    UUID = "uuid"
    OCTETS = "octets"
    NONE = "none"  # no equality: only presence can be asked for

    __hash__ = object.__hash__  # that of ``Enum`` is written in Python, and each value compared looks up its rule


_NOT_IN_NUMBER: Final = re.compile(r"[^0-9a-z+]")
_LONG_TIME: Final = 32  # characters; longer ones are not remembered
_TIME_FORM: Final = re.compile(r"(\d{10})(\d\d)?(\d\d)?(?:[.,]\d+)?(Z|[+-]\d{2}(?:\d{2})?)", re.ASCII)


def _digits(text: str) -> str:
    """``+33 4 72.00`` and ``0033472-00`` are ``047200`` (RFC 4518 2.6.3, and the way the French write numbers)."""
    kept = _NOT_IN_NUMBER.sub("", text.lower())
    for prefix in ("+33", "0033"):
        if kept.startswith(prefix):
            return "0" + kept.removeprefix(prefix).removeprefix("0")
    return kept


def _mail(text: str) -> str:
    """Text of ASCII is not what folding makes of other signs: those are not of the syntax (RFC 4517 3.3.15)."""
    bare = text.strip()
    folded = bare.casefold()
    return unmarked(folded) if bare.isascii() or not folded.isascii() else ""


def _exact(text: str) -> str:
    return text.casefold().replace(" ", "")


def _time(text: str) -> str:
    """RFC 4517 3.3.13, in UTC; a fraction of a second is dropped.  It may be as long as anybody likes."""
    return (_moment if len(text) <= _LONG_TIME else _moment.__wrapped__)(text)


@lru_cache(maxsize=4096)
def _moment(text: str) -> str:
    found = _TIME_FORM.fullmatch(text)
    if not found:
        return ""
    hour, minute, second, zone = found.groups()
    try:
        naive = datetime.strptime(f"{hour}{minute or '00'}{second or '00'}+0000", "%Y%m%d%H%M%S%z")
        moment = naive.replace(tzinfo=_zone(zone)).astimezone(UTC)
        return f"{moment.year:04}{moment:%m%d%H%M%SZ}"  # %Y writes the year 999 in three digits
    except (ValueError, OverflowError):
        return ""


def _zone(text: str) -> timezone:
    if text == "Z":
        return UTC
    offset = timedelta(hours=int(text[1:3]), minutes=int(text[3:5] or 0))
    return timezone(-offset if text[0] == "-" else offset)


def _boolean(text: str) -> str:
    folded = text.casefold()
    return folded if folded in ("true", "false") else ""


_UUID_FORM: Final = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def _uuid(text: str) -> str:
    """RFC 4530 2.1."""
    folded = text.lower()
    return folded if _UUID_FORM.fullmatch(folded) else ""


def _dn(text: str) -> str:
    try:
        return normalise(text)
    except InvalidInput:
        return ""


def _class(text: str) -> str:
    known = load().object_class(text)
    return known.name.lower() if known else ""


PREPARE: Final[dict[MatchRule, Callable[[str], str]]] = {
    MatchRule.NAME: squash,
    MatchRule.TEXT: fold_any,
    MatchRule.MAIL: _mail,
    MatchRule.EXACT: _exact,
    MatchRule.DIGITS: _digits,
    MatchRule.TIME: _time,
    MatchRule.BOOLEAN: _boolean,
    MatchRule.DN: _dn,
    MatchRule.CLASS: _class,
    MatchRule.UUID: _uuid,
    MatchRule.OCTETS: lambda text: text.encode().hex(),
    MatchRule.NONE: lambda _text: "",
}
