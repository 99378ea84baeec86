"""Controls and extended operations in general: which go with what, how many, and what the rootDSE says of them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import ldap
import ldap.modlist
import pytest
from ldap_support import (
    BAL,
    LISTED,
    MATCHED,
    PAGED,
    SORT,
    SORTED,
    VLV,
    WRITES,
    Client,
    Serving,
    bind,
    cancel,
    cookie_of,
    dns,
    extended,
    matched,
    paged,
    request,
    search,
    sorting,
    window,
)
from record_factories import SUFFIX

from directory_service.ldap.ber import ENUMERATED, boolean, integer, octets, sequence, tlv
from directory_service.ldap.messages import Control

JEAN = "(mail=jean.dupont@medecin.mssante.fr)"
CABINETS = "(mail=*@cabinet.mssante.fr)"
WHOAMI, CANCEL, START_TLS = "1.3.6.1.4.1.4203.1.11.3", "1.3.6.1.1.8", "1.3.6.1.4.1.1466.20037"
MANAGE_DSA_IT = "2.16.840.1.113730.3.4.2"
ASQ, PROXIED, SUBENTRIES = "1.2.840.113556.1.4.1504", "2.16.840.1.113730.3.4.18", "1.3.6.1.4.1.4203.1.10.1"
MANAGE = Control(MANAGE_DSA_IT, True, None)
UNKNOWN = Control("1.2.3.4", True, None)

BIND = tlv(0x60, integer(3) + octets("") + tlv(0x80, b""))
COMPARE = tlv(0x6E, octets(BAL) + sequence(octets("ou"), octets("bal")))
WHO = tlv(0x77, tlv(0x80, WHOAMI.encode()))
OTHER_OPERATIONS = [
    pytest.param(BIND, id="bind"), pytest.param(COMPARE, id="compare"), pytest.param(WHO, id="WhoAmI"),
    *(pytest.param(tlv(tag, b""), id=name) for name, tag in WRITES.items()),
]  # fmt: skip
FOUND = tlv(0xA3, octets("mail") + octets("jean.dupont@medecin.mssante.fr"))


def codes(serving: Serving, *sent: bytes) -> list[int | None]:
    """Result codes; the connection then still answers."""
    with Client(serving.port) as client:
        found = [r.code for r in client.ask(b"".join(sent), len(sent)) if r.tag != 0x64]
        assert client.ask(search(JEAN, 99))[-1].code == 0
        return found


# --- criticality (RFC 4511 4.1.11) ------------------------------------------------------------------------------------


@pytest.mark.parametrize("operation", OTHER_OPERATIONS)
@pytest.mark.parametrize("oid", ["1.2.3.4", PAGED, SORT, VLV, MATCHED, ASQ, PROXIED, "", "é"])
def test_a_critical_control_out_of_place_is_12_in_the_response_of_the_operation(
    serving: Serving, operation: bytes, oid: str
) -> None:
    with Client(serving.port) as client:
        [refused] = client.ask(request(1, operation, Control(oid, True, paged(1).value)))
        plain = client.ask(request(2, operation))[0]
        assert (refused.tag, refused.code) == (plain.tag, 12)


@pytest.mark.parametrize("operation", OTHER_OPERATIONS)
def test_a_control_out_of_place_that_is_not_critical_is_ignored(serving: Serving, operation: bytes) -> None:
    with Client(serving.port) as client:
        plain = client.ask(request(1, operation))[0].code
        assert plain != 12
        for oid in (PAGED, SORT, VLV, MATCHED, ASQ, "1.2.3.4"):
            assert client.ask(request(2, operation, Control(oid, False, b"\xff")))[0].code == plain


def test_critical_controls_on_what_has_no_response_change_nothing(serving: Serving) -> None:
    with Client(serving.port) as client:
        client.send(request(1, integer(7, 0x50), UNKNOWN))
        assert client.ask(search(JEAN, 2))[-1].code == 0
        client.send(request(3, b"\x42\x00", UNKNOWN))
        assert client.closed()


def test_unknown_controls_of_a_search(serving: Serving) -> None:
    for oid in ("1.2.3.4", ASQ, PROXIED, SUBENTRIES, "2.16.840.1.113730.3.4.10", "not an oid"):
        assert codes(serving, search(JEAN, 1, Control(oid, True, None))) == [12]
        assert codes(serving, search(JEAN, 1, Control(oid, False, b"\x30\x80\xff"))) == [0]
        assert codes(serving, search(JEAN, 1, paged(5), sorting("cn"), Control(oid, True, b""))) == [12]


def test_combined_attribute_scoped_queries_pages_and_views(serving: Serving) -> None:
    """Samba CVE-2020-10730 and -10760: ASQ is not here, so that only pages and views can be put together."""
    asq = Control(ASQ, False, sequence(octets("member")))
    assert codes(serving, search(JEAN, 1, asq, paged(5), sorting("cn"), window(0, 1))) == [2]
    assert codes(serving, search(JEAN, 1, asq, paged(5))) == [0]
    assert codes(serving, search(JEAN, 1, asq, sorting("cn"), window(0, 1))) == [0]
    assert codes(serving, search(JEAN, 1, asq._replace(critical=True), paged(5))) == [12]


# --- number -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "control", [paged(5), sorting("cn"), window(0, 1), matched("(cn=*)"), MANAGE], ids=lambda c: c.oid
)
def test_a_control_sent_twice_is_2(serving: Serving, control: Control) -> None:
    """RFC 4511 4.1.11: nothing says which of the two is meant."""
    others = [sorting("cn")] if control.oid == VLV else []
    for again in (control, control._replace(critical=not control.critical), control._replace(value=None)):
        assert codes(serving, search(JEAN, 1, *others, control, again)) == [2]
    assert codes(serving, search(JEAN, 1, *others, control)) == [0]


def test_unknown_controls_sent_twice_are_ignored_twice(serving: Serving) -> None:
    assert codes(serving, search(JEAN, 1, *[UNKNOWN._replace(critical=False)] * 2)) == [0]


def test_ten_controls_and_no_more(serving: Serving) -> None:
    """389-ds CVE-2026-9064: unlimited controls."""
    others = [Control(f"1.2.3.{n}", False, None) for n in range(2000)]
    assert codes(serving, search(JEAN, 1, *others[:10])) == [0]
    assert codes(serving, search(JEAN, 1, *others[:11])) == [2]
    assert codes(serving, search(JEAN, 1, *others)) == [2]
    for operation in (BIND, COMPARE, WHO, *(tlv(tag, b"") for tag in WRITES.values())):
        assert codes(serving, request(1, operation, *others[:11])) == [2]


def test_controls_that_cannot_be_read_end_the_connection(serving: Serving) -> None:
    """RFC 4511 4.1.1: the message itself is malformed."""
    for controls in (b"\xa0\x02\x04\x00", b"\xa0\x04\x30\x02\x01\x00", b"\xa0\x80\x00\x00", b"\xa0\x03\x30\x05\x04",
                     tlv(0xA0, sequence(octets(PAGED), b"\x01\x02\xff\xff"))):  # fmt: skip
        with Client(serving.port) as client:
            [notice] = client.ask(sequence(integer(1), WHO, controls))
            assert (notice.message_id, notice.code) == (0, 2)
            assert client.closed()


# --- ManageDsaIT, paged results ---------------------------------------------------------------------------------------


def test_manage_dsa_it_changes_nothing_and_has_no_value(serving: Serving) -> None:
    """RFC 3296 3.  There are no referrals here."""
    assert codes(serving, search(JEAN, 1, MANAGE), request(2, COMPARE, MANAGE)) == [0, 6]
    assert codes(serving, *(request(1, tlv(tag, b""), MANAGE) for tag in WRITES.values())) == [53] * 4
    assert codes(serving, search(JEAN, 1, MANAGE._replace(value=b""))) == [0]
    assert codes(serving, search(JEAN, 1, MANAGE._replace(value=b"x"))) == [2]


def test_paged_size_0_is_an_estimate_that_says_nothing(serving: Serving) -> None:
    """OpenLDAP CVE-2017-9287; ldap-clients.md §5: no counts."""
    with Client(serving.port) as client:
        for control in (paged(0), paged(0, critical=False)):
            [done] = client.ask(search(CABINETS, 1, control))
            assert (done.code, cookie_of(done)) == (0, b"")
        cookie = cookie_of(client.ask(search(CABINETS, 2, paged(1)))[-1])
        [done] = client.ask(search(CABINETS, 3, paged(0, cookie)))  # the end of a paged search (RFC 2696 3)
        assert (done.code, cookie_of(done)) == (0, b"")


def test_a_page_as_large_as_the_size_limit_is_no_page(serving: Serving) -> None:
    """RFC 2696 3."""
    with Client(serving.port) as client:
        assert PAGED not in client.ask(search(CABINETS, 1, paged(3), size=3))[-1].controls
        assert PAGED in client.ask(search(CABINETS, 1, paged(2), size=3))[-1].controls


@pytest.mark.parametrize("order", [[], [sorting("sn")]], ids=["by rank", "sorted"])
def test_a_size_limit_that_comes_below_what_was_sent_ends_the_pages(serving: Serving, order: list[Control]) -> None:
    """It is the client's to lower between two pages: that is no fault of ours, and gives nothing more."""
    with Client(serving.port) as client:
        cookie = cookie_of(client.ask(search("(mail=p*)", 1, paged(50), *order))[-1])
        for size in (45, 50):
            [done] = client.ask(search("(mail=p*)", 2, paged(40, cookie), *order, size=size))
            assert (done.code, cookie_of(done)) == (4, b"")
        assert len(dns(client.ask(search("(mail=p*)", 3, paged(40, cookie), *order, size=51)))) == 1


