"""The paged results control (RFC 2696) over an index that can continue after an entry.  PURE.

A cookie holds where the page ended and how many entries went out, signed with what was asked and by whom, so that no
cookie serves another search (Samba CVE-2020-10730) or resets its total.  Nothing is kept on the server.
"""

from __future__ import annotations

import hashlib
import hmac
import struct
from typing import Final, NamedTuple

from directory_service.errors import InvalidInput
from directory_service.index.query import Query
from directory_service.ldap.ber import INTEGER, Reader, integer, octets, sequence
from directory_service.ldap.messages import Control

PAGED_RESULTS: Final = "1.2.840.113556.1.4.319"
_STATE: Final = struct.Struct(">QI")
_SIGNATURE: Final = 12  # octets


class Page(NamedTuple):
    """A page asked for: ``size`` entries after the entry ``after``, ``sent`` of ``total`` having gone out before."""

    size: int
    after: int
    sent: int
    total: int  # entries of all pages together


class BadCookie(InvalidInput):
    """A cookie that we did not give for this search."""


def asked_page(control: Control | None, query: Query, who: str, key: bytes, total: int) -> Page | None:
    """What the request's paged results control asks for; ``None`` without one.  Raises ``InvalidInput``."""
    return _read(control, query, who, key, total) if control else None


def _read(control: Control, query: Query, who: str, key: bytes, total: int) -> Page:
    outer = Reader(control.value or b"")
    reader = outer.enter()
    outer.finish()
    size, cookie = reader.integer(INTEGER), reader.octets()
    reader.finish()
    if size < 0:
        raise BadCookie("taille de page négative")
    if not cookie:
        return Page(size, 0, 0, total)
    state = cookie[: _STATE.size]
    if not hmac.compare_digest(cookie, state + sign(state, query, who, key)):
        raise BadCookie("marque de page inconnue pour cette recherche")
    after, sent = _STATE.unpack(state)
    return Page(size, after, sent, total)


def sign(state: bytes, query: Query, who: str, key: bytes) -> bytes:
    """A signature of ``state`` for this search, in this order, by this client."""
    asked = repr((query.base, query.scope, query.filter, query.sort, who)).encode()
    return hashlib.blake2b(state + asked, key=key, digest_size=_SIGNATURE).digest()


def page_control(query: Query, who: str, key: bytes, state: tuple[int, int] | None) -> Control:
    """The response control: ``state`` is the last entry's id and the total sent, ``None`` when it is over.

    The estimate is always 0, "unknown": counts are not for anonymous clients (ldap-clients.md §5).
    """
    packed = _STATE.pack(*state) if state else b""
    cookie = packed + sign(packed, query, who, key) if state else b""
    return Control(PAGED_RESULTS, False, sequence(integer(0), octets(cookie)))
