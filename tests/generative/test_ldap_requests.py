"""Every kind of request, as ``pyasn1_modules.rfc2251`` writes or reads it: the twin of ``ldap.messages``.

Then the same octets in any pieces, damaged, nested past the limit, and with lengths written in every way that BER
allows and LDAP may not (RFC 4511 5.1).
"""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ldap_support import abandon, bind, encode_filter, replies, request, search
from pyasn1.codec.ber import decoder, encoder
from pyasn1.type import univ
from pyasn1_modules import rfc2251

from directory_service.index.query import Equal, Not
from directory_service.ldap.ber import integer, octets, sequence, tlv
from directory_service.ldap.limits import Limits
from directory_service.ldap.messages import (
    AbandonRequest,
    BindRequest,
    CompareRequest,
    Control,
    ExtendedRequest,
    Request,
    SearchRequest,
    UnbindRequest,
    WriteRequest,
)
from directory_service.ldap.session import Disconnect, Event, Refusal, Session

IDS = st.integers(1, 2**31 - 1)
NAMES = st.text(max_size=12).map(str.encode)
VALUES = st.binary(max_size=20)
KINDS = st.sampled_from(["cn", "mail", "2.5.4.3", "userCertificate;binary"])
OIDS = st.sampled_from(["1.2.3", "1.3.6.1.4.1.4203.1.11.3", "1.3.6.1.4.1.1466.20037"])
CONTROLS = st.lists(st.builds(Control, OIDS, st.booleans(), VALUES), max_size=3).map(tuple)

few = settings(max_examples=30)  # the twin is slow, and these have no structure to explore


def session() -> Session:
    return Session(lambda name: name, Limits())


# --- the twin writes, we read ---------------------------------------------------------------------------------------


def message(message_id: int, kind: str, fill: Callable[[univ.Sequence], None], controls: tuple[Control, ...]) -> bytes:
    """An LDAPMessage whose protocolOp is ``kind``, by pyasn1."""
    whole = rfc2251.LDAPMessage()
    whole["messageID"] = message_id
    fill(whole["protocolOp"][kind])
    for n, control in enumerate(controls):
        found = whole["controls"][n]
        found["controlType"], found["criticality"], found["controlValue"] = control.oid, control.critical, control.value
    return encoder.encode(whole)  # type: ignore[no-any-return]


def read(data: bytes) -> Request:
    """Our reading, which is the same octet by octet."""
    [event] = session().receive(data)
    slow = session()
    assert [e for n in range(len(data)) for e in slow.receive(data[n : n + 1])] == [event]
    assert not isinstance(event, Refusal | Disconnect)
    return event


@few
@given(IDS, st.integers(1, 127), NAMES, VALUES, CONTROLS)
def test_a_simple_bind(message_id: int, version: int, name: bytes, secret: bytes, held: tuple[Control, ...]) -> None:
    def fill(body: univ.Sequence) -> None:
        body["version"], body["name"] = version, name
        body["authentication"]["simple"] = secret

    found = read(message(message_id, "bindRequest", fill, held))
    assert found == BindRequest(message_id, version, name, secret, None, held)


@few
@given(IDS, st.sampled_from(["EXTERNAL", "GSSAPI", "PLAIN"]), VALUES, CONTROLS)
def test_a_sasl_bind(message_id: int, mechanism: str, secret: bytes, held: tuple[Control, ...]) -> None:
    def fill(body: univ.Sequence) -> None:
        body["version"], body["name"] = 3, b""
        body["authentication"]["sasl"]["mechanism"] = mechanism
        body["authentication"]["sasl"]["credentials"] = secret

    found = read(message(message_id, "bindRequest", fill, held))
    assert isinstance(found, BindRequest)
    assert (found.message_id, found.name, found.mechanism, found.controls) == (message_id, b"", mechanism, held)
    assert found.secret == secret


@few
@given(IDS, NAMES, KINDS, VALUES, CONTROLS)
def test_a_compare(message_id: int, entry: bytes, kind: str, value: bytes, held: tuple[Control, ...]) -> None:
    def fill(body: univ.Sequence) -> None:
        body["entry"] = entry
        body["ava"]["attributeDesc"], body["ava"]["assertionValue"] = kind, value

    found = read(message(message_id, "compareRequest", fill, held))
    assert found == CompareRequest(message_id, entry, kind, value, held)


@few
@given(IDS, IDS)
def test_an_abandon(message_id: int, target: int) -> None:
    """Without the twin, which takes an AbandonRequest for a sequence: [APPLICATION 16] MessageID (RFC 4511 4.11)."""
    assert read(abandon(target, message_id)) == AbandonRequest(message_id, target)


