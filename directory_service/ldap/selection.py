"""Which attributes of an entry go out (RFC 4511 4.5.1.8), and the operational ones that are computed.  PURE.

Entries come already encoded (``entries.Entry.ber``): "all user attributes" sends them as they are, anything else copies
the attributes chosen, still encoded.  The number: about 0.2 µs per attribute looked at.
Names that nobody knows are ignored.  Values are never looked at, but for ``objectClass``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from typing import Final, NamedTuple, Protocol

from directory_service.ldap.ber import SEQUENCE, SET, Reader, expect, header, partial_attribute, tlv
from directory_service.ldap.dn import SUBSCHEMA_DN, entry_uuid, normalise
from directory_service.ldap.filters import Resolve
from ldap_schema.schema import load

CERTIFICATE: Final = "userCertificate"
TRANSFER: Final = CERTIFICATE + ";binary"  # how it goes out, whichever of the two was asked for (RFC 4523 2.1)
_CERTIFICATES: Final = frozenset((CERTIFICATE.encode(), TRANSFER.encode()))
_MOST_NAMES, _LONGEST_NAMES = 32, 1024  # and octets of all: clients ask for 22 attributes at most
_FIRST_LEAF: Final = 1 << 36  # entry ids below are those of containers (entries.entry_id: branch 0)


class Hit(Protocol):
    """An entry found by the directory.  Times are generalizedTime; ``ber`` is the DN and the attributes."""

    @property
    def id(self) -> int: ...
    @property
    def dn(self) -> str: ...
    @property
    def ber(self) -> bytes: ...
    @property
    def created(self) -> str: ...
    @property
    def changed(self) -> str: ...


def _structural(hit: Hit, _suffix: str) -> str:
    for name, _, start, stop in attributes(hit.ber):
        if name.lower() == b"objectclass":
            return _structural_class(tuple(_values(hit.ber, start, stop)))
    return "top"


@lru_cache(maxsize=64)
def _structural_class(held: tuple[bytes, ...]) -> str:
    return load().structural(name.decode() for name in held)


OPERATIONAL: Final[dict[str, Callable[[Hit, str], str]]] = {
    "entryUUID": lambda hit, _suffix: entry_uuid(normalise(hit.dn)),
    "entryDN": lambda hit, _suffix: hit.dn,
    "createTimestamp": lambda hit, _suffix: hit.created,
    "modifyTimestamp": lambda hit, _suffix: hit.changed,
    "structuralObjectClass": _structural,
    "subschemaSubentry": lambda _hit, _suffix: SUBSCHEMA_DN,
    "hasSubordinates": lambda hit, _suffix: "TRUE" if hit.id < _FIRST_LEAF else "FALSE",
}


class Selection(NamedTuple):
    """A requested attribute list, resolved.  ``names`` are canonical, as in stored entries, options in lower case."""

    user: bool  # every user attribute
    names: frozenset[bytes]
    operational: tuple[str, ...]
    hidden: frozenset[bytes] = frozenset()  # what the caller may not read
    certificates: bool = False  # asked for by name: they are in no stored entry, and "all" does not mean them
    is_long: bool = False  # what it gives is not worth remembering

    @property
    def whole(self) -> bool:
        """Can the entry go out as it is stored?"""
        return self.user and not (self.operational or self.hidden or self.certificates)

    def without(self, hidden: frozenset[bytes]) -> Selection:
        """For a caller who may not read these attributes."""
        if not hidden:
            return self
        operational = tuple(name for name in self.operational if name.encode() not in hidden)
        certificates = self.certificates and CERTIFICATE.encode() not in hidden
        return self._replace(operational=operational, hidden=hidden, certificates=certificates)

    def wants(self, name: str) -> bool:
        """Is this (virtual entry's) attribute asked for by its name?"""
        lower = name.lower().encode()
        return name in self.operational or any(asked.lower() == lower for asked in self.names)


def select(requested: tuple[str, ...], resolve: Resolve) -> Selection:
    """What a client asks for by this list; no list means ``*`` (RFC 4511 4.5.1.8)."""
    user, names, operational = not requested, set[bytes](), dict[str, None]()
    for description in requested:
        lower = description.lower()
        if lower == "*":
            user = True
        elif lower == "+":
            operational.update(dict.fromkeys(OPERATIONAL))
        elif lower != "1.1":
            found = _names(lower, resolve)
            operational |= dict.fromkeys(n for n in found if n in OPERATIONAL)
            names |= {n.encode("ascii", "replace") for n in found if n not in OPERATIONAL}
    certificates = not names.isdisjoint(_CERTIFICATES)
    long = len(names) > _MOST_NAMES or sum(map(len, names)) > _LONGEST_NAMES
    return Selection(user, frozenset(names), tuple(operational), certificates=certificates, is_long=long)


def _names(lower: str, resolve: Resolve) -> list[str]:
    """The attribute and its subtypes (RFC 4511 4.5.1.8, RFC 4512 2.5.1).  An option restricts
    (``userCertificate;binary``); without one, every option of the attribute matches."""
    base, _, options = lower.partition(";")
    name = resolve(base)
    found = _subtypes(name) if name else (base,)
    return [f"{n};{options}" if options else n for n in found]


@lru_cache(maxsize=256)
def _subtypes(name: str) -> tuple[str, ...]:
    known = load().resolve(name)
    return tuple(a.name for a in load().subtypes(known)) if known else (name,)


def attributes(ber: bytes) -> Iterator[tuple[bytes, int, int, int]]:
    """Each attribute of a stored entry: its name, where it starts, where its values start, where it ends.

    The entry is our own encoding (``entries``), so nothing is checked again and names are under 128 octets.
    """
    at = header(ber, 0, len(ber))[2]
    at, end = expect(ber, at, len(ber), SEQUENCE)
    while at < end:
        start, length = at + 2, ber[at + 1]
        if length >= 0x80:
            start += length & 0x7F
            length = int.from_bytes(ber[at + 2 : start], "big")
        values = start + 2 + ber[start + 1]
        yield ber[start + 2 : values], at, values, start + length
        at = start + length


def _values(ber: bytes, start: int, stop: int) -> list[bytes]:
    reader, found = Reader(ber, start, stop).enter(SET), []
    while reader.more:
        found.append(reader.octets())
    return found


def render(hit: Hit, selection: Selection, types_only: bool, suffix: str, certificates: Sequence[bytes] = ()) -> bytes:
    """The body of a SearchResultEntry: the DN and the attributes chosen.  ``certificates``: those that the entry has,
    in DER, where they are asked for."""
    ber = hit.ber
    plain = not (selection.user or selection.hidden or types_only or b";" in ber)
    chosen = _named(ber, selection.names) if plain else list(_chosen(ber, selection, types_only))
    for name in selection.operational:
        values = [] if types_only else [OPERATIONAL[name](hit, suffix).encode()]
        chosen.append(partial_attribute(name, values))
    if certificates:
        chosen.append(partial_attribute(TRANSFER, () if types_only else certificates))
    return ber[: header(ber, 0, len(ber))[2]] + tlv(SEQUENCE, b"".join(chosen))


def _named(ber: bytes, names: frozenset[bytes]) -> list[bytes]:
    """``_chosen`` of attributes by name, where no option is written anywhere: in half the time, without a generator,
    and no further than the last of them."""
    at, end = expect(ber, header(ber, 0, len(ber))[2], len(ber), SEQUENCE)
    found: list[bytes] = []
    while at < end and len(found) < len(names):
        start, length = at + 2, ber[at + 1]
        if length >= 0x80:
            start += length & 0x7F
            length = int.from_bytes(ber[at + 2 : start], "big")
        if ber[start + 2 : start + 2 + ber[start + 1]] in names:
            found.append(ber[at : start + length])
        at = start + length
    return found


def _chosen(ber: bytes, selection: Selection, types_only: bool) -> Iterator[bytes]:
    user, names, hidden = selection.user, selection.names, selection.hidden
    if not (user or names):
        return
    for name, at, _, stop in attributes(ber):
        if hidden and name.partition(b";")[0] in hidden:
            continue
        if user or name in names or (b";" in name and name.partition(b";")[0] in names):
            yield partial_attribute(name.decode(), ()) if types_only else ber[at:stop]
