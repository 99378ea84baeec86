"""The subset of BER that LDAP uses (RFC 4511 5.1): encoding, and a strict bounded decoder.  PURE, stdlib only.

Hot path 1 of house.md §3: about 0.3 µs an element; bench: ``python -m bench ldap``; the twin is in
``tests/generative/test_ldap_codec.py``.
Read: definite lengths of at most four octets, primitive strings, single-octet tags.  Lengths and integers need not be
minimal (Windows clients always send ``84 00 00 00 nn``).  Written: always the shortest form.
What the elements mean is the business of ``messages`` and ``filters``.  Anything wrong raises ``BerError``.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import Final

from directory_service.errors import InvalidInput

BOOLEAN: Final = 0x01
INTEGER: Final = 0x02
OCTET_STRING: Final = 0x04
ENUMERATED: Final = 0x0A
SEQUENCE: Final = 0x30
SET: Final = 0x31

_LENGTHS: Final = [bytes((n,)) for n in range(128)]
_TAGS: Final = [bytes((n,)) for n in range(256)]
_MAX_LENGTH_OCTETS: Final = 4  # 4 GiB: far past every limit, so a longer length is an attack (PROTOS c06)


class BerError(InvalidInput):
    """The octets are not the BER that RFC 4511 5.1 asks for.  ``where`` is the offset within the message; ``limit``
    names the one that was met (``limits.NAMES``), if that is why."""

    def __init__(self, message: str, at: int, limit: str = "") -> None:
        super().__init__(message, where=f"octet {at}")
        self.at = at
        self.limit = limit


# --- encoding -------------------------------------------------------------------------------------------------------


def encode_length(n: int) -> bytes:
    """The shortest definite form."""
    if n < 128:
        return _LENGTHS[n]
    if n < 256:
        return b"\x81" + _TAGS[n]
    if n < 65536:
        return b"\x82" + n.to_bytes(2, "big")
    size = (n.bit_length() + 7) // 8
    return _TAGS[0x80 | size] + n.to_bytes(size, "big")


def tlv(tag: int, body: bytes) -> bytes:
    """One element: tag, length, body."""
    n = len(body)
    return (_TAGS[tag] + _LENGTHS[n] if n < 128 else _TAGS[tag] + encode_length(n)) + body


def octets(value: str | bytes, tag: int = OCTET_STRING) -> bytes:
    """An OCTET STRING; text is UTF-8."""
    return tlv(tag, value.encode() if isinstance(value, str) else value)


def integer(n: int, tag: int = INTEGER) -> bytes:
    """An INTEGER, or an ENUMERATED with ``tag``, in the fewest octets of two's complement."""
    if 0 <= n < 128:
        return _TAGS[tag] + b"\x01" + _TAGS[n]
    return tlv(tag, n.to_bytes((n if n >= 0 else ~n).bit_length() // 8 + 1, "big", signed=True))


def boolean(value: bool, tag: int = BOOLEAN) -> bytes:
    """TRUE is ``FF`` (RFC 4511 5.1)."""
    return _TAGS[tag] + (b"\x01\xff" if value else b"\x01\x00")


def sequence(*parts: bytes, tag: int = SEQUENCE) -> bytes:
    """The parts, wrapped."""
    return tlv(tag, b"".join(parts))


@lru_cache(maxsize=2048)
def _name(name: str) -> bytes:
    return octets(name)


def partial_attribute(name: str, values: Iterable[bytes]) -> bytes:
    """``PartialAttribute ::= SEQUENCE { type, vals SET OF value }``."""
    body = b"".join([tlv(OCTET_STRING, value) for value in values])
    return tlv(SEQUENCE, _name(name) + tlv(SET, body))


# --- decoding -------------------------------------------------------------------------------------------------------


def header(data: bytes, at: int, end: int) -> tuple[int, int, int]:
    """The element at ``at``: its tag, where its content starts, where it ends (which is never after ``end``)."""
    start = at + 2
    if start > end:
        raise BerError("élément tronqué", at)
    tag, length = data[at], data[at + 1]
    if length >= 0x80:
        start, length = _long_length(data, at, end, length & 0x7F)
    if tag & 0x1F == 0x1F:
        raise BerError("étiquette à plusieurs octets", at)
    stop = start + length
    if stop > end:
        raise BerError("longueur au-delà de l'élément englobant", at)
    return tag, start, stop


def _long_length(data: bytes, at: int, end: int, size: int) -> tuple[int, int]:
    if size == 0:
        raise BerError("longueur indéfinie", at)
    if size > _MAX_LENGTH_OCTETS:
        raise BerError("longueur de plus de quatre octets", at)
    start = at + 2 + size
    if start > end:
        raise BerError("élément tronqué", at)
    return start, int.from_bytes(data[at + 2 : start], "big")


def expect(data: bytes, at: int, end: int, tag: int) -> tuple[int, int]:
    """Like ``header``, for an element that must have this tag: where its content starts and ends."""
    start = at + 2
    if start <= end and data[at] == tag and data[at + 1] < 0x80:  # as most are: said here once more for their sake
        stop = start + data[at + 1]
        if stop <= end:
            return start, stop
    found, start, stop = header(data, at, end)
    if found != tag:
        raise BerError(f"étiquette {found:#04x} au lieu de {tag:#04x}", at)
    return start, stop


def small_integer(data: bytes, start: int, stop: int) -> int:
    """The content of an INTEGER or ENUMERATED of at most four octets, which holds every number of RFC 4511."""
    if stop - start == 1 and data[start] < 128:
        return data[start]
    if not 1 <= stop - start <= 4:
        raise BerError("entier vide ou de plus de quatre octets", start)
    return int.from_bytes(data[start:stop], "big", signed=True)


class Reader:
    """A cursor over the elements between two offsets: for what is not on the hot path.

    >>> Reader(b"\\x02\\x01\\x05").integer()
    5
    """

    __slots__ = ("at", "data", "end")

    def __init__(self, data: bytes, at: int = 0, end: int | None = None) -> None:
        self.data = data
        self.at = at
        self.end = len(data) if end is None else end

    @property
    def more(self) -> bool:
        """Is there another element?"""
        return self.at < self.end

    def peek(self) -> int | None:
        """The tag of the next element, ``None`` at the end."""
        return self.data[self.at] if self.at < self.end else None

    def element(self) -> tuple[int, bytes]:
        """The next element, whatever it is: tag and content."""
        tag, start, self.at = header(self.data, self.at, self.end)
        return tag, self.data[start : self.at]

    def content(self, tag: int) -> bytes:
        """The content of the next element, which must have this tag."""
        start, self.at = expect(self.data, self.at, self.end, tag)
        return self.data[start : self.at]

    def octets(self, tag: int = OCTET_STRING) -> bytes:
        """The next OCTET STRING."""
        return self.content(tag)

    def integer(self, tag: int = INTEGER) -> int:
        """The next INTEGER."""
        start, self.at = expect(self.data, self.at, self.end, tag)
        return small_integer(self.data, start, self.at)

    def boolean(self, tag: int = BOOLEAN) -> bool:
        """The next BOOLEAN.  Any octet but zero is true, as BER says and OpenLDAP reads."""
        start, self.at = expect(self.data, self.at, self.end, tag)
        if self.at - start != 1:
            raise BerError("booléen qui n'a pas un octet", start)
        return self.data[start] != 0

    def enter(self, tag: int = SEQUENCE) -> Reader:
        """A reader of what is inside the next element."""
        start, self.at = expect(self.data, self.at, self.end, tag)
        return Reader(self.data, start, self.at)

    def finish(self) -> None:
        """Raises when something is left."""
        if self.at != self.end:
            raise BerError("octets en trop", self.at)
