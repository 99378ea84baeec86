"""The PROXY protocol header, versions 1 and 2: what a balancer says of a client before the client's own octets.  PURE.

https://www.haproxy.org/download/2.9/doc/proxy-protocol.txt, whose sections are named here.  Which peers have to send
one, and who may, is for ``server.proxied``.  What else it may hold (TLVs, a checksum among them) is passed over unread.
"""

from __future__ import annotations

import re
from ipaddress import IPv4Address, IPv6Address
from typing import Final, NamedTuple

from directory_service.errors import InvalidInput

SIGNATURE: Final = b"\r\n\r\n\0\r\nQUIT\n"
LOCAL: Final = SIGNATURE + b"\x20\0\0\0"  # whole: who speaks for itself, to see whether we answer
LONGEST_LINE: Final = 107  # octets, CRLF included (2.1)
LONGEST_BINARY: Final = 4096  # octets; senders stay under 536, a client's certificate in a TLV apart
_FIXED: Final = 16  # octets before the addresses of version 2
_BY_ITSELF, _FOR_ANOTHER = 0x20, 0x21  # version 2, LOCAL and PROXY
_TCP4, _TCP6 = 0x11, 0x21
_ADDRESSES: Final = (0, 12, 36, 216)  # octets of both ends, by family: none, IPv4, IPv6, Unix
_LAST_TRANSPORT: Final = 2  # none, stream, datagram

_NUMBER = b"(0|[1-9][0-9]{0,4})"
_LINE: Final = re.compile(rb"PROXY (TCP4|TCP6) ([0-9A-Fa-f:.]+) ([0-9A-Fa-f:.]+) " + _NUMBER + b" " + _NUMBER)


class Header(NamedTuple):
    """``size`` octets, then come the client's.  ``address`` is the client's; empty where that of the peer is to be
    taken: it speaks for itself, or for somebody who did not come over TCP."""

    size: int
    address: str


def find_header(data: bytes) -> Header | None:
    """The header that a connection begins with; None while more octets are to come.  Raises InvalidInput as soon as
    they can no longer be one."""
    if data[:1] == b"P":
        return _find_line(data)
    if not SIGNATURE.startswith(data[: len(SIGNATURE)]):
        raise _refused("aucun en-tête PROXY")
    return _find_binary(data)


def _find_line(data: bytes) -> Header | None:
    """2.1: ``PROXY TCP4 192.0.2.7 192.0.2.1 56324 389``.  After UNKNOWN anything may come before the CRLF."""
    end = data.find(b"\r\n", 0, LONGEST_LINE)
    if end < 0:
        if len(data) >= LONGEST_LINE or not data.startswith(b"PROXY "[: len(data)]):
            raise _refused("ligne PROXY sans fin")
        return None
    line = data[:end]
    if line == b"PROXY UNKNOWN" or line.startswith(b"PROXY UNKNOWN "):
        return Header(end + 2, "")
    parts = _LINE.fullmatch(line)
    if parts is None or int(parts[4]) > 0xFFFF or int(parts[5]) > 0xFFFF:
        raise _refused("ligne PROXY mal formée")
    kind = IPv4Address if parts[1] == b"TCP4" else IPv6Address
    try:
        source, _ = kind(parts[2].decode("ascii")), kind(parts[3].decode("ascii"))
    except ValueError:
        raise _refused("adresse mal formée") from None
    return Header(end + 2, _written(source))


def _find_binary(data: bytes) -> Header | None:
    """2.2: the signature, version and command, family and transport, the length of what follows; then the addresses."""
    if len(data) < _FIXED:
        return None
    command, kind, length = data[12], data[13], int.from_bytes(data[14:16])
    size = _FIXED + length
    if command not in (_BY_ITSELF, _FOR_ANOTHER) or size > LONGEST_BINARY:
        raise _refused("en-tête PROXY d'une autre version, ou trop long")
    if command == _FOR_ANOTHER and not _is_known(kind, length):
        raise _refused("adresses mal formées")
    if len(data) < size:
        return None
    if command == _FOR_ANOTHER and kind == _TCP4:
        return Header(size, _written(IPv4Address(data[16:20])))
    if command == _FOR_ANOTHER and kind == _TCP6:
        return Header(size, _written(IPv6Address(data[16:32])))
    return Header(size, "")


def _is_known(kind: int, length: int) -> bool:
    """A family and a transport that there are, and room for the addresses of both ends."""
    family, transport = kind >> 4, kind & 15
    if family >= len(_ADDRESSES) or transport > _LAST_TRANSPORT:
        return False
    return transport == 0 or length >= _ADDRESSES[family]


def _written(address: IPv4Address | IPv6Address) -> str:
    """An IPv4 client of a balancer that listens on ``::`` is the same client as elsewhere."""
    return str(getattr(address, "ipv4_mapped", None) or address)


def _refused(why: str) -> InvalidInput:
    return InvalidInput(why, where="en-tête PROXY")