@pytest.mark.parametrize(
    "value",
    [None, b"", b"\x30", b"\x30\x00", sequence(integer(5)), sequence(octets(""), integer(5)),
     sequence(integer(-1), octets("")), sequence(integer(5), octets("")) + b"\x00",
     sequence(integer(5), octets(""), integer(0)), b"\x30\x80\x02\x01\x05\x04\x00\x00\x00",
     sequence(b"\x02\x05\x00\x00\x00\x00\x01", octets("")), sequence(integer(5), octets("x" * 20)),
     sequence(integer(5), octets("x")), sequence(integer(5), octets("x" * 5000))],
)  # fmt: skip
def test_a_malformed_page_or_a_bad_cookie_is_2(serving: Serving, value: bytes | None) -> None:
    for critical in (True, False):
        assert codes(serving, search(CABINETS, 1, Control(PAGED, critical, value))) == [2]


def test_cookies_serve_their_own_search_only(serving: Serving) -> None:
    """Samba CVE-2020-10730: no other filter, base, scope, order or client; no bit changed.  Connections may differ."""
    with Client(serving.port) as client, Client(serving.port) as other:
        cookie = cookie_of(client.ask(search(CABINETS, 1, paged(1)))[-1])
        for sent in (
            search("(mail=*)", 2, paged(1, cookie)),
            search(CABINETS, 2, paged(1, cookie), base=SUFFIX),
            search(CABINETS, 2, paged(1, cookie), scope=1),
            search(CABINETS, 2, paged(1, cookie), sorting("cn")),
            search(CABINETS, 2, paged(1, cookie[:-1] + bytes([cookie[-1] ^ 1]))),
            search(CABINETS, 2, paged(1, bytes([cookie[0] ^ 1]) + cookie[1:])),
            search(CABINETS, 2, paged(1, cookie + b"\x00")),
        ):
            assert client.ask(sent)[-1].code == 2
        assert len(dns(other.ask(search(CABINETS, 3, paged(1, cookie))))) == 1
        other.ask(bind(f"cn=essai,ou=operateurs,{SUFFIX}", serving.secret, 4))
        assert other.ask(search(CABINETS, 5, paged(1, cookie)))[-1].code == 2


