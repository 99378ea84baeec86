"""The table of who may read, filter on and order by what."""

from __future__ import annotations

import pytest

from directory_service.entries.attributes import ATTRIBUTES
from directory_service.index.query import (
    And,
    Approx,
    Equal,
    Extensible,
    Filter,
    GreaterOrEqual,
    InText,
    LessOrEqual,
    Not,
    Or,
    Present,
    Substrings,
    Undefined,
    View,
)
from directory_service.ldap.access import ACCESS, ANYBODY, NOBODY, SUBTYPES, Access, Rule, Use
from directory_service.ldap.handler import canonical_names
from directory_service.ldap.selection import OPERATIONAL, select
from ldap_schema.schema import load

ANYONE, OPERATOR, STAFF = View
SECRET = Access({"cn": ANYBODY, "sn": NOBODY, "mail": Rule(ANYONE, OPERATOR, STAFF)})
UNDEFINED = Undefined()


def test_every_attribute_that_an_entry_may_hold_has_a_line() -> None:
    """A new one is nobody's until it is decided here."""
    held = {attribute.name for attribute in ATTRIBUTES.values()} | set(OPERATIONAL)
    assert held <= ACCESS.rules.keys()
    assert not ACCESS.may("userPassword", Use.READ, OPERATOR)


@pytest.mark.parametrize("view", View)
def test_nobody_filters_on_what_they_may_not_read_nor_orders_by_what_they_may_not_filter_on(view: View) -> None:
    for access in (ACCESS, SECRET, Access({"x": Rule(STAFF, ANYONE, ANYONE)})):
        for name in access.rules:
            read, asked, ordered = (access.may(name, use, view) for use in Use)
            assert read >= asked >= ordered


def test_a_stranger_may_not_walk_along_numbers_and_dates() -> None:
    for name in ("uid", "asRpps", "asAdeli", "asNationalId", "asFiness", "asSiret", "asStructureId", "HcIdentifier",
                 "createTimestamp", "modifyTimestamp", "asSince", "entryUUID"):  # fmt: skip
        assert ACCESS.may(name, Use.FILTER, ANYONE)
        assert not ACCESS.may(name, Use.ORDER, ANYONE)
        assert ACCESS.may(name, Use.ORDER, OPERATOR)


@pytest.mark.parametrize(
    "leaf",
    [
        Present("sn"), Equal("sn", b"a"), Approx("sn", b"a"), Substrings("sn", b"a", (), b""),
        GreaterOrEqual("sn", b"a"), LessOrEqual("sn", b"a"), Equal("unheard", b"a"),
    ],
)  # fmt: skip
def test_an_assertion_about_what_may_not_be_read_is_undefined_wherever_it_stands(leaf: Filter) -> None:
    """CVE-2018-10919, CVE-2016-4992: negated, it is not true either."""
    known = Equal("cn", b"a")
    for view in (ANYONE, OPERATOR):
        assert SECRET.narrow(leaf, view) == UNDEFINED
        assert SECRET.narrow(Not(leaf), view) == Not(UNDEFINED)
        assert SECRET.narrow(And((known, Or((leaf, known)))), view) == And((known, Or((UNDEFINED, known))))
    assert SECRET.narrow(leaf, STAFF) == leaf


def test_an_assertion_of_a_kind_that_nobody_decided_about_is_undefined() -> None:
    class New(Undefined): ...

    for view in View:
        assert SECRET.narrow(Not(New()), view) == Not(UNDEFINED) != Not(New())


def test_an_assertion_about_a_supertype_tells_what_one_about_each_of_its_subtypes_would() -> None:
    """RFC 4511 4.5.1.7: ``(name=dupont)`` is about family names too."""
    schema, access = load(), Access({**ACCESS.rules, "sn": NOBODY})
    for attribute in schema.attribute_types:
        below = [a.name for a in schema.subtypes(attribute)[1:] if a.name.lower() in ATTRIBUTES]
        assert below == list(SUBTYPES.get(attribute.name, ())), attribute.name
    assert access.narrow(Equal("name", b"a"), OPERATOR) == UNDEFINED
    assert ACCESS.narrow(Equal("name", b"a"), ANYONE) == access.narrow(Equal("name", b"a"), STAFF) != UNDEFINED


def test_an_extensible_match_may_ask_what_an_equality_may() -> None:
    access = Access({"cn": ANYBODY, "sn": NOBODY}, frozenset({"pager"}))
    for name in ("cn", "cn;lang-fr", "sn", "sn;lang-fr", "pager", "unheard"):
        narrowed = [access.narrow(asked, ANYONE) for asked in (Equal(name, b"a"), Extensible("x", name, b"a"))]
        assert (narrowed[0] == UNDEFINED) == (narrowed[1] == UNDEFINED) == (name[:2] in ("sn", "un"))
    assert access.narrow(Extensible("x", "", b"a"), ANYONE) == UNDEFINED
    assert access.narrow(Extensible("x", "", b"a"), STAFF) != UNDEFINED
    assert ACCESS.narrow(Extensible("x", "", b"a"), ANYONE) != UNDEFINED


def test_a_filter_that_is_allowed_is_the_same_object() -> None:
    for asked in (Equal("cn", b"a"), And((Or((Present("cn"), Not(Present("mail")))), InText(("sn",), "a"))), And(())):
        assert SECRET.narrow(asked, OPERATOR) is asked


def test_each_use_has_its_own_view() -> None:
    assert SECRET.narrow(Equal("mail", b"a"), ANYONE) == UNDEFINED
    assert SECRET.narrow(GreaterOrEqual("mail", b"a"), OPERATOR) == UNDEFINED
    assert SECRET.hidden(ANYONE) == SECRET.hidden(OPERATOR) == {b"sn"}
    assert SECRET.hidden(STAFF) == ACCESS.hidden(ANYONE) == frozenset()


def test_certificates_and_computed_attributes_may_be_kept_from_a_view_as_well() -> None:
    """They are in no stored entry, so that taking them out of one would not do."""
    asked = select(("userCertificate;binary", "createTimestamp", "entryUUID"), canonical_names(load()))
    given = asked.without(frozenset((b"userCertificate", b"createTimestamp")))
    assert (asked.certificates, asked.operational) == (True, ("createTimestamp", "entryUUID"))
    assert (given.certificates, given.operational) == (False, ("entryUUID",))
