"""A real Thunderbird, set up with the preferences of its page, beside a served town: what it sends, what it shows."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

import pytest
from certificates import Authority
from interop.test_client_pages import pasted
from ldap_support import Gate, Serving, served, served_both
from record_factories import SUFFIX
from thunderbird import PROGRAM, Thunderbird, thunderbird

from directory_service.index.directory import Directory, Result
from directory_service.index.query import Query, Scope, View
from directory_service.ldap.filters import format_filter
from directory_service.ldap.limits import LdapSettings
from directory_service.ldap.server import Operators, Tls, TlsFiles

JEAN = "Dr Jean DUPONT, Médecin, LYON <jean.dupont@medecin.mssante.fr>"
OPERATOR = f"cn=essai,ou=operateurs,{SUFFIX}"
# Terms of attributes that nobody has here are undefined.
_WINDOW = (
    "(displayName={0})(givenName={0})(sn={0})(?=)(mail={0})(?=)(&(description={0}))(o={0})(ou={0})(title={0})(?=)(?=)"
)
FAILED, NOBODY, FOUND = 2, 3, 4  # nsIAutoCompleteResult


class Recorder(Gate):
    """An open gate that keeps what is asked, and by whom."""

    def __init__(self, directory: Directory) -> None:
        super().__init__(directory)
        self.open.set()
        self.queries: list[tuple[Query, View]] = []

    def is_point(self, query: Query) -> bool:
        return False

    def search(self, query: Query, view: View) -> Result:
        self.queries.append((query, view))
        return self.directory.search(query, view)

    @property
    def filters(self) -> list[str]:
        return [format_filter(query.filter) for query, _ in self.queries]


class Desk(NamedTuple):
    """A Thunderbird, the servers that it may be pointed at, and what they were asked."""

    client: Thunderbird
    uri: str  # that of the page, here
    ldaps: str
    strict: str  # where strangers are not served
    asked: Recorder
    secret: str
    authority: Path


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory, serving: Serving, authority: Authority) -> Iterator[Desk]:
    if not PROGRAM.exists():
        (pytest.fail if os.environ.get("CI") else pytest.skip)("thunderbird is not installed")
    asked, check = Recorder(serving.directory), Operators(serving.directory)
    tls = Tls(TlsFiles(str(authority.server())))
    strict = LdapSettings(suffix=SUFFIX, allow_anonymous=False)
    with ExitStack() as stack:
        plain, ldaps = stack.enter_context(served_both(asked, None, check, tls))
        closed = stack.enter_context(served(asked, strict, check))
        preferences = pasted("thunderbird.md", "user.js", serving).replace(f":{serving.port}/", f":{plain}/")
        client = stack.enter_context(thunderbird(tmp_path_factory.mktemp("thunderbird"), preferences))
        uri = client.run("return book().lDAPURL.spec")
        yield Desk(
            client, uri, uri.replace("ldap:", "ldaps:").replace(f":{plain}/", f":{ldaps}/"),
            uri.replace(f":{plain}/", f":{closed}/"), asked, serving.secret, authority.path,
        )  # fmt: skip


@pytest.fixture
def desk(installed: Desk) -> Desk:
    """As the page sets it up, nothing asked yet."""
    installed.client.point(installed.uri)
    installed.asked.queries.clear()
    return installed


@pytest.mark.parametrize("typed", ["dupont jean", "jean dup", "DUPONT", "Dupont ", "jean.dupont@"])
def test_a_name_is_completed_with_profession_and_town(desk: Desk, typed: str) -> None:
    code, shown = desk.client.complete(typed)
    assert code == FOUND and JEAN in shown


@pytest.mark.parametrize("typed", ["lefevre", "LEFÈVRE", "d'aub", "d’aub", "œuvr", "oeuvr", "anne laure", "pré"])
def test_accents_hyphens_and_apostrophes_do_not_count(desk: Desk, typed: str) -> None:
    code, shown = desk.client.complete(typed)
    assert code == FOUND and shown


@pytest.mark.parametrize(
    ("typed", "sent"),
    [
        ("Dup", "(|(cn=*dup*)(mail=*dup*))"),
        ("dupont jean", "(|(cn=*dupont*jean*)(mail=*dupont jean*))"),
        ("jean de la tour", "(|(cn=*jean*de la tour*)(mail=*jean de la tour*))"),
    ],
)
def test_what_the_template_of_the_page_makes(desk: Desk, typed: str, sent: str) -> None:
    desk.client.complete(typed)
    [(query, view)] = desk.asked.queries
    assert (desk.asked.filters, query.scope, query.limit, view) == ([sent], Scope.ONE, 100, View.ANONYMOUS)


@pytest.mark.parametrize(
    ("typed", "sent"),
    [
        ("dup", "(|(cn=*dup*)(mail=*dup*)(givenName=*dup*)(sn=*dup*))"),
        ("dupont jean", "(|(cn=*dupont*jean*)(mail=*dupont jean*)(givenName=*dupont*)(sn=*dupont jean*))"),
        ("de la tour", "(|(cn=*de*la tour*)(mail=*de la tour*)(givenName=*de*)(sn=*de la tour*))"),
    ],
)
def test_what_it_makes_without(desk: Desk, typed: str, sent: str) -> None:
    """ldap-clients.md §2: the second word on is one component, given names are asked for the first word alone."""
    template = 'book().setStringValue("autoComplete.filterTemplate", args[0])'
    before = desk.client.run('return book().getStringValue("autoComplete.filterTemplate", "")')
    desk.client.run(template, "")
    desk.client.complete(typed)
    desk.client.run(template, before)
    assert desk.asked.filters == [sent]


def test_the_address_book_finds_by_profession_and_town_too(desk: Desk) -> None:
    fault, cards = desk.client.search("dupont lyon")
    [card] = [card for card in cards if card["PrimaryEmail"] in JEAN]
    assert fault == ""
    assert {"DisplayName", "FirstName", "LastName", "JobTitle", "WorkCity"} <= set(card)
    assert desk.asked.filters == [f"(&(|{_WINDOW.format('*dupont*')})(|{_WINDOW.format('*lyon*')}))"]


@pytest.mark.parametrize("typed", ["a", "bal", "messagerie"])
def test_every_card_has_an_address(desk: Desk, typed: str) -> None:
    """Below the base, not from it: the base itself would be a card without name."""
    fault, cards = desk.client.search(typed)
    assert fault == "" and all("PrimaryEmail" in card for card in cards)


def test_more_than_a_hundred_are_a_hundred(desk: Desk) -> None:
    """Result code 4 is a success; of two homonyms who share an address the completion shows one."""
    fault, cards = desk.client.search("p")
    apart = {(card["DisplayName"], card["PrimaryEmail"]) for card in cards}
    code, shown = desk.client.complete("p")
    assert (fault, len(cards), code, len(shown)) == ("", 100, FOUND, len(apart))


@pytest.mark.parametrize(("typed", "code"), [("zzqqzz", NOBODY), ("\\", NOBODY), ("o(x", FAILED), ("*", FOUND)])
def test_whatever_is_typed_the_search_ends(desk: Desk, typed: str, code: int) -> None:
    """Brackets make a filter that it cannot send itself."""
    assert desk.client.complete(typed)[0] == code


def test_the_download_ends_at_a_hundred(desk: Desk) -> None:
    assert desk.client.download()
    [(query, _)] = desk.asked.queries
    assert query.scope is Scope.ONE


def test_where_strangers_are_not_served_it_fails_and_ends(desk: Desk) -> None:
    """A refused bind would be repeated for ever."""
    desk.client.point(desk.strict)
    assert desk.client.complete("dup") == (FAILED, [])
    assert desk.client.search("dup") == ("failed", [])


def test_an_operator_is_known_by_its_secret(desk: Desk) -> None:
    desk.client.point(desk.strict, OPERATOR, desk.secret)
    code, shown = desk.client.complete("dupont")
    assert code == FOUND and JEAN in shown
    assert [view for _, view in desk.asked.queries] == [View.OPERATOR]


def test_ldaps_needs_an_authority_that_it_trusts(desk: Desk) -> None:
    desk.client.point(desk.ldaps)
    assert desk.client.complete("dupont") == (FAILED, [])
    assert desk.client.search("dupont") == ("SEC_ERROR_UNKNOWN_ISSUER", [])
    desk.client.trust(desk.authority)
    assert JEAN in desk.client.complete("dupont")[1]