def test_pages_of_the_root_dse_end_at_once(serving: Serving) -> None:
    with Client(serving.port) as client:
        entry, done = client.ask(search("(objectClass=*)", 1, paged(5), sorting("cn"), base="", scope=0))
        assert (entry.dn, done.code, cookie_of(done)) == ("", 0, b"")


# --- extended operations ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("oid", ["1.2.3.4", "1.3.6.1.4.1.4203.1.11.1", "1.3.6.1.1.21.1", "", "not an oid"])
def test_unknown_extended_operations_are_2_and_the_connection_goes_on(serving: Serving, oid: str) -> None:
    """Password modify and transactions among them: this is a directory that is read."""
    assert codes(serving, extended(oid), extended(oid, 2, b"x" * 1000)) == [2, 2]


def test_who_am_i_takes_no_value(serving: Serving) -> None:
    """RFC 4532 2.1."""
    assert codes(serving, extended(WHOAMI), extended(WHOAMI, 2, b"")) == [0, 0]


# --- writes, references, aliases --------------------------------------------------------------------------------------

DN = f"uid=x,{BAL}"
VALID = {
    "modify": tlv(0x66, octets(DN) + sequence(sequence(integer(2, ENUMERATED),
                  sequence(octets("sn"), tlv(0x31, octets("X")))))),
    "add": tlv(0x68, octets(DN) + sequence(sequence(octets("sn"), tlv(0x31, octets("X"))))),
    "delete": tlv(0x4A, DN.encode()),
    "modify DN": tlv(0x6C, octets(DN) + octets("uid=y") + boolean(True)),
}  # fmt: skip


