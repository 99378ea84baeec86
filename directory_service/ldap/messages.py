"""LDAP messages (RFC 4511 4.1 to 4.14): requests decoded, responses encoded.  PURE: no session, no answer decided here.

Hot path 1 of house.md §3: a SearchRequest costs about 4 µs, filter included (bench and twin: see ``ber``).
Requests are named tuples because they are built once per request and read once.
Two errors come out, both ``InvalidInput``: ``BerError`` when the octets cannot be read (RFC 4511 4.1.1: Notice of
Disconnection), ``BadRequest`` when they can but say something that is not allowed; it holds the reply to send.
Trailing elements that we do not know are skipped (RFC 4511 4: ExtensibilityImplied).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Final, NamedTuple

from directory_service.errors import InvalidInput
from directory_service.index.query import Filter
from directory_service.ldap.ber import (
    BOOLEAN,
    ENUMERATED,
    INTEGER,
    OCTET_STRING,
    SEQUENCE,
    BerError,
    Reader,
    boolean,
    encode_length,
    expect,
    header,
    integer,
    octets,
    sequence,
    small_integer,
    tlv,
)
from directory_service.ldap.codes import AUTH_METHOD_NOT_SUPPORTED, PROTOCOL_ERROR
from directory_service.ldap.filters import BY_SOUND, LABORIOUS, BadFilter, FilterDecoder, Resolve
from directory_service.ldap.limits import Limits
from directory_service.ldap.repeated import Refused, read_attributes, read_opening

# Requests, with the tag of their response.
BIND, UNBIND, SEARCH, MODIFY, ADD, DELETE, MODIFY_DN, COMPARE, ABANDON, EXTENDED = (
    0x60, 0x42, 0x63, 0x66, 0x68, 0x4A, 0x6C, 0x6E, 0x50, 0x77,
)  # fmt: skip
BIND_RESPONSE, SEARCH_ENTRY, SEARCH_DONE, COMPARE_RESPONSE, EXTENDED_RESPONSE = 0x61, 0x64, 0x65, 0x6F, 0x78
RESPONSES: Final = {
    BIND: BIND_RESPONSE, SEARCH: SEARCH_DONE, MODIFY: 0x67, ADD: 0x69, DELETE: 0x6B, MODIFY_DN: 0x6D,
    COMPARE: COMPARE_RESPONSE, EXTENDED: EXTENDED_RESPONSE,
}  # fmt: skip
CONTROLS: Final = 0xA0
NOTICE_OF_DISCONNECTION: Final = "1.3.6.1.4.1.1466.20036"
_SIMPLE, _SASL = 0x80, 0xA3


class BadRequest(InvalidInput):
    """A request that can be read but not obeyed: ``reply`` is the whole LDAPMessage to send for it, ``limit`` the name
    of the limit that was met, if that is why."""

    def __init__(self, message: str, reply: bytes, limit: str = "") -> None:
        super().__init__(message)
        self.reply = reply
        self.limit = limit


class Control(NamedTuple):
    oid: str
    critical: bool
    value: bytes | None


Controls = tuple[Control, ...]


class BindRequest(NamedTuple):
    message_id: int
    version: int
    name: bytes
    secret: bytes
    mechanism: str | None  # None: simple
    controls: Controls = ()

    def __repr__(self) -> str:
        """Without the secret: requests end up in tracebacks."""
        return f"BindRequest({self.message_id}, version={self.version}, mechanism={self.mechanism})"


class SearchRequest(NamedTuple):
    """``scope`` is 0, 1 or 2; ``deref`` is not kept, since there are no aliases here.  ``laborious``: its filter
    takes long to plan (``filters.LABORIOUS``)."""

    message_id: int
    base: bytes
    scope: int
    size_limit: int
    time_limit: int
    types_only: bool
    filter: Filter
    attributes: tuple[str, ...]
    controls: Controls = ()
    laborious: bool = False


class CompareRequest(NamedTuple):
    message_id: int
    entry: bytes
    attribute: str
    value: bytes
    controls: Controls = ()


class AbandonRequest(NamedTuple):
    message_id: int
    target: int
    controls: Controls = ()


class UnbindRequest(NamedTuple):
    message_id: int
    controls: Controls = ()


class ExtendedRequest(NamedTuple):
    message_id: int
    oid: str
    value: bytes | None
    controls: Controls = ()


class WriteRequest(NamedTuple):
    """Modify, add, delete or modifyDN: only what it takes to refuse it."""

    message_id: int
    response: int  # tag
    controls: Controls = ()


Request = BindRequest | SearchRequest | CompareRequest | AbandonRequest | UnbindRequest | ExtendedRequest | WriteRequest


# --- decoding -------------------------------------------------------------------------------------------------------


def frame(data: bytes | bytearray, at: int, cap: int) -> tuple[int, int] | None:
    """Where the content of the LDAPMessage at ``at`` starts and ends; ``None`` while its header is incomplete.

    The end may lie beyond ``data``.  A message announced above ``cap`` octets is refused before it is received.
    """
    have = len(data) - at
    if have and data[at] != SEQUENCE:
        raise BerError("ce n'est pas un message LDAP", at)
    if have < 2:
        return None
    size = data[at + 1]
    if size < 0x80:
        return at + 2, at + 2 + size
    size &= 0x7F
    if not 1 <= size <= 4:
        raise BerError("longueur indéfinie ou de plus de quatre octets", at)
    start = at + 2 + size
    if have < 2 + size:
        return None
    length = int.from_bytes(data[at + 2 : start], "big")
    if length > cap:
        raise BerError(f"message de plus de {cap} octets", at, "pdu")
    return start, start + length


def decode_request(data: bytes, at: int, end: int, resolve: Resolve, limits: Limits) -> Request:
    """The request whose LDAPMessage content lies between the two offsets."""
    start, at = expect(data, at, end, INTEGER)
    message_id, number = small_integer(data, start, at), start
    tag, start, at = header(data, at, end)
    # RFC 4511 4.1.1.1: 0 is for the server's unsolicited notifications; but Erlang's eldap asks for StartTLS with it.
    if message_id < (0 if tag == EXTENDED else 1):
        raise BerError("numéro de message hors de 1 à 2147483647", number)
    decode = _DECODERS.get(tag)
    if decode is None:
        raise BerError(f"requête inconnue {tag:#04x}", start)
    try:
        controls = _controls(Reader(data, at, end), limits) if at < end else ()
        return decode(_Body(message_id, data, start, at, controls, resolve, limits))
    except BadFilter as error:
        raise BadRequest(error.message, refusal(message_id, tag, error.message), error.limit) from None
    except Refused as error:
        raise BadRequest(error.message, refusal(message_id, tag, error.message, error.code), error.limit) from None


class _Body(NamedTuple):
    """A protocolOp not yet decoded, with what decoding takes."""

    message_id: int
    data: bytes
    at: int
    end: int
    controls: Controls
    resolve: Resolve
    limits: Limits

    def reader(self) -> Reader:
        return Reader(self.data, self.at, self.end)


def _controls(reader: Reader, limits: Limits) -> Controls:
    found: list[Control] = []
    while reader.more:
        if reader.peek() != CONTROLS:
            reader.element()
            continue
        items = reader.enter(CONTROLS)
        while items.more:
            found.append(_control(items.enter()))
            if len(found) > limits.controls:
                raise Refused(f"plus de {limits.controls} contrôles", limit="controls")
    return tuple(found)


def _control(reader: Reader) -> Control:
    oid = _ascii(reader.octets())
    critical = reader.boolean() if reader.peek() == BOOLEAN else False
    value = reader.octets() if reader.peek() == OCTET_STRING else None
    return Control(oid, critical, value)


def _ascii(raw: bytes) -> str:
    return raw.decode("ascii", "replace")


def _bind(body: _Body) -> BindRequest:
    reader = body.reader()
    version = reader.integer()
    name = reader.octets()
    tag, content = reader.element()
    if tag == _SIMPLE:
        return BindRequest(body.message_id, version, name, content, None, body.controls)
    if tag != _SASL:
        raise Refused("méthode d'authentification inconnue", AUTH_METHOD_NOT_SUPPORTED)
    sasl = Reader(content)
    mechanism = _ascii(sasl.octets())
    secret = sasl.octets() if sasl.peek() == OCTET_STRING else b""
    return BindRequest(body.message_id, version, name, secret, mechanism, body.controls)


def _search(body: _Body) -> SearchRequest:
    message_id, data, at, end, controls, resolve, limits = body
    opening, at = read_opening(data, at, end)
    decoder, begun = FilterDecoder(data, resolve, limits), at
    found, at = decoder.decode(at, end)
    laborious = at - begun + BY_SOUND * decoder.sounded > LABORIOUS
    start, at = expect(data, at, end, SEQUENCE)
    attributes = read_attributes(data[start:at], limits.requested_attributes) if at > start else ()
    return SearchRequest(message_id, *opening, found, attributes, controls, laborious)


def _compare(body: _Body) -> CompareRequest:
    reader = body.reader()
    entry = reader.octets()
    assertion = reader.enter()
    return CompareRequest(body.message_id, entry, _ascii(assertion.octets()), assertion.octets(), body.controls)


def _abandon(body: _Body) -> AbandonRequest:
    return AbandonRequest(body.message_id, small_integer(body.data, body.at, body.end), body.controls)


def _unbind(body: _Body) -> UnbindRequest:
    return UnbindRequest(body.message_id, body.controls)


def _extended(body: _Body) -> ExtendedRequest:
    reader = body.reader()
    oid = _ascii(reader.octets(0x80))
    value = reader.octets(0x81) if reader.peek() == 0x81 else None
    return ExtendedRequest(body.message_id, oid, value, body.controls)


def _write(tag: int) -> Callable[[_Body], Request]:
    return lambda body: WriteRequest(body.message_id, RESPONSES[tag], body.controls)


_DECODERS: Final[dict[int, Callable[[_Body], Request]]] = {
    SEARCH: _search,
    BIND: _bind,
    UNBIND: _unbind,
    COMPARE: _compare,
    ABANDON: _abandon,
    EXTENDED: _extended,
    **{tag: _write(tag) for tag in (MODIFY, ADD, DELETE, MODIFY_DN)},
}


# --- encoding -------------------------------------------------------------------------------------------------------


def message(message_id: int, operation: bytes, controls: bytes = b"") -> bytes:
    """An LDAPMessage."""
    return tlv(SEQUENCE, integer(message_id) + operation + controls)


def result(message_id: int, tag: int, code: int, text: str = "", *, matched: str = "", extra: bytes = b"",
           controls: bytes = b"") -> bytes:  # fmt: skip
    """A response made of an LDAPResult (RFC 4511 4.1.9), and of ``extra`` elements after it."""
    body = integer(code, ENUMERATED) + octets(matched) + octets(text) + extra
    return message(message_id, tlv(tag, body), controls)


_PLAIN_DONE: Final = [tlv(SEARCH_DONE, integer(code, ENUMERATED) + octets("") + octets("")) for code in range(128)]


def search_done(message_id: int, code: int) -> bytes:
    """The SearchResultDone that has nothing to add to its code."""
    return tlv(SEQUENCE, integer(message_id) + _PLAIN_DONE[code])


def refusal(message_id: int, tag: int, text: str, code: int = PROTOCOL_ERROR) -> bytes:
    """The reply to a request that is not obeyed, by the request's tag; nothing for those that have no response."""
    return result(message_id, RESPONSES[tag], code, text) if tag in RESPONSES else b""


