"""Every kind of filter (RFC 4511 4.5.1.7, RFC 4526) and attribute (RFC 4512) over a real socket, with real clients."""

from __future__ import annotations

import subprocess
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import ldap
import pytest
from ldap.filter import escape_filter_chars
from ldap_support import BAL, Serving
from record_factories import SUFFIX, rpps

from directory_service.ldap.dn import normalise
from ldap_schema.matching import ARC

JEAN, SHARED = "jean.dupont@medecin.mssante.fr", "partage@cabinet.mssante.fr"
ZOE, MARIE = "zoe.d-essai@medecin.mssante.fr", "marie.lefevre@medecin.mssante.fr"
SERVICE = "cardiologie@ch-essai.mssante.fr"
JEAN_ONLY = f"(mail={JEAN})"
LONG_S = "\N{LATIN SMALL LETTER LONG S}"


@contextmanager
def connected(serving: Serving) -> Iterator[ldap.ldapobject.LDAPObject]:
    connection = ldap.initialize(serving.url)
    try:
        yield connection
    finally:
        connection.unbind_s()


def entries(serving: Serving, asked: str, attributes: list[str] | None = None, base: str = BAL,
            scope: int = ldap.SCOPE_SUBTREE) -> list[tuple[str, dict[str, list[bytes]]]]:  # fmt: skip
    """The first hundred."""
    with connected(serving) as connection:
        number = connection.search_ext(base, scope, asked, attributes)
        found = []
        try:
            while (part := connection.result(number, all=0))[1]:
                found += part[1]
        except ldap.SIZELIMIT_EXCEEDED:
            pass
        return found


def mails(serving: Serving, asked: str) -> set[str]:
    return {m.decode() for _, held in entries(serving, asked, ["mail"]) for m in held["mail"]}


def dns(serving: Serving, asked: str, base: str = SUFFIX) -> set[str]:
    return {dn for dn, _ in entries(serving, asked, ["1.1"], base)}


# --- three-valued logic ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("part", "value"),
    [
        ("(&)", True),  # RFC 4526
        ("(|)", False),
        ("(mozillaNickname=x)", None),  # an unknown attribute
        ("(cn;x-unknown=dupont)", None),  # an unknown option
        ("(cn:nosuchMatch:=dupont)", None),  # an unknown rule
        ("(mail:caseExactMatch:=x)", None),  # a rule that does not suit
        ("(sn:caseIgnoreOrderingMatch:=x)", None),
        ("(asSince=yesterday)", None),  # no value of the syntax
        (r"(cn=\ff)", None),
        (f"(mail={JEAN.replace('ss', LONG_S)})", None),  # no sign of IA5, and no other spelling of one
        (f"(mail=*{LONG_S}*)", None),
        ("(telephoneNumber>=1)", None),  # no order
        ("(asPaperless=*T*)", None),  # no substrings
        ("(jpegPhoto=x)", None),  # no equality
        ("(jpegPhoto=*)", False),  # of the schema, and of no entry
        ("(initials=J)", False),
        ("(userCertificate;binary=*)", False),
        ("(cn;lang-fr=DUPONT JEAN)", False),  # an option that the entry does not have
        ("(sn=dupont)", True),
        ("(sn=martin)", False),
        ("(&(sn=dupont)(mozillaNickname=x))", None),
        ("(&(sn=martin)(mozillaNickname=x))", False),
        ("(|(sn=dupont)(mozillaNickname=x))", True),
        ("(|(sn=martin)(mozillaNickname=x))", None),
        ("(!(|(sn=martin)(mozillaNickname=x)))", None),
        ("(!(&))", False),
        ("(!(|))", True),
    ],
)
def test_a_filter_is_true_false_or_undefined(serving: Serving, part: str, value: bool | None) -> None:
    """True finds, False's negation finds, neither finds with Undefined."""
    assert bool(mails(serving, f"(&{JEAN_ONLY}{part})")) is (value is True)
    assert bool(mails(serving, f"(&{JEAN_ONLY}(!{part}))")) is (value is False)


