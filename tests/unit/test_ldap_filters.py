"""Filters: wire and text to query trees, their limits, and text again."""

from __future__ import annotations

import pytest
from ldap_support import encode_filter

from directory_service.index.query import (
    And,
    Approx,
    Equal,
    Extensible,
    Filter,
    Not,
    Or,
    Present,
    Substrings,
    Undefined,
)
from directory_service.ldap.ber import BerError, octets, tlv
from directory_service.ldap.filters import BadFilter, FilterDecoder, format_filter, parse_filter, shape
from directory_service.ldap.handler import canonical_names
from directory_service.ldap.limits import Limits
from ldap_schema.schema import load

RESOLVE = canonical_names(load())


def decode(encoded: bytes, limits: Limits | None = None) -> Filter:
    return FilterDecoder(encoded, RESOLVE, limits or Limits()).decode(0, len(encoded))[0]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("(cn=Dupont)", Equal("cn", b"Dupont")),
        ("(SurName=x)", Equal("sn", b"x")),
        ("(gn=x)", Equal("givenName", b"x")),
        ("(2.5.4.3=x)", Equal("cn", b"x")),
        ("(rfc822Mailbox=*)", Present("mail")),
        ("(userCertificate;binary=*)", Present("userCertificate")),
        ("(mozillaNickname=*dup*)", Undefined()),
        ("(cn=*jean*dupont*)", Substrings("cn", b"", (b"jean", b"dupont"), b"")),
        ("(cn=a*b)", Substrings("cn", b"a", (), b"b")),
        (r"(cn=\28\2a\29\5c\00)", Equal("cn", b"(*)\\\x00")),
        ("(cn:=x)", Equal("cn", b"x")),
        ("(cn;LANG-fr=x)", Equal("cn;lang-fr", b"x")),
        ("(cn;binary=x)", Undefined()),
        ("(cn;x-other=x)", Undefined()),
        ("(name=x*)", Substrings("name", b"x", (), b"")),
        ("(cn:dn:=x)", Extensible("", "cn", b"x", True)),
        ("(cn:2.5.13.2:=x)", Extensible("caseIgnoreMatch", "cn", b"x")),
        ("(:caseExactMatch:=x)", Extensible("caseExactMatch", "", b"x")),
        ("(:DN:caseexactmatch:=x)", Extensible("caseExactMatch", "", b"x", True)),
        ("(ou:dn:2.5.13.5:=x)", Extensible("caseExactMatch", "ou", b"x", True)),
        ("(cn:nosuchMatch:=x)", Undefined()),
        ("(nosuch:caseExactMatch:=x)", Undefined()),
        ("(cn~=x)", Approx("cn", b"x")),
        ("(&)", And(())),
        ("(|)", Or(())),
        ("(!(cn=a))", Not(Equal("cn", b"a"))),
        ("(&(cn=a)(|(sn=b)(sn=c)))", And((Equal("cn", b"a"), Or((Equal("sn", b"b"), Equal("sn", b"c")))))),
    ],
)
def test_text_is_read_as_rfc_4515_says(text: str, found: Filter) -> None:
    assert parse_filter(text, RESOLVE) == found
    if not isinstance(found, Undefined):
        assert decode(encode_filter(parse_filter(text))) == found


@pytest.mark.parametrize(
    "text",
    ["", "cn=a", "(cn=a", "(cn=a))", "(!(a=b)(c=d))", r"(cn=\2)", "(=a)", "(cn=(a)", "(&", "(cn:a:b:=x)", "(cn:a=x)"],
)
def test_text_that_is_no_filter_is_refused(text: str) -> None:
    with pytest.raises(BadFilter):
        parse_filter(text)


def test_unknown_names_are_undefined_not_errors() -> None:
    assert decode(encode_filter(Equal("nothing", b"x"))) == Undefined()
    assert decode(encode_filter(Present("é" * 5))) == Undefined()
    assert decode(encode_filter(Present("x" * 500))) == Undefined()
    assert decode(tlv(0xA9, tlv(0x83, b"x"))) == Undefined()


def test_empty_components_match_anything() -> None:
    parts = tlv(0x80, b"") + tlv(0x81, b"b") + tlv(0x82, b"")
    assert decode(tlv(0xA4, octets("cn") + tlv(0x30, parts))) == Substrings("cn", b"", (b"b",), b"")
    assert decode(tlv(0xA4, octets("cn") + tlv(0x30, tlv(0x81, b"")))) == Present("cn")


@pytest.mark.parametrize("tags", [(0x81, 0x80), (0x82, 0x81), (0x80, 0x80), (0x83,)])
def test_components_in_disorder_are_refused(tags: tuple[int, ...]) -> None:
    parts = b"".join(tlv(tag, b"a") for tag in tags)
    with pytest.raises(BadFilter):
        decode(tlv(0xA4, octets("cn") + tlv(0x30, parts)))


def test_a_substring_filter_without_components_is_a_presence() -> None:
    """Thunderbird 153 makes it of a typed ``*``; slapd 2.5 goes on too, but finds nobody."""
    assert decode(tlv(0xA4, octets("cn") + tlv(0x30, b""))) == Present("cn")
    with pytest.raises(BerError):
        decode(tlv(0xA4, octets("cn")))
    with pytest.raises(BerError):
        decode(tlv(0xA4, octets("cn") + tlv(0x30, b"") + octets("x")))


def test_nesting_stops_at_the_limit_whatever_the_size() -> None:
    """OpenLDAP CVE-2020-12243, Samba CVE-2020-10704."""
    nested = encode_filter(Present("cn"))
    for _ in range(31):
        nested = tlv(0xA2, nested)
    decode(nested)
    for _ in range(20_000):
        nested = tlv(0xA2, nested)
    with pytest.raises(BadFilter, match="32 niveaux"):
        decode(nested)
    with pytest.raises(BadFilter):
        parse_filter("(!" * 20_000 + "(cn=a)" + ")" * 20_000)


def test_terms_and_components_are_counted() -> None:
    with pytest.raises(BadFilter, match="64 termes"):
        decode(encode_filter(Or((Present("cn"),) * 65)))
    decode(encode_filter(Or((Present("cn"),) * 64)))
    with pytest.raises(BadFilter, match="16 sous-chaînes"):
        decode(encode_filter(Substrings("cn", b"", (b"a",) * 17, b"")))
    decode(encode_filter(Substrings("cn", b"", (b"a",) * 16, b"")))


@pytest.mark.parametrize("joint", [And(()), Or(()), Not(Present("cn"))])
def test_what_joins_terms_is_counted_apart(joint: Filter) -> None:
    """A filter may wrap each of its terms, and is no longer for it; but not be made of empty lists alone."""
    decode(encode_filter(Or((joint,) * 63)))
    parse_filter(format_filter(Or((joint,) * 63)))
    with pytest.raises(BadFilter, match="64 termes"):
        decode(encode_filter(Or((joint,) * 64)))
    with pytest.raises(BadFilter):
        parse_filter(format_filter(Or((joint,) * 64)))


def test_a_log_line_shows_the_shape_and_no_value() -> None:
    assert shape(parse_filter("(|(cn=*jean*dup*)(mail=a@b)(!(sn=*)))")) == "(|(cn=*_*_*)(mail=_)(!(sn=*)))"
    assert format_filter(Undefined()) == "(?=)"