@few
@given(IDS, CONTROLS)
def test_an_unbind(message_id: int, held: tuple[Control, ...]) -> None:
    data = request(message_id, b"\x42\x00", *held)
    twin, rest = decoder.decode(data, asn1Spec=rfc2251.LDAPMessage())
    assert (rest, int(twin["messageID"]), twin["protocolOp"].getName()) == (b"", message_id, "unbindRequest")
    assert read(data) == UnbindRequest(message_id, held)


@few
@given(IDS, OIDS, VALUES, CONTROLS)
def test_an_extended_request(message_id: int, oid: str, value: bytes, held: tuple[Control, ...]) -> None:
    def fill(body: univ.Sequence) -> None:
        body["requestName"], body["requestValue"] = oid, value

    found = read(message(message_id, "extendedReq", fill, held))
    assert found == ExtendedRequest(message_id, oid, value, held)


def _modify(body: univ.Sequence) -> None:
    change = body["modification"][0]
    body["object"] = b"cn=x"
    change["operation"] = "replace"
    change["modification"]["type"], change["modification"]["vals"][0] = "cn", b"y"


def _add(body: univ.Sequence) -> None:
    body["entry"] = b"cn=x"
    body["attributes"][0]["type"], body["attributes"][0]["vals"][0] = "cn", b"y"


def _rename(body: univ.Sequence) -> None:
    body["entry"], body["newrdn"], body["deleteoldrdn"], body["newSuperior"] = b"cn=x", b"cn=y", True, b"o=z"


@pytest.mark.parametrize(
    ("kind", "fill", "response"),
    [("modifyRequest", _modify, 0x67), ("addRequest", _add, 0x69), ("modDNRequest", _rename, 0x6D)],
)
@few
@given(IDS, CONTROLS)
def test_a_write(
    kind: str, fill: Callable[[univ.Sequence], None], response: int, message_id: int, held: tuple[Control, ...]
) -> None:
    assert read(message(message_id, kind, fill, held)) == WriteRequest(message_id, response, held)


@few
@given(IDS, NAMES, CONTROLS)
def test_a_delete(message_id: int, name: bytes, held: tuple[Control, ...]) -> None:
    """Without the twin, which takes a DelRequest for a sequence: [APPLICATION 10] LDAPDN (RFC 4511 4.8)."""
    data = request(message_id, tlv(0x4A, name), *held)
    assert read(data) == WriteRequest(message_id, 0x6B, held)


@few
@given(IDS, KINDS, VALUES)
def test_an_extensible_match_without_a_rule_is_an_equality(message_id: int, kind: str, value: bytes) -> None:
    """RFC 4511 4.5.1.7.7: the equality rule of the attribute."""

    def fill(body: univ.Sequence) -> None:
        body["baseObject"], body["scope"], body["derefAliases"] = b"o=x", 2, 3
        body["sizeLimit"], body["timeLimit"], body["typesOnly"] = 7, 8, False
        found = body["filter"]["extensibleMatch"]
        found["type"], found["matchValue"], found["dnAttributes"] = kind, value, False
        body["attributes"][0] = "mail"

    found = read(message(message_id, "searchRequest", fill, ()))
    assert found == SearchRequest(message_id, b"o=x", 2, 7, 8, False, Equal(kind, value), ("mail",))


# --- any pieces, any damage -----------------------------------------------------------------------------------------

STREAMS = st.lists(
    st.builds(bind, st.text(max_size=5), st.text(max_size=5), IDS)
    | st.builds(search, KINDS.map(lambda k: f"(|({k}=a*b)(!({k}=c)))"), IDS)
    | st.builds(lambda n, held: request(n, b"\x42\x00", *held), IDS, CONTROLS),
    min_size=1,
    max_size=4,
).map(b"".join)


def in_pieces(data: bytes, sizes: list[int]) -> list[Event]:
    """The events of ``data`` fed in pieces of these sizes, over and over."""
    held, at, events, turn = session(), 0, list[Event](), 0
    while at < len(data):
        size = sizes[turn % len(sizes)]
        events += held.receive(data[at : at + size])
        at, turn = at + size, turn + 1
    return events


@given(STREAMS, st.lists(st.integers(1, 30), min_size=1, max_size=6))
def test_pieces_of_any_size_give_the_same_events(data: bytes, sizes: list[int]) -> None:
    assert in_pieces(data, sizes) == session().receive(data)


@given(STREAMS, st.lists(st.integers(1, 30), min_size=1, max_size=6), st.data())
def test_damage_is_found_at_the_same_place_whatever_the_pieces(
    data: bytes, sizes: list[int], drawn: st.DataObject
) -> None:
    damaged = bytearray(data)
    for _ in range(drawn.draw(st.integers(1, 3))):
        damaged[drawn.draw(st.integers(0, len(data) - 1))] = drawn.draw(st.integers(0, 255))
    assert in_pieces(bytes(damaged), sizes) == session().receive(bytes(damaged))