# --- extensible match (RFC 4511 4.5.1.7.7) ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("(sn:=dupont)", {JEAN, SHARED}),
        ("(sn:caseIgnoreMatch:=dupont)", {JEAN, SHARED}),
        ("(sn:2.5.13.2:=DUPONT)", {JEAN, SHARED}),
        ("(2.5.4.4:CASEIGNOREMATCH:=DUPONT)", {JEAN, SHARED}),
        ("(sn:caseExactMatch:=DUPONT)", {JEAN, SHARED}),
        ("(sn:caseExactMatch:=Dupont)", set()),
        ("(sn:caseIgnoreMatch:=d'essai)", {ZOE, "reprise@cabinet.mssante.fr"}),
        ("(sn:caseIgnoreMatch:=dessai)", set()),
        ("(sn:asNameMatch:=d essai)", {ZOE, "reprise@cabinet.mssante.fr"}),
        (f"(sn:{ARC}.3.1:=dessai)", {ZOE, "reprise@cabinet.mssante.fr"}),
        ("(:asNameMatch:=d-essai)", {ZOE, "reprise@cabinet.mssante.fr"}),
        ("(&(sn=dessai)(givenName:caseIgnoreMatch:=zoe))", set()),
        ("(&(sn=dessai)(givenName:caseIgnoreMatch:=zoé))", {ZOE, "reprise@cabinet.mssante.fr"}),
        (r"(cn:caseIgnoreSubstringsMatch:=dup\2aje\2a)", {JEAN, SHARED}),
        (r"(cn:asNameSubstringsMatch:=\2adessai\2az\2a)", {ZOE, "reprise@cabinet.mssante.fr"}),
        (f"(mail:caseIgnoreIA5Match:={JEAN.upper()})", {JEAN}),
        ("(asMailboxType:caseIgnoreMatch:=org)", {SERVICE}),
        (f"(asRpps:numericStringMatch:={rpps(1)[:2]} {rpps(1)[2:]})", {ZOE, "reprise@cabinet.mssante.fr"}),
        (f"(asRpps=8 {rpps(1)})", {ZOE, "reprise@cabinet.mssante.fr"}),
        (f"(asRpps:numericStringMatch:=8{rpps(1)})", set()),
        ("(objectClass:objectIdentifierMatch:=nothing)", set()),
        ("(&(mail=cardiologie@*)(telephoneNumber:telephoneNumberMatch:=04 72 00-00-00))", {SERVICE}),
    ],
)
def test_extensible_match_by_attribute_and_rule(serving: Serving, asked: str, found: set[str]) -> None:
    assert mails(serving, f"(&{asked}(!(mail=ailleurs@nulle-part.fr)))") == found


@pytest.mark.parametrize(
    ("part", "value"),
    [
        ("(ou:dn:=bal)", True),
        ("(ou:dn:=personnes)", False),
        ("(o:dn:=ANNUAIRE-SANTE)", True),
        ("(o:dn:caseExactMatch:=ANNUAIRE-SANTE)", False),
        ("(c:dn:=fr)", True),
        ("(ou:=bal)", False),  # in the name alone
        ("(name:dn:=bal)", True),  # ou is a kind of name
        ("(:dn:caseIgnoreMatch:=bal)", True),
        ("(dc:dn:=fr)", False),
        ("(initials:dn:=bal)", False),  # of the schema, in no entry and no name
        ("(objectClass:objectIdentifierMatch:=2.5.6.6)", True),
        ("(asSince:generalizedTimeMatch:=20260105034500Z)", True),
        ("(asSince:generalizedTimeMatch:=20260105044500+0100)", True),
        ("(asPaperless:booleanMatch:=oui)", False),
        ("(entryDN:distinguishedNameMatch:=ou=bal,c=fr)", False),
    ],
)
def test_extensible_match_with_the_names_of_the_entry(serving: Serving, part: str, value: bool) -> None:
    with connected(serving) as connection:
        [base] = dns(serving, JEAN_ONLY, BAL)
        for scope, found in ((ldap.SCOPE_BASE, base), (ldap.SCOPE_SUBTREE, BAL)):
            asked = part if scope == ldap.SCOPE_BASE else f"(&{JEAN_ONLY}{part})"
            assert bool(connection.search_s(found, scope, asked, ["1.1"])) is value


def test_dn_finds_containers_too(serving: Serving) -> None:
    assert f"ou=bal,{SUFFIX}" in dns(serving, "(&(objectClass=organizationalUnit)(o:dn:=annuaire-sante))")
    assert dns(serving, "(&(objectClass=organizationalUnit)(ou:dn:=structures))") == {f"ou=structures,{SUFFIX}"}


# --- names of attributes, subtypes, options --------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["name", "2.5.4.41", "NAME"])
def test_name_is_about_all_that_derives_from_it(serving: Serving, name: str) -> None:
    assert mails(serving, f"({name}=dupont*)") >= {JEAN, SHARED}
    assert mails(serving, f"(&(mail=*@ch-essai.*)({name}=*hospitalier*))") == {SERVICE}
    [(_, held)] = entries(serving, JEAN_ONLY, [name])
    assert {"cn", "sn", "givenName"} <= set(held) and "mail" not in held


