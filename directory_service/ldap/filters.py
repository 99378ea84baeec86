"""Search filters: wire (RFC 4511 4.5.1.7) and text (RFC 4515) to ``index.query`` trees, and back to text.  PURE.

Attribute descriptions go through a ``resolve`` function (names, aliases and OIDs to the canonical name); what it does
not know becomes ``Undefined``, as does an unknown matching rule.  ``(attr:=value)`` is equality.
Values stay as the bytes received: preparing them is the business of ``index.plan``.
Depth and counts are limited here (``limits.Limits``), and recursion never goes deeper than ``filter_depth``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Final

from directory_service.errors import InvalidInput
from directory_service.index.query import (
    And,
    Approx,
    Equal,
    Extensible,
    Filter,
    GreaterOrEqual,
    LessOrEqual,
    Not,
    Or,
    Present,
    Substrings,
    Undefined,
)
from directory_service.ldap.ber import OCTET_STRING, SEQUENCE, BerError, Reader, expect, header
from directory_service.ldap.limits import Limits
from ldap_schema.matching import find_rule

Resolve = Callable[[str], str | None]

AND, OR, NOT, EQUAL, SUBSTRINGS, GREATER, LESS, PRESENT, APPROX, EXTENSIBLE = range(0xA0, 0xAA)
PRESENT = 0x87  # a primitive element, unlike the others
INITIAL, ANY, FINAL = 0x80, 0x81, 0x82
_JOINTS: Final = frozenset({AND, OR, NOT})  # as many as assertions at most: clients join them two by two, or wrap one
_ASSERTIONS: Final[dict[int, Callable[[str, bytes], Filter]]] = {
    EQUAL: Equal, GREATER: GreaterOrEqual, LESS: LessOrEqual, APPROX: Approx,
}  # fmt: skip
_UNDEFINED: Final = Undefined()
# Octets of a filter that take some 10 ms to plan: 64 whole addresses.  More is no work for an event loop, nor worth
# remembering: what is remembered by number would all be of 64 KiB.
LABORIOUS: Final = 4096
BY_SOUND: Final = 100  # octets that take as long as one of ``~=``
MOST_BY_SOUND: Final = 1024  # octets of ``~=`` in one filter, ten long names; the rest is looked for as equality


class BadFilter(InvalidInput):
    """Well-formed BER or text that is not a filter, or a filter past a limit, which ``limit`` names."""

    def __init__(self, message: str, *, where: str | None = None, limit: str = "") -> None:
        super().__init__(message, where=where)
        self.limit = limit


def names_addresses(asked: Filter) -> bool:
    """Can only the holders of whole addresses match, those that the filter names?

    >>> names_addresses(parse_filter("(&(mail=a@b)(asStatus=active))")), names_addresses(parse_filter("(mail=a*)"))
    (True, False)
    """
    if isinstance(asked, And):
        return any(map(names_addresses, asked.items))
    if isinstance(asked, Or):
        return bool(asked.items) and all(map(names_addresses, asked.items))
    return isinstance(asked, Equal) and asked.attribute == "mail"


# --- from the wire --------------------------------------------------------------------------------------------------


class FilterDecoder:
    """Decodes the filter of one request.  ``terms`` counts the assertions met so far, ``joints`` the AND, OR and NOT;
    ``sounded`` the octets of ``~=``."""

    __slots__ = ("data", "joints", "limits", "resolve", "sounded", "terms")

    def __init__(self, data: bytes, resolve: Resolve, limits: Limits) -> None:
        self.data = data
        self.resolve = resolve
        self.limits = limits
        self.sounded = self.terms = self.joints = 0

    def decode(self, at: int, end: int, depth: int = 1) -> tuple[Filter, int]:
        """The filter at ``at``, and where it ends."""
        tag, start, stop = header(self.data, at, end)
        if tag in _JOINTS:
            self.joints += 1
        else:
            self.terms += 1
        if max(self.terms, self.joints) > self.limits.filter_terms:
            raise BadFilter(f"filtre de plus de {self.limits.filter_terms} termes", limit="filter_terms")
        make = _ASSERTIONS.get(tag)
        if make is not None:
            if tag == APPROX:
                self.sounded += stop - start
                make = Approx if self.sounded <= MOST_BY_SOUND else Equal  # RFC 4511 4.5.1.7.6 leaves it to servers
            return self._assertion(make, start, stop), stop
        if tag == PRESENT:
            name = self._name(start, stop)
            return Present(name) if name else _UNDEFINED, stop
        if tag == SUBSTRINGS:
            return self._substrings(start, stop), stop
        if depth >= self.limits.filter_depth and tag in _JOINTS:
            raise BadFilter(f"filtre de plus de {self.limits.filter_depth} niveaux", limit="filter_depth")
        return self._composite(tag, start, stop, depth), stop

    def _composite(self, tag: int, start: int, stop: int, depth: int) -> Filter:
        if tag == AND:
            return And(tuple(self._items(start, stop, depth)))
        if tag == OR:
            return Or(tuple(self._items(start, stop, depth)))
        if tag == NOT:
            item, at = self.decode(start, stop, depth + 1)
            if at != stop:
                raise BerError("négation de plusieurs filtres", at)
            return Not(item)
        if tag == EXTENSIBLE:
            return self._extensible(Reader(self.data, start, stop))
        raise BadFilter(f"sorte de filtre inconnue {tag:#04x}")

    def _items(self, at: int, end: int, depth: int) -> Iterator[Filter]:
        while at < end:
            item, at = self.decode(at, end, depth + 1)
            yield item

    def _name(self, start: int, stop: int) -> str | None:
        raw = self.data[start:stop]
        return self.resolve(raw.decode()) if raw.isascii() else None

    def _assertion(self, make: Callable[[str, bytes], Filter], at: int, end: int) -> Filter:
        start, at = expect(self.data, at, end, OCTET_STRING)
        name = self._name(start, at)
        start, at = expect(self.data, at, end, OCTET_STRING)
        if at != end:
            raise BerError("assertion de plus de deux éléments", at)
        return make(name, self.data[start:at]) if name else _UNDEFINED

    def _substrings(self, at: int, end: int) -> Filter:
        start, at = expect(self.data, at, end, OCTET_STRING)
        name = self._name(start, at)
        at, stop = expect(self.data, at, end, SEQUENCE)
        if stop != end:
            raise BerError("sous-chaînes suivies d'autre chose", at)
        initial = final = b""
        middle: list[bytes] = []
        count = 0
        while at < stop:
            tag, start, at = header(self.data, at, stop)
            if tag == INITIAL and count == 0:
                initial = self.data[start:at]
            elif tag == FINAL and at == stop:
                final = self.data[start:at]
            elif tag == ANY:
                middle.append(self.data[start:at])
            else:
                raise BadFilter("sous-chaînes en désordre")
            count += 1
        if count > self.limits.substring_components:
            text = f"plus de {self.limits.substring_components} sous-chaînes"
            raise BadFilter(text, limit="substring_components")
        return _substring_filter(name, initial, middle, final)

    def _extensible(self, reader: Reader) -> Filter:
        rule = reader.octets(0x81) if reader.peek() == 0x81 else b""
        kind = reader.octets(0x82) if reader.peek() == 0x82 else b""
        value = reader.octets(0x83)
        dn = reader.boolean(0x84) if reader.peek() == 0x84 else False
        reader.finish()
        if not (kind.isascii() and rule.isascii()):
            return _UNDEFINED
        return _extensible_filter(self.resolve, kind.decode(), rule.decode(), value, dn)


def _substring_filter(name: str | None, initial: bytes, middle: list[bytes], final: bytes) -> Filter:
    """Empty components match anything, so they are left out; nothing left is a presence.  So is no component at all,
    against RFC 4511 4.5.1: Thunderbird sends it for a typed ``*``, and waits for ever when it is disconnected."""
    if not name:
        return _UNDEFINED
    components = tuple(filter(None, middle))
    return Substrings(name, initial, components, final) if initial or components or final else Present(name)


def _extensible_filter(resolve: Resolve, kind: str, rule: str, value: bytes, dn: bool) -> Filter:
    """``kind`` and ``rule`` are empty when absent, one of them at most (RFC 4511 4.5.1.7.7)."""
    name, known = resolve(kind) if kind else "", find_rule(rule) if rule else None
    if name is None or bool(known) != bool(rule) or not (kind or rule):
        return _UNDEFINED
    return Extensible(known.name if known else "", name, value, dn) if rule or dn else Equal(name, value)


# --- from text (RFC 4515) -------------------------------------------------------------------------------------------

_ITEM = re.compile(r"\(([A-Za-z0-9.;\-_]*)((?::[A-Za-z0-9.\-]+)*)(=|>=|<=|~=|:=)([^()]*)\)")
_ESCAPE = re.compile(rb"\\(?:([0-9A-Fa-f]{2})|(.?))", re.DOTALL)
_TEXT_ASSERTIONS: Final[dict[str, Callable[[str, bytes], Filter]]] = {
    ">=": GreaterOrEqual, "<=": LessOrEqual, "~=": Approx,
}  # fmt: skip


def parse_filter(text: str, resolve: Resolve = lambda name: name, limits: Limits | None = None) -> Filter:
    """The filter that the text of RFC 4515 says.

    >>> parse_filter("(mail=a*)")
    Substrings(attribute='mail', initial=b'a', any=(), final=b'')
    """
    parser = _TextParser(text, resolve, limits or Limits())
    found, at = parser.parse(0, 1)
    if at != len(text):
        raise BadFilter("texte après le filtre", where=f"caractère {at}")
    return found


class _TextParser:
    __slots__ = ("joints", "limits", "resolve", "terms", "text")

    def __init__(self, text: str, resolve: Resolve, limits: Limits) -> None:
        self.text = text
        self.resolve = resolve
        self.limits = limits
        self.terms = self.joints = 0

    def parse(self, at: int, depth: int) -> tuple[Filter, int]:
        sign = self.text[at + 1 : at + 2]
        joint = self.text[at : at + 1] == "(" and sign != "" and sign in "&|!"
        if joint:
            self.joints += 1
        else:
            self.terms += 1
        if max(self.terms, self.joints) > self.limits.filter_terms or depth > self.limits.filter_depth:
            raise BadFilter("filtre trop grand", where=f"caractère {at}")
        if joint:
            items, at = self._list(at + 2, depth)
            return _composite(sign, items, at), at
        item = _ITEM.match(self.text, at)
        if not item:
            raise BadFilter("filtre attendu", where=f"caractère {at}")
        return _text_item(self.resolve, *item.groups()), item.end()

    def _list(self, at: int, depth: int) -> tuple[tuple[Filter, ...], int]:
        items: list[Filter] = []
        while self.text[at : at + 1] == "(":
            item, at = self.parse(at, depth + 1)
            items.append(item)
        if self.text[at : at + 1] != ")":
            raise BadFilter("parenthèse fermante attendue", where=f"caractère {at}")
        return tuple(items), at + 1


def _composite(sign: str, items: tuple[Filter, ...], at: int) -> Filter:
    if sign == "!":
        if len(items) != 1:
            raise BadFilter("négation d'un seul filtre attendue", where=f"caractère {at}")
        return Not(items[0])
    return And(items) if sign == "&" else Or(items)


def _text_item(resolve: Resolve, kind: str, rules: str, operator: str, value: str) -> Filter:
    if operator == ":=" or rules:
        if operator != ":=":
            raise BadFilter("règle hors d'une comparaison étendue")
        dn, rule = _dn_and_rule(rules)
        return _extensible_filter(resolve, kind, rule, _unescape(value), dn)
    if not kind:
        raise BadFilter("nom d'attribut attendu")
    name = resolve(kind)
    if operator in _TEXT_ASSERTIONS:
        return _TEXT_ASSERTIONS[operator](name, _unescape(value)) if name else _UNDEFINED
    parts = [_unescape(part) for part in value.split("*")]
    if len(parts) == 1:
        return Equal(name, parts[0]) if name else _UNDEFINED
    return _substring_filter(name, parts[0], parts[1:-1], parts[-1])


def _dn_and_rule(text: str) -> tuple[bool, str]:
    """``:dn:rule``, either part or none.  Raises ``BadFilter`` for anything more."""
    first, *rest = text.split(":")[1:] or [""]
    dn = first.lower() == "dn"
    named = rest if dn else [first, *rest]
    if len(named) > 1:
        raise BadFilter("règle de comparaison attendue une fois")
    return dn, "".join(named)


def _unescape(text: str) -> bytes:
    return _ESCAPE.sub(_unescape_one, text.encode("utf-8", "surrogateescape"))


def _unescape_one(found: re.Match[bytes]) -> bytes:
    if found[1] is None:
        raise BadFilter("barre oblique inverse sans deux chiffres hexadécimaux")
    return bytes.fromhex(found[1].decode())


# --- to text --------------------------------------------------------------------------------------------------------

_TO_ESCAPE = re.compile(r"[\x00()*\\\udc80-\udcff]")
_SIGNS: Final[dict[type[Filter], str]] = {Equal: "=", GreaterOrEqual: ">=", LessOrEqual: "<=", Approx: "~="}


def format_filter(found: Filter) -> str:
    """The text of a filter.  ``Undefined`` is written ``(?=)``, which no parser takes for something else.

    Not for the logs as it is: the values are what somebody typed (``shape`` is for the logs).
    """
    return _format(found, escape_assertion)


def shape(found: Filter) -> str:
    """The filter without its values: what a log line may hold.

    >>> shape(parse_filter("(&(cn=*dup*)(mail=a))"))
    '(&(cn=*_*)(mail=_))'
    """
    return _format(found, lambda value: "_" if value else "")


def _format(found: Filter, value: Callable[[bytes], str]) -> str:
    match found:
        case And(items) | Or(items):
            return f"({'&' if isinstance(found, And) else '|'}{''.join(_format(item, value) for item in items)})"
        case Not(item):
            return f"(!{_format(item, value)})"
        case Present(name):
            return f"({name}=*)"
        case Substrings(name, initial, middle, final):
            return f"({name}={'*'.join(value(part) for part in (initial, *middle, final))})"
        case Equal() | GreaterOrEqual() | LessOrEqual() | Approx():
            return f"({found.attribute}{_SIGNS[type(found)]}{value(found.value)})"
        case Extensible(rule, name, assertion, dn):
            return f"({name}{':dn' * dn}{':' * bool(rule)}{rule}:={value(assertion)})"
        case _:  # Undefined, and what only the JSON criteria ask for
            return "(?=)"


def escape_assertion(value: bytes) -> str:
    """A value safe inside the text of a filter; octets that are not UTF-8 are escaped one by one."""
    return _TO_ESCAPE.sub(_escape_one, value.decode("utf-8", "surrogateescape"))


def _escape_one(found: re.Match[str]) -> str:
    return f"\\{ord(found[0]) & 0xFF:02x}"
