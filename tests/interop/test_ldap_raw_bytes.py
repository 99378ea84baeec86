"""ldap-clients.md §3 and §6, byte for byte over a real socket."""

from __future__ import annotations

import re

import pytest
from ldap_support import (
    BAL,
    WRITES,
    Client,
    Serving,
    abandon,
    bind,
    bind_sasl,
    compare,
    dns,
    encode_filter,
    extended,
    mails,
    paged,
    replies,
    request,
    search,
    unbind,
    window,
)
from record_factories import SUFFIX

from directory_service.index.query import Equal, Present, Substrings
from directory_service.ldap.ber import integer, octets, tlv
from directory_service.ldap.messages import Control

JEAN = "(mail=jean.dupont@medecin.mssante.fr)"
NOTICE = "1.3.6.1.4.1.1466.20036"


def ask(serving: Serving, data: bytes, finals: int = 1) -> list[int | None]:
    """Result codes, in order."""
    with Client(serving.port) as client:
        return [reply.code for reply in client.ask(data, finals) if reply.tag != 0x64]


@pytest.mark.parametrize(
    "sent",
    [
        pytest.param(b"\x30\x80\x02\x01\x01\x42\x00\x00\x00", id="indefinite length"),
        pytest.param(tlv(0x30, b"\x02\x05\x00\x00\x00\x00\x01\x42\x00"), id="message id of 5 octets"),
        pytest.param(b"\x30\x85\x00\x00\x00\x00\x05", id="length of 5 octets"),
        pytest.param(b"\x30\x84\x7f\xff\xff\xff", id="2 GiB announced"),
        pytest.param(b"\x30\x83\x01\x00\x01", id="over the cap"),
        pytest.param(request(1, tlv(0x7F, b"")), id="unknown request tag"),
        pytest.param(request(1, tlv(0x64, b"")), id="a response as a request"),
        pytest.param(request(0, b"\x42\x00"), id="message id 0"),
        pytest.param(b"GET / HTTP/1.1\r\n\r\n", id="HTTP"),
        pytest.param(b"\x16\x03\x01\x02\x00\x01\x00", id="TLS on the plain port"),
        pytest.param(search(tlv(0xA2, b"")), id="NOT of nothing"),
        pytest.param(search(tlv(0xA2, encode_filter(Equal("cn", b"a")) * 2)), id="NOT of two"),
    ],
)
def test_what_cannot_be_read_gets_a_notice_of_disconnection(serving: Serving, sent: bytes) -> None:
    with Client(serving.port) as client:
        [notice] = client.ask(sent)
        assert (notice.message_id, notice.tag, notice.code) == (0, 0x78, 2)
        assert NOTICE.encode() in notice.rest
        assert client.closed()


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        pytest.param(search(size=-1), 2, id="sizeLimit -1"),
        pytest.param(search(scope=7), 2, id="scope 7"),
        pytest.param(bind(version=4), 2, id="bind v4"),
        pytest.param(bind(version=2), 0, id="bind v2"),
        pytest.param(bind_sasl("EXTERNAL"), 7, id="EXTERNAL without a certificate"),
        pytest.param(bind_sasl("GSSAPI"), 7, id="unknown mechanism"),
        pytest.param(search(JEAN, 1, Control("1.2.3", True, None)), 12, id="unknown critical control"),
        pytest.param(search(JEAN, 1, Control("1.2.3", False, b"x")), 0, id="unknown control"),
        pytest.param(search(base=b"o=\xff"), 34, id="invalid UTF-8 in the base"),
        pytest.param(search(base="nonsense"), 34, id="base that is no name"),
        pytest.param(search(base=f"ou=rien,{SUFFIX}"), 32, id="unknown base"),
        pytest.param(search(base="o=ailleurs"), 32, id="another tree"),
        pytest.param(search(JEAN, 1, paged(0)), 0, id="paged size 0 (CVE-2017-9287)"),
        pytest.param(search(JEAN, 1, paged(10, b"made up")), 2, id="bad paged cookie"),
        pytest.param(search(JEAN, 1, Control("1.2.840.113556.1.4.319", True, b"\x30")), 2, id="paged, malformed"),
        pytest.param(extended("1.2.3.4"), 2, id="unknown extended operation"),
        pytest.param(extended("1.3.6.1.4.1.4203.1.11.3"), 0, id="WhoAmI"),
        pytest.param(search(attributes=["x"] * 129), 2, id="129 attributes"),
        pytest.param(compare(BAL, "ou", "BAL"), 6, id="compare true"),
        pytest.param(compare(BAL, "ou", "x"), 5, id="compare false"),
        pytest.param(compare(BAL, "mail", "x"), 16, id="compare without the attribute"),
        pytest.param(compare(BAL, "nothing", "x"), 17, id="compare with an unknown attribute"),
        pytest.param(compare(f"ou=x,{SUFFIX}", "ou", "x"), 32, id="compare without the entry"),
        pytest.param(compare("x", "ou", "x"), 34, id="compare without a name"),
        pytest.param(compare("", "supportedLDAPVersion", "3"), 6, id="compare on the rootDSE"),
        *[pytest.param(request(1, tlv(tag, b"")), 53, id=name) for name, tag in WRITES.items()],
    ],
)
def test_what_can_be_read_is_answered_and_the_connection_goes_on(serving: Serving, sent: bytes, code: int) -> None:
    with Client(serving.port) as client:
        assert [reply.code for reply in client.ask(sent) if reply.tag != 0x64] == [code]
        assert [reply.code for reply in client.ask(search(JEAN, 2, base=BAL))] == [None, 0]