@pytest.mark.parametrize(
    ("asked", "returned"),
    [
        (["rfc822Mailbox"], {"mail"}),
        (["0.9.2342.19200300.100.1.3"], {"mail"}),
        (["gn", "surname", "commonName"], {"givenName", "sn", "cn"}),
        (["2.5.4.3", "2.5.4.4"], {"cn", "sn"}),
        (["cn;lang-fr"], set()),
        (["userCertificate;binary"], set()),
        (["nothing", "1.1"], set()),
        (["1.3.6.1.1.16.4"], {"entryUUID"}),
    ],
)
def test_attributes_are_asked_for_by_any_of_their_names(serving: Serving, asked: list[str], returned: set[str]) -> None:
    [(_, held)] = entries(serving, JEAN_ONLY, asked)
    assert set(held) == returned


@pytest.mark.parametrize(
    "asked",
    ["(gn=jean)", "(surname=dupont)", "(commonName=jean dupont)", f"(rfc822Mailbox={JEAN})", "(2.5.4.42=JEAN)",
     f"(0.9.2342.19200300.100.1.3={JEAN})", "(TELEPHONENUMBER=*)", "(organizationName=*)"],
)  # fmt: skip
def test_filters_go_by_aliases_and_oids(serving: Serving, asked: str) -> None:
    assert mails(serving, f"(&(|{JEAN_ONLY}(mail={SERVICE})){asked})")


def test_compare_knows_subtypes_options_and_operational_attributes(serving: Serving) -> None:
    [(dn, held)] = entries(serving, JEAN_ONLY, ["entryUUID"])
    with connected(serving) as connection:
        assert connection.compare_s(dn, "name", b"JEAN")
        assert connection.compare_s(dn, "2.5.4.4", b"dupont")
        assert connection.compare_s(dn, "st", b"69")
        assert not connection.compare_s(dn, "st", b"75")
        assert connection.compare_s(dn, "entryUUID", held["entryUUID"][0])
        assert connection.compare_s(dn, "entryDN", dn.upper().encode())
        assert not connection.compare_s(dn, "sn", b"martin")
        with pytest.raises(ldap.NO_SUCH_ATTRIBUTE):
            connection.compare_s(dn, "cn;lang-fr", b"x")
        with pytest.raises(ldap.UNDEFINED_TYPE):
            connection.compare_s(dn, "nothing", b"x")


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("(asSince>=20260105034500Z)", True),
        ("(asSince>=09990101000000Z)", True),
        ("(asSince>=20260105034501Z)", False),
        ("(asSince<=20260105034500Z)", True),
        ("(asSince<=20260105034459Z)", False),
        ("(asSince>=20260105044500+0100)", True),
        ("(createTimestamp<=20270101000000Z)", True),
    ],
)
def test_ranges_on_ordered_attributes(serving: Serving, asked: str, found: bool) -> None:
    """For operators: to others, ranges on dates are Undefined (test_ldap_access)."""
    with connected(serving) as connection:
        connection.simple_bind_s(f"cn=essai,ou=operateurs,{SUFFIX}", serving.secret)
        assert bool(connection.search_s(BAL, ldap.SCOPE_SUBTREE, f"(&{JEAN_ONLY}{asked})")) is found


# --- ~= --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("asked", "address"),
    [
        ("(sn~=Lefebvre)", MARIE),  # LEFÈVRE, by sound
        ("(sn~=Lefeuvre)", MARIE),
        ("(cn~=marie lefebvre)", MARIE),
        ("(name~=lefaivre)", MARIE),
        ("(sn~=dupond)", JEAN),
        ("(sn~=dupnt)", JEAN),  # a typing error
        ("(sn~=duopnt)", JEAN),
        ("(cn~=jehan dupont)", JEAN),
        ("(givenName~=jaen)", JEAN),
        ("(mail~=JEAN.DUPONT@medecin.mssante.fr)", JEAN),  # equality elsewhere
    ],
)
def test_names_are_found_as_they_are_heard_or_mistyped(serving: Serving, asked: str, address: str) -> None:
    assert address in mails(serving, asked)


@pytest.mark.parametrize(
    "asked", ["(sn~=dumont duval)", "(sn~=dpnt)", "(mail~=jean.dupond@medecin.mssante.fr)", "(o~=hopital)", "(sn~=-)"]
)
def test_what_neither_sounds_nor_looks_alike_is_not_found(serving: Serving, asked: str) -> None:
    assert not mails(serving, f"(&{JEAN_ONLY}{asked})")


# --- operational attributes ------------------------------------------------------------------------------------------

OPERATIONAL = {"entryUUID", "entryDN", "createTimestamp", "modifyTimestamp", "hasSubordinates", "structuralObjectClass",
               "subschemaSubentry"}  # fmt: skip


