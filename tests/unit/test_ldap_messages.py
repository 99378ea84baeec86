"""Messages: what each request decodes to, what is refused and how."""

from __future__ import annotations

import pytest
from ldap_support import WRITES, abandon, bind, bind_sasl, compare, extended, replies, request, search, unbind

from directory_service.index.query import Equal
from directory_service.ldap.ber import ENUMERATED, BerError, integer, octets, sequence, tlv
from directory_service.ldap.limits import Limits
from directory_service.ldap.messages import (
    BadRequest,
    BindRequest,
    Control,
    Request,
    SearchRequest,
    decode_request,
    frame,
    notice_of_disconnection,
)

OPENING = octets("o=x") + integer(2, ENUMERATED) + integer(0, ENUMERATED) + integer(0) + integer(0)
FOUND = tlv(0x87, b"cn")


def decode(data: bytes, limits: Limits | None = None) -> Request:
    place = frame(data, 0, 1 << 20)
    assert place is not None
    return decode_request(data, *place, lambda name: name, limits or Limits())


def refused(data: bytes) -> tuple[int | None, int, int]:
    """Code, tag and message id of the reply to a request that cannot be obeyed."""
    with pytest.raises(BadRequest) as error:
        decode(data)
    [reply] = replies(error.value.reply)
    return reply.code, reply.tag, reply.message_id


def test_a_search_holds_what_was_sent() -> None:
    sent = search("(mail=a)", 7, Control("1.2.3", True, b"x"), base="o=x", scope=1, size=3, time=4, attributes=["cn"])
    assert decode(sent) == SearchRequest(
        7, b"o=x", 1, 3, 4, False, Equal("mail", b"a"), ("cn",), (Control("1.2.3", True, b"x"),)
    )


def test_each_request_is_known_by_its_tag() -> None:
    assert decode(bind("cn=a", "s")) == BindRequest(1, 3, b"cn=a", b"s", None)
    assert decode(bind_sasl("EXTERNAL")) == BindRequest(1, 3, b"", b"", "EXTERNAL")
    assert type(decode(unbind())).__name__ == "UnbindRequest"
    assert decode(abandon(300))[1] == 300
    assert decode(compare("o=x", "cn", "v"))[1:4] == (b"o=x", "cn", b"v")
    assert decode(extended("1.2.3"))[1:3] == ("1.2.3", None)
    for tag in WRITES.values():
        assert type(decode(request(1, tlv(tag, b"anything")))).__name__ == "WriteRequest"


def test_a_bind_request_does_not_show_its_secret() -> None:
    assert "hunter2" not in repr(decode(bind("cn=a", "hunter2")))


def test_trailing_elements_of_later_versions_are_skipped() -> None:
    """RFC 4511 4: ExtensibilityImplied."""
    message = integer(1) + tlv(0x42, b"") + tlv(0x85, b"new") + tlv(0xA0, b"")
    assert decode(tlv(0x30, message)).message_id == 1


@pytest.mark.parametrize("message_id", [0, -1, 2147483648])
def test_message_ids_are_from_1_to_2147483647(message_id: int) -> None:
    with pytest.raises(BerError):
        decode(request(message_id, b"\x42\x00"))


@pytest.mark.parametrize(
    "sent",
    [search(scope=7), search(scope=-1), search(size=-1), search(time=-1), search(tlv(0xAB, b""))],
)
def test_values_out_of_range_are_refused_with_2_and_the_connection_goes_on(sent: bytes) -> None:
    assert refused(sent) == (2, 0x65, 1)


def test_an_unknown_authentication_choice_is_refused_with_7() -> None:
    assert refused(request(4, tlv(0x60, integer(3) + octets("") + tlv(0x8A, b"")))) == (7, 0x61, 4)


def test_requested_attributes_and_controls_are_counted() -> None:
    assert refused(search(attributes=["cn"] * 129))[0] == 2
    assert refused(search(attributes=["x" * 40] * 129))[0] == 2
    assert refused(search("(cn=a)", 1, *[Control("1.2", False, None)] * 11)) == (2, 0x65, 1)
    decode(search("(cn=a)", 1, *[Control("1.2", False, None)] * 10, attributes=["cn"] * 128))


def test_requests_without_a_reply_are_refused_in_silence() -> None:
    with pytest.raises(BadRequest) as error:
        decode(request(1, integer(1, 0x50), *[Control("1.2", False, None)] * 11))
    assert error.value.reply == b""


@pytest.mark.parametrize(
    "sent",
    [
        request(1, tlv(0x7F, b"")),
        request(1, tlv(0x65, b"")),
        tlv(0x30, b""),
        request(1, tlv(0x63, octets("o=x"))),
        request(1, tlv(0x63, OPENING + b"\x01\x00" + FOUND + sequence())),
        request(1, tlv(0x63, OPENING + b"\x01\x02\x00\xff" + FOUND + sequence())),
        request(1, tlv(0x6E, octets("o=x") + sequence(octets("cn")))),
        request(1, tlv(0x77, octets("1.2"))),
    ],
)
def test_what_cannot_be_read_is_a_fault_of_the_whole_connection(sent: bytes) -> None:
    with pytest.raises(BerError):
        decode(sent)


def test_frames_are_measured_before_they_are_received() -> None:
    assert frame(b"", 0, 10) is None
    assert frame(b"\x30", 0, 10) is None
    assert frame(b"\x30\x82\x01", 0, 1000) is None
    assert frame(b"\x30\x05", 0, 10) == (2, 7)
    assert frame(b"\x30\x84\x00\x00\x00\x05", 0, 10) == (6, 11)
    for start in (b"\x31", b"\x30\x80", b"\x30\x85\x00", b"\x30\x82\x01\x00"):
        with pytest.raises(BerError):
            frame(start, 0, 255)


def test_a_notice_of_disconnection_is_unsolicited() -> None:
    [notice] = replies(notice_of_disconnection(52, "arrêt"))
    assert (notice.message_id, notice.tag, notice.code) == (0, 0x78, 52)
    assert notice.rest == b"\x8a\x16" + b"1.3.6.1.4.1.1466.20036"