# --- the table of ldap-clients.md §3, row by row ----------------------------------------------------------------------


def _nested(depth: int) -> bytes:
    found = encode_filter(Present("objectClass"))
    for _ in range(depth):
        found = tlv(0xA2, found)
    return found


# What Thunderbird makes of a typed ``*``, beside a look-up.
_STAR = tlv(
    0xA0, encode_filter(Equal("mail", b"jean.dupont@medecin.mssante.fr")) + tlv(0xA4, octets("cn") + tlv(0x30, b""))
)
# What is sent, and the tag and code of each reply; a Notice of Disconnection closes.
CLOSED = [(0, 2)]
ROWS = {
    "indefinite length": (b"\x30\x80", CLOSED),
    "message id of 5 octets": (tlv(0x30, b"\x02\x05\x00\x00\x00\x00\x01\x77\x03\x80\x01\x31"), CLOSED),
    "sizeLimit -1": (search(size=-1), [(0x65, 2)]),
    "scope 7": (search(scope=7), [(0x65, 2)]),
    "empty AND": (search("(&)", base=BAL, scope=0), [(0x64, None), (0x65, 0)]),
    "empty OR": (search("(|)", base=BAL, scope=0), [(0x65, 0)]),
    "substrings without components": (search(_STAR), [(0x64, None), (0x65, 0)]),
    "invalid UTF-8 in an assertion": (search(Equal("cn", b"\xff")), [(0x65, 0)]),
    "invalid UTF-8 in the base": (search(base=b"o=\xff"), [(0x65, 34)]),
    "filter nested past the limit": (search(_nested(32)), [(0x65, 2)]),
    "filter nested to the limit": (search(_nested(31)), [(0x65, 0)]),
    "PDU announced over the cap": (b"\x30\x83\x01\x00\x01", CLOSED),
    "unknown request tag": (request(1, tlv(0x7F, b"")), CLOSED),
    "unknown extended operation": (extended("1.2.3.4"), [(0x78, 2)]),
    "unknown critical control": (search(JEAN, 1, Control("1.2.3", True, None)), [(0x65, 12)]),
    "unknown non-critical control": (search(JEAN, 1, Control("1.2.3", False, b"x")), [(0x64, None), (0x65, 0)]),
    "bind v4": (bind(version=4), [(0x61, 2)]),
    "SASL EXTERNAL without client certificate": (bind_sasl("EXTERNAL"), [(0x61, 7)]),
    "WhoAmI, anonymous": (extended("1.3.6.1.4.1.4203.1.11.3"), [(0x78, 0)]),
    "Abandon of an unknown id": (abandon(99), []),
    "paged size 0": (search(JEAN, 1, paged(0)), [(0x65, 0)]),
    "bad paged cookie": (search(JEAN, 1, paged(10, b"made up")), [(0x65, 2)]),
    "VLV without sort": (search(JEAN, 1, window(0, 1)), [(0x65, 76)]),
}


