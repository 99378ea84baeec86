"""Request files for ``ldap_load``: length-prefixed BER SearchRequests made from RFC 4515 filters.

Written apart from ``directory_service.ldap`` on purpose: a benchmark that shares its subject's codec shares its faults.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterable
from pathlib import Path

_KINDS = {"&": 0xA0, "|": 0xA1, "!": 0xA2}


def write_requests(
    path: Path, filters: Iterable[str], *, base: str, limit: int, attributes: Iterable[str] = ()
) -> Path:
    """One search per filter."""
    names = tuple(attributes)
    with path.open("wb") as out:
        for text in filters:
            message = search_request(text, base, limit, names)
            out.write(struct.pack("<I", len(message)) + message)
    return path


def search_request(text: str, base: str, limit: int, attributes: Iterable[str] = ()) -> bytes:
    """A subtree search, message id 2."""
    wanted = _tlv(0x30, b"".join(map(_octets, attributes)))
    head = _octets(base) + b"\x0a\x01\x02\x0a\x01\x00" + _tlv(2, limit.to_bytes(2, "big")) + b"\x02\x01\x00\x01\x01\x00"
    return _tlv(0x30, b"\x02\x01\x02" + _tlv(0x63, head + _parse(text)[0] + wanted))


def escape(value: str) -> str:
    """RFC 4515 section 3."""
    return re.sub(r"[*()\\\0]", lambda m: f"\\{ord(m[0]):02x}", value)


def _length(n: int) -> bytes:
    if n < 128:
        return bytes([n])
    size = (n.bit_length() + 7) // 8
    return bytes([0x80 | size]) + n.to_bytes(size, "big")


def _tlv(tag: int, body: bytes) -> bytes:
    return bytes([tag]) + _length(len(body)) + body


def _octets(text: str) -> bytes:
    return _tlv(4, text.encode())


def _raw(value: str) -> bytes:
    return re.sub(rb"\\([0-9a-fA-F]{2})", lambda m: bytes([int(m[1], 16)]), value.encode())


def _item(text: str) -> bytes:
    name, value = text.split("=", 1)
    if value == "*":
        return _tlv(0x87, name.encode())
    if "*" not in value:
        return _tlv(0xA3, _octets(name) + _tlv(4, _raw(value)))
    first, *middle, last = value.split("*")
    parts = (_tlv(0x80, _raw(first)) if first else b"") + b"".join(_tlv(0x81, _raw(m)) for m in middle if m)
    parts += _tlv(0x82, _raw(last)) if last else b""
    return _tlv(0xA4, _octets(name) + _tlv(0x30, parts))


def _parse(text: str, at: int = 0) -> tuple[bytes, int]:
    at += 1
    kind = _KINDS.get(text[at])
    if kind is None:
        end = text.index(")", at)
        return _item(text[at:end]), end + 1
    at, parts = at + 1, b""
    while text[at] == "(":
        part, at = _parse(text, at)
        parts += part
    return _tlv(kind, parts), at + 1
