"""Distinguished names as text: RFC 4514 parsing, comparison form, escaping.  PURE, stdlib only.

Accepts also the spaces around separators that OpenLDAP accepts.  Does not know which names exist.
The comparison form is what ``index.query.Query.base`` holds: types by short name and lower case, values folded in case
with runs of spaces made one, the parts of a multi-valued RDN sorted, no space around separators.
"""

from __future__ import annotations

import re
import uuid
from functools import lru_cache
from hashlib import sha1
from typing import Final

from directory_service.errors import InvalidInput

Part = tuple[str, str]  # attribute type, unescaped value
Rdn = tuple[Part, ...]

_MAX_LENGTH: Final = 4096  # characters; ours are under 400
# Other names of the types that occur in names (RFC 4514 §3, RFC 4519).
_TYPES: Final = {
    "2.5.4.3": "cn", "commonname": "cn", "2.5.4.6": "c", "countryname": "c", "2.5.4.7": "l", "localityname": "l",
    "2.5.4.8": "st", "stateorprovincename": "st", "2.5.4.9": "street", "streetaddress": "street",
    "2.5.4.10": "o", "organizationname": "o", "2.5.4.11": "ou", "organizationalunitname": "ou",
    "0.9.2342.19200300.100.1.1": "uid", "userid": "uid", "0.9.2342.19200300.100.1.25": "dc", "domaincomponent": "dc",
    "2.5.4.4": "sn", "surname": "sn", "0.9.2342.19200300.100.1.3": "mail", "rfc822mailbox": "mail",
}  # fmt: skip
# Types that may name a suffix: ``entries.containers`` knows the class of each.
CONTAINERS: Final = ("o", "ou", "dc", "c", "l")
_TYPE = re.compile(r" *([A-Za-z][A-Za-z0-9-]*|\d+(?:\.\d+)+) *= *")
# One piece of a value: plain characters, or an escape.  A plain piece never starts with a special character.
_PIECE = re.compile(r'[^\\,+";<>\x00]+|(?:\\[0-9A-Fa-f]{2})+|\\[ "#+,;<=>\\]')
_HEX_STRING = re.compile(r"#((?:[0-9A-Fa-f]{2})+) *(?=[,+]|$)")
_SPACES = re.compile(r"  +")
_SPECIAL = re.compile(r'[\\,+";<>\x00]|^[ #]| $')
_STRING_TAGS: Final = frozenset({0x04, 0x0C, 0x13, 0x16})  # OCTET STRING, UTF8String, PrintableString, IA5String


class InvalidDN(InvalidInput):
    """Not a distinguished name."""

    ldap_code = 34  # invalidDNSyntax


def check_suffix(text: str) -> None:
    """Raises InvalidDN for what a tree cannot stand under: no name, or one whose first part is no container's."""
    rdns = parse_dn(text)
    if not rdns or len(rdns[0]) > 1 or rdns[0][0][0] not in CONTAINERS:
        raise InvalidDN(f"un nom est attendu, dont la première partie est de type {', '.join(CONTAINERS)}")
    if not all(value.strip() for rdn in rdns for _, value in rdn):
        raise InvalidDN("une partie du nom est vide")


def parse_dn(text: str) -> tuple[Rdn, ...]:
    """The relative names of a DN, outermost last; ``()`` for the root.

    >>> parse_dn("uid=1, o=Zoé\\\\2C SA")
    ((('uid', '1'),), (('o', 'Zoé, SA'),))
    """
    if len(text) > _MAX_LENGTH:
        raise InvalidDN("nom trop long", where=f"caractère {_MAX_LENGTH}")
    rdns: list[Rdn] = []
    parts: list[Part] = []
    at, more = 0, bool(text.strip(" "))
    while more:
        part, at = _parse_part(text, at)
        parts.append(part)
        more = at < len(text)
        if not more or text[at] == ",":
            rdns.append(tuple(parts))
            parts = []
        at += 1
    return tuple(rdns)


def _parse_part(text: str, at: int) -> tuple[Part, int]:
    kind = _TYPE.match(text, at)
    if not kind:
        raise InvalidDN("type d'attribut attendu", where=f"caractère {at}")
    name = kind[1].lower()
    name = _TYPES.get(name, name)
    hexed = _HEX_STRING.match(text, kind.end())
    if hexed:
        return (name, _hex_value(hexed[1], hexed.start())), hexed.end()
    value, at = _parse_value(text, kind.end())
    return (name, value), at


