"""What other servers fell over in controls, pages and Cancel (ldap-clients.md §6), one line each.

``test_ldap_controls``, ``…_matched_values`` and ``…_cancel`` have them in full; the other faults of the list are in
``test_ldap_faults_of_others``.
"""

from __future__ import annotations

import time

import pytest
from ldap_support import (
    BAL,
    MATCHED,
    Client,
    Serving,
    cancel,
    compare,
    cookie_of,
    dns,
    encode_filter,
    extended,
    paged,
    request,
    search,
    sorting,
    window,
)

from directory_service.index.query import Present
from directory_service.ldap.ber import ENUMERATED, boolean, integer, octets, sequence, tlv
from directory_service.ldap.messages import Control

JEAN = "(mail=jean.dupont@medecin.mssante.fr)"
WHOAMI = "1.3.6.1.4.1.4203.1.11.3"
QUICK = 1.0  # seconds of processor that no answer takes


def answers(serving: Serving, sent: bytes) -> list[int | None]:
    """Result codes; the server is then still there, for this client and for others."""
    with Client(serving.port) as client, Client(serving.port) as witness:
        began = time.process_time()
        found = [r.code for r in client.ask(sent) if r.tag != 0x64]
        assert time.process_time() - began < QUICK
        assert client.ask(extended(WHOAMI, 98))[0].code == witness.ask(extended(WHOAMI, 99))[0].code == 0
        return found


def test_sql_in_names_of_attributes_and_rules(serving: Serving) -> None:
    for name in ("cn; DROP TABLE entry", "name FROM entry --", "cn DESC", "by_name"):
        assert answers(serving, search(JEAN, 1, sorting(name, critical=False))) == [0]
        assert answers(serving, search(JEAN, attributes=[name])) == [0]
        assert answers(serving, compare(BAL, name, "x")) in ([17], [5], [16])


def test_paged_size_0(serving: Serving) -> None:
    """OpenLDAP CVE-2017-9287."""
    assert answers(serving, search("(mail=*)", 1, paged(0))) == [0]


def test_cancel_loop(serving: Serving) -> None:
    """OpenLDAP CVE-2020-36227."""
    assert answers(serving, cancel(1, 1)) == [121]


def test_matched_values_control(serving: Serving) -> None:
    """OpenLDAP CVE-2020-36223."""
    for value in (None, b"", b"\x30\x00", b"\x30\x02\xa3\x00", sequence(tlv(0xA9, tlv(0x81, b"")))):
        assert answers(serving, search(JEAN, 1, Control(MATCHED, True, value))) == [2]


def test_unlimited_controls(serving: Serving) -> None:
    """389-ds CVE-2026-9064."""
    assert answers(serving, search(JEAN, 1, *[Control("1.2.3", False, None)] * 3000)) == [2]


def test_pages_views_and_scoped_queries_together(serving: Serving) -> None:
    """Samba CVE-2020-10730, CVE-2020-10760."""
    asq = Control("1.2.840.113556.1.4.1504", False, sequence(octets("member")))
    assert answers(serving, search(JEAN, 1, asq, sorting("cn"), paged(3), window(0, 1))) == [2]


def test_cookies_reused_across_searches(serving: Serving) -> None:
    """Samba CVE-2020-10730: the server followed a freed pointer."""
    with Client(serving.port) as client:
        cookie = cookie_of(client.ask(search("(mail=*@cabinet.mssante.fr)", 1, paged(1)))[-1])
        assert client.ask(search("(mail=*)", 2, paged(1, cookie)))[-1].code == 2
        assert client.ask(search("(mail=*@cabinet.mssante.fr)", 3, paged(1, cookie), sorting("cn")))[-1].code == 2
        for _ in range(3):  # the same cookie again is the same page again
            assert len(dns(client.ask(search("(mail=*@cabinet.mssante.fr)", 4, paged(1, cookie))))) == 1


@pytest.mark.parametrize("value", [b"", b"\x80" * 5, b"\x7f\xff\xff\xff", b"\x80\x00\x00\x00", b"\xff", b"\x00" * 4])
def test_integers_of_all_sizes(serving: Serving, value: bytes) -> None:
    """As scope, limits, message id, page size."""
    body = octets(BAL) + tlv(ENUMERATED, value) + integer(0, ENUMERATED) + tlv(2, value) * 2 + boolean(False)
    for sent in (
        request(1, tlv(0x63, body + encode_filter(Present("cn")) + sequence())),
        sequence(tlv(2, value), tlv(0x77, tlv(0x80, WHOAMI.encode()))),
        search(JEAN, 1, Control("1.2.840.113556.1.4.319", True, sequence(tlv(2, value), octets("")))),
        request(1, tlv(0x50, value)) + extended(WHOAMI, 2),
    ):
        with Client(serving.port) as client:
            assert next(r.code for r in client.ask(sent) if r.tag != 0x64) in (0, 2)
    assert answers(serving, search(JEAN)) == [0]
