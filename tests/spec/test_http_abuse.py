"""What a stranger might try on what searches, matches, lists and reads files: harvesting round the budgets, requests
that are short and cost much, bodies that are no better than they should be."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import web_world as world
from flask.testing import FlaskClient
from lxml import etree
from openpyxl import Workbook
from record_factories import SUFFIX
from werkzeug.test import TestResponse

from directory_service.errors import InvalidInput, LimitExceeded
from directory_service.index.criteria import NO_WISHES, Criteria
from directory_service.index.cursors import Place, Rank, digest_of, write_cursor
from directory_service.index.directory import Directory
from directory_service.index.writer import build_index
from directory_service.model.networks import Networks
from directory_service.registry.engine import open_registry
from directory_service.registry.upgrading import upgrade
from directory_service.settings import Settings
from directory_service.web.app import create_app
from directory_service.web.dav import xml
from directory_service.web.portal.sheets import MOST_PARTS, read_file

HERE = "192.0.2.1"
BOOK, NATIONAL = f"/carddav/livres/{world.HOSPITAL_FINESS}/contacts/", "/carddav/livres/annuaire/contacts/"
HEAD = 'xmlns:d="DAV:" xmlns:c="urn:ietf:params:xml:ns:carddav"'
BY_NAME = f"""<c:addressbook-query {HEAD}><d:prop><c:address-data/></d:prop><c:filter>
<c:prop-filter name="FN"><c:text-match>d</c:text-match></c:prop-filter></c:filter></c:addressbook-query>"""
ALL = f"<d:sync-collection {HEAD}><d:sync-token/><d:prop><d:getetag/></d:prop></d:sync-collection>"


class World:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        engine = open_registry(f"sqlite:///{folder / 'registry.sqlite'}")
        upgrade(engine)
        world.fill(engine)
        build_index(engine, folder / "index", SUFFIX, workers=1)
        engine.dispose()
        self.directory = Directory(folder / "index", SUFFIX)

    def client(self, **chosen: Any) -> FlaskClient:
        return create_app(self.directory, Settings(data=self.folder, **chosen)).test_client()


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    found = World(tmp_path_factory.mktemp("abuse"))
    yield found
    found.directory.close()


def ask(client: FlaskClient, method: str, url: str, body: str | bytes = "", **more: Any) -> TestResponse:
    return client.open(url, method=method, data=body, environ_overrides={"REMOTE_ADDR": HERE}, **more)


def slug(answer: TestResponse) -> str:
    assert answer.status_code == 429, answer.text
    return str(answer.json["type"]).rpartition("/")[2]


# --- harvesting ------------------------------------------------------------------------------------------------------

JSON = "application/json"
WALKS: dict[str, tuple[str, str, str, str]] = {
    "a book of CardDAV, by PROPFIND": ("PROPFIND", BOOK, "", "text/xml"),
    "a book of CardDAV, by sync": ("REPORT", BOOK, ALL, "text/xml"),
    "names in CardDAV": ("REPORT", NATIONAL, BY_NAME, "text/xml"),
    "reconciliation": ("POST", "/v1/reconcile", '{"queries":{"a":{"query":"dupont"}}}', JSON),
    "suggestions of reconciliation": ("GET", "/v1/reconcile/suggest/entity?prefix=d", "", ""),
    "extensions": (
        *("POST", "/v1/reconcile"),
        json.dumps({"extend": {"ids": [f"practitioners/{world.ZOE}"], "properties": [{"id": "mailbox"}]}}),
        JSON,
    ),
    "matching": ("POST", "/v1/match", '{"family":"dupont"}', JSON),
    "matching of lists": ("POST", "/v1/match/batch", '{"family":"dupont"}', "application/x-ndjson"),
    "the portal's lines": (
        *("POST", "/nettoyage/lignes"),
        '{"titles":["a"],"fields":{"0":"text"},"rows":[["jean dupont"]],"lines":[1]}',
        JSON,
    ),
}


@pytest.mark.parametrize("walk", WALKS)
def test_every_way_to_records_takes_from_one_budget(here: World, walk: str) -> None:
    method, url, body, kind = WALKS[walk]
    client = here.client(ldap_harvest_anonymous=1)
    assert ask(client, method, url, body, content_type=kind).status_code in (200, 207)
    assert slug(ask(client, "GET", "/v1/suggest?q=d")) == "budget-spent"
    assert slug(ask(client, method, url, body, content_type=kind)) == "budget-spent"


def test_carddav_has_limits_and_looks_at_no_password(here: World) -> None:
    client = here.client(http_rate_search=2, http_rate_batch=1)
    basic = {"Authorization": "Basic ZTpl"}
    for _ in range(2):
        assert ask(client, "PROPFIND", NATIONAL, headers={**basic, "Depth": "0"}).status_code == 207
    assert slug(ask(client, "PROPFIND", NATIONAL, headers={"Depth": "0"})) == "too-many-requests"
    client = here.client(http_rate_batch=1)
    assert ask(client, "PROPFIND", BOOK, headers=basic).status_code == 207
    for method, body in (("PROPFIND", ""), ("REPORT", ALL)):
        assert slug(ask(client, method, BOOK, body)) == "too-many-requests"
    assert ask(client, "REPORT", NATIONAL, BY_NAME).status_code == 207


def test_lines_that_are_matched_count_by_tens(here: World) -> None:
    client = here.client(http_rate_verify=6)
    lines = '{"family":"x"}\n' * 40
    assert ask(client, "POST", "/v1/match/batch", lines).status_code == 200
    refused = ask(client, "POST", "/v1/match/batch", lines)
    assert slug(refused) == "too-many-requests"
    assert 15 <= int(refused.headers["Retry-After"]) <= 21  # two more of sixty seconds' six
    queries = json.dumps({"queries": {str(n): {"query": "x"} for n in range(40)}})
    assert slug(ask(client, "POST", "/v1/reconcile", queries, content_type=JSON)) == "too-many-requests"


# --- short requests that cost much -----------------------------------------------------------------------------------


def test_properties_without_end_are_refused(here: World) -> None:
    """Each would be told of each card: a quarter of a megabyte asked for gigabytes."""
    client = here.client()
    many = "".join(f"<p{n}/>" for n in range(xml.MOST_PROPERTIES + 1))
    for method, body in (
        ("PROPFIND", f"<d:propfind {HEAD}><d:prop>{many}</d:prop></d:propfind>"),
        ("REPORT", f"<d:sync-collection {HEAD}><d:sync-token/><d:prop>{many}</d:prop></d:sync-collection>"),
    ):
        assert ask(client, method, BOOK, body).status_code == 400


def test_properties_under_a_long_name_are_refused(here: World) -> None:
    """One namespace, however many properties are in it, is told with each of each card."""
    client = here.client()
    for many in ("".join(f"<z:p{n}/>" for n in range(90)), "".join(f"<d:{'p' * 500}{n}/>" for n in range(90))):
        body = f'<d:propfind {HEAD} xmlns:z="{"x" * 100_000}"><d:prop>{many}</d:prop></d:propfind>'
        assert ask(client, "PROPFIND", BOOK, body).status_code == 400


def test_a_property_asked_for_many_times_is_told_once(here: World) -> None:
    once, often = ("<d:getetag/><c:address-data/>" * times for times in (1, 50))
    bodies = [f"<c:addressbook-query {HEAD}><d:prop>{p}</d:prop></c:addressbook-query>" for p in (once, often)]
    answers = [ask(here.client(), "REPORT", BOOK, body) for body in bodies]
    assert [answer.status_code for answer in answers] == [207, 207]
    assert answers[0].data == answers[1].data


def test_conditions_without_end_are_refused(here: World) -> None:
    texts = "<c:text-match>d</c:text-match>" * 30
    props = f'<c:prop-filter name="FN">{texts}</c:prop-filter>' * 30
    body = f"<c:addressbook-query {HEAD}><c:filter>{props}</c:filter></c:addressbook-query>"
    assert ask(here.client(), "REPORT", BOOK, body).status_code == 400


@pytest.mark.parametrize("href", ["http://[x", "//[", "%00", "\u2028", "x" * 5000])
def test_what_is_no_url_is_no_card(here: World, href: str) -> None:
    body = f"<c:addressbook-multiget {HEAD}><d:prop/><d:href>{href}</d:href></c:addressbook-multiget>"
    answer = ask(here.client(), "REPORT", BOOK, body.encode())
    assert answer.status_code == 207
    assert b"404" in etree.tostring(etree.fromstring(answer.data))


@pytest.mark.parametrize("value", ["[" * 900 + "]" * 900, '{"name":' + "[" * 900 + "]" * 900 + "}", '{"id":[[]]}'])
def test_values_in_values_are_no_fault_of_ours(here: World, value: str) -> None:
    body = f'{{"query":{{"query":"dupont","properties":[{{"pid":"rpps","v":{value}}}]}}}}'
    assert ask(here.client(), "POST", "/v1/reconcile", body, content_type=JSON).status_code == 200


@pytest.mark.parametrize(("total", "status"), [(1, 200), (-1, 400), (10**30, 400)])
def test_a_forged_cursor_is_refused(here: World, total: int, status: int) -> None:
    digest = digest_of(Criteria(q="dupont"), NO_WISHES.exact, NO_WISHES.sort, NO_WISHES.near)
    place = Place(Rank(1, 0, 0, 1), total, True, digest)
    assert ask(here.client(), "GET", f"/v1/search?q=dupont&cursor={write_cursor(place)}").status_code == status


def test_a_form_of_a_million_fields_is_refused(here: World) -> None:
    body = b"a&" * 1_000_000
    answer = ask(here.client(), "POST", "/nettoyage", body, content_type="application/x-www-form-urlencoded")
    assert answer.status_code == 422


@pytest.mark.parametrize("head", [b"\r\nA: b" * 1_000_000, b"; a=b" * 1_000_000, b'; a="' + b'\\"' * 1_000_000])
def test_a_part_with_megabytes_of_headers_is_refused(here: World, head: bytes) -> None:
    """As header fields they would take thirty times their size."""
    body = b'--x\r\nContent-Disposition: form-data; name="texte"' + head + b"\r\n\r\ndupont\r\n--x--\r\n"
    answer = ask(here.client(), "POST", "/nettoyage", body, content_type="multipart/form-data; boundary=x")
    assert answer.status_code == 422


# --- files -----------------------------------------------------------------------------------------------------------


def workbook(more: dict[str, bytes]) -> bytes:
    book, made, changed = Workbook(), io.BytesIO(), io.BytesIO()
    book.active.append(["Nom", "Prénom"])
    book.save(made)
    with zipfile.ZipFile(made) as old, zipfile.ZipFile(changed, "w", zipfile.ZIP_DEFLATED) as new:
        for part in old.infolist():
            new.writestr(part.filename, more.pop(part.filename, None) or old.read(part))
        for name, body in more.items():
            new.writestr(name, body)
    return changed.getvalue()


SHEET = """<?xml version="1.0" encoding="{encoding}"?><!DOCTYPE x [<!ENTITY a "{text}">]>
<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData><row r="1">
<c r="A1" t="str"><v>{use}</v></c></row></sheetData></worksheet>"""


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_a_sheet_that_writes_itself_longer_is_refused(encoding: str) -> None:
    """Entities multiply what is unpacked, a hundredfold before the parser minds."""
    sheet = SHEET.format(encoding=encoding, text="x" * 1000, use="&a;" * 100)
    with pytest.raises(InvalidInput):
        read_file(workbook({"xl/worksheets/sheet1.xml": sheet.encode(encoding)}))


def test_a_workbook_of_too_many_parts_is_refused() -> None:
    with pytest.raises(LimitExceeded):
        read_file(workbook({f"xl/media/{n}": b"" for n in range(MOST_PARTS)}))


def test_the_source_of_a_card_is_one_line(here: World) -> None:
    card = ask(here.client(), "GET", f"/v1/practitioners/%0D%0A{world.ZOE}%0D%0A.vcf").data
    assert all(b":" in line for line in card.replace(b"\r\n ", b"").split(b"\r\n") if line)


@pytest.mark.parametrize("told", ["192.0.2.7:{}", "[2001:db8::7]:{}", "192.0.2.7:{}, "])
def test_the_port_that_a_proxy_tells_is_no_other_client(here: World, told: str) -> None:
    client = here.client(http_rate_read=2, trusted_proxies=Networks.parse(HERE))
    url = f"/v1/practitioners/{world.ZOE}"
    answers = [ask(client, "GET", url, headers={"X-Forwarded-For": told.format(4000 + n)}) for n in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]


@pytest.mark.parametrize("book", [
    '{"titles":["a"],"fields":{"0":"text"},"rows":[["\\u0000"]],"lines":[1]}',
    '{"titles":["\\u000b"],"fields":{"0":"text"},"rows":[["x"]],"lines":[1]}',
    '{"titles":["a"],"fields":{"0":"text"},"rows":[["x"]],"lines":[1e300]}',
    '{"titles":["a"],"fields":{"0":"text"},"rows":[["x"]],"lines":[]}',
    '{"titles":["a"],"fields":{"0":"text"},"rows":[["x"]],"lines":[1,2]}',
])  # fmt: skip
@pytest.mark.parametrize("url", ["/nettoyage", "/nettoyage/carnet.xlsx", "/nettoyage/carnet.csv"])
def test_a_book_that_we_never_wrote_is_refused(here: World, url: str, book: str) -> None:
    answer = ask(here.client(), "POST", url, f"carnet={quote(book)}", content_type="application/x-www-form-urlencoded")
    assert answer.status_code == 400
