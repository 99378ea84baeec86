"""The header of the PROXY protocol: what it says, and what is none.  Named after the sections of the specification."""

from __future__ import annotations

import pytest
from proxy_headers import LOCAL, SIGNATURE, TLVS, UNIX, binary, block, line

from directory_service.errors import InvalidInput
from directory_service.ldap import proxyheader
from directory_service.ldap.proxyheader import Header, find_header

LONGEST_UNKNOWN = (
    b"PROXY UNKNOWN ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535\r\n"
)

SAYS = {
    "2.1 the example": (b"PROXY TCP4 192.168.0.1 192.168.0.11 56324 443\r\n", "192.168.0.1"),
    "2.1 the longest of IPv4": (b"PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n", "255.255.255.255"),
    "2.1 IPv6": (line("2001:db8::7", "::1"), "2001:db8::7"),
    "2.1 IPv6 in full, upper case": (b"PROXY TCP6 2001:DB8:0:0:0:0:0:7 ::1 0 1\r\n", "2001:db8::7"),
    "2.1 IPv4 over IPv6": (b"PROXY TCP6 ::ffff:192.0.2.7 ::ffff:192.0.2.1 1 2\r\n", "192.0.2.7"),
    "2.1 unknown, short": (b"PROXY UNKNOWN\r\n", ""),
    "2.1 unknown, the longest": (LONGEST_UNKNOWN, ""),
    "2.1 unknown, anything": (b"PROXY UNKNOWN \xff\n\r\0 x\r\n", ""),
    "2.2 IPv4": (binary("192.0.2.7", "192.0.2.1"), "192.0.2.7"),
    "2.2 IPv6": (binary("2001:db8::7", "::1"), "2001:db8::7"),
    "2.2 IPv4 over IPv6": (binary("::ffff:192.0.2.7", "::ffff:192.0.2.1"), "192.0.2.7"),
    "2.2 TLVs": (binary("192.0.2.7", tlvs=TLVS), "192.0.2.7"),
    "2.2 TLVs that are none": (binary("192.0.2.7", tlvs=b"\xff"), "192.0.2.7"),
    "2.2 as long as it may be": (binary("192.0.2.7", tlvs=bytes(4096 - 28)), "192.0.2.7"),
    "2.2 LOCAL": (LOCAL, ""),
    "2.2 LOCAL, with an address, which is not the client's": (block(bytes(12), 0x11, 0x20), ""),
    "2.2 LOCAL, with an IPv6 address": (block(bytes(36), 0x21, 0x20), ""),
    "2.2 LOCAL, with a family that does not exist": (block(b"xy", 0xFF, 0x20), ""),
    "2.2 UNSPEC": (block(b"", 0x00), ""),
    "2.2 UNSPEC, a stream": (block(b"", 0x01), ""),
    "2.2 UNSPEC, with something": (block(bytes(12) + TLVS, 0x00), ""),
    "2.2 IPv4, of no transport": (block(b"", 0x10), ""),
    "2.2 UDP": (block(bytes(12), 0x12), ""),
    "2.2 Unix": (block(UNIX, 0x31), ""),
}
IS_NONE = {
    "LDAP": b"\x30\x0c\x02\x01\x01\x60\x07",
    "TLS": b"\x16\x03\x01",
    "another word": b"POST / HTTP/1.1\r\n",
    "another word, without an end": b"POST /",
    "small letters": b"proxy TCP4",
    "a signature that ends otherwise": SIGNATURE[:-1] + b"\r",
    "no space": b"PROXY\r\n",
    "no family": b"PROXY \r\n",
    "a family that does not exist": b"PROXY TCP5 192.0.2.7 192.0.2.1 1 2\r\n",
    "UDP in a line": b"PROXY UDP4 192.0.2.7 192.0.2.1 1 2\r\n",
    "a word behind UNKNOWN": b"PROXY UNKNOWNS\r\n",
    "addresses of the other family": b"PROXY TCP4 2001:db8::7 ::1 1 2\r\n",
    "addresses of both families": b"PROXY TCP6 2001:db8::7 192.0.2.1 1 2\r\n",
    "two spaces": b"PROXY TCP4  192.0.2.7 192.0.2.1 1 2\r\n",
    "a space at the end": b"PROXY TCP4 192.0.2.7 192.0.2.1 1 2 \r\n",
    "a leading zero": b"PROXY TCP4 192.0.2.07 192.0.2.1 1 2\r\n",
    "a port with a leading zero": b"PROXY TCP4 192.0.2.7 192.0.2.1 01 2\r\n",
    "a port too high": b"PROXY TCP4 192.0.2.7 192.0.2.1 1 65536\r\n",
    "a port of the client too high": b"PROXY TCP4 192.0.2.7 192.0.2.1 65536 1\r\n",
    "a port below zero": b"PROXY TCP4 192.0.2.7 192.0.2.1 -1 2\r\n",
    "a zone": b"PROXY TCP6 fe80::1%eth0 ::1 1 2\r\n",
    "three numbers": b"PROXY TCP4 192.0.2 192.0.2.1 1 2\r\n",
    "a line feed alone": b"PROXY TCP4 192.0.2.7 192.0.2.1 1 2\n\r\n",
    "a carriage return alone": b"PROXY TCP4 192.0.2.7 192.0.2.1 1 2\rx\r\n",
    "a line too long": b"PROXY UNKNOWN " + b"x" * 92 + b"\r\n",
    "a line too long, without an end": b"PROXY UNKNOWN " + b"x" * 93,
    "version 1 in binary": block(bytes(12), 0x11, 0x11),
    "version 3": block(bytes(12), 0x11, 0x31),
    "a command that does not exist": block(bytes(12), 0x11, 0x22),
    "a binary family that does not exist": block(bytes(216), 0x41),
    "a transport that does not exist": block(bytes(12), 0x13),
    "too short for IPv4": block(bytes(11), 0x11),
    "too short for IPv6": block(bytes(35), 0x21),
    "too short for Unix": block(bytes(215), 0x31),
    "too long": SIGNATURE + b"\x21\x11" + (4096 - 15).to_bytes(2),
    "a LOCAL too long": SIGNATURE + b"\x20\x00\xff\xff",
}  # fmt: skip


@pytest.mark.parametrize("rest", [b"", b"\x30\x0c\x02", b"\r\n"], ids=["alone", "with LDAP behind it", "with lines"])
@pytest.mark.parametrize(("data", "address"), SAYS.values(), ids=SAYS)
def test_what_a_header_says(data: bytes, address: str, rest: bytes) -> None:
    assert find_header(data + rest) == Header(len(data), address)


@pytest.mark.parametrize("data", IS_NONE.values(), ids=IS_NONE)
def test_what_is_no_header(data: bytes) -> None:
    with pytest.raises(InvalidInput) as refused:
        find_header(data)
    assert refused.value.where == "en-tête PROXY"


@pytest.mark.parametrize("data", [data for data, _ in SAYS.values()], ids=SAYS)
def test_a_header_may_come_in_pieces(data: bytes) -> None:
    assert [find_header(data[:n]) for n in range(len(data))] == [None] * len(data)


def test_a_line_ends_within_107_octets() -> None:
    assert len(LONGEST_UNKNOWN) == proxyheader.LONGEST_LINE == 107
    assert find_header(b"PROXY UNKNOWN " + b"x" * 91 + b"\r\n") == Header(107, "")
    assert find_header(b"PROXY UNKNOWN " + b"x" * 91 + b"\r") is None
