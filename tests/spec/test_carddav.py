"""CardDAV, to be read only (RFC 6352): discovery, listing, searching, and what is refused."""

from __future__ import annotations

import pytest
import vobject
import web_world as world
from flask.testing import FlaskClient
from lxml import etree
from werkzeug.test import TestResponse

HOME = f"/carddav/livres/{world.HOSPITAL_FINESS}/"
BOOK, NATIONAL = f"{HOME}contacts/", "/carddav/livres/annuaire/contacts/"
NS = {"d": "DAV:", "c": "urn:ietf:params:xml:ns:carddav", "s": "http://calendarserver.org/ns/"}
HEAD = 'xmlns:d="DAV:" xmlns:c="urn:ietf:params:xml:ns:carddav" xmlns:s="http://calendarserver.org/ns/"'


def propfind(client: FlaskClient, path: str, props: str = "", depth: str = "0") -> etree._Element:
    body = f"<d:propfind {HEAD}><d:prop>{props}</d:prop></d:propfind>" if props else ""
    answer = client.open(path, method="PROPFIND", data=body, headers={"Depth": depth})
    assert answer.status_code == 207, answer.text
    return etree.fromstring(answer.data)


def report(client: FlaskClient, path: str, body: str) -> TestResponse:
    return client.open(path, method="REPORT", data=body.encode(), headers={"Depth": "1"})


def query(
    client: FlaskClient, filters: str, *, book: str = NATIONAL, more: str = "", test: str = "anyof"
) -> TestResponse:
    return report(
        client,
        book,
        f"<c:addressbook-query {HEAD}><d:prop><d:getetag/><c:address-data/></d:prop>"
        f'<c:filter test="{test}">{filters}</c:filter>{more}</c:addressbook-query>',
    )


def prop_filter(name: str, text: str, how: str = "contains", negate: str = "no") -> str:
    match = f'<c:text-match match-type="{how}" negate-condition="{negate}">{text}</c:text-match>'
    return f'<c:prop-filter name="{name}">{match}</c:prop-filter>'


def names(answer: TestResponse) -> set[str]:
    assert answer.status_code == 207, answer.text
    found = etree.fromstring(answer.data).findall(".//c:address-data", NS)
    return {vobject.readOne(e.text.replace("\r\n", "\n").replace("\n", "\r\n")).fn.value for e in found}


def hrefs(tree: etree._Element) -> list[str]:
    return [r.findtext("d:href", namespaces=NS) for r in tree.findall("d:response", NS)]


def is_truncated(answer: TestResponse) -> bool:
    tree = etree.fromstring(answer.data)
    told = [r for r in tree.findall("d:response", NS) if "507" in (r.findtext("d:status", "", NS) or "")]
    return any(r.find("d:error/d:number-of-matches-within-limits", NS) is not None for r in told)


# --- discovery -------------------------------------------------------------------------------------------------------


def test_clients_find_the_book_from_the_well_known_address(client: FlaskClient) -> None:
    begins = client.open("/.well-known/carddav", method="PROPFIND")
    assert (begins.status_code, begins.headers["Location"]) == (301, "/carddav/")
    tree = propfind(client, "/carddav/", "<d:current-user-principal/>")
    principal = tree.findtext(".//d:current-user-principal/d:href", namespaces=NS)
    home = propfind(client, principal, "<c:addressbook-home-set/>").findtext(
        ".//c:addressbook-home-set/d:href", None, NS
    )
    below = propfind(client, home, "<d:resourcetype/><d:displayname/>", "1")
    books = [r for r in below.findall("d:response", NS) if r.find(".//c:addressbook", NS) is not None]
    assert [b.findtext("d:href", None, NS) for b in books] == [NATIONAL]


def test_a_selection_is_found_from_its_own_address(client: FlaskClient) -> None:
    """With the slash at the end or without; answers stay under the number that was typed."""
    for path in (HOME, HOME[:-1]):
        tree = propfind(client, path, "<c:addressbook-home-set/><d:resourcetype/><c:directory-gateway/>", "1")
        assert hrefs(tree) == [HOME, BOOK]
        assert tree.findtext(".//c:directory-gateway/d:href", None, NS) == NATIONAL


def test_options_say_what_the_server_is(client: FlaskClient) -> None:
    answer = client.options(BOOK)
    assert "addressbook" in answer.headers["DAV"]
    assert {"PROPFIND", "REPORT", "GET", "HEAD"} <= set(answer.headers["Allow"].split(", "))
    assert "PUT" not in answer.headers["Allow"]


@pytest.mark.parametrize("path", ["/carddav/", HOME, BOOK])
def test_head_is_get_without_the_body(client: FlaskClient, path: str) -> None:
    for method in ("GET", "HEAD"):
        answer = client.open(path, method=method)
        assert (answer.status_code, answer.mimetype) == (200, "text/plain")


