"""Attributes ► BER and back: what the index stores and the LDAP face sends.  PURE.

Hot path: a single value costs one look-up and one concatenation, since everything before it depends on the name and
the length alone.  Measured with the whole of ``practitioner_entry``: docs/reference/performance.md.
Values are kept as the source wrote them, but for what no server would take: blanks around, NUL, an empty value, and
values that are equal under the standard rules (RFC 4511 4.1.7).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import lru_cache, partial
from typing import Final

from directory_service.ldap.ber import SEQUENCE, SET, Reader, octets, partial_attribute, tlv
from directory_service.model.names import normalized

_NOT_PRINTABLE: Final = re.compile(r"[^A-Za-z0-9'()+,\-./:? ]")


class _Prefixes(dict[int, bytes]):
    """What comes before the values, by the octets that they take: ``before(size)`` is asked once a size."""

    def __init__(self, before: Callable[[int], bytes]) -> None:
        super().__init__()
        self.before = before

    def __missing__(self, size: int) -> bytes:
        prefix = self[size] = self.before(size)
        return prefix


class _ByName(dict[str, _Prefixes]):
    def __init__(self, before: Callable[[str, int], bytes]) -> None:
        super().__init__()
        self.before = before

    def __missing__(self, name: str) -> _Prefixes:
        prefixes = self[name] = _Prefixes(partial(self.before, name))
        return prefixes


def _before(element: bytes, size: int) -> bytes:
    return element[: len(element) - size]


def _before_set(name: str, size: int) -> bytes:
    """Up to the first value of an attribute whose values, each with its own header, take so many octets."""
    return _before(tlv(SEQUENCE, octets(name) + tlv(SET, bytes(size))), size)


_VALUE: Final = _Prefixes(lambda size: _before(octets(bytes(size)), size))
_ATTRIBUTES: Final = _Prefixes(lambda size: _before(tlv(SEQUENCE, bytes(size)), size))
_ONE: Final = _ByName(lambda name, size: _before(partial_attribute(name, [bytes(size)]), size))
_SEVERAL: Final = _ByName(_before_set)


def one(name: str, text: str) -> bytes:
    """The attribute with this value; nothing when it is empty.  The text is taken as it is: ``clean`` it first."""
    if not text:
        return b""
    value = text.encode()
    return _ONE[name][len(value)] + value


def several(name: str, values: Iterable[bytes]) -> bytes:
    """The attribute with these values, which are at least one and none equal to another."""
    body = b"".join([_VALUE[len(v)] + v for v in values])
    return _SEVERAL[name][len(body)] + body


def permuted(name: str, first: str, second: str) -> bytes:
    """``several`` for two values of the same length."""
    value = first.encode()
    before = _VALUE[len(value)]
    body = before + value + before + second.encode()
    return _SEVERAL[name][len(body)] + body


def many(name: str, texts: Iterable[str]) -> bytes:
    """The attribute with these values, each once, in this order; nothing when there is none."""
    return apart(name, distinct(texts))


def apart(name: str, texts: Sequence[str]) -> bytes:
    """``many`` for values that are known to be told apart."""
    if len(texts) == 1:
        return one(name, texts[0])
    return several(name, [t.encode() for t in texts]) if texts else b""


def distinct(texts: Iterable[str]) -> list[str]:
    """The values that ``caseIgnoreMatch`` tells apart (RFC 4518), the first of each, without the empty ones."""
    found = [t for t in dict.fromkeys(texts) if t]
    if len(found) < 2 or _all_capitals("".join(found)):
        return found
    known: dict[str, str] = {}
    for text in found:
        known.setdefault(comparable(text), text)
    return list(known.values())


def _all_capitals(text: str) -> bool:
    """Capitals and digits of ASCII, as most of the extracts is: what differs there differs in any case."""
    return text.isascii() and (text.isupper() or text.isdigit()) and "  " not in text


def comparable(text: str) -> str:
    """Equal for values that ``caseIgnoreMatch`` takes for one."""
    folded = text.casefold()
    if not folded.isascii():
        folded = normalized("NFKC", folded)
    return " ".join(folded.split()) if "  " in folded else folded


def clean(text: str) -> str:
    """A value that DirectoryString takes, or nothing.  Runs of blanks, which no rule tells apart, are one space."""
    if text.isalnum():
        return text
    return " ".join(text.replace("\0", "").split())


@lru_cache(maxsize=50_000)
def phone(text: str) -> str:
    """A number that the telephone syntax (RFC 4517 3.3.31, a PrintableString) takes; nothing when no digit is left."""
    kept = _NOT_PRINTABLE.sub("", text).strip()
    return kept if any(c.isdigit() for c in kept) else ""


def entry_ber(dn: str, attributes: bytes) -> bytes:
    """What follows the tag and length of a SearchResultEntry (RFC 4511 4.5.2)."""
    name = dn.encode()
    return _VALUE[len(name)] + name + _ATTRIBUTES[len(attributes)] + attributes


# --- reading --------------------------------------------------------------------------------------------------------


def decode_dn(ber: bytes) -> str:
    return Reader(ber).octets().decode()


def iterate_attributes(ber: bytes) -> Iterator[tuple[str, bytes, list[bytes]]]:
    """Each attribute of an entry: its name, its whole PartialAttribute, its values.  Lazy: stop when you have yours."""
    reader = Reader(ber)
    reader.octets()
    attributes = reader.enter()
    while attributes.more:
        start = attributes.at
        attribute = attributes.enter()
        name = attribute.octets().decode()
        values = attribute.enter(SET)
        found = []
        while values.more:
            found.append(values.octets())
        yield name, ber[start : attributes.at], found


def decode_attributes(ber: bytes) -> dict[str, list[bytes]]:
    """The attributes of an entry by their canonical names, in the order they are stored."""
    return {name: values for name, _, values in iterate_attributes(ber)}
