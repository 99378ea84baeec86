"""What is fuzzed: one function of octets per parser, silent when the input is handled, raising when it is not.

Each holds the promise of its parser: our own errors and no other, replies that read back, the same answer whatever
the chunks.  No fuzzer is needed here; ``tests/generative/test_fuzz_targets.py`` runs every target over its seeds.
"""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Callable
from contextlib import ExitStack, suppress
from datetime import UTC, datetime
from functools import cache
from ipaddress import ip_address
from pathlib import Path

from ldap_support import Client, extended, replies, served
from web_world import build_world

from directory_service.entries.vcard import Line
from directory_service.entries.vcard import write as write_card
from directory_service.errors import AnnuaireError, InvalidInput
from directory_service.ldap.dn import format_dn, normalise, parse_dn
from directory_service.ldap.filters import format_filter, parse_filter, shape
from directory_service.ldap.handler import canonical_names
from directory_service.ldap.limits import Limits
from directory_service.ldap.messages import AbandonRequest, UnbindRequest
from directory_service.ldap.proxyheader import Header, find_header
from directory_service.ldap.session import Disconnect, Event, Refusal, Session
from directory_service.matching import describe
from directory_service.model.confusable import meant_for
from directory_service.policy.protocol import Requests
from directory_service.trust.smime import MailTrust, Owner, owned, read_upload, vet
from directory_service.web.dav.filters import parse_filter as parse_filter_element
from directory_service.web.dav.xml import card
from directory_service.web.dav.xml import parse as parse_xml
from ldap_schema.parse import ObjectClass, SchemaError, parse_attribute_type, parse_object_class, parse_schema
from ldap_schema.schema import load

_SILENT = (UnbindRequest, AbandonRequest)