@pytest.mark.parametrize("kind", WRITES)
def test_writes_are_answered_53_and_say_why(serving: Serving, kind: str) -> None:
    """Well formed or not, bound or not: nothing of them is read."""
    for operation in (VALID[kind], *(tlv(WRITES[kind], body) for body in (b"", b"\xff" * 300, b"\x30\x80"))):
        with Client(serving.port) as client:
            client.ask(bind(f"cn=essai,ou=operateurs,{SUFFIX}", serving.secret))
            [done] = client.ask(request(2, operation))
            assert (done.code, done.text) == (53, "annuaire en lecture seule")
            assert client.ask(search(JEAN, 3))[-1].code == 0


def test_python_ldap_cannot_write(serving: Serving) -> None:
    connection = ldap.initialize(serving.url)
    writes: Sequence[tuple[object, ...]] = (
        (connection.add_s, DN, ldap.modlist.addModlist({"sn": [b"X"], "objectClass": [b"person"]})),
        (connection.modify_s, DN, [(ldap.MOD_REPLACE, "sn", [b"Y"])]),
        (connection.rename_s, DN, "uid=y"),
        (connection.delete_s, DN),
        (connection.delete_s, ""),
    )
    for write, *arguments in writes:
        with pytest.raises(ldap.UNWILLING_TO_PERFORM, match="lecture seule"):
            write(*arguments)  # type: ignore[operator]
    with pytest.raises(ldap.PROTOCOL_ERROR):
        connection.passwd_s(DN, "a", "b")
    connection.unbind_s()


@pytest.mark.parametrize("deref", [0, 1, 2, 3])
def test_the_alias_setting_changes_nothing(serving: Serving, deref: int) -> None:
    with Client(serving.port) as client:
        found = [dns(client.ask(_deref(n))) for n in (deref, 0)]
        assert found[0] == found[1] != []


@pytest.mark.parametrize("deref", [4, -1, 127])
def test_an_unknown_alias_setting_is_2(serving: Serving, deref: int) -> None:
    assert codes(serving, _deref(deref)) == [2]


def _deref(value: int) -> bytes:
    body = octets(BAL) + integer(2, ENUMERATED) + integer(value, ENUMERATED) + integer(0) * 2 + boolean(False) + FOUND
    return request(1, tlv(0x63, body + sequence()))


def test_no_reference_is_ever_sent(serving: Serving) -> None:
    """Neither SearchResultReference (0x73) nor referral (10), with or without ManageDsaIT, here and elsewhere."""
    with Client(serving.port) as client:
        for controls in ([], [MANAGE]):
            for base in ("", SUFFIX, BAL, "o=ailleurs", "dc=example,dc=org"):
                for scope in (0, 1, 2):
                    found = client.ask(search("(objectClass=*)", 1, *controls, base=base, scope=scope))
                    assert {r.tag for r in found} <= {0x64, 0x65}
                    assert found[-1].code in (0, 4, 32) and found[-1].rest == b""


