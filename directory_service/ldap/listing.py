"""The virtual list view control (draft-ietf-ldapext-ldapv3-vlv-09): a window on a sorted list.  PURE.

The list of a client is what all its pages could show it (``paged_total_…``), so that a window is no way round a limit,
and its length no count of what it may not see (ldap-clients.md §5).  Nothing is kept between two windows: the context
id is a signature of what was asked and by whom, and behind it the value that the list begins at, if that was typed.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Final, NamedTuple

from directory_service.errors import InvalidInput
from directory_service.index.query import Query, Window
from directory_service.ldap.ber import ENUMERATED, OCTET_STRING, Reader, integer, octets, sequence
from directory_service.ldap.codes import PROTOCOL_ERROR, SORT_CONTROL_MISSING
from directory_service.ldap.messages import Control
from directory_service.ldap.paging import sign

VLV: Final = "2.16.840.1.113730.3.4.9"
VLV_RESPONSE: Final = "2.16.840.1.113730.3.4.10"
_BY_OFFSET, _BY_VALUE = 0xA0, 0x81
_MOST_VALUE: Final = 1024  # octets of what is typed


class Listing(NamedTuple):
    """``context`` gives the id for a list that begins at a value, None for the first of all.  ``fault``: a
    virtualListViewResult known before the search; ``most`` entries are sent."""

    window: Window
    context: Callable[[bytes | None], bytes]
    fault: int = 0
    most: int = 0


def asked_listing(control: Control | None, query: Query, who: str, key: bytes) -> Listing | None:
    """Raises ``InvalidInput`` for what is not a VirtualListViewRequest."""
    if control is None:
        return None
    outer = Reader(control.value or b"")
    reader = outer.enter()
    outer.finish()
    before, after = reader.integer(), reader.integer()
    if before < 0 or after < 0:
        raise InvalidInput("fenêtre négative")
    window = _target(reader, before, after)
    given = reader.octets() if reader.peek() == OCTET_STRING else b""
    reader.finish()
    context = partial(_context, query, who, key)
    if not query.sort:
        return Listing(window, context, SORT_CONTROL_MISSING)
    begins = given[len(context(None)) :] or None
    known = not given or hmac.compare_digest(given, context(begins))
    return Listing(replace(window, begins=begins), context, 0 if known else PROTOCOL_ERROR, query.limit)


def _context(query: Query, who: str, key: bytes, begins: bytes | None) -> bytes:
    value = begins or b""
    return sign(b"vlv%d:%s" % (len(value), value), query, who, key) + value


def _target(reader: Reader, before: int, after: int) -> Window:
    if reader.peek() == _BY_OFFSET:
        target = reader.enter(_BY_OFFSET)
        offset, count = target.integer(), target.integer()
        target.finish()
        if count < 0:
            raise InvalidInput("longueur de liste négative")
        return Window(before, after, offset, count)
    return Window(before, after, value=reader.octets(_BY_VALUE)[:_MOST_VALUE])


def list_control(position: int, length: int, fault: int, context: bytes) -> Control:
    """The response control."""
    parts = integer(position), integer(length), integer(fault, ENUMERATED), octets(context) if context else b""
    return Control(VLV_RESPONSE, False, sequence(*parts))