def test_a_book_says_what_it_can(client: FlaskClient) -> None:
    props = "<d:supported-report-set/><s:getctag/><d:sync-token/><c:supported-address-data/><d:nothing/>"
    book, national = propfind(client, BOOK, props), propfind(client, NATIONAL, props)
    reports = [e[0].tag.rpartition("}")[2] for e in book.findall(".//d:report", NS)]
    assert reports == ["addressbook-query", "addressbook-multiget", "sync-collection"]
    assert book.findtext(".//s:getctag", None, NS)
    versions = [e.get("version") for e in book.findall(".//c:address-data-type", NS)]
    assert versions == ["3.0", "4.0"]
    missing = [p for p in book.findall(".//d:propstat", NS) if "404" in p.findtext("d:status", "", NS)]
    assert [e.tag for p in missing for e in p.find("d:prop", NS)] == ["{DAV:}nothing"]
    # A book that cannot be listed cannot be synchronised.
    assert len(national.findall(".//d:report", NS)) == 2
    assert not national.findtext(".//d:sync-token", "", NS)


# --- listing ---------------------------------------------------------------------------------------------------------


def test_a_structure_lists_itself_and_its_people(client: FlaskClient) -> None:
    tree = propfind(client, BOOK, "<d:getetag/>", "1")
    people = {f"{BOOK}{p}.vcf" for p in (world.ZOE, world.JEAN, world.JEAN_BIS, world.PAUL)}
    assert set(hrefs(tree)) == {BOOK, f"{BOOK}structure-1{world.HOSPITAL_FINESS}.vcf", *people}
    etags = {
        r.findtext("d:href", None, NS): r.findtext(".//d:getetag", None, NS) for r in tree.findall("d:response", NS)
    }
    got = client.get(f"{BOOK}{world.ZOE}.vcf")
    assert got.headers["ETag"] == etags[f"{BOOK}{world.ZOE}.vcf"]
    assert client.get(f"{BOOK}{world.ZOE}.vcf", headers={"If-None-Match": got.headers["ETag"]}).status_code == 304


def test_the_whole_country_is_not_listed_and_says_so(client: FlaskClient) -> None:
    answer = client.open(NATIONAL, method="PROPFIND", headers={"Depth": "1"})
    assert set(hrefs(etree.fromstring(answer.data))) == {NATIONAL}
    assert is_truncated(answer)
    assert is_truncated(query(client, ""))
    sync = report(client, NATIONAL, f"<d:sync-collection {HEAD}><d:sync-token/></d:sync-collection>")
    assert sync.status_code == 403


@pytest.mark.parametrize(("collation", "status"), [("i;ascii-casemap", 207), ("i;octet", 403), ("i;other", 403)])
def test_a_collation_that_is_not_there_is_refused(client: FlaskClient, collation: str, status: int) -> None:
    """RFC 6352 8.6."""
    answer = query(
        client, prop_filter("FN", "essai").replace("<c:text-match", f'<c:text-match collation="{collation}"')
    )
    assert answer.status_code == status
    assert (etree.fromstring(answer.data).find("c:supported-collation", NS) is None) == (status == 207)


@pytest.mark.parametrize(("most", "status"), [("1", 403), ("2000", 207), ("x", 400)])
def test_a_part_of_a_synchronisation_is_refused(client: FlaskClient, most: str, status: int) -> None:
    """RFC 6578 3.7: a limit that the server does not keep to is an error."""
    asked = "<d:sync-token/><d:sync-level>1</d:sync-level><d:prop><d:getetag/></d:prop>"
    limit = f"<d:limit><d:nresults>{most}</d:nresults></d:limit>"
    answer = report(client, BOOK, f"<d:sync-collection {HEAD}>{asked}{limit}</d:sync-collection>")
    assert answer.status_code == status
    assert ("number-of-matches-within-limits" in answer.text) == (status == 403)


def test_a_book_is_synchronised_by_token(client: FlaskClient) -> None:
    def sync(token: str) -> TestResponse:
        asked = f"<d:sync-token>{token}</d:sync-token><d:sync-level>1</d:sync-level><d:prop><d:getetag/></d:prop>"
        return report(client, BOOK, f"<d:sync-collection {HEAD}>{asked}</d:sync-collection>")

    first = etree.fromstring(sync("").data)
    token = first.findtext("d:sync-token", None, NS)
    assert len(hrefs(first)) == 5
    again = etree.fromstring(sync(token).data)
    assert (hrefs(again), again.findtext("d:sync-token", None, NS)) == ([], token)
    old = sync("data:,older")
    assert old.status_code == 403
    assert etree.fromstring(old.data).find("d:valid-sync-token", NS) is not None


