"""A connection without its socket: any chunking, its end, and what its identity changes."""

from __future__ import annotations

from ldap_support import bind, replies, request, search, unbind

from directory_service.index.query import View
from directory_service.ldap.ber import tlv
from directory_service.ldap.limits import Limits
from directory_service.ldap.messages import SearchRequest, UnbindRequest
from directory_service.ldap.session import ANONYMOUS, Disconnect, Identity, Refusal, Session

SOMEBODY = Identity("cn=x,ou=operateurs,o=y", "x", View.OPERATOR)


def session(limits: Limits | None = None) -> Session:
    return Session(lambda name: name, limits or Limits())


def test_requests_come_out_when_they_are_whole() -> None:
    held = session()
    data = bind() + search(message_id=2)
    assert held.receive(data[:5]) == []
    assert held.partial
    assert [e.message_id for e in held.receive(data[5:20])] == [1]
    assert [e.message_id for e in held.receive(data[20:])] == [2]
    assert not held.partial


def test_nothing_comes_after_an_unbind() -> None:
    held = session()
    assert [type(e) for e in held.receive(search() + unbind() + search())] == [SearchRequest, UnbindRequest]
    assert held.closing
    assert held.receive(search()) == []


def test_a_refusal_leaves_the_connection_open() -> None:
    held = session()
    refusal, asked = held.receive(search(scope=9) + search(message_id=2))
    assert isinstance(refusal, Refusal)
    assert isinstance(asked, SearchRequest)
    assert not held.closing


def test_what_cannot_be_read_ends_in_a_notice_after_what_came_before() -> None:
    held = session()
    asked, fault = held.receive(search() + b"\x30\x80" + search())
    assert isinstance(asked, SearchRequest)
    assert isinstance(fault, Disconnect)
    assert (replies(fault.reply)[0].code, held.closing) == (2, True)


def test_a_message_over_the_cap_is_refused_at_its_header() -> None:
    limits = Limits(pdu_anonymous=100, pdu_bound=1000)
    announced = b"\x30\x82\x01\xf4"  # 500 octets
    assert isinstance(session(limits).receive(announced)[0], Disconnect)
    held = session(limits)
    held.bound_as(SOMEBODY)
    assert held.receive(announced) == []
    held.bound_as(ANONYMOUS)
    assert held.identity is ANONYMOUS


def test_a_long_message_octet_by_octet_is_one_request() -> None:
    sent = request(1, tlv(0x68, b"x" * 50_000))
    held = session()
    events = [e for n in range(len(sent)) for e in held.receive(sent[n : n + 1])]
    assert [e.message_id for e in events] == [1]