def test_operational_attributes_come_by_name_or_all_at_once(serving: Serving) -> None:
    [(_, every)] = entries(serving, JEAN_ONLY, ["+"])
    assert set(every) == OPERATIONAL
    assert not OPERATIONAL & set(entries(serving, JEAN_ONLY)[0][1])
    for name in OPERATIONAL:
        [(_, held)] = entries(serving, JEAN_ONLY, [name.lower()])
        assert held == {name: every[name]}


def test_operational_attributes_say_what_the_entry_is(serving: Serving) -> None:
    [(dn, held)] = entries(serving, JEAN_ONLY, ["*", "+"])
    namespace = uuid.UUID(int=int(ARC.removeprefix("2.25.")))
    assert held["entryDN"] == [dn.encode()]
    assert held["entryUUID"] == [str(uuid.uuid5(namespace, normalise(dn))).encode()]
    assert (held["hasSubordinates"], held["structuralObjectClass"]) == ([b"FALSE"], [b"inetOrgPerson"])
    [(_, branch)] = entries(serving, "(objectClass=*)", ["+"], BAL, ldap.SCOPE_BASE)
    assert (branch["hasSubordinates"], branch["structuralObjectClass"]) == ([b"TRUE"], [b"organizationalUnit"])
    assert branch["subschemaSubentry"] == [b"cn=Subschema"]


@pytest.mark.parametrize("branch", ["bal", "personnes", "structures"])
def test_entries_are_found_by_their_uuid_and_their_name(serving: Serving, branch: str) -> None:
    for dn, held in entries(serving, "(objectClass=*)", ["entryUUID"], f"ou={branch},{SUFFIX}")[:5]:
        [value] = held["entryUUID"]
        assert dns(serving, f"(entryUUID={value.decode().upper()})") == {dn}
        assert dns(serving, f"(entryDN={escape_filter_chars(dn.upper())})") == {dn}
    assert dns(serving, "(entryDN=cn=nobody)") == dns(serving, f"(entryUUID={uuid.UUID(int=0)})") == set()


@pytest.mark.parametrize(
    ("asked", "base", "found"),
    [
        ("(structuralObjectClass=inetOrgPerson)", BAL, True),
        ("(structuralObjectClass=person)", BAL, False),  # a class of the entry, not the structural one
        ("(structuralObjectClass=HCProfessional)", f"ou=personnes,{SUFFIX}", True),
        ("(hasSubordinates=TRUE)", SUFFIX, True),
        ("(&(hasSubordinates=TRUE)(mail=*))", BAL, False),
        ("(subschemaSubentry=CN=subschema)", BAL, True),
    ],
)
def test_filters_on_what_is_the_same_for_many(serving: Serving, asked: str, base: str, found: bool) -> None:
    assert bool(dns(serving, asked, base)) is found


def test_ldapsearch_speaks_of_rules_and_names(serving: Serving, program: Callable[[str], str]) -> None:
    """libldap has its own parser of extensible matches."""
    base = [program("ldapsearch"), "-x", "-LLL", "-H", serving.url, "-b", SUFFIX]
    for asked in ("(&(sn:asNameMatch:=Dupont)(ou:dn:=bal))", "(&(sn~=dupond)(:dn:2.5.13.2:=bal))"):
        done = subprocess.run([*base, asked, "mail"], capture_output=True, text=True, timeout=60, check=True)
        assert f"mail: {JEAN}\n" in done.stdout


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # ldap3 2.9.1 asks pyasn1 for its old names
def test_ldap3_finds_rules_and_their_use_in_the_schema(serving: Serving) -> None:
    import ldap3

    server = ldap3.Server("127.0.0.1", serving.port, get_info=ldap3.ALL)
    with ldap3.Connection(server, check_names=True) as connection:
        schema = server.schema
        assert schema.matching_rules[f"{ARC}.3.1"].name == ["asNameMatch"]
        assert {"cn", "sn"} <= set(schema.matching_rule_uses[f"{ARC}.3.1"].apply_to)
        assert schema.ldap_syntaxes and schema.attribute_types["entryUUID"].equality
        assert connection.search(BAL, "(sn:caseIgnoreMatch:=dupont)", attributes=["mail"])
        assert connection.search(BAL, "(name=dupont)", attributes=["cn", "entryUUID"])


def test_no_record_is_as_old_as_unix(serving: Serving) -> None:
    """Structures said 1970: they are of their record."""
    for container in ("bal", "personnes", "structures"):
        base = f"ou={container},{SUFFIX}"
        found = dict(entries(serving, "(uid=*)", ["createTimestamp", "modifyTimestamp"], base))
        stamps = [values[0] for values_of in found.values() for values in values_of.values()]
        assert stamps and min(stamps) > b"2000"
