"""The description of the API is whole, true and readable: every route has one, every parameter is in it, and the page
says the same to people."""

from __future__ import annotations

import gzip
import itertools
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
import web_world as world
from flask import Flask
from flask.testing import FlaskClient
from openapi_spec_validator import OpenAPIV31SpecValidator

from directory_service.settings import Settings
from directory_service.web.app import create_app
from directory_service.web.openapi.document import APART, SCHEMAS, path_of
from directory_service.web.openapi.route import description_of
from directory_service.web.problems import statuses
from directory_service.web.problemtypes import PROBLEMS

ZOE_BOX = "zoe.d-essai@medecin.mssante.fr"
# A value for each variable part of a path.
PLACES = {
    "identifier": world.ZOE, "address": ZOE_BOX, "name": world.OPERATOR, "domain": "medecin.mssante.fr",
    "sha256": "0" * 64, "form": "csv", "start": "abc", "slug": "gone",
    "kind": "entity",
}  # fmt: skip


# Clients of the Reconciliation API add parameters of their own to these.
LENIENT = {"/v1/reconcile/suggest/{kind}", "/v1/reconcile/properties"}


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Flask, str]]:
    folder = tmp_path_factory.mktemp("openapi")
    directory, secret = world.build_world(folder)
    yield create_app(directory, Settings(data=folder)), secret
    directory.close()


@pytest.fixture
def app(opened: tuple[Flask, str]) -> Flask:
    return opened[0]


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


@pytest.fixture
def document(client: FlaskClient) -> dict[str, Any]:
    answer = client.get("/openapi.json")
    assert answer.content_type == "application/json"
    found: dict[str, Any] = answer.json
    return found


def test_the_document_is_openapi_3_1(document: dict[str, Any]) -> None:
    OpenAPIV31SpecValidator(document).validate()
    assert document["openapi"].startswith("3.1.")


def test_generators_of_clients_understand_the_document(document: dict[str, Any]) -> None:
    """openapi-generator 7.26 (typescript-fetch) stops at a media type without a schema.  openapi-python-client 0.29
    leaves out what holds one, an array without ``items`` or an ``enum`` of several types: ``/v1/verify`` was one.  What
    the former makes of alternatives without a type does not compile."""
    for inside in _objects(document):
        assert all("schema" in media for media in inside["content"].values()) if "content" in inside else True, inside
        assert "items" in inside if inside.get("type") == "array" else True, inside
        assert len({type(word) for word in inside.get("enum", ())}) <= 1, inside
        assert "const" not in inside, inside
        assert all({"type", "$ref", "anyOf"} & one.keys() for one in inside.get("anyOf", ())), inside


def _objects(told: Any) -> Iterator[dict[str, Any]]:
    if isinstance(told, dict):
        yield told
    for inside in told.values() if isinstance(told, dict) else told if isinstance(told, list) else ():
        yield from _objects(inside)


def test_every_route_is_described(app: Flask) -> None:
    """Or is of a blueprint that is no part of the API."""
    bare = [
        rule.rule
        for rule in app.url_map.iter_rules()
        if description_of(app.view_functions[rule.endpoint]) is None and rule.endpoint.partition(".")[0] not in APART
    ]
    assert bare == []


def test_the_document_has_every_route_and_no_other(app: Flask, document: dict[str, Any]) -> None:
    routes = {
        (path_of(rule.rule), method)
        for rule in app.url_map.iter_rules()
        if rule.endpoint.partition(".")[0] not in APART
        for method in rule.methods - {"HEAD", "OPTIONS"}
    }
    assert {(path, m.upper()) for path, item in document["paths"].items() for m in item} == routes


def test_every_schema_is_used_and_every_problem_told(document: dict[str, Any]) -> None:
    text = str({k: v for k, v in document.items() if k != "components"} | document["components"]["responses"])
    used = set(re.findall(r"#/components/schemas/(\w+)", text))
    while more := set(re.findall(r"#/components/schemas/(\w+)", str([SCHEMAS[n] for n in used]))) - used:
        used |= more
    assert used == SCHEMAS.keys()
    told = set(re.findall(r"/problems/([\w-]+)", text))
    # What is told of the HTTP request itself, whatever the route.
    assert PROBLEMS.keys() - told == {"method-not-allowed"}
    assert PROBLEMS.keys() <= statuses().keys()


def test_the_parameters_described_are_those_that_the_route_knows(app: Flask, opened, document: dict[str, Any]) -> None:
    """An unknown one is refused by a list of the known ones."""
    client, bearer = app.test_client(), {"Authorization": f"Bearer {opened[1]}"}
    for rule in app.url_map.iter_rules():
        path = path_of(rule.rule)
        if not path.startswith("/v1/"):
            continue
        url = re.sub(r"<(?:\w+:)?(\w+)>", lambda found: PLACES[found[1]], rule.rule)
        for method in rule.methods - {"HEAD", "OPTIONS"}:
            said = document["paths"][path][method.lower()]["parameters"]
            query = {**_needed(said), "inconnu": "x"}
            answer = client.open(url, query_string=query, method=method, headers=bearer, buffered=True)
            if path in LENIENT:
                assert answer.status_code == 200
                continue
            assert (answer.status_code, answer.json["where"]) == (400, "requête"), (method, path)
            known = answer.json["detail"].rpartition(": ")[2].split(", ")
            assert [p["name"] for p in said if p["in"] == "query"] == [k for k in known if k != "aucun"], path