@pytest.mark.parametrize("book", ["69-10", "69-SM04", "69-sm04"])
def test_a_profession_in_a_departement_is_a_book(client: FlaskClient, book: str) -> None:
    tree = propfind(client, f"/carddav/livres/{book}/contacts/", "<d:getetag/>", "1")
    assert f"/carddav/livres/{book}/contacts/{world.ZOE}.vcf" in hrefs(tree)


def test_a_profession_has_no_structure_in_its_book(client: FlaskClient) -> None:
    """None is listed there, and so none is given by name."""
    card = f"structure-1{world.HOSPITAL_FINESS}.vcf"
    assert client.get(f"{BOOK}{card}").status_code == 200
    assert client.get(f"/carddav/livres/69-10/contacts/{card}").status_code == 404


@pytest.mark.parametrize("book", ["01-10", "00-10", "69-99999", "690000006", "..", "annuaires"])
def test_books_that_are_not_there(client: FlaskClient, book: str) -> None:
    answer = client.open(f"/carddav/livres/{book}/contacts/{world.ZOE}.vcf", method="GET")
    assert answer.status_code == 404


def test_named_cards_come_together(client: FlaskClient) -> None:
    named = "".join(f"<d:href>{BOOK}{n}.vcf</d:href>" for n in (world.ZOE, "nobody", world.MARIE))
    asked = f'<d:prop><d:getetag/><c:address-data content-type="text/vcard" version="4.0"/></d:prop>{named}'
    answer = report(client, BOOK, f"<c:addressbook-multiget {HEAD}>{asked}</c:addressbook-multiget>")
    assert names(answer) == {"Dr Zoé D'ESSAI"}  # Marie is of no structure any more
    tree = etree.fromstring(answer.data)
    assert "VERSION:4.0" in tree.findtext(".//c:address-data", None, NS)
    assert [r.findtext("d:status", "", NS)[9:12] for r in tree.findall("d:response", NS)] == ["", "404", "404"]


# --- searching -------------------------------------------------------------------------------------------------------

JEANS = {"Dr Jean DUPONT"}
NO_MAIL = '<c:prop-filter name="EMAIL"><c:is-not-defined/></c:prop-filter>'


@pytest.mark.parametrize(
    ("filters", "test", "found"),
    [
        (prop_filter("FN", "zoe"), "anyof", {"Dr Zoé D'ESSAI"}),
        (prop_filter("FN", "Dr Zoé D"), "anyof", {"Dr Zoé D'ESSAI"}),
        (prop_filter("FN", "dr zoe d'essai", "equals"), "anyof", {"Dr Zoé D'ESSAI"}),
        (prop_filter("FN", "zoe", "starts-with"), "anyof", set()),
        (prop_filter("FN", "dupont", "ends-with"), "anyof", JEANS),
        (prop_filter("N", "DUPONT", "starts-with"), "anyof", JEANS),
        (prop_filter("EMAIL", "zoe.d-essai@", "starts-with"), "anyof", {"Dr Zoé D'ESSAI"}),
        (prop_filter("EMAIL", "zoe-d.essai@"), "anyof", set()),
        (prop_filter("EMAIL", "@cabinet.mssante.fr", "ends-with"), "anyof", {"Dr Zoé D'ESSAI", *JEANS}),
        (prop_filter("EMAIL", "cachee"), "anyof", set()),
        (prop_filter("TEL", "04 72 00 00 00") + prop_filter("FN", "zoe"), "allof", {"Dr Zoé D'ESSAI"}),
        (prop_filter("NICKNAME", "zoe") + prop_filter("FN", "paul"), "anyof", {"Dr Paul MARTIN"}),
        (prop_filter("NICKNAME", "zoe"), "anyof", set()),
        (prop_filter("FN", "dupont") + prop_filter("FN", "martin"), "anyof", {"Dr Paul MARTIN", *JEANS}),
        (prop_filter("FN", "dupont") + prop_filter("EMAIL", "jean.dupont", negate="yes"), "allof", JEANS),
        (prop_filter("FN", "dupont") + NO_MAIL, "allof", set()),
        (prop_filter("FN", "martin") + NO_MAIL, "allof",
         {"Dr Paul MARTIN"}),
        (prop_filter("TITLE", "medecin") + prop_filter("ROLE", "cardio"), "allof", {"Dr Zoé D'ESSAI"}),
        (prop_filter("ADR", "lyon") + prop_filter("FN", "paul"), "allof", {"Dr Paul MARTIN"}),
    ],
)  # fmt: skip
def test_the_country_is_searched(client: FlaskClient, filters: str, test: str, found: set[str]) -> None:
    answer = query(client, filters, test=test)
    assert names(answer) == found
    assert not is_truncated(answer)


