"""entries.attributes: values made comparable, tags and keys."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from directory_service.entries import entry
from directory_service.entries.attributes import (
    ATTRIBUTES,
    address_column,
    column,
    id_key,
    index_key,
    index_tag,
    prepare,
    tag,
)
from directory_service.entries.comparing import MatchRule
from directory_service.index.query import View
from directory_service.model.names import squash
from ldap_schema.schema import load


def test_the_views_are_those_of_the_index() -> None:
    assert (entry.ANYONE, entry.STAFF) == (View.ANONYMOUS, View.STAFF)


@pytest.mark.parametrize("attribute", ATTRIBUTES.values(), ids=lambda a: a.name)
def test_names_are_the_canonical_ones_of_the_schema(attribute: object) -> None:
    name = attribute.name  # type: ignore[attr-defined]
    found = load().resolve(name)
    assert found is not None
    assert found.name == name
    assert found.operational == attribute.operational  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("name", "one", "other"),
    [
        ("cn", "Jean-Pierre d'Aubigné", "JEAN PIERRE DAUBIGNE"),
        ("sn", "L'Hermite", "lhermite"),
        ("sn", "LEBŒUF", "leboeuf"),
        ("o", "Saint-Luc", "SAINT LUC"),
        ("mail", "A@B.FR", "a@b.fr"),
        ("asNationalId", "8 100 0000 0018", "8100 00000018"),
        ("asAdeli", "2a1234567", "2A1234567"),
        ("telephoneNumber", "+33 4 72 00 00 00", "04.72.00.00.00"),
        ("telephoneNumber", "0033 (0)472000000", "0472000000"),
        ("asPaperless", "true", "TRUE"),
        ("asSince", "20261124034500Z", "202611240445+0100"),
        ("asSince", "20261124034500.5Z", "20261124034500Z"),
        ("asSince", "2026112403Z", "20261124030000Z"),
        ("objectClass", "2.5.6.6", "PERSON"),
    ],
)
def test_equal_by_the_attributes_rule(name: str, one: str, other: str) -> None:
    attribute = ATTRIBUTES[name.lower()]
    assert prepare(attribute, one.encode()) == prepare(attribute, other.encode()) is not None


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("cn", b"\xff"),
        ("mail", "jean@medecin.mſsante.fr".encode()),  # which case folding makes an address of ASCII
        ("cn", b"-"),
        ("cn", b""),
        ("telephoneNumber", b"()"),
        ("asPaperless", b"oui"),
        ("asSince", b"yesterday"),
        ("asSince", b"20261324034500Z"),
        ("asSince", b"99991231235959-1200"),
        ("objectClass", b"mozillaAbPerson"),
    ],
)
def test_no_value_of_the_attribute_is_undefined(name: str, value: bytes) -> None:
    assert prepare(ATTRIBUTES[name.lower()], value) is None


@given(st.text(), st.text())
def test_the_squash_of_words_is_the_squashed_words(one: str, other: str) -> None:
    """What ``names_of`` counts on when it puts prepared names together instead of preparing them again."""
    assert squash(f"{one} {other}") == squash(one) + squash(other)


def test_columns_frame_each_value_once() -> None:
    assert column(["lyon", "", "rhone", "lyon"]) == "^lyon$^rhone$"
    assert column([]) == column([""]) == ""


@given(st.text(min_size=1), st.text(min_size=1))
def test_tags_are_tokens_and_tell_values_apart(one: str, other: str) -> None:
    first, second = tag("p", one), tag("p", other)
    assert first.isascii()
    assert first.isalnum()
    assert first == first.lower()
    assert (first == second) == (one == other)


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("asProfessionCode", b"10", "p10"),
        ("asStatus", b"ACTIVE", "aactive"),
        ("hpdProviderStatus", b"Active", "aactive"),
        ("HcProfession", "ANS:Profession:10:Médecin".encode(), "p10"),
        ("HcProfession", b"10", "px3130"),
        ("HcSpecialisation", b"ANS:SavoirFaire:SM04:x", "ssm04"),
        ("cn", b"x", None),
    ],
)
def test_tokens(name: str, value: bytes, expected: str | None) -> None:
    assert index_tag(ATTRIBUTES[name.lower()], value) == expected


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("mail", b"A@B.fr", "ma@b.fr"),
        ("asRpps", b"10 900 000 018", "i810900000018"),
        ("asAdeli", b"2a1234567", "i02A1234567"),
        ("asNationalId", b"10A@b.fr", "i10a@b.fr"),
        ("uid", b"8109:A@b.fr", "u8109:a@b.fr"),
        ("HcIdentifier", b"ANS:RPPS:10900000018:Active", "i810900000018"),
        ("HcIdentifier", b"ans:finess:2A0000001:Active", "o12A0000001"),
        ("HcIdentifier", b"ANS:IDNPS:810900000018:Active", "i810900000018"),
        ("HcIdentifier", b"10900000018", "h10900000018"),
        ("HcIdentifier", b"ANS:?:1:Active", "hans:?:1:active"),
        ("entryUUID", b"2952D389-E06A-5505-A6BC-A0E72D57DC1F", "e2952d389e06a"),
        ("entryUUID", b"2952d389", None),
        ("entryDN", b"UID=8109:a@b.fr, ou=Bal, o=x", "u8109:a@b.fr"),
        ("entryDN", b"ou=bal,o=x", None),
        ("cn", b"x", None),
    ],
)
def test_keys(name: str, value: bytes, expected: str | None) -> None:
    assert index_key(ATTRIBUTES[name.lower()], value) == expected


def test_identifiers_are_keyed_as_they_are_usually_written() -> None:
    assert id_key("o", "f 2a000 0001") == "oF2A0000001"


def test_only_rules_that_exist() -> None:
    assert {a.rule for a in ATTRIBUTES.values()} <= set(MatchRule)


_PAGE = Path(__file__).parents[2] / "docs" / "reference" / "ldap-schema.md"
_BRANCHES = {entry.BAL: "bal", entry.PEOPLE: "personnes", entry.STRUCTURES: "structures"}


def test_the_reference_page_tells_our_attributes_as_they_are() -> None:
    rows = re.findall(r"^\| `(as\w+)` \| (\d+) \| (\w+) \| ([\w, ]+) \|", _PAGE.read_text(encoding="utf-8"), re.M)
    ours = [a for a in load().attribute_types if a.oid.startswith("2.25.") and a.name != "defaultNamingContext"]
    table = [ATTRIBUTES[a.name.lower()] for a in ours]
    assert rows == [
        (a.name, d.oid.rpartition(".")[2], a.rule.value, ", ".join(_BRANCHES[b] for b in sorted(a.branches)))
        for a, d in zip(table, ours, strict=True)
    ]


def test_the_reference_page_tells_how_each_attribute_compares() -> None:
    text = _PAGE.read_text(encoding="utf-8")
    told = {
        name: rule for names, rule in re.findall(r"^\| (`.*`) \| (\w+) \|", text, re.M) for name in names.split(", ")
    }
    told |= dict(re.findall(r"^\| (`as\w+`) \| \d+ \| (\w+) \|", text, re.M))
    known = {f"`{a.name}`": a.rule.value for a in ATTRIBUTES.values() if a.name not in ("objectClass", "c", "dc")}
    assert {name: rule for name, rule in told.items() if name in known} == known


def test_what_is_written_for_marks_in_an_address_is_no_sign_of_one() -> None:
    mail = ATTRIBUTES["mail"]
    for odd in (b"a^b@x.fr", b"$a@x.fr", b"a^b$c@x.fr"):
        assert index_key(mail, odd) == id_key("m", odd.decode())
        text = address_column([odd.decode()])
        assert text == column([prepare(mail, odd) or ""]) and {"^", "$"}.isdisjoint(text[1:-1])
    for asked in (b"a\x1eb\x1fc@x.fr", b"a\x1eb$c@x.fr"):
        assert prepare(mail, asked) != prepare(mail, odd) and index_key(mail, asked) != index_key(mail, odd)
