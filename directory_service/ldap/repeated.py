"""The parts of a SearchRequest that a client repeats: what stands before the filter, and the attributes asked for.
PURE.  Each is decoded once, and known by its octets afterwards; ``messages`` decodes the rest.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from directory_service.errors import InvalidInput
from directory_service.ldap.ber import (
    BOOLEAN,
    ENUMERATED,
    INTEGER,
    OCTET_STRING,
    BerError,
    Reader,
    expect,
    small_integer,
)
from directory_service.ldap.codes import PROTOCOL_ERROR

LONG_LIST: Final = 2048  # octets: attribute lists as long as this are not worth remembering


class Refused(InvalidInput):
    """Turned into ``BadRequest`` where the message id is known."""

    def __init__(self, message: str, code: int = PROTOCOL_ERROR, limit: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.limit = limit


Opening = tuple[bytes, int, int, int, bool]  # of a SearchRequest: base, scope, limits of size and time, typesOnly


def read_opening(data: bytes, at: int, end: int) -> tuple[Opening, int]:
    """What stands before the filter, and where that starts.  A client writes the same octets each time, so that they
    are decoded once: where they end is only guessed, by lengths of one octet, and ``_known_opening`` says if it is so.
    """
    if at + 18 < end and data[at + 1] < 0x80:
        stop = at + 8 + data[at + 1]  # base, scope, aliases
        if stop + 1 < end:
            stop += 2 + data[stop + 1]  # limit of size
            if stop + 1 < end:
                stop += 5 + data[stop + 1]  # limit of time, typesOnly
                if stop <= end and (known := _known_opening(data[at:stop])) is not None:
                    return known, stop
    return _decode_opening(data, at, end)


@lru_cache(maxsize=512)
def _known_opening(raw: bytes) -> Opening | None:
    """None when these octets are not an opening and nothing else."""
    try:
        opening, at = _decode_opening(raw, 0, len(raw))
    except BerError:
        return None
    return opening if at == len(raw) else None


def _decode_opening(data: bytes, at: int, end: int) -> tuple[Opening, int]:
    start, at = expect(data, at, end, OCTET_STRING)
    base = data[start:at]
    start, at = expect(data, at, end, ENUMERATED)
    scope = small_integer(data, start, at)
    start, at = expect(data, at, end, ENUMERATED)
    deref = small_integer(data, start, at)
    start, at = expect(data, at, end, INTEGER)
    size_limit = small_integer(data, start, at)
    start, at = expect(data, at, end, INTEGER)
    time_limit = small_integer(data, start, at)
    start, at = expect(data, at, end, BOOLEAN)
    if at - start != 1:
        raise BerError("booléen qui n'a pas un octet", start)
    types_only = data[start] != 0
    if not (0 <= scope <= 2 and 0 <= deref <= 3 and size_limit >= 0 and time_limit >= 0):
        raise Refused("portée, alias ou limite hors des valeurs permises")
    return (base, scope, size_limit, time_limit, types_only), at


def read_attributes(raw: bytes, most: int) -> tuple[str, ...]:
    """The requested names.  A client asks for the same list each time, so the list is decoded once."""
    return _cached_list(raw, most) if len(raw) < LONG_LIST else _attribute_list(raw, most)


def _attribute_list(raw: bytes, most: int) -> tuple[str, ...]:
    reader, names = Reader(raw), []
    while reader.more:
        names.append(reader.octets().decode("ascii", "replace"))
        if len(names) > most:
            raise Refused(f"plus de {most} attributs demandés", limit="requested_attributes")
    return tuple(names)


_cached_list = lru_cache(maxsize=512)(_attribute_list)
