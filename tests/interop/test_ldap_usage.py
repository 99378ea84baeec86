"""ldap3, python-ldap and ldapsearch as real software uses them: options, iterators, asynchronous results, LDIF."""

from __future__ import annotations

import base64
import io
import select
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import ldap
import ldap3
import ldif
import pytest
from ldap.controls import SimplePagedResultsControl
from ldap_support import BAL, Serving, served
from record_factories import SUFFIX

from directory_service.ldap.limits import LdapSettings

JEAN = "jean.dupont@medecin.mssante.fr"
ZOE = "zoe.d-essai@medecin.mssante.fr"
CABINET = "(mail=*@cabinet.mssante.fr)"
OPERATOR = f"cn=essai,ou=operateurs,{SUFFIX}"

Program = Callable[[str], str]
Search = Callable[..., subprocess.CompletedProcess[str]]


# --- ldapsearch -----------------------------------------------------------------------------------------------------


@pytest.fixture
def ldapsearch(serving: Serving, program: Program) -> Search:
    """Anonymous, on ``ou=bal`` unless another ``-b`` comes later."""
    base = [program("ldapsearch"), "-x", "-LLL", "-H", serving.url, "-b", BAL]

    def run(*options: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([*base, *options], capture_output=True, text=True, timeout=30, check=False)

    return run


def entries(done: subprocess.CompletedProcess[str]) -> list[tuple[str, dict[str, list[bytes]]]]:
    """The LDIF printed, by python-ldap's reader."""
    parser = ldif.LDIFRecordList(io.StringIO(done.stdout))
    parser.parse()
    return list(parser.all_records)


@pytest.mark.parametrize(
    ("options", "count", "code"),
    [
        pytest.param(["-E", "pr=100/noprompt", CABINET], 3, 0, id="a page larger than the answer"),
        pytest.param(["-E", "pr=1/noprompt", CABINET], 3, 0, id="pages of one"),
        pytest.param(["-E", "pr=40/noprompt", "(mail=*)"], 100, 4, id="pages are no way round the limit"),
        pytest.param(["-z", "2", "(mail=*)"], 2, 4, id="-z lowers the limit"),
        pytest.param(["-z", "0", "(mail=*)"], 100, 4, id="-z 0 is the server's"),
        pytest.param(["-z", "max", "(mail=*)"], 100, 4, id="-z max is too"),
        pytest.param(["-z", "9999", "(mail=*)"], 100, 4, id="-z never raises it"),
        pytest.param(["-l", "1", CABINET], 3, 0, id="-l"),
        pytest.param(["-l", "max", CABINET], 3, 0, id="-l max"),
        pytest.param(["-a", "always", CABINET], 3, 0, id="aliases always"),
        pytest.param(["-a", "find", CABINET], 3, 0, id="aliases find"),
        pytest.param(["-a", "search", CABINET], 3, 0, id="aliases search"),
        pytest.param(["-a", "never", CABINET], 3, 0, id="aliases never"),
        pytest.param(["-s", "one", CABINET], 3, 0, id="one level"),
        pytest.param(["-s", "sub", CABINET], 3, 0, id="subtree"),
        pytest.param(["-s", "base", CABINET], 0, 0, id="base, which does not match"),
        pytest.param(["-s", "base"], 1, 0, id="base"),
        pytest.param(["-b", SUFFIX, "-s", "one"], 3, 0, id="the branches"),
        pytest.param(["-b", f"ou=rien,{SUFFIX}"], 0, 32, id="no such base"),
        pytest.param(["-b", "rien"], 0, 34, id="no name"),
        pytest.param(["-o", "nettimeout=5", CABINET], 3, 0, id="network timeout"),
        pytest.param(["-P", "2", CABINET], 3, 0, id="version 2"),
        pytest.param(["-M", CABINET], 3, 0, id="ManageDsaIT"),
        pytest.param(["-MM", CABINET], 3, 0, id="ManageDsaIT, critical"),
        pytest.param(["-E", "!1.2.3.4", CABINET], 0, 12, id="an unknown critical control"),
        pytest.param(["-E", "1.2.3.4=:aGk=", CABINET], 3, 0, id="an unknown control"),
        pytest.param(["-D", OPERATOR, "-w", "wrong", CABINET], 0, 49, id="a wrong secret"),
    ],
)
def test_ldapsearch_options(ldapsearch: Search, options: list[str], count: int, code: int) -> None:
    done = ldapsearch(*options)
    assert (len(entries(done)), done.returncode) == (count, code), done.stderr


def test_ldapsearch_types_only(ldapsearch: Search) -> None:
    done = ldapsearch("-A", f"(mail={JEAN})", "mail", "sn", "entryUUID")
    assert sorted(done.stdout.split("\n\n")[0].splitlines()[-3:]) == ["entryUUID:", "mail:", "sn:"]


def test_ldapsearch_ldif_holds_utf_8_and_long_values(ldapsearch: Search) -> None:
    """RFC 2849: values that are not ASCII in base64, lines folded at 76 columns; all of it reads back."""
    done = ldapsearch(f"(mail={ZOE})", "*", "+")
    assert "cn:: " in done.stdout and max(map(len, done.stdout.splitlines())) <= 79
    [(dn, held)] = entries(done)
    assert dn == f"uid=810900000018:{ZOE},{BAL}"
    assert {v.decode() for v in held["cn"]} == {"ZOÉ D'ESSAI", "D'ESSAI ZOÉ"}
    assert held["displayName"] == ["Dr Zoé D'ESSAI, Cardiologue, LYON".encode()]
    schema = ldapsearch("-o", "ldif-wrap=no", "-b", "cn=subschema", "-s", "base", "attributeTypes")
    assert max(map(len, schema.stdout.splitlines())) > 200
    folded = ldapsearch("-b", "cn=subschema", "-s", "base", "attributeTypes")
    assert entries(folded) == entries(schema)


def test_ldapsearch_sends_any_octets(ldapsearch: Search) -> None:
    """RFC 4515 escapes, of UTF-8 and of what is not."""
    zoe = "".join(f"\\{octet:02x}" for octet in "ZOÉ".encode())
    assert len(entries(ldapsearch(f"(&(givenName={zoe})(mail={ZOE}))"))) == 1
    assert entries(ldapsearch("(cn=\\ff\\fe*)")) == []
    assert entries(ldapsearch("(cn=\\28\\29\\2a\\5c\\00)")) == []


def test_ldapsearch_reads_many_filters_from_a_file(
    ldapsearch: Search, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """``-f``: one connection, one search for each line."""
    words = tmp_path_factory.mktemp("words") / "words"
    words.write_text("dupont\nlefevre\npersonne\n")
    done = ldapsearch("-c", "-f", str(words), "(&(sn=%s)(asMailboxType=PER)(mail=*@medecin.mssante.fr))", "mail")
    assert JEAN in done.stdout and done.returncode in (0, 4)


# --- python-ldap ----------------------------------------------------------------------------------------------------


@pytest.fixture
def connection(serving: Serving) -> Iterator[ldap.ldapobject.SimpleLDAPObject]:
    connection = ldap.initialize(serving.url)
    connection.set_option(ldap.OPT_NETWORK_TIMEOUT, 5)
    connection.set_option(ldap.OPT_TIMEOUT, 20)
    yield connection
    connection.unbind_s()


def test_python_ldap_needs_no_bind(connection: ldap.ldapobject.SimpleLDAPObject) -> None:
    assert connection.search_s(BAL, ldap.SCOPE_ONELEVEL, f"(mail={JEAN})", ["mail"])[0][1] == {"mail": [JEAN.encode()]}
    assert connection.read_rootdse_s(attrlist=["namingContexts"])["namingContexts"] == [SUFFIX.encode()]
    assert connection.get_naming_contexts() == [SUFFIX.encode()]


def test_python_ldap_reads_results_one_by_one(connection: ldap.ldapobject.SimpleLDAPObject) -> None:
    """``result`` with ``all=0``: each entry as it comes, then the end."""
    number = connection.search_ext(BAL, ldap.SCOPE_SUBTREE, CABINET, ["mail"])
    kinds = []
    while not kinds or kinds[-1] != ldap.RES_SEARCH_RESULT:
        kind, _ = connection.result(number, all=0, timeout=30)
        kinds.append(kind)
    assert kinds == [ldap.RES_SEARCH_ENTRY] * 3 + [ldap.RES_SEARCH_RESULT]


def test_python_ldap_abandons_and_goes_on(connection: ldap.ldapobject.SimpleLDAPObject) -> None:
    for n in range(10):
        number = connection.search_ext(BAL, ldap.SCOPE_SUBTREE, f"(cn=*{'martin'[: n % 5 + 1]}*)")
        connection.abandon_ext(number)
    assert len(connection.search_s(BAL, ldap.SCOPE_SUBTREE, CABINET)) == 3


def test_python_ldap_keeps_many_searches_under_way(connection: ldap.ldapobject.SimpleLDAPObject) -> None:
    asked = {connection.search_ext(BAL, ldap.SCOPE_SUBTREE, f"(mail=p{n}@*)", ["mail"]): n for n in range(100, 115)}
    found = {n: connection.result(number, timeout=30)[1] for number, n in reversed(asked.items())}
    assert all(entries[0][1]["mail"] == [f"p{n}@medecin.mssante.fr".encode()] for n, entries in found.items())


def test_python_ldap_walks_pages_bound_as_an_operator(
    connection: ldap.ldapobject.SimpleLDAPObject, serving: Serving
) -> None:
    connection.simple_bind_s(OPERATOR, serving.secret)
    control, seen = SimplePagedResultsControl(True, size=50, cookie=""), []
    while True:
        number = connection.search_ext(BAL, ldap.SCOPE_SUBTREE, "(mail=*)", ["1.1"], serverctrls=[control])
        _, found, _, controls = connection.result3(number)
        seen += [dn for dn, _ in found]
        control.cookie = controls[0].cookie
        if not control.cookie:
            break
    assert len(seen) == len(set(seen)) > 300


@pytest.mark.parametrize("searches", [1, 2])
def test_python_ldap_reconnects_when_the_server_has_ended_a_silence(serving: Serving, searches: int) -> None:
    """``ReconnectLDAPObject``, which pools use, asks again after SERVER_DOWN only: libldap said TIMELIMIT_EXCEEDED to
    the second search of a connection that was silent, taking the notice for its answer."""
    settings = LdapSettings(suffix=SUFFIX, idle_anonymous=0.3)
    with served(serving.directory, settings) as port:
        pooled = ldap.ldapobject.ReconnectLDAPObject(f"ldap://127.0.0.1:{port}", retry_max=3, retry_delay=0.1)
        for _ in range(searches):
            assert pooled.search_s(BAL, ldap.SCOPE_SUBTREE, f"(mail={JEAN})")
        before = pooled.get_option(ldap.OPT_DESC)
        is_ended(before)
        assert pooled.search_s(BAL, ldap.SCOPE_SUBTREE, f"(mail={JEAN})")
        pooled.unbind_s()


@pytest.mark.parametrize("end", ["silence", "stop"])
def test_libldap_says_server_down_after_an_end_of_ours(serving: Serving, end: str) -> None:
    """Postfix, Dovecot and Exim connect and ask again then; with the code of a notice, Postfix deferred the mail."""
    settings = LdapSettings(suffix=SUFFIX, idle_anonymous=0.3 if end == "silence" else 60.0)
    with served(serving.directory, settings) as port:
        connection = ldap.initialize(f"ldap://127.0.0.1:{port}")
        assert connection.search_s(BAL, ldap.SCOPE_SUBTREE, f"(mail={JEAN})")
        if end == "silence":
            is_ended(connection.get_option(ldap.OPT_DESC))
    with pytest.raises(ldap.SERVER_DOWN):
        connection.search_s(BAL, ldap.SCOPE_SUBTREE, f"(mail={JEAN})")
    connection.unbind_s()


def is_ended(descriptor: int) -> None:
    """Waits for the server's end of this connection, and leaves what there is to be read."""
    poll = select.poll()
    poll.register(descriptor, select.POLLRDHUP)
    assert poll.poll(60_000)


# --- ldap3 ----------------------------------------------------------------------------------------------------------

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # ldap3 2.9.1 asks pyasn1 for its old names


@contextmanager
def opened(serving: Serving, *who: str, get_info: str = "NO_INFO", **options: Any) -> Iterator[ldap3.Connection]:
    """``auto_bind``; ldap3's own context manager does not close what was open when it was entered."""
    server = ldap3.Server("127.0.0.1", serving.port, get_info=get_info)
    connection = ldap3.Connection(server, *who, auto_bind=True, **options)
    try:
        yield connection
    finally:
        connection.unbind()


def test_ldap3_binds_by_itself_and_knows_the_server(serving: Serving) -> None:
    with opened(serving, OPERATOR, serving.secret, get_info="ALL", check_names=True) as connection:
        server = connection.server
        assert connection.extend.standard.who_am_i() == f"dn:{OPERATOR}"
        assert server.info.supported_ldap_versions == ["2", "3"]
        assert "mail" in server.schema.attribute_types and "asMailbox" in server.schema.object_classes
        assert connection.compare(BAL, "ou", "bal")
        assert not connection.delete(BAL)
        assert connection.result["description"] == "unwillingToPerform"


def test_ldap3_refuses_a_wrong_secret(serving: Serving) -> None:
    connection = ldap3.Connection(ldap3.Server("127.0.0.1", serving.port), OPERATOR, "wrong")
    assert not connection.bind()
    assert connection.result["description"] == "invalidCredentials"
    connection.unbind()


def test_ldap3_pages_as_a_generator(serving: Serving) -> None:
    with opened(serving, OPERATOR, serving.secret) as connection:
        walk = connection.extend.standard.paged_search(
            BAL, "(mail=*)", ldap3.SUBTREE, attributes=["mail"], paged_size=37, generator=True
        )
        addresses = [found["attributes"]["mail"][0] for found in walk]
    assert len(addresses) > 300 and JEAN in addresses


def test_ldap3_strategies_that_do_not_wait(serving: Serving) -> None:
    """ASYNC has a thread that reads; RESTARTABLE opens again; SAFE_SYNC gives results instead of state."""
    with opened(serving, client_strategy=ldap3.ASYNC) as connection:
        numbers = [connection.search(BAL, f"(mail=p{n}@*)", attributes=["mail"]) for n in range(100, 110)]
        answers = [connection.get_response(number, timeout=30)[0] for number in numbers]
        assert [a[0]["attributes"]["mail"] for a in answers] == [[f"p{n}@medecin.mssante.fr"] for n in range(100, 110)]
    with opened(serving, client_strategy=ldap3.RESTARTABLE) as connection:
        assert connection.search(BAL, f"(mail={JEAN})")
    with opened(serving, client_strategy=ldap3.SAFE_SYNC) as connection:
        status, result, response, _ = connection.search(BAL, f"(mail={JEAN})", attributes=["cn"])
        assert status and result["result"] == 0 and len(response) == 1


def test_ldap3_reader_and_object_definition(serving: Serving) -> None:
    """The abstraction layer: attributes come from the schema, values in their types."""
    with opened(serving, get_info="ALL") as connection:
        person = ldap3.ObjectDef(["inetOrgPerson", "asMailbox"], connection)
        [entry] = ldap3.Reader(connection, person, BAL, f"(mail={ZOE})").search()
        assert entry.sn.value == "D'ESSAI" and entry.asPaperless.value is True
        assert entry.asSince.value.year == 2026
        assert f"mail: {ZOE}" in entry.entry_to_ldif()
        assert base64.b64encode("Dr Zoé".encode())[:8].decode() in entry.entry_to_ldif()