def test_each_bad_parameter_is_a_problem_that_names_it(opened, document: dict[str, Any], client: FlaskClient) -> None:
    """Too long, out of bounds, no such word, a control character: 400, its type, and ``where``."""
    bearer, tried = {"Authorization": f"Bearer {opened[1]}"}, 0
    for path, item in document["paths"].items():
        url = re.sub(r"{(\w+)}", lambda found: PLACES[{"id": "identifier"}.get(found[1], found[1])], path)
        said = item.get("get", {"parameters": []})["parameters"]
        for parameter in (p for p in said if p["in"] == "query"):
            for wrong in _wrong(parameter["schema"]):
                query = {**_needed(said), parameter["name"]: wrong}
                answer = client.get(url, query_string=query, headers=bearer)
                assert answer.status_code == 400, (path, parameter["name"], wrong)
                assert answer.json["type"] == "/problems/invalid-input"
                assert answer.json["where"] == f"paramètre {parameter['name']}", path
                assert client.get(answer.json["type"]).status_code == 200
                tried += 1
    assert tried > 60


def _needed(parameters: list[dict[str, Any]]) -> dict[str, str]:
    return {p["name"]: "1" for p in parameters if p["in"] == "query" and p.get("required")}


def _wrong(schema: dict[str, Any]) -> Iterator[str]:
    if "maximum" in schema:
        yield from (str(schema["maximum"] + 1), "-1", "un", "1.5", "")
    if "enum" in schema:
        yield from ("rien", "")
    if "maxLength" in schema:
        yield from ("a" * (schema["maxLength"] + 1), "a\0b", "a\x1fb")


# --- the page --------------------------------------------------------------------------------------------------------


class _Page(HTMLParser):
    """What a page holds: ids, what its links lead to, its elements and their attributes."""

    _VOID = frozenset({"meta", "link", "br"})

    def __init__(self, text: str) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.targets: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        self.elements.append((tag, found))
        self.ids += [found["id"] or ""] if "id" in found else []
        self.targets += [found[a] or "" for a in ("href", "src") if a in found]
        if tag not in self._VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_the_page_tells_every_route_without_a_script(client: FlaskClient, document: dict[str, Any]) -> None:
    answer = client.get("/docs")
    assert answer.content_type == "text/html; charset=utf-8" and len(answer.data) < 300_000
    page = _Page(answer.text)
    assert page.open == [] and len(page.ids) == len(set(page.ids))
    named = {op["operationId"] for item in document["paths"].values() for op in item.values()}
    assert named | {f"schema-{name}" for name in SCHEMAS} <= set(page.ids)
    inside = {target.removeprefix("#") for target in page.targets if target.startswith("#")}
    assert inside <= set(page.ids)
    assert {t for t in page.targets if not t.startswith("#")} == {"/", "/docs/style.css", "/openapi.json"}
    assert client.get("/docs/style.css").content_type == "text/css; charset=utf-8"
    assert not {"script", "style", "iframe"} & {tag for tag, _ in page.elements}
    assert not any(name.startswith("on") or name == "style" for _, attrs in page.elements for name in attrs)
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]


def test_the_page_reads_with_a_screen_reader(client: FlaskClient) -> None:
    page = _Page(client.get("/docs").text)
    assert ("html", {"lang": "fr"}) in page.elements
    levels = [int(tag[1]) for tag, _ in page.elements if re.fullmatch("h[1-6]", tag)]
    assert levels[0] == 1 and levels.count(1) == 1
    assert all(later - level <= 1 for level, later in itertools.pairwise(levels))
    assert all("scope" in attrs for tag, attrs in page.elements if tag == "th")
    tags = [tag for tag, _ in page.elements]
    assert tags.count("caption") == tags.count("table")
    assert {"main", "nav", "header", "title"} <= set(tags)
    labelled = [attrs["aria-labelledby"] for _, attrs in page.elements if "aria-labelledby" in attrs]
    assert set(labelled) <= set(page.ids)


@pytest.mark.parametrize("url", ["/openapi.json", "/docs", "/docs/style.css"])
def test_it_is_not_sent_twice(client: FlaskClient, url: str) -> None:
    first = client.get(url)
    again = client.get(url, headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")


@pytest.mark.parametrize("url", ["/openapi.json", "/docs"])
def test_it_is_packed_for_those_who_take_it_so(client: FlaskClient, url: str) -> None:
    """Over 100 kB as they stand: Lighthouse on a telephone's line."""
    plain, packed = client.get(url), client.get(url, headers={"Accept-Encoding": "gzip"})
    assert (plain.headers.get("Content-Encoding"), packed.headers["Content-Encoding"]) == (None, "gzip")
    assert gzip.decompress(packed.data) == plain.data and len(packed.data) < len(plain.data) / 5
    assert plain.headers["Vary"] == packed.headers["Vary"] == "Accept-Encoding"
    held = {"Accept-Encoding": "gzip", "If-None-Match": packed.headers["ETag"]}
    assert (client.get(url, headers=held).status_code, packed.headers["ETag"] != plain.headers["ETag"]) == (304, True)


def test_the_reference_page_names_what_is_here() -> None:
    page = Path("docs/reference/http-service.md").read_text(encoding="utf-8")
    assert "`GET /openapi.json`" in page and "`GET /docs`" in page
