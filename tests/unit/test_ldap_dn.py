"""Distinguished names: RFC 4514, and the form under which two names are one entry."""

from __future__ import annotations

import pytest

from directory_service.ldap.dn import InvalidDN, escape_value, normalise, parse_dn


@pytest.mark.parametrize(
    ("text", "parsed"),
    [
        ("", ()),
        ("CN=Steve Kille,O=Isode Limited,C=GB", ((("cn", "Steve Kille"),), (("o", "Isode Limited"),), (("c", "GB"),))),
        ("OU=Sales+CN=J.  Smith,DC=net", ((("ou", "Sales"), ("cn", "J.  Smith")), (("dc", "net"),))),
        (r"CN=James \"Jim\" Smith\, III", ((("cn", 'James "Jim" Smith, III'),),)),
        (r"CN=Before\0dAfter", ((("cn", "Before\rAfter"),),)),
        ("1.3.6.1.4.1.1466.0=#04024869", ((("1.3.6.1.4.1.1466.0", "Hi"),),)),
        (r"CN=Lu\C4\8Di\C4\87", ((("cn", "Lučić"),),)),
        (r"o= a \20 , c = fr ", ((("o", "a  "),), (("c", "fr"),))),
        ("UID=8+uid=9", ((("uid", "8"), ("uid", "9")),)),
        ("o=", ((("o", ""),),)),
    ],
)
def test_rfc_4514_names_are_parsed(text: str, parsed: object) -> None:
    assert parse_dn(text) == parsed


@pytest.mark.parametrize(
    "text",
    ["x", "=a", "o=a,", ",o=a", "o=a;c=fr", 'o="a"', "o=<a>", "o=a\\", r"o=\zz", "o=#0", "o=#zz", r"o=\e9",
     "o=a\x00b", "o=a+", "a" * 5000],
)  # fmt: skip
def test_what_is_not_a_name_is_refused_with_34(text: str) -> None:
    with pytest.raises(InvalidDN) as error:
        parse_dn(text)
    assert error.value.ldap_code == 34


@pytest.mark.parametrize(
    "text",
    ["ou=Bal,o=Annuaire-Santé,c=FR", "OU=BAL, O=annuaire-santé , C=fr",
     "2.5.4.11=bal,organizationName=annuaire-santé,countryName=fr",
     r"ou=b\61l,o=annuaire-sant\C3\A9,c=fr"],
)  # fmt: skip
def test_one_entry_has_one_comparison_form(text: str) -> None:
    assert normalise(text) == "ou=bal,o=annuaire-santé,c=fr"


@pytest.mark.parametrize("value", ["", " ", "  a ", "#a", "a#", "a,b+c", 'q"q', "\x00", "\\", "é<>;"])
def test_an_escaped_value_is_read_back(value: str) -> None:
    assert parse_dn(f"o={escape_value(value)},c=fr")[0] == (("o", value),)
