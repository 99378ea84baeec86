"""Real clients, and the filters that mail clients send (ldap-clients.md §2), against a served town."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import ldap
import pytest
from ldap.controls import SimplePagedResultsControl
from ldap_support import BAL, Serving
from record_factories import SUFFIX

JEAN = "jean.dupont@medecin.mssante.fr"
ZOE = "zoe.d-essai@medecin.mssante.fr"
LINKED = {JEAN, "partage@cabinet.mssante.fr"}

_SUBSTRING = "(|(cn=*{0}*)(mail=*{1}*)(givenName=*{2}*)(sn=*{1}*))"
_WINDOW = ("cn", "givenName", "sn", "mozillaNickname", "mail", "mozillaSecondEmail", "o", "ou", "title",
           "mozillaWorkUrl", "mozillaHomeUrl")  # fmt: skip
OUTLOOK = ["cn", "commonName", "mail", "roleOccupant", "display-name", "displayname", "sn", "surname", "co",
           "organizationName", "o", "givenName", "legacyExchangeDN", "objectClass", "uid", "mailNickname", "title",
           "company", "physicalDeliveryOfficeName", "telephoneNumber"]  # fmt: skip
APPLE = ["givenName", "sn", "cn", "mail", "telephoneNumber", "facsimileTelephoneNumber", "o", "title", "ou",
         "buildingName", "street", "l", "st", "postalCode", "c", "jpegPhoto", "mobile", "co", "pager",
         "destinationIndicator", "labeledURI", "IMHandle"]  # fmt: skip


def window(*typed: str) -> str:
    """Thunderbird's search window."""
    words = ("".join(f"({name}=*{w}*)" for name in _WINDOW) + f"(&(description=*{w}*))" for w in typed)
    return "(&" + "".join(f"(|{items})" for items in words) + ")"


def each(text: str, *words: str) -> str:
    """The same for every word, AND-ed."""
    return "".join(text.replace("{w}", word) for word in words)


_ROUNDCUBE = "(|(cn=*{w}*)(givenName=*{w}*)(sn=*{w}*)(mail=*{w}*))"
_COMPLETION = "(|(displayname=*{w}*)(givenname=*{w}*)(sn=*{w}*)(mail=*{w}*))"
_KDE = ("(&(|(objectclass=person)(objectclass=groupOfNames)(mail=*))"
        "(|(cn={w}*)(mail={w}*)(mail=*@{w}*)(givenName={w}*)(sn={w}*)))")  # fmt: skip