@pytest.mark.parametrize("row", ROWS)
@pytest.mark.parametrize("octets_at_once", [1 << 20, 1, 7], ids=["whole", "byte by byte", "by seven"])
def test_each_row_whole_and_in_pieces(serving: Serving, row: str, octets_at_once: int) -> None:
    """What follows an answer is answered; what follows a Notice of Disconnection is not even read."""
    sent, expected = ROWS[row]
    with Client(serving.port) as client:
        for at in range(0, len(sent), octets_at_once):
            client.send(sent[at : at + octets_at_once])
        _answered(client, expected)


@pytest.mark.parametrize("row", ROWS)
@pytest.mark.parametrize(
    "trailing",
    [extended("1.3.6.1.4.1.4203.1.11.3", 77), b"\x30", b"\x00\x00"],
    ids=["a request", "the start of one", "nonsense"],
)
def test_each_row_with_trailing_bytes(serving: Serving, row: str, trailing: bytes) -> None:
    """Of a message that follows, the beginning changes nothing, and nonsense gets a notice of its own."""
    sent, expected = ROWS[row]
    with Client(serving.port) as client:
        if expected == CLOSED:
            _answered(client, expected, sent + trailing)
        elif trailing == b"\x30":
            client.send(sent + trailing)
            _answered(client, expected, extended("1.3.6.1.4.1.4203.1.11.3", 78)[1:])
        else:
            got = client.ask(sent + trailing, len([r for r in expected if r[0] != 0x64]) + 1)
            assert [(r.tag, r.code) for r in got] == [*expected, (0x78, 0 if len(trailing) > 2 else 2)]
            assert got[-1].message_id == (77 if len(trailing) > 2 else 0)


def _answered(client: Client, expected: list[tuple[int, int | None]], more: bytes = b"") -> None:
    """These replies, and then either the end or the answer to WhoAmI."""
    if expected == CLOSED:
        client.send(more)
        [notice] = client.read()
        assert (notice.message_id, notice.tag, notice.code) == (0, 0x78, 2)
        assert NOTICE.encode() in notice.rest
        assert client.closed()
        return
    client.send(more or extended("1.3.6.1.4.1.4203.1.11.3", 78))
    got = client.read(len([r for r in expected if r[0] != 0x64]) + 1)
    assert [(r.tag, r.code) for r in got] == [*expected, (0x78, 0)]
    assert got[-1].message_id == 78


def test_empty_and_is_true_and_empty_or_is_false(serving: Serving) -> None:
    """RFC 4526."""
    with Client(serving.port) as client:
        assert dns(client.ask(search("(&)", base=BAL, scope=0))) == [BAL]
        assert dns(client.ask(search("(|)", base=BAL, scope=0))) == []


@pytest.mark.parametrize("value", [b"\xff\xfe", b"a\x00b", b"'; DROP TABLE entry; --", b'"', b"*)(cn=*"])
def test_odd_bytes_in_an_assertion_match_nothing(serving: Serving, value: bytes) -> None:
    """OpenLDAP back-sql CVE-2022-29155, among others."""
    with Client(serving.port) as client:
        for asked in (Equal("cn", value), Equal("mail", value), Substrings("cn", b"", (value,), b"")):
            assert [reply.code for reply in client.ask(search(asked))] == [0]


def test_deep_filters_are_refused_with_2(serving: Serving) -> None:
    """OpenLDAP CVE-2020-12243, Samba CVE-2020-10704."""
    nested = encode_filter(Equal("cn", b"a"))
    for _ in range(12_000):
        nested = tlv(0xA2, nested)
    assert ask(serving, search(nested)) == [2]


