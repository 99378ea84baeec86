"""Matched values (RFC 3876) over a real socket: raw bytes, ldapsearch, python-ldap and ldap3."""

from __future__ import annotations

import subprocess
from collections.abc import Callable

import ldap
import pytest
from ldap.controls import LDAPControl
from ldap_support import BAL, MATCHED, Client, Serving, bind, encode_filter, matched, search, sort_result, sorting
from record_factories import SUFFIX

from directory_service.index.query import And, Equal, Not, Or, Present
from directory_service.ldap.ber import boolean, octets, sequence, tlv
from directory_service.ldap.messages import Control

JEAN = "(mail=jean.dupont@medecin.mssante.fr)"
ADDRESS = "jean.dupont@medecin.mssante.fr"
OPERATOR = f"cn=essai,ou=operateurs,{SUFFIX}"  # dates are ordered for operators only
WANTED = ["cn", "sn", "mail", "objectClass", "uid", "asSince"]


def values(
    serving: Serving, *items: str | bytes, wanted: list[str] | None = None, operator: bool = False, **more: bool
) -> dict[str, list[str]]:
    """The attributes of Jean Dupont's box, with the values that match."""
    with Client(serving.port) as client:
        if operator:
            assert client.ask(bind(OPERATOR, serving.secret))[0].code == 0
        found = client.ask(search(JEAN, 1, matched(*items), attributes=wanted or WANTED, **more))
        assert [r.code for r in found] == [None, 0]
        return dict(found[0].attributes)


def held(found: dict[str, list[str]]) -> dict[str, list[str]]:
    return {name: v for name, v in found.items() if v}


@pytest.mark.parametrize(
    ("item", "kept"),
    [
        ("(cn=dupont jean)", {"cn": ["DUPONT JEAN"]}),
        ("(cn=jean*)", {"cn": ["JEAN DUPONT"]}),
        ("(cn=*ont*je*)", {"cn": ["DUPONT JEAN"]}),
        ("(commonName=*DUPONT)", {"cn": ["JEAN DUPONT"]}),
        ("(cn>=e)", {"cn": ["JEAN DUPONT"]}),
        ("(cn<=e)", {"cn": ["DUPONT JEAN"]}),
        ("(objectClass=person)", {"objectClass": ["person"]}),
        ("(objectClass=2.5.6.6)", {"objectClass": ["person"]}),
        ("(sn=*)", {"sn": ["DUPONT"]}),
        ("(mail=JEAN.dupont@MEDECIN.mssante.fr)", {"mail": [ADDRESS]}),
        ("(mail=nobody*)", {}),
        ("(asSince=soon)", {}),
        ("(nothing=x)", {}),
        ("(cn:=jean dupont)", {"cn": ["JEAN DUPONT"]}),
        ("(cn:caseExactMatch:=JEAN DUPONT)", {"cn": ["JEAN DUPONT"]}),
        ("(cn:caseExactMatch:=Jean Dupont)", {}),
        ("(cn:caseExactOrderingMatch:=JEAN DUPONT)", {}),
        ("(:asNameMatch:=dupont)", {"sn": ["DUPONT"]}),
        ("(name=jean*)", {"cn": ["JEAN DUPONT"]}),
        ("(name=*)", {"cn": ["DUPONT JEAN", "JEAN DUPONT"], "sn": ["DUPONT"]}),
        ("(mail~=jean.dupond@medecin.mssante.fr)", {}),
    ],
)
def test_of_each_attribute_only_the_values_that_match(serving: Serving, item: str, kept: dict[str, list[str]]) -> None:
    assert held(values(serving, item)) == kept


def test_an_item_asks_what_a_filter_may(serving: Serving) -> None:
    """Ranges over dates are for operators, here too: attributes come without their values then."""
    since = "(asSince>=19700101000000Z)"
    assert held(values(serving, since)) == {}
    assert held(values(serving, since, operator=True)).keys() == {"asSince"}


def test_an_approximate_item_finds_what_the_filter_finds(serving: Serving) -> None:
    assert held(values(serving, "(sn~=dupont)")) == {"sn": ["DUPONT"]}


def test_values_that_one_of_several_items_matches_are_kept(serving: Serving) -> None:
    found = held(values(serving, "(cn=jean*)", "(cn=nobody)", "(mail=*)"))
    assert found == {"cn": ["JEAN DUPONT"], "mail": [ADDRESS]}


def test_attributes_of_which_no_value_matches_go_out_empty(serving: Serving) -> None:
    """RFC 3876 2, step 4."""
    found = values(serving, "(cn=jean*)")
    assert set(found) == set(WANTED)
    assert found["mail"] == []


def test_all_user_attributes_and_operational_ones_are_filtered(serving: Serving) -> None:
    """RFC 3876 2, note."""
    for wanted in (["*"], ["*", "+"]):
        found = values(serving, "(sn=*)", "(modifyTimestamp>=19700101000000Z)", wanted=wanted, operator=True)
        assert held(found).keys() == ({"sn", "modifyTimestamp"} if "+" in wanted else {"sn"})
        assert len(found) > 8


def test_types_only_and_1_1_are_as_without_the_control(serving: Serving) -> None:
    """RFC 3876 2, steps 2 and 3."""
    assert values(serving, "(cn=jean*)", types_only=True) == {name: [] for name in values(serving, "(cn=*)")}
    assert values(serving, "(cn=jean*)", wanted=["1.1"]) == {}


