"""The codec against any input: round trips, any chunking, mutations, and ``pyasn1_modules.rfc2251`` as its twin."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ldap_support import bind, compare, encode_filter, extended, replies, request, search, unbind
from pyasn1.codec.ber import decoder
from pyasn1_modules import rfc2251

from directory_service.errors import InvalidInput
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
from directory_service.ldap.ber import Reader, integer, octets, partial_attribute, sequence
from directory_service.ldap.dn import format_dn, normalise, parse_dn
from directory_service.ldap.filters import FilterDecoder, format_filter, parse_filter
from directory_service.ldap.limits import Limits
from directory_service.ldap.messages import BadRequest, decode_request, frame, result, search_entry
from directory_service.ldap.session import Disconnect, Refusal, Session
from ldap_schema.matching import RULES

NAMES = st.sampled_from(["cn", "sn", "givenName", "mail", "2.5.4.3", "userCertificate;binary"])
VALUES = st.binary(max_size=12) | st.text(max_size=6).map(str.encode)
PARTS = VALUES.filter(bool)
SUBSTRINGS = st.builds(
    Substrings, NAMES, VALUES, st.lists(PARTS, max_size=3).map(tuple), VALUES
).filter(lambda f: f.initial or f.any or f.final)  # fmt: skip
LEAVES = (
    st.one_of([st.builds(kind, NAMES, VALUES) for kind in (Equal, GreaterOrEqual, LessOrEqual, Approx)])
    | st.builds(Present, NAMES)
    | SUBSTRINGS
    | st.builds(Extensible, st.sampled_from([r.name for r in RULES]), NAMES | st.just(""), VALUES, st.booleans())
    | st.builds(Extensible, st.just(""), NAMES, VALUES, st.just(True))
)


def trees(leaves: st.SearchStrategy[Filter], least: int) -> st.SearchStrategy[Filter]:
    items = st.lists(leaves, min_size=least, max_size=4).map(tuple)
    return st.builds(And, items) | st.builds(Or, items) | st.builds(Not, leaves)


FILTERS = st.recursive(LEAVES, lambda inner: trees(inner, 0), max_leaves=12)
SEARCHES = st.builds(
    lambda asked, message_id, base, scope, size, names: search(
        asked, message_id, base=base, scope=scope, size=size, attributes=names
    ),
    FILTERS,
    st.integers(1, 2**31 - 1),
    st.text(max_size=20),
    st.integers(0, 2),
    st.integers(0, 1000),
    st.lists(NAMES, max_size=4),
)
REQUESTS = (
    SEARCHES
    | st.builds(bind, st.text(max_size=9), st.text(max_size=9), st.integers(1, 300))
    | st.builds(compare, st.text(max_size=9), NAMES, st.text(max_size=9))
    | st.builds(extended, st.just("1.3.6.1.4.1.4203.1.11.3"), st.integers(1, 9))
    | st.just(request(5, integer(3, 0x50)))
)


def session() -> Session:
    return Session(lambda name: name, Limits())


@given(FILTERS)
def test_a_filter_is_read_back_from_the_wire(found: Filter) -> None:
    encoded = encode_filter(found)
    assert FilterDecoder(encoded, lambda name: name, Limits()).decode(0, len(encoded)) == (found, len(encoded))


@given(FILTERS)
def test_a_filter_is_read_back_from_its_text(found: Filter) -> None:
    assert parse_filter(format_filter(found)) == found


@given(st.lists(REQUESTS, min_size=1, max_size=4), st.randoms(use_true_random=False))
def test_chunks_do_not_matter(sent: list[bytes], dice: object) -> None:
    data = b"".join(sent)
    whole = session().receive(data)
    assert len(whole) == len(sent)
    by_octet, in_pieces = session(), session()
    assert [e for n in range(len(data)) for e in by_octet.receive(data[n : n + 1])] == whole
    cut = dice.randint(0, len(data))  # type: ignore[attr-defined]
    assert in_pieces.receive(data[:cut]) + in_pieces.receive(data[cut:]) == whole
    assert not by_octet.partial and not in_pieces.partial


@given(REQUESTS, st.binary(max_size=20))
def test_what_follows_a_request_does_not_change_it(sent: bytes, trailing: bytes) -> None:
    [expected] = session().receive(sent)
    assert session().receive(sent + trailing)[0] == expected
    assert session().receive(unbind() + sent) == session().receive(unbind())


@given(REQUESTS, st.data())
def test_damaged_input_gives_events_and_nothing_else(sent: bytes, data: st.DataObject) -> None:
    damaged = bytearray(sent)
    for _ in range(data.draw(st.integers(1, 4))):
        damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    _survives(bytes(damaged))


@given(st.binary(max_size=60))
def test_noise_gives_events_and_nothing_else(noise: bytes) -> None:
    _survives(noise)
    _survives(sequence(integer(1), b"\x63" + bytes([min(len(noise), 127)]) + noise))


def _survives(data: bytes) -> None:
    held = session()
    for event in held.receive(data):
        if isinstance(event, Refusal | Disconnect) and event.reply:
            assert replies(event.reply)[0].code
    try:
        place = frame(data, 0, 1 << 16)
        if place and place[1] <= len(data):
            decode_request(data, *place, lambda name: name, Limits())
    except BadRequest as error:
        assert isinstance(error, InvalidInput)
    except InvalidInput:
        assert held.closing


# --- the twin -------------------------------------------------------------------------------------------------------

# pyasn1 unrolls the filter to three levels, and knows nothing of RFC 4526.
SHALLOW = LEAVES | trees(LEAVES | trees(LEAVES, 1), 1)
_KINDS = {"equalityMatch": Equal, "greaterOrEqual": GreaterOrEqual, "lessOrEqual": LessOrEqual, "approxMatch": Approx}


def of_twin(found: object) -> Filter:
    kind, value = found.getName(), found.getComponent()  # type: ignore[attr-defined]
    if kind in ("and", "or"):
        return (And if kind == "and" else Or)(tuple(map(of_twin, value)))
    if kind == "not":
        return Not(of_twin(value))
    if kind == "present":
        return Present(str(value))
    if kind == "substrings":
        parts = [(part.getName(), bytes(part.getComponent())) for part in value["substrings"]]
        middle = tuple(part for name, part in parts if name == "any")
        ends = dict(parts)
        return Substrings(str(value["type"]), ends.get("initial", b""), middle, ends.get("final", b""))
    if kind == "extensibleMatch":
        rule, name = (str(value[part]) if value[part].hasValue() else "" for part in ("matchingRule", "type"))
        return Extensible(rule, name, bytes(value["matchValue"]), bool(value["dnAttributes"]))
    return _KINDS[kind](str(value["attributeDesc"]), bytes(value["assertionValue"]))


@given(SHALLOW, st.integers(1, 2**31 - 1), st.integers(0, 2), st.integers(0, 2**31 - 1), st.booleans())
def test_a_search_means_what_pyasn1_reads(asked: Filter, message_id: int, scope: int, size: int, types: bool) -> None:
    data = search(asked, message_id, base="o=x", scope=scope, size=size, types_only=types, attributes=["cn", "1.1"])
    twin, rest = decoder.decode(data, asn1Spec=rfc2251.LDAPMessage())
    body = twin["protocolOp"]["searchRequest"]
    [ours] = session().receive(data)
    assert rest == b""
    assert ours[0] == int(twin["messageID"])
    assert ours[1:6] == (
        bytes(body["baseObject"]), int(body["scope"]), int(body["sizeLimit"]), int(body["timeLimit"]),
        bool(body["typesOnly"]),
    )  # fmt: skip
    assert ours[6] == of_twin(body["filter"])
    assert ours[7] == tuple(str(name) for name in body["attributes"])


@given(st.integers(1, 2**31 - 1), st.dictionaries(NAMES, st.lists(st.binary(max_size=300), max_size=3), max_size=5))
def test_an_entry_is_what_pyasn1_reads(message_id: int, held: dict[str, list[bytes]]) -> None:
    body = octets("o=x") + sequence(*[partial_attribute(name, values) for name, values in held.items()])
    twin, rest = decoder.decode(search_entry(message_id, body), asn1Spec=rfc2251.LDAPMessage())
    found = twin["protocolOp"]["searchResEntry"]
    assert (rest, int(twin["messageID"]), bytes(found["objectName"])) == (b"", message_id, b"o=x")
    assert {str(a["type"]): [bytes(v) for v in a["vals"]] for a in found["attributes"]} == held


@pytest.mark.parametrize("tag", [0x61, 0x65, 0x6F, 0x67, 0x69, 0x6B, 0x6D])
@given(st.integers(1, 2**31 - 1), st.sampled_from([0, 2, 4, 32, 49, 80]), st.text(max_size=200))
def test_a_result_is_what_pyasn1_reads(tag: int, message_id: int, code: int, text: str) -> None:
    twin, rest = decoder.decode(result(message_id, tag, code, text, matched="o=x"), asn1Spec=rfc2251.LDAPMessage())
    found = twin["protocolOp"].getComponent()
    assert (rest, int(found["resultCode"]), bytes(found["matchedDN"])) == (b"", code, b"o=x")
    assert bytes(found["errorMessage"]) == text.encode()


@given(st.integers(-(2**31), 2**31 - 1))
def test_integers_are_read_back(n: int) -> None:
    assert Reader(integer(n)).integer() == n


# --- names ----------------------------------------------------------------------------------------------------------

PART = st.tuples(st.sampled_from(["cn", "ou", "uid", "1.2.3"]), st.text(max_size=8))
DNS = st.lists(st.lists(PART, min_size=1, max_size=2).map(tuple), max_size=4).map(tuple)


@given(DNS)
def test_a_name_is_read_back_from_its_text(name: tuple[tuple[tuple[str, str], ...], ...]) -> None:
    assert parse_dn(format_dn(name)) == name


@given(DNS)
def test_the_comparison_form_is_its_own(name: tuple[tuple[tuple[str, str], ...], ...]) -> None:
    normal = normalise(format_dn(name))
    assert normalise(normal) == normal


@given(st.text(max_size=40) | st.text(alphabet='ou=,+\\#"; <>0aé\x00', max_size=30))
def test_any_text_is_a_name_or_invalid_input(text: str) -> None:
    try:
        parse_dn(text)
    except InvalidInput as error:
        assert error.ldap_code == 34