def test_a_password_without_its_name_or_a_name_without_its_password(serving: Serving) -> None:
    """§1.1, §1.2: an empty password is no bind, and an anonymous one is never 48 or 49."""
    operator = f"cn=essai,ou=operateurs,{SUFFIX}"
    assert ask(serving, bind()) == [0]
    assert ask(serving, bind("", "secret")) == [0]
    assert ask(serving, bind(operator, "")) == [53]
    assert ask(serving, bind(operator, "wrong")) == [49]
    assert ask(serving, bind(f"cn=nobody,ou=operateurs,{SUFFIX}", "wrong")) == [49]
    assert ask(serving, bind(f"uid=1,ou=personnes,{SUFFIX}", "wrong")) == [49]
    assert ask(serving, bind("nonsense", "wrong")) == [34]


def test_an_operator_binds_and_is_forgotten_at_the_next_bind(serving: Serving) -> None:
    """OpenLDAP CVE-2019-13057: no authorization is kept across binds."""
    operator = f"cn=Essai, ou=Operateurs,{SUFFIX}"
    whoami = "1.3.6.1.4.1.4203.1.11.3"
    with Client(serving.port) as client:
        bound, who = client.ask(bind(operator, serving.secret) + extended(whoami, 2), 2)
        assert (bound.code, who.code) == (0, 0)
        assert who.rest == tlv(0x8B, f"dn:cn=essai,ou=operateurs,{SUFFIX}".encode())  # whatever the spelling
        assert [r.code for r in client.ask(search("(objectClass=*)", 3, base=BAL))][-1] == 0
        failed, who = client.ask(bind(operator, "wrong", 4) + extended(whoami, 5), 2)
        assert (failed.code, who.rest) == (49, b"\x8b\x00")


def test_truncated_results_end_in_4_with_their_entries(serving: Serving) -> None:
    with Client(serving.port) as client:
        everything = client.ask(search())
        assert (len(dns(everything)), everything[-1].code) == (100, 4)
        few = client.ask(search(size=3))
        assert (len(dns(few)), few[-1].code) == (3, 4)


def test_pages_follow_one_another_and_their_cookies_serve_nothing_else(serving: Serving) -> None:
    """RFC 2696; Samba CVE-2020-10730: a cookie is of its own search."""
    asked = "(mail=*@cabinet.mssante.fr)"
    control = "1.2.840.113556.1.4.319"
    with Client(serving.port) as client:
        every = dns(client.ask(search(asked)))
        seen: list[str] = []
        cookie, first = b"", b""
        for number in range(10):
            got = client.ask(search(asked, 10 + number, paged(2, cookie)))
            assert got[-1].code == 0
            seen += dns(got)
            cookie = _cookie(got[-1].controls[control])
            first = first or cookie
            if not cookie:
                break
        assert sorted(seen) == sorted(every) and len(set(seen)) == len(seen) > 2
        for other in (search("(mail=*)", 50, paged(2, first)), search(asked, 51, paged(2, first), base=SUFFIX)):
            assert [r.code for r in client.ask(other)] == [2]


def _cookie(value: bytes) -> bytes:
    return value[value.index(b"\x04") + 2 :]


def test_pages_are_no_way_round_the_limit(serving: Serving) -> None:
    with Client(serving.port) as client:
        cookie, total, code = b"", 0, 0
        for number in range(10):
            got = client.ask(search("(mail=*)", 1 + number, paged(40, cookie)))
            total, code = total + len(dns(got)), got[-1].code or 0
            cookie = _cookie(got[-1].controls["1.2.840.113556.1.4.319"])
            if not cookie:
                break
        assert (total, code) == (100, 4)


def test_abandon_of_an_unknown_id_is_answered_by_nothing(serving: Serving) -> None:
    assert ask(serving, abandon(99) + search(JEAN, 2)) == [0]


