"""The client's half of LDAP for the tests: requests encoded, replies decoded, a served directory, a raw socket."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import NamedTuple

from ldap_town import Gate
from prometheus_client import REGISTRY
from record_factories import SUFFIX

from directory_service.accesslog import AccessLog
from directory_service.index.directory import Directory
from directory_service.index.query import (
    And,
    Approx,
    Equal,
    Extensible,
    Filter,
    GreaterOrEqual,
    LessOrEqual,
    Not,
    Or,
    Present,
    Substrings,
)
from directory_service.ldap.ber import ENUMERATED, INTEGER, SEQUENCE, Reader, boolean, integer, octets, sequence, tlv
from directory_service.ldap.filters import parse_filter
from directory_service.ldap.limits import LdapSettings
from directory_service.ldap.messages import Control, frame, response_controls
from directory_service.ldap.server import Operators, Tls, serve
from directory_service.siblings import Siblings

BAL = f"ou=bal,{SUFFIX}"
START_TLS = "1.3.6.1.4.1.1466.20037"
WRITES = {"modify": 0x66, "add": 0x68, "delete": 0x4A, "modify DN": 0x6C}

# --- requests -------------------------------------------------------------------------------------------------------

_ASSERTIONS = {Equal: 0xA3, GreaterOrEqual: 0xA5, LessOrEqual: 0xA6, Approx: 0xA8}


def encode_filter(found: Filter) -> bytes:
    """A filter on the wire, by the letter of RFC 4511 4.5.1."""
    match found:
        case And(items) | Or(items):
            return tlv(0xA0 if isinstance(found, And) else 0xA1, b"".join(map(encode_filter, items)))
        case Not(item):
            return tlv(0xA2, encode_filter(item))
        case Present(name):
            return tlv(0x87, name.encode())
        case Substrings(name, initial, middle, final):
            parts = tlv(0x80, initial) if initial else b""
            parts += b"".join(tlv(0x81, part) for part in middle)
            parts += tlv(0x82, final) if final else b""
            return tlv(0xA4, octets(name) + tlv(SEQUENCE, parts))
        case Extensible(rule, name, value, dn):
            parts = (tlv(0x81, rule.encode()) if rule else b"") + (tlv(0x82, name.encode()) if name else b"")
            return tlv(0xA9, parts + tlv(0x83, value) + (tlv(0x84, b"\xff") if dn else b""))
        case _:
            return tlv(_ASSERTIONS[type(found)], octets(found.attribute) + octets(found.value))


def request(message_id: int, operation: bytes, *controls: Control) -> bytes:
    return tlv(SEQUENCE, integer(message_id) + operation + response_controls(*controls))


def search(
    asked: str | bytes | Filter = "(objectClass=*)", message_id: int = 1, *controls: Control, base: str | bytes = BAL,
    scope: int = 2, size: int = 0, time: int = 0, types_only: bool = False, attributes: Sequence[str] = (),
) -> bytes:  # fmt: skip
    """A SearchRequest; ``asked`` is a filter as text, as a tree or encoded."""
    if isinstance(asked, str):
        asked = parse_filter(asked)
    body = octets(base) + integer(scope, ENUMERATED) + integer(0, ENUMERATED) + integer(size) + integer(time)
    body += boolean(types_only) + (asked if isinstance(asked, bytes) else encode_filter(asked))
    return request(message_id, tlv(0x63, body + sequence(*map(octets, attributes))), *controls)


def bind(name: str = "", secret: str = "", message_id: int = 1, *, version: int = 3) -> bytes:
    return request(message_id, tlv(0x60, integer(version) + octets(name) + tlv(0x80, secret.encode())))


def bind_sasl(mechanism: str, message_id: int = 1, credentials: str | None = None) -> bytes:
    said = octets(mechanism) + (b"" if credentials is None else octets(credentials))
    return request(message_id, tlv(0x60, integer(3) + octets("") + tlv(0xA3, said)))


def unbind(message_id: int = 1) -> bytes:
    return request(message_id, b"\x42\x00")


def abandon(target: int, message_id: int = 1) -> bytes:
    return request(message_id, integer(target, 0x50))


def compare(entry: str, attribute: str, value: str, message_id: int = 1) -> bytes:
    return request(message_id, tlv(0x6E, octets(entry) + sequence(octets(attribute), octets(value))))


def extended(oid: str, message_id: int = 1, value: bytes | None = None) -> bytes:
    return request(message_id, tlv(0x77, tlv(0x80, oid.encode()) + (b"" if value is None else tlv(0x81, value))))


def paged(size: int, cookie: bytes = b"", *, critical: bool = True) -> Control:
    return Control("1.2.840.113556.1.4.319", critical, sequence(integer(size), octets(cookie)))


SORT, SORTED = "1.2.840.113556.1.4.473", "1.2.840.113556.1.4.474"
VLV, LISTED = "2.16.840.1.113730.3.4.9", "2.16.840.1.113730.3.4.10"
PAGED = "1.2.840.113556.1.4.319"
MATCHED = "1.2.826.0.1.3344810.2.3"


def sorting(*keys: str, critical: bool = True) -> Control:
    """Keys are written ``cn``, ``-cn`` (reverse), ``cn:2.5.13.3`` (with a rule)."""

    def item(key: str) -> bytes:
        name, _, rule = key.removeprefix("-").partition(":")
        reverse = boolean(True, 0x81) if key.startswith("-") else b""
        return sequence(octets(name), tlv(0x80, rule.encode()) if rule else b"", reverse)

    return Control(SORT, critical, sequence(*map(item, keys)))


def sort_result(reply: Reply) -> tuple[int, str]:
    """``sortResult`` and the attribute it is about."""
    reader = Reader(reply.controls[SORTED]).enter()
    return reader.integer(ENUMERATED), reader.octets(0x80).decode() if reader.more else ""


def window(before: int, after: int, offset: int = 1, count: int = 0, *, value: str | bytes | None = None,
           context: bytes = b"", critical: bool = True) -> Control:  # fmt: skip
    by_offset = sequence(integer(offset), integer(count), tag=0xA0)
    typed = b"" if value is None else octets(value, 0x81)
    parts = integer(before), integer(after), typed or by_offset, octets(context) if context else b""
    return Control(VLV, critical, sequence(*parts))


def listed(reply: Reply) -> tuple[int, int, int, bytes]:
    """Position, length, result and context of a list view."""
    reader = Reader(reply.controls[LISTED]).enter()
    position, length, code = reader.integer(), reader.integer(), reader.integer(ENUMERATED)
    return position, length, code, reader.octets() if reader.more else b""


def matched(*items: str | bytes, critical: bool = True) -> Control:
    encoded = (encode_filter(parse_filter(i)) if isinstance(i, str) else i for i in items)
    return Control(MATCHED, critical, sequence(*encoded))


def cancel(target: int, message_id: int = 1) -> bytes:
    return extended("1.3.6.1.1.8", message_id, sequence(integer(target)))


# --- replies --------------------------------------------------------------------------------------------------------


class Reply(NamedTuple):
    """A response.  ``code`` is None for a SearchResultEntry; ``rest`` is what follows the LDAPResult."""

    message_id: int
    tag: int
    code: int | None
    matched: str
    text: str
    rest: bytes
    dn: str
    attributes: Mapping[str, list[str]]
    controls: Mapping[str, bytes]


def replies(data: bytes) -> list[Reply]:
    """Every whole message of ``data``."""
    found, at = [], 0
    while at < len(data):
        place = frame(data, at, 1 << 30)
        if place is None or place[1] > len(data):
            break
        found.append(_reply(Reader(data, *place)))
        at = place[1]
    return found


def _reply(message: Reader) -> Reply:
    message_id = message.integer(INTEGER)
    tag, body = message.element()
    controls = _controls(message.enter(0xA0)) if message.more else {}
    reader = Reader(body)
    if tag == 0x64:
        dn = reader.octets().decode()
        return Reply(message_id, tag, None, "", "", b"", dn, dict(_attributes(reader.enter())), controls)
    code = reader.integer(ENUMERATED)
    matched, text = reader.octets().decode(), reader.octets().decode()
    return Reply(message_id, tag, code, matched, text, body[reader.at :], "", {}, controls)


def _attributes(reader: Reader) -> Iterator[tuple[str, list[str]]]:
    while reader.more:
        attribute = reader.enter()
        name, values = attribute.octets().decode(), attribute.enter(0x31)
        held = []
        while values.more:
            held.append(values.octets().decode())
        yield name, held


def _controls(reader: Reader) -> dict[str, bytes]:
    found = {}
    while reader.more:
        control = reader.enter()
        oid = control.octets().decode()
        found[oid] = control.octets()
    return found


# --- a server -------------------------------------------------------------------------------------------------------


@contextmanager
def served(directory: Directory | Gate, settings: LdapSettings | None = None, check: Operators | None = None
           ) -> Iterator[int]:  # fmt: skip
    """The port of a server on loopback, in a thread, stopped at the end."""
    with served_both(directory, settings, check) as ports:
        yield ports[0]


@contextmanager
def served_both(directory: Directory | Gate, settings: LdapSettings | None = None, check: Operators | None = None,
                tls: Tls | None = None, siblings: Siblings | None = None, log: AccessLog | None = None
                ) -> Iterator[tuple[int, ...]]:  # fmt: skip
    """The same; with ``tls``, the port of ldaps is second."""
    stop, ready, ports = threading.Event(), threading.Event(), list[int]()

    def started(*numbers: int) -> None:
        ports.extend(numbers)
        ready.set()

    def run() -> None:
        serve(settings or LdapSettings(suffix=SUFFIX), ("127.0.0.1", 0), directory, stop, operators=check, tls=tls,
              ldaps=("127.0.0.1", 0) if tls else None, ready=started, siblings=siblings, log=log)  # fmt: skip

    thread = threading.Thread(target=run)
    thread.start()
    try:
        assert ready.wait(60)
        yield tuple(ports)
    finally:
        stop.set()
        thread.join(60)
        assert not thread.is_alive()


class Serving(NamedTuple):
    """A running LDAP server."""

    port: int
    secret: str
    directory: Directory

    @property
    def url(self) -> str:
        return f"ldap://127.0.0.1:{self.port}"


class Client:
    """A raw connection.  Use it as a context."""

    def __init__(self, port: int, context: ssl.SSLContext | None = None, session: ssl.SSLSession | None = None
                 ) -> None:  # fmt: skip
        """With ``context``, over TLS from the first octet."""
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=10)
        self.buffer = b""
        if context:
            self.secure(context, session)

    def secure(self, context: ssl.SSLContext, session: ssl.SSLSession | None = None) -> None:
        """The handshake."""
        self.socket = context.wrap_socket(self.socket, server_hostname="localhost", session=session)

    def start_tls(self, context: ssl.SSLContext, message_id: int = 1) -> None:
        [reply] = self.ask(extended(START_TLS, message_id))
        assert (reply.message_id, reply.code) == (message_id, 0)
        assert START_TLS.encode() in reply.rest
        self.secure(context)

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def read(self, finals: int = 1) -> list[Reply]:
        """Replies up to that many which are not entries; fewer when the server closes first."""
        while sum(reply.tag != 0x64 for reply in replies(self.buffer)) < finals:
            data = self.socket.recv(1 << 20)
            if not data:
                break
            self.buffer += data
        found, self.buffer = replies(self.buffer), b""
        return found

    def ask(self, data: bytes, finals: int = 1) -> list[Reply]:
        self.send(data)
        return self.read(finals)

    def closed(self) -> bool:
        """Has the server closed?  Waits for it."""
        try:
            return self.socket.recv(1) == b""
        except ConnectionResetError:
            return True


@contextmanager
def gated(serving: Serving) -> Iterator[tuple[int, Gate]]:
    """A server whose searches wait."""
    gate = Gate(serving.directory)
    with served(gate, check=Operators(serving.directory)) as port:
        try:
            yield port, gate
        finally:
            gate.open.set()


def codes(found: list[Reply]) -> list[tuple[int, int | None]]:
    """Of what ends each operation, with the message that it is of."""
    return [(r.message_id, r.code) for r in found if r.tag != 0x64]


def cookie_of(reply: Reply) -> bytes:
    """Of the paged results control."""
    reader = Reader(reply.controls[PAGED]).enter()
    assert reader.integer() == 0  # no estimate: counts are not for anonymous clients
    return reader.octets()


def column(found: list[Reply], name: str) -> list[list[str]]:
    """The values of one attribute, entry by entry."""
    return [list(reply.attributes.get(name, ())) for reply in found if reply.tag == 0x64]


def dns(found: list[Reply]) -> list[str]:
    return [reply.dn for reply in found if reply.tag == 0x64]


def limits_met(limit: str) -> float:
    """How often this limit was met so far; the last ones are counted when their server has stopped."""
    return REGISTRY.get_sample_value("annuaire_ldap_limit_total", {"limit": limit}) or 0.0


def mails(found: list[Reply]) -> set[str]:
    """The addresses of the entries, whatever else they hold."""
    return {address for reply in found for address in reply.attributes.get("mail", ())}