def test_the_search_finds_the_same_entries(serving: Serving) -> None:
    """RFC 3876 2, step 1; and 4, together with a sort."""
    with Client(serving.port) as client:
        plain = client.ask(search("(mail=*@cabinet.mssante.fr)", 1, sorting("sn")))
        some = client.ask(search("(mail=*@cabinet.mssante.fr)", 2, matched("(cn=x)"), sorting("sn")))
        assert [r.dn for r in some] == [r.dn for r in plain]
        assert sort_result(some[-1]) == (0, "")


def test_one_definition_of_the_subschema(serving: Serving) -> None:
    """RFC 3876 5, second example."""
    with Client(serving.port) as client:
        asked = search("(objectClass=subschema)", 1, matched("(attributeTypes=2.5.4.3)"), base="cn=Subschema", scope=0,
                       attributes=["attributeTypes"])  # fmt: skip
        [entry, done] = client.ask(asked)
        assert done.code == 0
        [definition] = entry.attributes["attributeTypes"]
        assert "'cn'" in definition


@pytest.mark.parametrize(("number", "found"), [("2.5.4.3", 1), ("2.5.4", 0), ("2.5.4.999", 0)])
def test_the_subschema_is_found_by_the_number_of_a_definition(serving: Serving, number: str, found: int) -> None:
    """objectIdentifierFirstComponentMatch (RFC 4517 4.2.26) is the rule of its attributes."""
    with Client(serving.port) as client:
        asked = search(f"(attributeTypes={number})", 1, base="cn=Subschema", scope=0, attributes=["1.1"])
        assert len(client.ask(asked)) == found + 1


JEAN_IS = encode_filter(Equal("cn", b"jean"))


@pytest.mark.parametrize(
    "value",
    [
        pytest.param(None, id="no value"),
        pytest.param(b"", id="empty"),
        pytest.param(sequence(), id="no item"),
        pytest.param(b"\x30\x80" + JEAN_IS + b"\x00\x00", id="indefinite length"),
        pytest.param(b"\x30\x03" + JEAN_IS, id="cut"),
        pytest.param(sequence(JEAN_IS) + b"\x00", id="trailing"),
        pytest.param(sequence(JEAN_IS, b"\x00"), id="half an item"),
        pytest.param(sequence(encode_filter(And((Present("cn"),)))), id="and"),
        pytest.param(sequence(encode_filter(Or((Present("cn"),)))), id="or"),
        pytest.param(sequence(encode_filter(Not(Present("cn")))), id="not"),
        pytest.param(sequence(octets("cn")), id="not an item"),
        pytest.param(sequence(tlv(0xA3, octets("cn"))), id="equality of nothing"),
        pytest.param(sequence(tlv(0xA4, octets("cn") + sequence() + octets("x"))), id="more than substrings"),
        pytest.param(sequence(tlv(0xA4, octets("cn") + b"\x30\x84\xff\xff\xff\xff")), id="4 GiB of substrings"),
        pytest.param(sequence(tlv(0xA9, b"")), id="empty extensible match"),
        pytest.param(sequence(tlv(0xA9, tlv(0x82, b"cn") + tlv(0x83, b"x") + boolean(True, 0x84))), id="dnAttributes"),
        pytest.param(sequence(*[JEAN_IS] * 65), id="65 items"),
    ],
)
def test_a_malformed_control_is_2_and_the_connection_goes_on(serving: Serving, value: bytes | None) -> None:
    """OpenLDAP CVE-2020-36223: reading it crashed the server."""
    with Client(serving.port) as client:
        for critical in (True, False):
            assert [r.code for r in client.ask(search(JEAN, 1, Control(MATCHED, critical, value)))] == [2]
        assert client.ask(search(JEAN, 2))[-1].code == 0


def test_no_substring_is_a_presence_here_as_in_a_filter(serving: Serving) -> None:
    assert held(values(serving, tlv(0xA4, octets("cn") + sequence()))) == held(values(serving, "(cn=*)"))


def test_odd_bytes_match_nothing(serving: Serving) -> None:
    odd = (b"\xff", b"a\x00b", b"*", b"")
    assert held(values(serving, *[encode_filter(Equal("cn", raw)) for raw in odd])) == {}


def test_python_ldap_gets_them(serving: Serving) -> None:
    connection = ldap.initialize(serving.url)
    control = LDAPControl(MATCHED, True, encodedControlValue=matched("(cn=jean*)").value)
    sent = connection.search_ext(BAL, ldap.SCOPE_SUBTREE, JEAN, ["cn", "mail"], serverctrls=[control])
    [(_, found)] = connection.result3(sent)[1]
    assert found == {"cn": [b"JEAN DUPONT"], "mail": []}
    connection.unbind_s()


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # ldap3 2.9.1 asks pyasn1 for its old names
def test_ldap3_gets_them(serving: Serving) -> None:
    import ldap3

    with ldap3.Connection(ldap3.Server("127.0.0.1", serving.port)) as connection:
        control = (MATCHED, True, matched("(cn=jean*)").value)
        assert connection.search(BAL, JEAN, attributes=["cn", "mail"], controls=[control])
        found = connection.response[0]["raw_attributes"]
        assert {name: held or [] for name, held in found.items()} == {"cn": [b"JEAN DUPONT"], "mail": []}


def test_ldapsearch_gets_them(serving: Serving, program: Callable[[str], str]) -> None:
    command = [program("ldapsearch"), "-x", "-H", serving.url, "-b", SUFFIX, "-LLL", "-E", "!mv=(cn=jean*)", JEAN]
    done = subprocess.run([*command, "cn", "mail"], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0
    assert "cn: JEAN DUPONT" in done.stdout and "DUPONT JEAN" not in done.stdout and "mail: " not in done.stdout