@few
@given(st.integers(1, 80), st.sampled_from([0xA0, 0xA1, 0xA2]))
def test_filters_nest_as_deep_as_the_limit_and_no_deeper(depth: int, tag: int) -> None:
    nested = encode_filter(Equal("cn", b"a"))
    for _ in range(depth - 1):
        nested = tlv(tag, nested)
    [event] = session().receive(search(nested))
    assert isinstance(event, SearchRequest) == (depth <= Limits().filter_depth)
    if isinstance(event, Refusal):
        assert [r.code for r in replies(event.reply)] == [2]


def test_nesting_as_deep_as_a_message_can_hold_costs_no_stack() -> None:
    """OpenLDAP CVE-2020-12243; ldaptor and sansldap raise RecursionError at four kilobytes."""
    for tag in (0xA0, 0xA1, 0xA2):
        nested = encode_filter(Equal("cn", b"a"))
        while len(nested) < Limits().pdu_anonymous - 200:
            nested = tlv(tag, nested)
        [event] = session().receive(search(nested))
        assert isinstance(event, Refusal)


# --- lengths, in every way ------------------------------------------------------------------------------------------


def long_form(tag: int, body: bytes, size: int) -> bytes:
    """An element whose length takes ``size`` octets."""
    return bytes([tag, 0x80 | size]) + len(body).to_bytes(size, "big") + body


@given(st.integers(1, 4), st.integers(1, 4), st.integers(1, 4), KINDS, VALUES)
def test_lengths_that_are_not_minimal_are_read(outer: int, inner: int, last: int, kind: str, value: bytes) -> None:
    """Windows writes each in four octets."""
    found = long_form(0xA3, long_form(4, kind.encode(), last) + long_form(4, value, inner), outer)
    shortest = search(Equal(kind, value))
    [plain] = session().receive(shortest)
    body = octets(b"ou=bal,o=annuaire-sante,c=fr") + b"\x0a\x01\x02\x0a\x01\x00\x02\x01\x00\x02\x01\x00\x01\x01\x00"
    whole = long_form(0x30, integer(1) + long_form(0x63, body + found + sequence(), last), outer)
    assert session().receive(whole) == [plain]


_BEYOND = [
    pytest.param(b"\x80", id="indefinite"),
    pytest.param(b"\x85\x00\x00\x00\x00\x05", id="five octets"),
    pytest.param(b"\x88" + b"\x00" * 7 + b"\x05", id="eight octets"),
    pytest.param(b"\xff" + b"\xff" * 127, id="127 octets"),
    pytest.param(b"\x84\xff\xff\xff\xff", id="4 GiB"),
    pytest.param(b"\x84\x7f\xff\xff\xff", id="2 GiB"),
    pytest.param(b"\x84\x80\x00\x00\x00", id="-2 GiB for a signed reader"),
    pytest.param(b"\x83\xff\xff\xff", id="16 MiB"),
    pytest.param(b"\x7f", id="one past the end and more"),
]


@pytest.mark.parametrize("length", _BEYOND)
@pytest.mark.parametrize("at", ["message", "operation", "base", "filter", "attribute", "value", "list"])
def test_a_length_of_a_length_that_lies_ends_the_connection(at: str, length: bytes) -> None:
    """PROTOS c06-ldapv3: the length of each element in turn is one that no element of its message can have."""

    def element(name: str, tag: int, body: bytes) -> bytes:
        return bytes([tag]) + length + body if name == at else tlv(tag, body)

    assertion = element("attribute", 4, b"cn") + element("value", 4, b"x")
    rest = b"\x0a\x01\x02\x0a\x01\x00\x02\x01\x00\x02\x01\x00\x01\x01\x00"
    body = element("base", 4, b"o=x") + rest + element("filter", 0xA3, assertion) + element("list", 0x30, b"")
    data = element("message", 0x30, integer(1) + element("operation", 0x63, body))
    held = session()
    events = held.receive(data)
    if at == "message" and length == b"\x7f":
        assert (events, held.partial) == ([], True)  # it may still come
    else:
        [fault] = events
        assert isinstance(fault, Disconnect) and held.closing


@few
@given(st.integers(33, 200))
def test_nots_nested_past_the_limit_in_text_are_refused_too(depth: int) -> None:
    from directory_service.ldap.filters import BadFilter, format_filter, parse_filter

    found = Equal("cn", b"a")
    for _ in range(depth):
        found = Not(found)  # type: ignore[assignment]
    with pytest.raises(BadFilter):
        parse_filter(format_filter(found))