def test_a_selection_is_searched_among_its_own(client: FlaskClient) -> None:
    assert names(query(client, prop_filter("FN", "lefevre"), book=BOOK)) == set()
    assert names(query(client, prop_filter("FN", "lefevre"))) == {"Dr Marie LEFÈVRE"}
    assert names(query(client, prop_filter("FN", "essai"), book=BOOK)) == {
        "Dr Zoé D'ESSAI",
        "CENTRE HOSPITALIER D'ESSAI",
    }
    # What no index narrows is found by reading the whole book.
    assert names(query(client, prop_filter("X-RPPS", world.ZOE[1:]), book=BOOK)) == {"Dr Zoé D'ESSAI"}
    assert query(client, prop_filter("X-RPPS", world.ZOE[1:])).status_code == 403


def test_answers_are_as_many_as_asked_for(client: FlaskClient) -> None:
    answer = query(client, prop_filter("FN", "dupont"), more="<c:limit><c:nresults>1</c:nresults></c:limit>")
    assert names(answer) == JEANS
    assert is_truncated(answer)


# --- refused ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PROPPATCH", "MKCOL", "MOVE", "COPY", "LOCK", "POST"])
@pytest.mark.parametrize("path", [BOOK, f"{BOOK}{world.ZOE}.vcf", "/carddav/"])
def test_nothing_can_be_written(client: FlaskClient, method: str, path: str) -> None:
    answer = client.open(path, method=method, data=b"BEGIN:VCARD")
    assert answer.status_code == 403
    assert etree.fromstring(answer.data).tag == "{DAV:}error"


@pytest.mark.parametrize(
    "body",
    [
        b"<",
        b'<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><propfind xmlns="DAV:"><prop>&b;</prop></propfind>',
        b'<!DOCTYPE a [<!ENTITY b "bbbbbbbbb"><!ENTITY c "&b;&b;&b;">]><a>&c;</a>',
        b"<a>" * 60 + b"</a>" * 60,
    ],
)
def test_hostile_xml_is_refused(client: FlaskClient, body: bytes) -> None:
    answer = client.open("/carddav/", method="PROPFIND", data=body, headers={"Depth": "0"})
    assert answer.status_code == 400
    assert b"root:" not in answer.data


def test_limits_are_told(client: FlaskClient) -> None:
    endless = client.open(BOOK, method="PROPFIND", headers={"Depth": "infinity"})
    assert endless.status_code == 403
    assert etree.fromstring(endless.data).find("d:propfind-finite-depth", NS) is not None
    assert report(client, BOOK, f"<d:expand-property {HEAD}/>").status_code == 403
    assert client.open(BOOK, method="REPORT", data=b" " * 300_000).status_code == 413
    wrong = f'<d:prop><c:address-data version="2.1"/></d:prop><d:href>{BOOK}x.vcf</d:href>'
    assert report(client, BOOK, f"<c:addressbook-multiget {HEAD}>{wrong}</c:addressbook-multiget>").status_code in (
        207,
        403,
    )


def test_so_many_cards_may_be_named_at_once(client: FlaskClient) -> None:
    for more, status in ((0, 207), (1, 403)):
        hrefs = f"<d:href>{BOOK}x.vcf</d:href>" * (1_000 + more)
        asked = f"<c:addressbook-multiget {HEAD}><d:prop><d:getetag/></d:prop>{hrefs}</c:addressbook-multiget>"
        assert report(client, BOOK, asked).status_code == status


def test_a_card_has_one_name(client: FlaskClient) -> None:
    """Else a client that was once given a former number would keep her twice."""
    book = "/carddav/livres/annuaire/contacts/"
    assert client.get(f"{book}{world.ZOE}.vcf").status_code == 200
    for other in (world.ZOE[1:], world.ZOE_ADELI, "0" + world.ZOE_ADELI):
        assert client.get(f"{book}{other}.vcf").status_code == 404


def test_a_negation_is_of_every_value(client: FlaskClient) -> None:
    """Of two homonyms who share one address, the one who has another besides that is not wanted."""
    filters = prop_filter("FN", "dupont") + prop_filter("EMAIL", "jean.dupont", negate="yes")
    tree = etree.fromstring(query(client, filters, test="allof").data)
    assert [e.text.rpartition("/")[2] for e in tree.iterfind("d:response/d:href", NS)] == [f"{world.JEAN_BIS}.vcf"]


def test_passwords_are_not_looked_at(client: FlaskClient) -> None:
    answer = client.get(f"{BOOK}{world.ZOE}.vcf", headers={"Authorization": "Basic eDp5"})
    assert answer.status_code == 200


def test_unlisted_mailboxes_are_on_no_card(client: FlaskClient) -> None:
    card = client.get(f"{BOOK}{world.PAUL}.vcf")
    assert b"EMAIL" not in card.data
    assert client.get("/v1/mailboxes/cachee@medecin.mssante.fr.vcf").status_code == 404