def session(data: bytes) -> None:
    """Octets to events: the first octet says where the rest is cut in two; both halves give what the whole gives."""
    cut, data = (data[0] * len(data) // 256 if data else 0), data[1:]
    whole = _session().receive(data)
    halves = _session()
    assert halves.receive(data[:cut]) + halves.receive(data[cut:]) == whole
    for event in whole:
        if isinstance(event, Refusal | Disconnect) and event.reply:
            [reply] = replies(event.reply)
            assert reply.code


def _session() -> Session:
    return Session(lambda name: name, Limits())


def server(data: bytes) -> None:
    """Octets to a whole server over a real index, on loopback.  Whatever they are it answers or closes, nothing comes
    to its last resort (result code 80, ``server.faults``), and the next question is answered."""
    port = _port()
    wanted = sum(map(_is_answered, Session(canonical_names(load()), Limits()).receive(data)))
    with Client(port) as client:
        client.socket.settimeout(_PATIENCE)
        with suppress(TimeoutError, ConnectionError):
            client.send(data)
            for reply in client.read(wanted) if wanted else ():
                assert reply.code != 80
    with Client(port) as other:
        [known] = other.ask(extended("1.3.6.1.4.1.4203.1.11.3"))
        assert known.code == 0
    assert not _FAULTS, _FAULTS


_PATIENCE = 0.2  # seconds for a reply that may not come: its search was abandoned
_FAULTS: list[str] = []
_SERVING = ExitStack()


class _Faults(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        _FAULTS.append(record.getMessage())


@cache
def _port() -> int:
    """A server that lives until ``close``; no secret is ever right."""
    logging.getLogger("directory_service.ldap").addHandler(_Faults(logging.ERROR))
    folder = _SERVING.enter_context(tempfile.TemporaryDirectory(prefix="annuaire-fuzz-"))
    directory, _ = build_world(Path(folder))
    _SERVING.callback(directory.close)
    return _SERVING.enter_context(served(directory))


def close() -> None:
    """Ends the server, if there is one."""
    _SERVING.close()
    _port.cache_clear()


def _is_answered(event: Event) -> bool:
    return bool(event.reply) if isinstance(event, Refusal | Disconnect) else not isinstance(event, _SILENT)


def filter_text(data: bytes) -> None:
    """RFC 4515: a filter that reads is written back to itself, and its shape holds none of its values."""
    with suppress(InvalidInput):
        found = parse_filter(data.decode("utf-8", "surrogateescape"))
        assert parse_filter(format_filter(found)) == found
        assert len(shape(found)) <= len(format_filter(found)) + data.count(b"*") + len(data)


def name(data: bytes) -> None:
    """RFC 4514: a name that reads is written back to itself, and its comparison form is its own."""
    with suppress(InvalidInput):
        found = parse_dn(data.decode("utf-8", "surrogateescape"))
        assert parse_dn(format_dn(found)) == found
        with suppress(InvalidInput):  # longer than a name may be, once escaped
            normal = normalise(format_dn(found))
            assert normalise(normal) == normal


def schema(data: bytes) -> None:
    """RFC 4512: a definition that reads is written back to itself."""
    text = data.decode("utf-8", "replace")
    for read in (parse_attribute_type, parse_object_class):
        with suppress(SchemaError):
            read(text)
    with suppress(SchemaError):
        for found in parse_schema(text):
            again = parse_object_class if isinstance(found, ObjectClass) else parse_attribute_type
            with suppress(SchemaError):  # a name may hold what only quotes can carry
                again(str(found))


def policy(data: bytes) -> None:
    """Postfix's policy protocol: the first octet says where the rest is cut; the requests are the same."""
    cut, data = (data[0] * len(data) // 256 if data else 0), data[1:]
    assert _requests(data) == _requests(data[:cut], data[cut:])


def _requests(*pieces: bytes) -> list[object]:
    requests, found = Requests(), list[object]()
    try:
        for piece in pieces:
            found += requests.feed(piece)
    except InvalidInput:
        return [None]  # what came before is answered or not, as pieces come: the connection ends
    return found


def proxy(data: bytes) -> None:
    """PROXY protocol header: the first octet says where the rest is cut; what was decided early stays decided."""
    cut, data = (data[0] * len(data) // 256 if data else 0), data[1:]
    early, whole = _header(data[:cut]), _header(data)
    assert early is None or early == whole
    if isinstance(whole, Header):
        assert whole.size <= len(data) and (not whole.address or str(ip_address(whole.address)) == whole.address)


def _header(data: bytes) -> Header | str | None:
    try:
        return find_header(data)
    except InvalidInput as error:
        return error.slug


def certificate(data: bytes) -> None:
    """An upload: what reads is published or refused, and nothing of it is in the refusal."""
    with suppress(AnnuaireError):
        ends, given = read_upload(data)
        for end in ends:
            vet(end, MailTrust(), datetime.now(UTC), given)
            owned(end, Owner("zoe.d-essai@medecin.mssante.fr"))


def dav(data: bytes) -> None:
    """A request of an address book client: what reads as a filter is asked of the index, and held to a card."""
    with suppress(InvalidInput):
        found = parse_filter_element(parse_xml(data).find(card("filter")))
        found.narrowed()
        found.holds(_CARD)


_CARD = write_card([Line("FN", "Dr Zoé D'ESSAI"), Line("EMAIL", "zoe.d-essai@medecin.mssante.fr", ("TYPE=work",))])


def description(data: bytes) -> None:
    """A line of somebody's list: read or refused, never with what it says in the refusal; and any address of it may be
    held to another."""
    text = data.decode("utf-8", "replace")
    try:
        found = describe({"text": text, "address": text[:60]})
    except InvalidInput as error:
        assert text not in str(error) or not text.strip()
        return
    assert describe({"text": found.text}).text == found.text or any(c.isdigit() or c == "@" for c in found.text)
    meant_for(found.address, "zoe.d-essai@medecin.mssante.fr")


TARGETS: dict[str, Callable[[bytes], None]] = {
    "session": session, "server": server, "filter": filter_text, "name": name, "schema": schema,
    "policy": policy, "proxy": proxy, "certificate": certificate, "dav": dav, "description": description,
}  # fmt: skip