def search_entry(message_id: int, entry: bytes) -> bytes:
    """A SearchResultEntry: ``entry`` is the OCTET STRING of the DN and the SEQUENCE of attributes, encoded."""
    return b"".join(search_entries(message_id, (entry,)))


def search_entries(message_id: int, entries: Iterable[bytes]) -> list[bytes]:
    """One for each, in pieces: they are sent by the hundred, and joined once."""
    number, found = _number(message_id), list[bytes]()
    for entry in entries:
        before, begin = _heads(len(number), len(entry))
        found += (before, number, begin, entry)
    return found


_number = lru_cache(maxsize=1024)(integer)


@lru_cache(maxsize=16_384)  # of sizes there are few
def _heads(number: int, size: int) -> tuple[bytes, bytes]:
    """What stands before the message id, and between it and the entry, by their sizes."""
    begin = bytes((SEARCH_ENTRY,)) + encode_length(size)
    return bytes((SEQUENCE,)) + encode_length(number + len(begin) + size), begin


def extended_response(message_id: int, code: int, text: str = "", *, oid: str = "", value: bytes | None = None
                      ) -> bytes:  # fmt: skip
    """An ExtendedResponse (RFC 4511 4.12)."""
    extra = tlv(0x8A, oid.encode()) if oid else b""
    if value is not None:
        extra += tlv(0x8B, value)
    return result(message_id, EXTENDED_RESPONSE, code, text, extra=extra)


def notice_of_disconnection(code: int, text: str) -> bytes:
    """The unsolicited notification that precedes our closing (RFC 4511 4.4.1)."""
    return extended_response(0, code, text, oid=NOTICE_OF_DISCONNECTION)


def response_controls(*found: Control) -> bytes:
    """Controls of a response, encoded for ``result``."""
    return sequence(*map(_encode_control, found), tag=CONTROLS) if found else b""


def _encode_control(control: Control) -> bytes:
    value = b"" if control.value is None else octets(control.value)
    return sequence(octets(control.oid), boolean(True) if control.critical else b"", value)
