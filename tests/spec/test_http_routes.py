"""The routes of contract.md §3 on a real directory: what they answer, to whom, and how they fail."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
import web_world as world
from flask import Flask
from flask.testing import FlaskClient

from directory_service.index.directory import Directory
from directory_service.index.query import View
from directory_service.ldap.messages import SEARCH_DONE, result
from directory_service.ldap.server import _tell_build
from directory_service.ldap.server.faults import internal_fault
from directory_service.web.api import search as search_route
from directory_service.web.app import create_app
from directory_service.web.asking import FIELDS
from directory_service.web.problemtypes import PROBLEMS

ZOE_BOX, HIDDEN = "zoe.d-essai@medecin.mssante.fr", "cachee@medecin.mssante.fr"


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Directory, str]]:
    directory, secret = world.build_world(tmp_path_factory.mktemp("world"))
    yield directory, secret
    directory.close()


@pytest.fixture(scope="module")
def app(opened: tuple[Directory, str]) -> Flask:
    return create_app(opened[0])


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


@pytest.fixture
def bearer(opened: tuple[Directory, str]) -> dict[str, str]:
    return {"Authorization": f"Bearer {opened[1]}"}


def build(client: FlaskClient) -> str:
    return client.get("/readyz").json["build"]


# -- answers ----------------------------------------------------------------------------------------------------------


def test_suggest_answers_mailboxes_best_first(client: FlaskClient) -> None:
    answer = client.get("/v1/suggest?q=dupo&limit=5")
    assert answer.status_code == 200 and answer.content_type == "application/json"
    assert answer.json["build"] == build(client)
    item = answer.json["items"][0]
    assert item["address"].partition("@")[0] in ("jean.dupont", "partage", "ailleurs")
    assert {"label", "address", "type", "person"} <= item.keys()
    assert len(client.get("/v1/suggest?q=d&limit=1").json["items"]) == 1


def test_an_empty_box_suggests_nothing(client: FlaskClient) -> None:
    assert client.get("/v1/suggest?q=%20").json == {"build": build(client), "items": []}


def test_search_answers_practitioners_for_all_criteria_together(client: FlaskClient) -> None:
    page = client.get("/v1/search?family=dupont&given=jean&status=active").json
    assert page["build"] == build(client)
    assert {p["id"] for p in page["items"]} == {world.JEAN, world.JEAN_BIS}
    assert (page["total"], page["total_exact"], page["next"]) == (2, True, None)
    assert client.get("/v1/search?family=dupont&given=zoe").json["items"] == []


@pytest.mark.parametrize(
    "criteria",
    [
        "q=essai+zoe",
        "q=" + world.ZOE,
        "specialty=SM04",
        "given=zo%C3%A9",
        "given=zoe&profession=10",
        "family=D%27Essai&department=69",
        "family=dessai&postcode=69003&city=lyon",
        "street=lilas&family=essai",
        "structure=centre+hospitalier&given=zoe",
        "address=" + ZOE_BOX,
        "given=zoe&type=per",
    ],
)
def test_search_finds_her_by_each_criterion(client: FlaskClient, criteria: str) -> None:
    assert [p["id"] for p in client.get("/v1/search?" + criteria).json["items"]] == [world.ZOE]


def test_pages_follow_one_another_without_loss(client: FlaskClient) -> None:
    seen, url = [], "/v1/search?profession=10&limit=2"
    page = client.get(url).json
    while True:
        seen += [p["id"] for p in page["items"]]
        if not page["next"]:
            break
        page = client.get(f"{url}&cursor={page['next']}").json
        assert page["total"] == 5
    assert sorted(seen) == sorted((world.ZOE, world.JEAN, world.JEAN_BIS, world.MARIE, world.PAUL))


def test_a_practitioner_is_found_by_any_number_ever_issued(client: FlaskClient) -> None:
    record = client.get(f"/v1/practitioners/{world.ZOE}").json
    assert record["id"] == world.ZOE and record["rpps"] == world.ZOE[1:] and record["adeli"] == [world.ZOE_ADELI]
    assert record["build"] == build(client) and "resolved_from" not in record
    assert [m["address"] for m in record["mailboxes"]] == [ZOE_BOX, "reprise@cabinet.mssante.fr"]
    n = world.ZOE[1:]
    for text in (n, f"{n[:2]} {n[2:5]} {n[5:8]} {n[8:]}"):
        assert client.get(f"/v1/practitioners/{text}").json["id"] == world.ZOE


def test_a_former_number_answers_with_the_record_of_today(client: FlaskClient) -> None:
    for text in (world.ZOE_ADELI, "0" + world.ZOE_ADELI):
        answer = client.get(f"/v1/practitioners/{text}")
        assert answer.status_code == 200
        assert answer.json["id"] == world.ZOE
        assert answer.json["resolved_from"].endswith(world.ZOE_ADELI)


def test_a_false_number_is_told_with_the_one_that_was_meant(client: FlaskClient) -> None:
    n, finess = world.ZOE[1:], world.HOSPITAL_FINESS
    for false in (n.replace("1", "l", 1), n[:-1] + str((int(n[-1]) + 1) % 10), n + n[-1]):
        answer = client.get(f"/v1/practitioners/{false}")
        assert (answer.status_code, answer.json["suggestions"]) == (404, [n])
    assert client.get(f"/v1/organizations/{finess[:-1]}").json["suggestions"] == [finess]
    assert "suggestions" not in client.get("/v1/practitioners/10999999999").json


def test_an_organization_is_found_by_each_of_its_numbers(client: FlaskClient) -> None:
    for text in (world.HOSPITAL_FINESS, "1" + world.HOSPITAL_FINESS, "26690000000017", "266 900 000", "F690000005"):
        answer = client.get(f"/v1/organizations/{text}").json
        assert answer["id"] == "1" + world.HOSPITAL_FINESS and answer["build"] == build(client)


def test_a_mailbox_tells_its_holders_and_dates(client: FlaskClient) -> None:
    record = client.get(f"/v1/mailboxes/{ZOE_BOX.upper()}").json
    assert record["address"] == ZOE_BOX and record["type"] == "PER" and record["operator"] == world.OPERATOR
    assert [h["id"] for h in record["holders"]] == [world.ZOE]
    closed = client.get("/v1/mailboxes/ancienne@medecin.mssante.fr").json
    assert closed["until"] == world.TURN


def test_verify_answers_200_whatever_the_verdict(client: FlaskClient) -> None:
    for name, verdict in (("Zoé D'Essai", "verified"), ("Jean Dupont", "mismatch")):
        answer = client.post("/v1/verify", json={"address": ZOE_BOX, "name": name})
        assert answer.status_code == 200 and answer.json["verdict"] == verdict
        assert answer.json["build"] == build(client)
        assert answer.headers["Cache-Control"] == "no-store"


def test_a_batch_answers_line_by_line_in_order(client: FlaskClient) -> None:
    lines = [
        b'{"address":"%s"}' % ZOE_BOX.encode(),
        b'{"address":"nobody@medecin.mssante.fr","person":null}',
        b'{"adress":"x"}',
        b"[]",
        b"",
        b'{"address":"x","at":"hier"}',
    ]
    answer = client.post("/v1/verify/batch", data=b"\n".join(lines))
    assert answer.content_type == "application/x-ndjson"
    found = [client.application.json.loads(line) for line in answer.data.splitlines()]
    assert [f.get("verdict") or f["where"] for f in found] == [
        "verified",
        "unknown_address",
        "ligne 3, paramètre address",
        "ligne 4, corps",
        "ligne 5, corps",
        "ligne 6, paramètre at",
    ]
    assert client.post("/v1/verify/batch", data=b"\n" * 10_001).status_code == 422


# -- views ------------------------------------------------------------------------------------------------------------


def test_hidden_and_absent_are_the_same_answer(client: FlaskClient, bearer: dict[str, str]) -> None:
    for headers in ({}, bearer):
        hidden = client.get(f"/v1/mailboxes/{HIDDEN}", headers=headers)
        absent = client.get("/v1/mailboxes/absente@medecin.mssante.fr", headers=headers)
        assert hidden.status_code == absent.status_code == 404
        assert hidden.data == absent.data
    for url in ("/v1/suggest?q=martin", "/v1/suggest?q=cachee", f"/v1/search?address={HIDDEN}"):
        assert client.get(url).json["items"] == []
    assert client.get(f"/v1/practitioners/{world.PAUL}").json["mailboxes"] == []


def test_an_operator_is_known_by_its_secret(client: FlaskClient, bearer: dict[str, str]) -> None:
    answer = client.get("/v1/suggest?q=dupont", headers=bearer)
    assert answer.status_code == 200
    assert answer.headers["Cache-Control"].startswith("private")
    assert answer.headers["ETag"] != client.get("/v1/suggest?q=dupont").headers["ETag"]


@pytest.mark.parametrize(
    "header", ["Bearer essai.wrong", "Bearer nobody.x", "Bearer ", "Bearer", "Basic eDp5", "", "é"]
)
def test_a_wrong_secret_is_401_and_never_the_public_answer(client: FlaskClient, header: str) -> None:
    answer = client.get("/v1/suggest?q=dupont", headers={"Authorization": header})
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")
    assert answer.json["type"] == "/problems/bad-credentials"


# -- problems (RFC 9457) ----------------------------------------------------------------------------------------------

_VERIFY = "/v1/verify"
TYPED = "dupontsecret"
BAD = [
    ("GET", "/nope/" + TYPED, None, 404, "not-found"),
    ("GET", "/v1/practitioners/" + TYPED, None, 404, "not-found"),
    ("GET", "/v1/practitioners/%00", None, 400, "invalid-input"),
    ("GET", "/v1/organizations/" + TYPED, None, 404, "not-found"),
    ("GET", f"/v1/mailboxes/{TYPED}@x.fr", None, 404, "not-found"),
    ("GET", f"/v1/mailboxes/{'a' * 300}@x.fr", None, 400, "invalid-input"),
    ("GET", f"/v1/practitioners/{world.ZOE}?x={TYPED}", None, 400, "invalid-input"),
    ("GET", f"/v1/suggest?q={TYPED}&limit=21", None, 400, "invalid-input"),
    ("GET", f"/v1/suggest?text={TYPED}", None, 400, "invalid-input"),
    ("GET", "/v1/suggest?q=" + TYPED * 20, None, 400, "invalid-input"),
    ("GET", f"/v1/search?q={TYPED}&limit=101", None, 400, "invalid-input"),
    ("GET", f"/v1/search?q={TYPED}&type=XXX", None, 400, "invalid-input"),
    ("GET", f"/v1/search?q={TYPED}&cursor=xyz", None, 400, "invalid-input"),
    ("GET", "/v1/search?status=active", None, 400, "invalid-input"),
    ("GET", f"/v1/mailboxes/{ZOE_BOX}?at=2999-01-01", None, 400, "invalid-input"),
    ("POST", f"/v1/suggest?q={TYPED}", None, 405, "method-not-allowed"),
    ("GET", _VERIFY, None, 405, "method-not-allowed"),
    ("POST", _VERIFY, TYPED, 415, "unsupported-media-type"),
    ("POST", _VERIFY, {}, 400, "invalid-input"),
    ("POST", _VERIFY, {"address": TYPED}, 400, "invalid-input"),
    ("POST", _VERIFY, {"address": ZOE_BOX, "nom": TYPED}, 400, "invalid-input"),
    ("POST", _VERIFY, {"address": ZOE_BOX, "name": [TYPED]}, 400, "invalid-input"),
    ("POST", _VERIFY, {"address": ZOE_BOX, "at": TYPED}, 400, "invalid-input"),
    ("POST", _VERIFY, {"address": ZOE_BOX, "at": "2999-01-01"}, 400, "invalid-input"),
    ("POST", _VERIFY, {"address": ZOE_BOX, "at": "0001-01-01T00:00:00+23:00"}, 400, "invalid-input"),
    ("POST", _VERIFY, {"address": ZOE_BOX, "receipt": True}, 400, "invalid-input"),
    ("POST", _VERIFY, {"address": TYPED * 2000}, 413, "too-large"),
]


@pytest.mark.parametrize(("method", "url", "body", "status", "slug"), BAD)
def test_every_fault_is_a_problem_that_repeats_nothing(
    client: FlaskClient,
    caplog: pytest.LogCaptureFixture,
    method: str,
    url: str,
    body: object,
    status: int,
    slug: str,
) -> None:
    kind = {"data": body} if isinstance(body, str) else {"json": body} if body is not None else {}
    with caplog.at_level(logging.DEBUG):
        answer = client.open(url, method=method, **kind)
    assert (answer.status_code, answer.content_type) == (status, "application/problem+json")
    problem = answer.json
    assert problem["type"] == f"/problems/{slug}" and problem["status"] == status
    assert problem["title"] == PROBLEMS[slug][0] and problem["detail"]
    assert TYPED not in answer.text and TYPED not in caplog.text
    assert client.get(problem["type"]).status_code == 200


def test_405_says_what_is_allowed(client: FlaskClient) -> None:
    assert set(client.delete("/v1/suggest").headers["Allow"].split(", ")) == {"GET", "HEAD", "OPTIONS"}


def test_an_inner_fault_is_told_by_a_number_only(
    app: Flask, caplog: pytest.LogCaptureFixture, opened: tuple[Directory, str]
) -> None:
    broken = create_app(opened[0])

    @broken.get("/broken")
    def _broken() -> str:
        raise RuntimeError(TYPED)

    answer = broken.test_client().get("/broken")
    assert answer.status_code == 500 and answer.json["type"] == "/problems/internal"
    incident = answer.json["detail"].split()[-1].rstrip(".")
    assert incident in caplog.text and "RuntimeError" in caplog.text
    assert TYPED not in answer.text and TYPED not in caplog.text


def test_an_index_that_is_damaged_is_unavailable_over_both_faces(tmp_path: Path) -> None:
    """It was told as a fault of ours, 500 and 80, and each LDAP worker ended at its next second."""
    opened, _ = world.build_world(tmp_path)
    damage(tmp_path / "index" / "current")
    with closing(opened):
        answer = create_app(opened).test_client().get("/v1/suggest?q=dupont")
        assert answer.status_code == 503 and answer.json["detail"].endswith("lancez `annuaire index --rebuild`")
        assert answer.headers["Retry-After"] == "5"
        with pytest.raises(sqlite3.DatabaseError) as met:
            opened.mailbox(ZOE_BOX, View.ANONYMOUS)
        reply = internal_fault(met.value, 1, SEARCH_DONE)
        assert reply == result(1, SEARCH_DONE, 52, answer.json["detail"])
        _tell_build(opened)


def damage(build: Path) -> None:
    """Every table but what the build says of itself is lost."""
    with closing(sqlite3.connect(build.resolve())) as db:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        (size,) = db.execute("PRAGMA page_size").fetchone()
        roots = [
            root for (root,) in db.execute("SELECT rootpage FROM sqlite_schema WHERE rootpage > 0 AND name != 'meta'")
        ]
    with build.resolve().open("r+b") as file:
        for root in roots:
            file.seek((root - 1) * size)
            file.write(bytes(size))


def test_a_body_without_length_is_refused_and_not_cut(app: Flask) -> None:
    import io

    body = b'{"address":"a@b.fr"}\n' * 500_000
    answer = app.test_client().post(
        "/v1/verify/batch",
        input_stream=io.BytesIO(body),
        headers={"Transfer-Encoding": "chunked"},
        environ_overrides={"wsgi.input_terminated": True},
    )
    assert answer.status_code == 413


# -- the reference pages -----------------------------------------------------------------------------------------------


def test_the_reference_pages_name_every_route_parameter_and_problem(app: Flask) -> None:
    from pathlib import Path

    page = "".join(path.read_text(encoding="utf-8") for path in Path("docs/reference").glob("http-*.md"))
    routes = {
        rule.rule.replace("<path:identifier>", "{id}").replace("<address:", "{").replace("<", "{").replace(">", "}")
        for rule in app.url_map.iter_rules()
    }
    for route in routes:
        assert f" {route}`" in page, route
    fields = (*search_route.PARAMETERS, *FIELDS)
    for name in (*(p.name for p in fields), *(f"/problems/{s}" for s in PROBLEMS)):
        assert f"`{name}`" in page, name
