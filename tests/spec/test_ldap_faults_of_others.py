"""ldap-clients.md §6: what broke other servers, sent to ours over a real socket, each under the name it is known by.

Faults of controls, paging and Cancel are in the tests of the controls.  After each attack the same server answers an
ordinary question, and has kept nothing of the attack.
"""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest
from ldap_support import (
    BAL,
    Client,
    Serving,
    bind,
    bind_sasl,
    compare,
    dns,
    encode_filter,
    extended,
    mails,
    request,
    search,
    served,
)
from ldap_town import build_town
from record_factories import SUFFIX

from directory_service.index.query import Approx, Equal, Query, Scope, Substrings, View
from directory_service.ldap.ber import integer, octets, sequence, tlv
from directory_service.ldap.limits import LdapSettings, Limits
from directory_service.ldap.server import Operators

JEAN = "jean.dupont@medecin.mssante.fr"
UNLISTED = "cachee@medecin.mssante.fr"
WHOAMI = "1.3.6.1.4.1.4203.1.11.3"
OPERATOR = f"cn=essai,ou=operateurs,{SUFFIX}"


@pytest.fixture(scope="module")
def attacked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    """A server of ours alone, which closes what is stalled after half a second."""
    directory, secret = build_town(tmp_path_factory.mktemp("town"), people=150)
    settings = LdapSettings(receive_time=0.5, idle_anonymous=5.0)
    with served(directory, settings, Operators(directory)) as number:
        yield Serving(number, secret, directory)
    directory.close()


@pytest.fixture
def port(attacked: Serving) -> int:
    return attacked.port


@pytest.fixture(autouse=True)
def _still_serving(port: int) -> Iterator[None]:
    yield
    with Client(port) as client:
        assert mails(client.ask(search(f"(mail={JEAN})"))) == {JEAN}


def codes(port: int, sent: bytes, finals: int = 1) -> list[int | None]:
    with Client(port) as client:
        return [reply.code for reply in client.ask(sent, finals) if reply.tag != 0x64]


# --- nesting --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("tag", [0xA0, 0xA1, 0xA2], ids=["and", "or", "not"])
@pytest.mark.parametrize("whole", [True, False], ids=["around an assertion", "around nothing"])
def test_cve_2020_12243_nested_filters_exhaust_no_stack(port: int, tag: int, whole: bool) -> None:
    """OpenLDAP; also Samba CVE-2020-10704.  As deep as a message can hold: 2, or the connection ends with 2."""
    nested = encode_filter(Equal("cn", b"a")) if whole else b""
    while len(nested) < Limits().pdu_anonymous - 200:
        nested = tlv(tag, nested)
    assert codes(port, search(nested)) == [2]


def test_samba_cve_2020_10704_nesting_elsewhere_is_refused_too(port: int) -> None:
    """Sequences within sequences where a control, an attribute list or an unknown element may stand."""
    nested = b""
    while len(nested) < Limits().pdu_anonymous - 400:
        nested = tlv(0x30, nested)
    plain = (
        octets(BAL) + b"\x0a\x01\x02\x0a\x01\x00\x02\x01\x00\x02\x01\x00\x01\x01\x00" + encode_filter(Equal("cn", b"a"))
    )
    assert codes(port, request(1, tlv(0x63, plain + nested))) == [2]
    assert codes(port, tlv(0x30, integer(1) + tlv(0x63, plain + sequence()) + tlv(0xA0, nested))) == [2]
    assert codes(port, request(1, tlv(0x60, integer(3) + octets("") + tlv(0xA3, nested)))) in ([2], [7])


# --- values ---------------------------------------------------------------------------------------------------------

INJECTIONS = [
    b"' OR '1'='1",
    b"'; DROP TABLE entry; --",
    b'" OR ""="',
    b"%' OR 1=1 --",
    b"\\' OR 1=1 --",
    b"*) OR cn MATCH (a*",
    b"NEAR(a b)",
    b'cn:"a" OR b',
    b"a' UNION SELECT secret_hash FROM operator --",
    b"_%_",
    b"*)(uid=*))(|(uid=*",
]


@pytest.mark.parametrize("value", INJECTIONS)
def test_openldap_cve_2022_29155_a_substring_assertion_is_never_sql(port: int, value: bytes) -> None:
    """back-sql pasted it into LIKE.  Ours goes to parameters and to FTS5 phrases: it matches itself, hence nothing."""
    shapes = [Substrings("cn", value, (), b""), Substrings("cn", b"", (value,), b""), Substrings("cn", b"", (), value)]
    with Client(port) as client:
        for attribute in ("cn", "mail", "asRpps", "telephoneNumber", "description"):
            for found in (Equal(attribute, value), *(replace(s, attribute=attribute) for s in shapes)):
                replies = client.ask(search(found))
                assert (dns(replies), replies[-1].code) == ([], 0)