def test_pipelined_requests_are_all_answered_in_order(serving: Serving) -> None:
    sent = b"".join(search(JEAN, n) for n in range(1, 301))
    with Client(serving.port) as client:
        got = client.ask(sent + unbind(999), 300)
        assert [r.message_id for r in got if r.tag == 0x65] == list(range(1, 301))
        assert client.closed()


def test_a_request_sent_byte_by_byte_is_answered(serving: Serving) -> None:
    with Client(serving.port) as client:
        for octet in bind() + search(JEAN, 2):
            client.send(bytes([octet]))
        assert [r.code for r in client.read(2)] == [0, None, 0]


def test_attributes_are_chosen_as_rfc_4511_says(serving: Serving) -> None:
    """§1.7, §1.8: aliases, OIDs, options, *, +, 1.1 and names unknown to us."""

    def names(*requested: str, types_only: bool = False) -> set[str]:
        with Client(serving.port) as client:
            got = client.ask(search(JEAN, attributes=requested, types_only=types_only))
            return set(got[0].attributes)

    everything = names()
    assert {"objectClass", "cn", "sn", "mail", "uid", "displayName"} <= everything
    assert not any(name.startswith("userCertificate") or name == "entryUUID" for name in everything)
    assert names("*") == everything
    assert names("1.1") == set()
    assert names("gn", "2.5.4.4", "MAIL", "nothing", "userCertificate;binary") == {"givenName", "sn", "mail"}
    operational = {"entryUUID", "entryDN", "createTimestamp", "modifyTimestamp", "structuralObjectClass",
                   "subschemaSubentry", "hasSubordinates"}  # fmt: skip
    assert names("+") == operational
    assert names("*", "+") == everything | operational
    assert names("1.1", "cn") == {"cn"}
    with Client(serving.port) as client:
        [entry, _] = client.ask(search(JEAN, attributes=["mail", "entryuuid"], types_only=True))
        assert entry.attributes == {"mail": [], "entryUUID": []}


def test_the_root_dse_is_there_before_any_bind(serving: Serving) -> None:
    with Client(serving.port) as client:
        [entry, done] = client.ask(search(base="", scope=0, attributes=["*", "+"]))
        assert (done.code, entry.dn) == (0, "")
        assert entry.attributes["namingContexts"] == [SUFFIX]
        assert "supportedSASLMechanisms" not in entry.attributes
        [entry, _] = client.ask(search(base="", scope=0))
        assert set(entry.attributes) == {"objectClass"}
        assert mails(client.ask(search(JEAN, base=""))) >= {"jean.dupont@medecin.mssante.fr"}
        assert dns(client.ask(search(base="", scope=1))) == [SUFFIX]


def test_whatever_an_entry_shows_the_schema_defines(serving: Serving) -> None:
    """Apache Directory API 2.1 reads the schema, and gives nothing of an entry with an attribute that is not in it."""
    with Client(serving.port) as client:
        [schema, _] = client.ask(search(base="cn=Subschema", scope=0, attributes=["attributeTypes"]))
        known = {name for told in schema.attributes["attributeTypes"] for name in re.findall("'(\\w+)'", told)}
        for base, scope in (("", 0), ("cn=Subschema", 0), (SUFFIX, 0), (SUFFIX, 1), (BAL, 2)):
            *entries, _ = client.ask(search(base=base, scope=scope, size=50, attributes=["*", "+"]))
            assert entries and {name for entry in entries for name in entry.attributes} <= known, base


def test_replies_to_one_burst_come_together(serving: Serving) -> None:
    with Client(serving.port) as client:
        client.send(bind() + search(JEAN, 2) + search(JEAN, 3))
        assert len(replies(b"")) == 0
        assert [r.message_id for r in client.read(3)] == [1, 2, 2, 3, 3]


def test_a_sasl_bind_without_a_mechanism_is_a_fault(serving: Serving) -> None:
    with Client(serving.port) as client:
        sent = request(1, tlv(0x60, integer(3) + octets("") + tlv(0xA3, b"")))
        assert [r.message_id for r in client.ask(sent)] == [0]
