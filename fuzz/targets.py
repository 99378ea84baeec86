"""What is fuzzed: one function of octets per parser, silent when the input is handled, raising when it is not.

Each holds the promise of its parser: our own errors and no other, replies that read back, the same answer whatever
the chunks.  No fuzzer is needed here; ``tests/generative/test_fuzz_targets.py`` runs every target over its seeds.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import cache
from pathlib import Path

from ldap_support import replies
from web_world import build_world

from directory_service.errors import InvalidInput
from directory_service.index.query import View
from directory_service.ldap.dn import format_dn, normalise, parse_dn
from directory_service.ldap.filters import format_filter, parse_filter, shape
from directory_service.ldap.handler import Handler
from directory_service.ldap.limits import LdapSettings, Limits
from directory_service.ldap.messages import (
    BindRequest,
    CompareRequest,
    ExtendedRequest,
    Request,
    SearchRequest,
    WriteRequest,
)
from directory_service.ldap.session import ANONYMOUS, Disconnect, Event, Identity, Refusal, Session
from ldap_schema.parse import ObjectClass, SchemaError, parse_attribute_type, parse_object_class, parse_schema
from ldap_schema.schema import load

_OPERATOR = Identity("cn=essai,ou=operateurs,o=annuaire-sante,c=fr", "essai", View.OPERATOR)
# Message bounds as a client would draw them, so that one input holds several writes.
_MOST_EVENTS = 64


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


def handler(data: bytes) -> None:
    """Octets to replies, over a real index: what ``server.connection`` does, but for the socket.  A fault of ours,
    which the server would turn into result code 80, is raised here."""
    asked = Session(_handler().resolve, Limits())
    who = _OPERATOR if data[:1] > b"\x7f" else ANONYMOUS
    for event in asked.receive(data[1:])[:_MOST_EVENTS]:
        for reply in replies(b"".join(_answer(event, who))):
            assert reply.code != 80


@cache
def _handler() -> Handler:
    """Over the world of the tests, in a folder that lives as long as the process; no secret is ever right."""
    folder = tempfile.TemporaryDirectory(prefix="annuaire-fuzz-")
    directory, _ = build_world(Path(folder.name))
    _KEPT.append(folder)
    return Handler(directory, load(), LdapSettings(), cookie_key=b"k" * 32)


_KEPT: list[object] = []


def _answer(event: Event, who: Identity) -> Iterator[bytes]:
    answers = _handler()
    if isinstance(event, Refusal | Disconnect):
        yield event.reply
        return
    refused = answers.unknown_control(event) if event.controls else None
    yield refused if refused is not None else _obey(answers, event, who)


def _obey(answers: Handler, request: Request, who: Identity) -> bytes:
    match request:
        case BindRequest():
            return answers.bind(request).reply
        case SearchRequest():
            work = answers.search(request, who)
            return work if isinstance(work, bytes) else answers.run(work, 0.0)
        case CompareRequest():
            return answers.compare(request, who)
        case ExtendedRequest():
            return answers.extended(request, who)
        case WriteRequest():
            return answers.write(request)
        case _:
            return b""


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


TARGETS: dict[str, Callable[[bytes], None]] = {
    "session": session, "handler": handler, "filter": filter_text, "name": name, "schema": schema,
}  # fmt: skip