@pytest.mark.parametrize(
    "value", [b"%s%s%s%s%s", b"%n%n%n%n", b"%x" * 200, b"{0}{1}{__class__}", b"%(secret)s", b"${jndi:ldap://x}"]
)
def test_protos_c06_format_strings_are_values_like_any_other(port: int, value: bytes) -> None:
    """In each place that holds text: nothing formats it, and no reply gives it back."""
    text = value.decode()
    asked = [
        search(Equal("cn", value)), search(Equal(text, b"x")), search(base=value), search(attributes=[text]),
        bind(text, text), bind_sasl(text), compare(BAL, text, text), compare(text, "cn", text), extended(text),
    ]  # fmt: skip
    with Client(port) as client:
        for sent in asked:
            [reply] = [r for r in client.ask(sent) if r.tag != 0x64]
            assert reply.code != 80 and text not in reply.text and text not in reply.matched


@pytest.mark.parametrize(
    "value", [b"\x00", b"\x00" * 100, b"jean dupont\x00durand", JEAN.encode() + b"\x00", b"\x00" + JEAN.encode()]
)
def test_a_zero_octet_ends_no_value(attacked: Serving, value: bytes) -> None:
    r"""``\00`` in an assertion: C servers stopped reading there, and a look-up for ``jean\00…`` found ``jean``.
    (RFC 4518 2.2 maps it to nothing in names: ``jean\00dupont`` is ``jeandupont``, which our name rule finds.)"""
    with Client(attacked.port) as client:
        for attribute in ("mail", "cn", "uid", "asRpps"):
            replies = client.ask(search(Equal(attribute, value)))
            assert (dns(replies), replies[-1].code) == ([], 0)
        assert [r.code for r in client.ask(search(base=f"uid=8\\001,{BAL}"))] == [32]
        assert [r.code for r in client.ask(bind(OPERATOR + "\x00", attacked.secret))] != [0]
        assert [r.code for r in client.ask(bind(OPERATOR, attacked.secret + "\x00"))] == [49]


@pytest.mark.parametrize("octet", [b"\\", b"*", b"(", b"\x00", b"\xff", "é".encode(), b"'", b" ", b"-"])
def test_389ds_cve_2018_1089_very_long_values_of_escapes_are_quick(port: int, octet: bytes) -> None:
    """Every octet needs escaping somewhere; the value fills a message.  It is answered within its time limit."""
    value = octet * ((Limits().pdu_anonymous - 500) // len(octet))
    with Client(port) as client:
        for found in (
            Equal("cn", value),
            Equal("mail", value),
            Approx("cn", value),
            Substrings("cn", b"", (value,), b""),
        ):
            assert [r.code for r in client.ask(search(found)) if r.tag != 0x64] in ([0], [3], [4])
        assert client.ask(search(base=b"cn=" + value))[-1].code == 34  # longer than a name may be


def test_a_name_of_escapes_alone_is_read_in_time(port: int) -> None:
    """The longest name that is read at all, each octet of it escaped."""
    with Client(port) as client:
        name = "cn=" + "\\2C" * 1300
        assert client.ask(search(base=name))[-1].code == 32
        assert client.ask(search(base="cn=a" + "+cn=a" * 800))[-1].code == 32
        assert client.ask(search(base=",".join(["c=a"] * 1000)))[-1].code == 32


# --- lengths --------------------------------------------------------------------------------------------------------

LENGTHS = {
    "indefinite": b"\x80", "five octets": b"\x85\x00\x00\x00\x00\x05", "127 octets": b"\xff" * 128,
    "4 GiB": b"\x84\xff\xff\xff\xff", "2 GiB": b"\x84\x7f\xff\xff\xff", "-2 GiB": b"\x84\x80\x00\x00\x00",
}  # fmt: skip
HEADS = {
    "message": b"\x30",
    "message id": b"\x30\x10\x02",
    "bind": b"\x30\x20\x02\x01\x01\x60",
    "bind version": b"\x30\x20\x02\x01\x01\x60\x1b\x02",
    "bind name": b"\x30\x20\x02\x01\x01\x60\x1b\x02\x01\x03\x04",
    "search": b"\x30\x20\x02\x01\x01\x63",
    "search base": b"\x30\x20\x02\x01\x01\x63\x1b\x04",
    "extended name": b"\x30\x20\x02\x01\x01\x77\x1b\x80",
    "abandoned id": b"\x30\x20\x02\x01\x01\x50",
    "controls": b"\x30\x20\x02\x01\x01\x42\x00\xa0",
}


@pytest.mark.parametrize("length", LENGTHS)
@pytest.mark.parametrize("head", HEADS)
def test_protos_c06_a_length_of_a_length_that_lies_is_answered_by_2_and_a_close(
    port: int, head: str, length: str
) -> None:
    sent = HEADS[head] + LENGTHS[length]
    with Client(port) as client:
        [notice] = client.ask(sent + b"\x00" * max(0, 34 - len(sent)))
        assert (notice.message_id, notice.code) == (0, 2)
        assert client.closed()


def test_a_message_announced_over_the_cap_is_refused_at_its_first_octets(port: int) -> None:
    """Not one octet of it is waited for, or kept."""
    with Client(port) as client:
        [notice] = client.ask(b"\x30\x83\xff\xff\xff")
        assert (notice.code, client.closed()) == (2, True)


# --- connections ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "stalled", [b"\x30", b"\x30\x84\x00", search()[:-1], bind("x", "y")[:9]], ids=["tag", "length", "search", "bind"]
)
def test_389ds_cve_2019_3883_stalled_connections_end_and_delay_nobody(port: int, stalled: bytes) -> None:
    """389-ds waited for each in a thread of its pool.  Fifty begin a message and stop; a search is answered meanwhile,
    and each is told why it is closed (§4: 10 s to complete a PDU, half a second here)."""
    with ExitStack() as held:
        clients = [held.enter_context(Client(port)) for _ in range(50)]
        for client in clients:
            client.send(stalled)
        with Client(port) as other:
            assert mails(other.ask(search(f"(mail={JEAN})"))) == {JEAN}
        for client in clients:
            assert [(r.message_id, r.code) for r in client.read()] == [(0, 3)]
            assert client.closed()


