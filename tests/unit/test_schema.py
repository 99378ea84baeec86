"""ldap_schema.schema: names, inheritance, and the subschema that clients read (ldap-clients.md §1.8, §1.9)."""

from __future__ import annotations

import re
import warnings

import pytest

from ldap_schema.parse import SchemaError, parse_schema
from ldap_schema.schema import Schema, load

CONTRACT = """cn sn givenName displayName personalTitle title mail o ou street postalCode l st telephoneNumber
facsimileTelephoneNumber uid description userCertificate asNationalId asRpps asAdeli asProfessionCode asCategoryCode
asCategory asSpecialty asSpecialtyCode asModeCode asMode asSectorCode asSector
asStructureId asFiness asSiret asMailboxType asPaperless asStatus
asPreferred asOperator asSince HcIdentifier HcProfession HcSpecialisation hpdProviderStatus""".split()  # noqa: SIM905


@pytest.mark.parametrize(
    ("asked", "canonical"),
    [
        ("gn", "givenName"),
        ("surname", "sn"),
        ("commonName", "cn"),
        ("rfc822Mailbox", "mail"),
        ("RFC822MAILBOX", "mail"),
        ("fax", "facsimileTelephoneNumber"),
        ("2.5.4.3", "cn"),
        ("0.9.2342.19200300.100.1.3", "mail"),
        ("userCertificate;binary", "userCertificate"),
        ("cn;lang-fr;x-y", "cn"),
    ],
)
def test_names_aliases_oids_and_options(asked: str, canonical: str) -> None:
    found = load().resolve(asked)
    assert found is not None
    assert found.name == canonical


@pytest.mark.parametrize("asked", ["mozillaNickname", "", ";binary", "2.5.4.999"])
def test_unknown_names(asked: str) -> None:
    assert load().resolve(asked) is None


@pytest.mark.parametrize("name", CONTRACT)
def test_every_attribute_of_the_contract_is_defined_under_that_very_name(name: str) -> None:
    found = load().resolve(name)
    assert found is not None
    assert found.name == name


def test_rules_and_syntax_are_inherited() -> None:
    schema = load()
    cn = schema.resolve("cn")
    assert cn is not None
    assert cn.equality == cn.syntax == ""
    assert schema.equality_of(cn) == "caseIgnoreMatch"
    assert schema.substr_of(cn) == "caseIgnoreSubstringsMatch"
    assert schema.syntax_of(cn) == "1.3.6.1.4.1.1466.115.121.1.15"


def test_an_assertion_about_name_is_about_its_subtypes() -> None:
    schema = load()
    name = schema.resolve("name")
    assert name is not None
    assert {a.name for a in schema.subtypes(name)} >= {"name", "cn", "sn", "givenName", "l", "o", "ou", "title"}


def test_what_a_class_demands_includes_what_is_above_it() -> None:
    must, may = load().allowed(["HCProfessional"])
    assert must == {"objectClass", "sn", "cn", "HcIdentifier", "HcProfession"}
    assert {"mail", "title", "HcSpecialisation"} <= may


def test_our_arc_is_under_one_uuid() -> None:
    ours = [d for d in (*load().attribute_types, *load().object_classes) if d.oid.startswith("2.25.")]
    arcs = {d.oid.split(".")[2] for d in ours}
    assert len(ours) == 25
    assert len(arcs) == 1
    assert int(arcs.pop()) < 1 << 128


@pytest.mark.parametrize(
    "text",
    [
        "attributetype ( 1.1 NAME 'a' SUP nothing )",
        "attributetype ( 1.1 NAME 'a' )",
        "attributetype ( 1.1 NAME 'a' EQUALITY noRule SYNTAX 1.3.6.1.4.1.1466.115.121.1.15 )",
        "objectclass ( 1.1 NAME 'a' MUST nothing )",
        "objectclass ( 1.1 NAME 'a' SUP nothing )",
        "objectclass ( 1.1 NAME 'a' ) objectclass ( 1.1 NAME 'b' )",
    ],
)
def test_a_schema_that_is_not_closed_is_refused(text: str) -> None:
    with pytest.raises(SchemaError):
        Schema(parse_schema(text))


def test_ldap3_reads_the_whole_subschema() -> None:
    """``check_names=True`` looks attributes up here; the lists are what a subschema subentry gives."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # ldap3 2.9.1 uses the old names of pyasn1
        from ldap3.protocol.rfc4512 import SchemaInfo
        from ldap3.utils.ciDict import CaseInsensitiveDict
    given = load().subschema_attributes()
    info = SchemaInfo("cn=subschema", CaseInsensitiveDict(given), given)
    assert {a.oid for a in info.attribute_types.values()} == {a.oid for a in load().attribute_types}
    assert info.attribute_types["rfc822Mailbox"].oid == "0.9.2342.19200300.100.1.3"
    assert set(info.object_classes["asMailbox"].must_contain) == {"mail", "asMailboxType", "asStatus", "asSince"}
    assert info.attribute_types["mail"].optional_in
    assert set(CONTRACT) <= set(info.attribute_types)


def test_everything_the_subschema_names_is_in_it() -> None:
    """Apache Directory Studio draws the schema as a graph and reports each loose end."""
    given = load().subschema_attributes()
    syntaxes = {s.split()[1] for s in given["ldapSyntaxes"]}
    rules = {r.split("'")[1] for r in given["matchingRules"]}
    used_rules = {m[1] for a in given["attributeTypes"] for m in re.finditer(r"(?:EQUALITY|ORDERING|SUBSTR) (\w+)", a)}
    used_syntaxes = {
        m[1] for a in given["attributeTypes"] + given["matchingRules"] for m in re.finditer(r"SYNTAX ([\d.]+)", a)
    }
    assert used_rules <= rules
    assert used_syntaxes <= syntaxes