def _parse_value(text: str, at: int) -> tuple[str, int]:
    pieces: list[bytes] = []
    kept = 0  # octets up to here are escaped: their trailing spaces stay
    size = 0
    if text.startswith("#", at):
        raise InvalidDN("valeur hexadécimale incorrecte", where=f"caractère {at}")
    while at < len(text) and text[at] not in ",+":
        piece = _PIECE.match(text, at)
        if not piece:
            raise InvalidDN("caractère à échapper", where=f"caractère {at}")
        pieces.append(_unescape(piece[0]))
        size += len(pieces[-1])
        if piece[0][0] == "\\":
            kept = size
        at = piece.end()
    raw = b"".join(pieces)
    return _utf8(raw[:kept] + raw[kept:].rstrip(b" "), at), at


def _unescape(piece: str) -> bytes:
    if piece[0] != "\\":
        return piece.encode("utf-8", "surrogatepass")
    if len(piece) == 2:
        return piece[1].encode()
    return bytes.fromhex(piece.replace("\\", ""))


def _utf8(raw: bytes, at: int) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError:
        raise InvalidDN("valeur qui n'est pas de l'UTF-8", where=f"caractère {at}") from None


def _hex_value(digits: str, at: int) -> str:
    """``#04024869``: the BER of the value.  Strings of the short form are opened, anything else stays as written."""
    raw = bytes.fromhex(digits)
    if len(raw) >= 2 and raw[0] in _STRING_TAGS and raw[1] < 128 and raw[1] == len(raw) - 2:
        return _utf8(raw[2:], at)
    return "#" + digits.lower()


def escape_value(value: str) -> str:
    """The value, safe inside a DN.

    >>> escape_value("#a,b ")
    '\\\\#a\\\\,b\\\\ '
    """
    if value.isalnum():  # most are numbers
        return value
    return _SPECIAL.sub(_escape, value) if _SPECIAL.search(value) else value


def _escape(found: re.Match[str]) -> str:
    return "\\00" if found[0] == "\x00" else "\\" + found[0]


def format_dn(rdns: tuple[Rdn, ...]) -> str:
    """The text of a parsed name: ``parse_dn`` of it gives the same name."""
    return ",".join("+".join(f"{name}={escape_value(value)}" for name, value in rdn) for rdn in rdns)


def _comparable(value: str) -> str:
    return _SPACES.sub(" ", value.strip(" ")).casefold()


@lru_cache(maxsize=1024)  # names of 4,096 characters at most: a few megabytes under attack
def normalise(text: str) -> str:
    """The form under which two names are the same entry.

    >>> normalise("UID=8 1, OU=Bal ,O=X")
    'uid=8 1,ou=bal,o=x'
    """
    rdns = (tuple(sorted((name, _comparable(value)) for name, value in rdn)) for rdn in parse_dn(text))
    return format_dn(tuple(rdns))


SUBSCHEMA_DN: Final = "cn=Subschema"
# The UUID of our OID arc (``ldap_schema.matching.ARC``): the namespace of our names.
_NAMESPACE: Final = uuid.UUID(int=262401253871432774560439567936610927899)


def entry_uuid(normal: str) -> str:
    """The UUID of the entry of this normalised name (RFC 4530, RFC 9562 5.5).  It depends on the name alone, so that
    every build and every node gives the same, and a record that keeps its name keeps it."""
    return str(uuid.uuid5(_NAMESPACE, normal))


# Names that are in their comparison form already, as nearly all of ours are.
_PLAIN = re.compile(r"(?:(?:uid|ou|o|dc|c|l)=[a-z0-9:@._-]+(?:,(?=[a-z])|$))+")
_HASH = sha1(_NAMESPACE.bytes, usedforsecurity=False)


def uuid_start(dn: str) -> str:
    """The first 12 digits of its ``entry_uuid``: 1.5 µs, where the whole takes 15."""
    found = _HASH.copy()
    found.update((dn if _PLAIN.fullmatch(dn) else normalise(dn)).encode())
    return found.hexdigest()[:12]