# client, filter, attributes, size limit
TYPED = {
    "Thunderbird, one word": (_SUBSTRING.format("dup", "dup", "dup"), None, 100),
    "Thunderbird, two words": (_SUBSTRING.format("dupont*jean", "dupont jean", "dupont"), None, 100),
    "Thunderbird, with a filter": (f"(&(objectClass=person){_SUBSTRING.format('dup', 'dup', 'dup')})", None, 100),
    "Thunderbird, our template": ("(|(cn=*dupont*jean*)(mail=*dupont jean*))", ["cn", "displayName", "mail"], 100),
    "Thunderbird, search window": (window("dup", "jean"), None, 100),
    "Outlook, autocomplete": ("(&(mail=*)(|(mail=dup*)(|(cn=dup*)(|(sn=dup*)(givenName=dup*)))))", OUTLOOK, 100),
    "Outlook, check names": ("(&(objectClass=*)(|(cn=dup*)(mail=dup*)(sn=dup*)))", OUTLOOK, 100),
    "Apple": ("(|(givenname=dup*)(sn=dup*)(cn=dup*)(mail=dup*))", APPLE, 0),
    "Evolution": ("(|(displayName=dup*)(mail=dup*)(displayName=*dup*)(mail=*dup*)(|(cn=dup*)(sn=dup*)))", None, 0),
    "Evolution, two words": ("(|(cn=dupont jean*)(displayName=*jean*dupont*))", None, 0),
    "Roundcube, one word": (f"(&(objectClass=inetOrgPerson){each(_ROUNDCUBE, 'dup')})", ["*"], 0),
    "Roundcube": ("(&(objectClass=inetOrgPerson)(|(cn=*dup*)(givenName=*dup*)(sn=*dup*)(mail=*dup*))"
                  "(|(cn=*jean*)(givenName=*jean*)(sn=*jean*)(mail=*jean*)))", ["*"], 0),
    "Roundcube, completion": (f"(&(objectClass=inetOrgPerson)(&{each(_COMPLETION, 'dup', 'jean')}))", ["mail"], 100),
    "Evolution, search": ("(&(objectClass=inetOrgPerson)(|(cn=*dupont*jean*)(givenName=*dupont*jean*)(sn=*dupont*jean*)"
                          "(mobile=*dupont*jean*)(o=*dupont*jean*)(roomNumber=*dupont*jean*)(title=*dupont*jean*)"
                          "(labeledURI=*dupont*jean*)(icsCalendar=*dupont*jean*)))", None, 100),
    "Evolution, completion": ("(&(objectClass=inetOrgPerson)(|(displayName=jean dup*)(mail=jean dup*)"
                              "(displayName=*jean*dup*)(mail=*jean*dup*)(|(cn=jean dup*)(sn=jean dup*))))", None, 100),
    "SOGo": ("(|(sn=*dup*)(displayname=*dup*)(cn=*dup*)(mail=*dup*)(telephonenumber=*dup*))", ["*"], 0),
    "Zimbra": ("(|(cn=dup*)(sn=dup*)(gn=dup*)(mail=dup*))", None, 0),
    "KDE": (each(_KDE, "dup"), None, 0),
    "KDE, two words": (each(_KDE, "dupont jean"), None, 0),
    "Nextcloud": ("(&(objectClass=inetOrgPerson)(|(cn=dup*)(mail=dup*)))", ["mail", "cn"], 0),
    "Nextcloud, two words": ("(&(objectClass=inetOrgPerson)(|(cn=dupont jean*)(mail=dupont jean*)))", ["mail"], 0),
    "Thunderbird, search window, one word": (window("dup"), None, 100),
    "Thunderbird, search window, the other order": (window("jean", "dup"), None, 100),
    "Thunderbird, our template, the other order": ("(|(cn=*jean*dupont*)(mail=*jean dupont*))", ["mail"], 100),
    "Outlook, two words": ("(&(mail=*)(|(mail=dupont jean*)(|(cn=dupont jean*)(|(sn=dupont jean*)"
                           "(givenName=dupont jean*)))))", OUTLOOK, 100),
    "Outlook, check names, two words": ("(&(objectClass=*)(|(cn=jean dupont*)(mail=jean dupont*)(sn=jean dupont*)))",
                                        OUTLOOK, 100),
    "Apple, two words": ("(|(givenname=dupont jean*)(sn=dupont jean*)(cn=dupont jean*)(mail=dupont jean*))", APPLE, 0),
    "SOGo, two words": ("(|(sn=*dupont jean*)(displayname=*dupont jean*)(cn=*dupont jean*)(mail=*dupont jean*)"
                        "(telephonenumber=*dupont jean*))", ["*"], 0),
    "Zimbra, two words": ("(|(cn=jean dupont*)(sn=jean dupont*)(gn=jean dupont*)(mail=jean dupont*))", None, 0),
}  # fmt: skip


@contextmanager
def connected(serving: Serving, version: int = 3) -> Iterator[ldap.ldapobject.LDAPObject]:
    connection = ldap.initialize(serving.url)
    connection.protocol_version = version
    try:
        connection.simple_bind_s()
        yield connection
    finally:
        connection.unbind_s()


def found(serving: Serving, asked: str, attributes: list[str] | None = None, size: int = 0) -> set[str]:
    with connected(serving) as connection:
        number = connection.search_ext(BAL, ldap.SCOPE_SUBTREE, asked, attributes, sizelimit=size)
        entries = connection.result(number)[1]
        return {m.decode() for _, held in entries for m in held.get("mail", held.get("Mail", ()))}


