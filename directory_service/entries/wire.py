"""Attributes ► BER and back: what the index stores and the LDAP face sends.  PURE.

Hot path: a single value costs one look-up and one concatenation, since everything before it depends on the name and
the length alone.  Measured with the whole of ``practitioner_entry``: docs/reference/performance.md.
Values are kept as the source wrote them, but for what no server would take: blanks around, NUL, an empty value, and
values that are equal under the standard rules (RFC 4511 4.1.7).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Final

from directory_service.ldap.ber import Reader, octets, partial_attribute, tlv

_SEQUENCE: Final = 0x30
_NOT_PRINTABLE: Final = re.compile(r"[^A-Za-z0-9'()+,\-./:? ]")


class Head(dict[int, bytes]):
    """For an attribute of one value: every octet before the value, by the size of the value."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = name

    def __missing__(self, size: int) -> bytes:
        head = self[size] = partial_attribute(self.name, [bytes(size)])[: -size or None]
        return head


class _Heads(dict[str, Head]):
    def __missing__(self, name: str) -> Head:
        head = self[name] = Head(name)
        return head


HEADS: Final = _Heads()


def one(name: str, text: str) -> bytes:
    """The attribute with this value; nothing when it is empty.  The text is taken as it is: ``clean`` it first."""
    if not text:
        return b""
    value = text.encode()
    return HEADS[name][len(value)] + value


def many(name: str, texts: Iterable[str]) -> bytes:
    """The attribute with these values, each once, in this order; nothing when there is none."""
    values = distinct(texts)
    if len(values) == 1:
        return one(name, values[0])
    return partial_attribute(name, [v.encode() for v in values]) if values else b""


def distinct(texts: Iterable[str]) -> list[str]:
    """The values that ``caseIgnoreMatch`` tells apart (RFC 4518), the first of each, without the empty ones."""
    found: dict[str, str] = {}
    for text in texts:
        if text:
            found.setdefault(_comparable(text), text)
    return list(found.values())


@lru_cache(maxsize=50_000)
def _comparable(text: str) -> str:
    folded = text.casefold()
    return " ".join((folded if folded.isascii() else unicodedata.normalize("NFKC", folded)).split())


def clean(text: str) -> str:
    """A value that DirectoryString takes, or nothing."""
    return text.replace("\0", "").strip()


@lru_cache(maxsize=50_000)
def phone(text: str) -> str:
    """A number that the telephone syntax (RFC 4517 3.3.31, a PrintableString) takes; nothing when no digit is left."""
    kept = _NOT_PRINTABLE.sub("", text).strip()
    return kept if any(c.isdigit() for c in kept) else ""


def entry_ber(dn: str, attributes: bytes) -> bytes:
    """What follows the tag and length of a SearchResultEntry (RFC 4511 4.5.2)."""
    return octets(dn) + tlv(_SEQUENCE, attributes)


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
        values = attribute.enter(0x31)
        found = []
        while values.more:
            found.append(values.octets())
        yield name, ber[start : attributes.at], found


def decode_attributes(ber: bytes) -> dict[str, list[bytes]]:
    """The attributes of an entry by their canonical names, in the order they are stored."""
    return {name: values for name, _, values in iterate_attributes(ber)}
