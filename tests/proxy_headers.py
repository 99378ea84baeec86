"""PROXY protocol headers as balancers write them, by the letter of the specification."""

from __future__ import annotations

from ipaddress import ip_address

SIGNATURE = bytes.fromhex("0d0a0d0a000d0a515549540a")
LOCAL = SIGNATURE + b"\x20\x00\x00\x00"
UNIX = b"/run/client".ljust(108, b"\0") + b"/run/ldap".ljust(108, b"\0")
TLVS = b"\x04\x00\x02\x00\x00" + b"\x02\x00\x09localhost" + b"\x20\x00\x05\x01\x00\x00\x00\x00"  # padding, SNI, TLS


def line(source: str, target: str = "", ports: tuple[int, int] = (56324, 389)) -> bytes:
    """Version 1."""
    version = ip_address(source).version
    return f"PROXY TCP{version} {source} {target or source} {ports[0]} {ports[1]}\r\n".encode()


def binary(source: str, target: str = "", *, tlvs: bytes = b"") -> bytes:
    """Version 2, of a client over TCP."""
    ends = ip_address(source).packed + ip_address(target or source).packed + b"\xdc\x04\x01\x85"
    return block(ends + tlvs, 0x11 if ip_address(source).version == 4 else 0x21)


def block(body: bytes, kind: int, command: int = 0x21) -> bytes:
    """Version 2, whatever it says."""
    return SIGNATURE + bytes([command, kind]) + len(body).to_bytes(2) + body