@pytest.mark.parametrize("client", TYPED)
def test_what_each_client_sends_for_a_name_finds_its_holder(serving: Serving, client: str) -> None:
    asked, attributes, size = TYPED[client]
    addresses = found(serving, asked, attributes, size)
    assert addresses >= LINKED
    assert ZOE not in addresses
    assert not any(address.startswith("p") and address.endswith("@medecin.mssante.fr") for address in addresses)


def test_thunderbird_s_own_template_brings_all_of_a_given_name_typed_first(serving: Serving) -> None:
    """Which is why its page has another."""
    addresses = found(serving, _SUBSTRING.format("jean*dupont", "jean dupont", "jean"), None, 100)
    assert addresses > LINKED


def test_thunderbird_looks_up_certificates_by_address(serving: Serving) -> None:
    asked = f"(|(mail={JEAN})(mail={ZOE}))"
    with connected(serving) as connection:
        number = connection.search_ext(BAL, ldap.SCOPE_SUBTREE, asked, ["usercertificate;binary"], sizelimit=4)
        kind, entries = connection.result(number)[:2]
        assert kind == ldap.RES_SEARCH_RESULT
        assert [held for _, held in entries] == [{}, {}]


def test_thunderbird_download_and_browsing_get_the_first_hundred_and_4(serving: Serving) -> None:
    for asked in ("(objectClass=inetOrgPerson)", "(cn=*)"):
        with connected(serving) as connection, pytest.raises(ldap.SIZELIMIT_EXCEEDED):
            connection.search_s(BAL, ldap.SCOPE_SUBTREE, asked)


def test_postfix_binds_with_version_2_and_looks_one_address_up(serving: Serving) -> None:
    with connected(serving, 2) as connection:
        for asked, count in ((JEAN, 1), ("jean.dupont", 0), ("@medecin.mssante.fr", 0)):
            assert len(connection.search_s(SUFFIX, ldap.SCOPE_SUBTREE, f"(&(mail={asked})(asMailboxType=*))")) == count


def pages(connection: ldap.ldapobject.LDAPObject, asked: str, size: int, *, critical: bool) -> list[list[str]]:
    """The addresses of each page, as far as the last one or the server's limit, of which the page is lost."""
    control, found = SimplePagedResultsControl(critical, size=size, cookie=""), list[list[str]]()
    while control.cookie or not found:
        number = connection.search_ext(BAL, ldap.SCOPE_SUBTREE, asked, ["mail"], serverctrls=[control])
        try:
            _, entries, _, answered = connection.result3(number)
        except ldap.SIZELIMIT_EXCEEDED:
            break
        control.cookie = answered[0].cookie
        found.append([m.decode() for _, held in entries for m in held["mail"]])
    return found


def test_nextcloud_reads_pages_of_five_hundred(serving: Serving) -> None:
    with connected(serving) as connection:
        [page] = pages(connection, "(&(objectClass=inetOrgPerson)(|(cn=dup*)(mail=dup*)))", 500, critical=True)
    assert set(page) >= LINKED and ZOE not in page


def test_evolution_browses_a_hundred_by_pages(serving: Serving) -> None:
    with connected(serving) as connection:
        found = pages(connection, "(cn=*)", 30, critical=False)
    assert [len(page) for page in found] == [30, 30, 30]  # and ten more, with 4


def test_zimbra_synchronises_by_time_stamps_as_an_operator_only(serving: Serving) -> None:
    """§5: ranges over time stamps give a stranger nothing."""
    asked = "(modifyTimestamp>=20200101000000Z)"
    with connected(serving) as connection:
        assert pages(connection, asked, 100, critical=True) == [[]]
        connection.simple_bind_s(f"cn=essai,ou=operateurs,{SUFFIX}", serving.secret)
        found = pages(connection, asked, 100, critical=True)
    assert sum(map(len, found)) > 300 and set().union(*found) >= LINKED