def test_a_connection_reset_half_way_leaves_nothing(port: int) -> None:
    for _ in range(100):
        with socket.create_connection(("127.0.0.1", port)) as client:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")
            client.sendall(search() + search("(cn=*martin*)", 2) + search()[:20])


@pytest.mark.parametrize(
    "after",
    [
        bind(),
        bind(OPERATOR, "wrong"),
        bind(OPERATOR, ""),
        bind(version=9),
        bind_sasl("EXTERNAL"),
        bind("nonsense", "x"),
    ],
    ids=["anonymous", "wrong secret", "no secret", "version 9", "EXTERNAL", "no name"],
)
def test_openldap_cve_2019_13057_no_authorization_is_kept_across_binds(attacked: Serving, after: bytes) -> None:
    """RFC 4511 4.2.1: whatever the second bind comes to, what was granted to the first is gone; OpenLDAP kept it for
    the length of a session.  Seen by WhoAmI and by how many entries come."""
    with Client(attacked.port) as client:
        bound, who = client.ask(bind(OPERATOR, attacked.secret, 1) + extended(WHOAMI, 2), 2)
        assert (bound.code, who.rest) == (0, tlv(0x8B, b"dn:" + OPERATOR.encode()))
        assert len(dns(client.ask(search(message_id=3)))) > LdapSettings().entries_anonymous
        client.ask(after)
        [who] = client.ask(extended(WHOAMI, 4))
        assert who.rest == tlv(0x8B, b"")
        assert len(dns(client.ask(search(message_id=5)))) == LdapSettings().entries_anonymous


def test_what_may_not_be_read_may_not_be_guessed_by_filters(attacked: Serving) -> None:
    """Samba CVE-2018-10919, 389-ds CVE-2016-4992: an unlisted box is no more found by a filter than it is shown, and
    its answer is that of a box that never was."""
    query = Query(BAL, Scope.ONE, Equal("mail", UNLISTED.encode()), 1)
    [hidden] = attacked.directory.search(query, View.STAFF).hits
    never = "jamais@medecin.mssante.fr"
    with Client(attacked.port) as client:
        for guess, name in ((UNLISTED, hidden.dn), (never, hidden.dn.replace(UNLISTED, never))):
            for asked in (f"(mail={guess})", f"(mail={guess[:4]}*)", f"(!(!(mail={guess})))", f"(mail>={guess})"):
                replies = client.ask(search(asked))
                assert guess not in mails(replies)
            [found] = client.ask(search(base=name, scope=0))
            assert guess in name and (found.code, found.matched) == (32, BAL)
            assert [r.code for r in client.ask(compare(name, "mail", guess))] == [32]


@pytest.fixture(autouse=True)
def _no_trace(caplog: pytest.LogCaptureFixture, tmp_path: Path) -> Iterator[None]:
    """No attack reaches our own last resort (``server.faults``)."""
    yield
    assert [record.getMessage() for record in caplog.records if "fault" in record.getMessage()] == []
