"""``addressbook-query`` (RFC 6352 8.6, 10.5): what the index is asked, and which cards truly match.  PURE.

The index gives a superset, from words of names, of addresses and so on; each card is then read and held to the filter
as it was written.  Text compares without case (i;unicode-casemap) and, since people who look for Zoé type Zoe, without
accents.  What the index cannot narrow (a property that is absent, a negation) is None here: the book must be listed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from directory_service.errors import InvalidInput
from directory_service.index.query import FALSE, TRUE, And, Filter, InText, Or, Substrings
from directory_service.model.names import fold_any, words
from directory_service.model.numbers import dialled
from directory_service.web.dav.xml import Element, card

_LONGEST: Final = 200
_COLLATIONS: Final = frozenset(("default", "i;ascii-casemap", "i;unicode-casemap"))
_MOST: Final = 60  # properties and texts of one query: each is held against each card


@dataclass(frozen=True, slots=True)
class TextMatch:
    """``plain`` is the text as values are compared with it; ``how``: contains, equals, starts-with or ends-with."""

    text: str
    plain: str
    how: str = "contains"
    negated: bool = False

    def holds(self, value: str) -> bool:
        """Of a value made plain too."""
        return _HOW[self.how](value, self.plain) is not self.negated


_HOW: Final[dict[str, Callable[[str, str], bool]]] = {
    "contains": lambda held, wanted: wanted in held,
    "equals": lambda held, wanted: wanted == held,
    "starts-with": lambda held, wanted: held.startswith(wanted),
    "ends-with": lambda held, wanted: held.endswith(wanted),
}


# Properties that are no words: signs count in an address, and nothing but digits in a number.
_PLAIN: Final[dict[str, Callable[[str], str]]] = {"EMAIL": str.casefold, "UID": str.casefold, "TEL": dialled}


@dataclass(frozen=True, slots=True)
class PropFilter:
    """``absent``: the card must not have the property.  ``every``: all the texts must match, and not one of them."""

    name: str
    texts: tuple[TextMatch, ...] = ()
    absent: bool = False
    every: bool = False

    def holds(self, properties: Sequence[tuple[str, str]]) -> bool:
        plain = _PLAIN.get(self.name, fold_any)
        values = [plain(value) for name, value in properties if name == self.name]
        if self.absent:
            return not values
        if not self.texts:
            return bool(values)
        # A negation asks that no value has the text; else one value is enough for each.
        held = [(all if t.negated else any)(t.holds(value) for value in values) for t in self.texts]
        return all(held) if self.every else any(held)


@dataclass(frozen=True, slots=True)
class CardFilter:
    props: tuple[PropFilter, ...] = ()
    every: bool = False

    def holds(self, octets: bytes) -> bool:
        properties = list(read_properties(octets))
        held = (p.holds(properties) for p in self.props)
        return not self.props or (all(held) if self.every else any(held))

    def narrowed(self) -> Filter | None:
        """What the index is asked for; None where it must give all."""
        parts = [_narrowed(p) for p in self.props]
        return _joined(parts, self.every)


def parse_filter(element: Element | None) -> CardFilter:
    """Raises InvalidInput."""
    if element is None:
        return CardFilter()
    props = tuple(_prop(e) for e in element.findall(card("prop-filter")))
    if len(props) + sum(len(p.texts) for p in props) > _MOST:
        raise InvalidInput(f"au plus {_MOST} conditions", where="filter")
    return CardFilter(props, element.get("test", "anyof") == "allof")


def knows_collations(element: Element | None) -> bool:
    """Whether texts are to be compared in ways that we have (RFC 6352 8.3); accents aside, the two are one here."""
    texts = element.iter(card("text-match")) if element is not None else ()
    return all(e.get("collation", "default") in _COLLATIONS for e in texts)


def _prop(element: Element) -> PropFilter:
    name = element.get("name", "").rpartition(".")[2].upper()
    texts = tuple(_text(e, _PLAIN.get(name, fold_any)) for e in element.findall(card("text-match")))
    if element.find(card("param-filter")) is not None:
        raise InvalidInput("les filtres de paramètres ne sont pas reconnus", where="param-filter")
    return PropFilter(
        name,
        texts,
        element.find(card("is-not-defined")) is not None,
        element.get("test", "anyof") == "allof",
    )


def _text(element: Element, plain: Callable[[str], str]) -> TextMatch:
    how = element.get("match-type", "contains")
    if how not in _HOW:
        raise InvalidInput(f"une de ces valeurs est attendue : {', '.join(_HOW)}", where="match-type")
    text = (element.text or "").strip()
    if len(text) > _LONGEST:
        raise InvalidInput(f"au plus {_LONGEST} caractères", where="text-match")
    return TextMatch(text, plain(text), how, element.get("negate-condition", "no") == "yes")


# --- what the index is asked -----------------------------------------------------------------------------------------


def _joined(parts: Sequence[Filter | None], every: bool) -> Filter | None:
    """Of conditions that must all hold, those that narrow are enough; of alternatives, each must."""
    known = [p for p in parts if p is not None]
    if not parts or (not every and len(known) < len(parts)):
        return None
    if not known:
        return None
    return And(tuple(known)) if every else Or(tuple(known))


def _narrowed(p: PropFilter) -> Filter | None:
    if p.absent or p.name in _ALWAYS:
        return None
    if p.name not in _ASKED:
        return FALSE  # no card of ours has it
    return _joined([_of_text(p.name, t) for t in p.texts], p.every)


def _of_text(name: str, match: TextMatch) -> Filter | None:
    if match.negated or not fold_any(match.text):
        return None
    return _ASKED[name](match)


def _address(match: TextMatch) -> Filter:
    """As it stands: what is folded of an address has lost its signs."""
    raw = match.text.lower().encode()
    if match.how == "starts-with":
        return Substrings("mail", raw, (), b"")
    if match.how == "ends-with":
        return Substrings("mail", b"", (), raw)
    return Substrings("mail", b"", (raw,), b"")


def _names(match: TextMatch) -> Filter:
    """The text in those of names, where names stand in both orders and in one word; a title before it, or its end,
    stands in none and is left to the check."""
    asked = words(match.text)
    name = "".join(asked[1:] if asked[0] in _TITLES else asked)
    return InText(("name",), name) if name else TRUE


def _phone(match: TextMatch) -> Filter | None:
    digits = dialled(match.text)
    return Substrings("telephoneNumber", b"", (digits.encode(),), b"") if digits else None


def _in(*columns: str) -> Callable[[TextMatch], Filter]:
    return lambda match: And(tuple(InText(columns, w) for w in words(match.text)))


_TITLES: Final = frozenset(("d", "dr", "p", "pr", "r"))
_ASKED: Final[dict[str, Callable[[TextMatch], Filter | None]]] = {
    "FN": _names,
    "N": _names,
    "EMAIL": _address,
    "ORG": _in("org"),
    "TEL": _phone,
    "TITLE": _in("work"),
    "ADR": _in("place"),
}
# Held by cards, and known to no index: the book must be listed.
_ALWAYS: Final = frozenset(
    "UID REV VERSION PRODID KIND ROLE CATEGORIES NOTE X-RPPS X-ADELI X-FINESS X-SIRET X-ABSHOWAS".split()  # noqa: SIM905
)


# --- reading our own cards -------------------------------------------------------------------------------------------


def read_properties(octets: bytes) -> Iterator[tuple[str, str]]:
    """Names and values of a card of ours."""
    for line in octets.decode().replace("\r\n ", "").split("\r\n"):
        head, colon, value = line.partition(":")
        if colon:
            yield head.partition(";")[0].upper(), value.replace("\\,", ",").replace("\\;", ";").replace("\\n", "\n")