def test_types_only_sends_names_without_values(serving: Serving) -> None:
    with Client(serving.port) as client:
        full = client.ask(search(JEAN, 1, attributes=["*", "+"]))[0].attributes
        for controls in ([], [paged(5)], [sorting("cn")], [matched("(cn=x)")]):
            found = client.ask(search(JEAN, 2, *controls, types_only=True, attributes=["*", "+"]))[0].attributes
            assert found == {name: [] for name in full}
        asked = search("(objectClass=*)", 3, base="", scope=0, types_only=True, attributes=["+"])
        dse = client.ask(asked)[0].attributes
        assert "namingContexts" in dse and not any(dse.values())


# --- the rootDSE says what works --------------------------------------------------------------------------------------

# Each control as a search takes it critical, with what it does: a response control, or none.
WORKING = {
    PAGED: ([paged(1)], PAGED),
    SORT: ([sorting("cn")], SORTED),
    VLV: ([sorting("cn"), window(0, 1)], LISTED),
    MATCHED: ([matched("(cn=*)")], None),
    MANAGE_DSA_IT: ([MANAGE], None),
}
OPERATIONS = {WHOAMI: extended(WHOAMI, 2), CANCEL: cancel(9, 2)}
# Controls and operations that others have: those that are not listed do not work.
OTHERS = ["1.2.826.0.1.3344810.2.3", "1.3.6.1.1.12", "1.3.6.1.1.13.1", "1.3.6.1.1.13.2", "1.3.6.1.1.22",
          "1.3.6.1.4.1.4203.1.9.1.1", "1.2.840.113556.1.4.1413", "1.2.840.113556.1.4.805", ASQ, PROXIED, SUBENTRIES,
          "1.3.6.1.4.1.42.2.27.8.5.1", "2.16.840.1.113730.3.4.3", "1.3.6.1.4.1.1466.20037", "1.3.6.1.4.1.4203.1.11.1",
          "1.3.6.1.1.21.1", "1.3.6.1.1.21.3", "1.3.6.1.4.1.1466.101.119.1"]  # fmt: skip


def test_the_root_dse_lists_the_controls_that_work_and_no_others(serving: Serving) -> None:
    with Client(serving.port) as client:
        dse = client.ask(search("(objectClass=*)", 1, base="", scope=0, attributes=["+"]))[0].attributes
        assert set(dse["supportedControl"]) == set(WORKING)
        for oid, (controls, answer) in WORKING.items():
            assert controls[-1].oid == oid and controls[-1].critical
            done = client.ask(search(CABINETS, 2, *controls))[-1]
            assert done.code == 0 and (answer is None or answer in done.controls)
        for oid in set(OTHERS) - set(WORKING):
            assert client.ask(search(CABINETS, 3, Control(oid, True, None)))[-1].code == 12


def test_the_root_dse_lists_the_extended_operations_that_work_and_no_others(serving: Serving) -> None:
    with Client(serving.port) as client:
        dse = client.ask(search("(objectClass=*)", 1, base="", scope=0, attributes=["+"]))[0].attributes
        listed = set(dse["supportedExtension"])
        assert set(OPERATIONS) <= listed <= {*OPERATIONS, START_TLS}
        assert [client.ask(sent)[0].code for sent in OPERATIONS.values()] == [0, 119]
        for oid in set(OTHERS) - listed - {START_TLS}:
            assert client.ask(extended(oid))[0].code == 2


def test_the_root_dse_lists_the_features_that_work(serving: Serving) -> None:
    """All operational attributes (RFC 3673), absolute true and false (RFC 4526)."""
    with Client(serving.port) as client:
        dse = client.ask(search("(objectClass=*)", 1, base="", scope=0, attributes=["supportedFeatures"]))[0].attributes
        assert {"1.3.6.1.4.1.4203.1.5.1", "1.3.6.1.4.1.4203.1.5.3"} <= set(dse["supportedFeatures"])
        assert "entryUUID" in client.ask(search(JEAN, 2, attributes=["+"]))[0].attributes
        assert dns(client.ask(search("(&)", 3, base=BAL, scope=0))) == [BAL]
        assert dns(client.ask(search("(|)", 4, base=BAL, scope=0))) == []


def test_the_reference_page_has_all_of_them() -> None:
    page = (Path(__file__).parents[2] / "docs" / "reference" / "ldap-controls.md").read_text(encoding="utf-8")
    assert [oid for oid in (*WORKING, *OPERATIONS) if f"`{oid}`" not in page] == []