def test_searches_interleave_and_can_be_abandoned(serving: Serving) -> None:
    with connected(serving) as connection:
        numbers = [connection.search(BAL, ldap.SCOPE_SUBTREE, f"(cn=*{w}*)") for w in ("dup", "martin", "zoe")]
        connection.abandon(numbers[1])
        assert connection.result(numbers[2])[1]
        assert connection.result(numbers[0])[1]


def test_python_ldap_compares_and_asks_who_it_is(serving: Serving) -> None:
    operator = f"cn=essai,ou=operateurs,{SUFFIX}"
    with connected(serving) as connection:
        assert connection.whoami_s() == ""
        assert connection.compare_s(BAL, "ou", b"bal")
        connection.simple_bind_s(operator, serving.secret)
        assert connection.whoami_s() == f"dn:{operator}"
        assert len(connection.search_s(BAL, ldap.SCOPE_SUBTREE, "(mail=*)")) > 300
        with pytest.raises(ldap.UNWILLING_TO_PERFORM):
            connection.delete_s(BAL)


@pytest.mark.parametrize(
    "typed", ["lefevre", "LEFÈVRE", "daubigne", "d'aubigné", "anne laure", "anne-laure", "œuvrard"]
)
def test_accents_hyphens_and_apostrophes_do_not_count(serving: Serving, typed: str) -> None:
    assert found(serving, f"(cn=*{typed}*)", ["mail"])


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # ldap3 2.9.1 asks pyasn1 for its old names
def test_ldap3_checks_names_against_the_schema_it_reads(serving: Serving) -> None:
    import ldap3

    server = ldap3.Server("127.0.0.1", serving.port, get_info=ldap3.ALL)
    with ldap3.Connection(server, check_names=True) as connection:  # which binds, and unbinds
        assert server.info.naming_contexts == [SUFFIX]
        assert {"inetOrgPerson", "asMailbox"} <= set(server.schema.object_classes)
        assert connection.search(BAL, f"(mail={JEAN})", attributes=["*", "+"])
        [entry] = connection.entries
        assert entry.sn.value == "DUPONT"
        assert connection.response[0]["attributes"]["entryDN"] == entry.entry_dn
        assert entry.asPaperless.value is True
        assert connection.search(BAL, "(&(objectClass=inetOrgPerson)(givenName=zo*))", attributes=ldap3.ALL_ATTRIBUTES)
        assert connection.extend.standard.who_am_i() in ("", None)
        pages = connection.extend.standard.paged_search(BAL, "(mail=*@cabinet.mssante.fr)", paged_size=2)
        assert len(list(pages)) > 2
        with pytest.raises(ldap3.core.exceptions.LDAPAttributeError):
            connection.search(BAL, "(nothing=x)", attributes=["cn"])


def test_ldapsearch_prints_an_entry(serving: Serving, program: Callable[[str], str]) -> None:
    """Without ``-x`` it reads supportedSASLMechanisms first, finds none and says so."""
    tool = program("ldapsearch")
    base = [tool, "-H", serving.url, "-LLL", "-o", "ldif-wrap=no", "-b", BAL]
    entry = _run(*base, "-x", f"(mail={JEAN})", "mail", "entryUUID")
    assert f"mail: {JEAN}\n" in entry.stdout and "entryUUID: " in entry.stdout
    pages = _run(*base, "-x", "-E", "pr=2/noprompt", "(mail=*@cabinet.mssante.fr)", "1.1")
    assert pages.returncode == 0 and pages.stdout.count("dn: ") > 2
    assert _run(*base, "-x", "-P", "2", f"(mail={JEAN})").returncode == 0
    assert _run(*base, f"(mail={JEAN})").returncode != 0
    assert _run(*base, "-x", "-e", "!1.2.3.4", f"(mail={JEAN})").returncode == 12


def _run(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
