"""The W3C Reconciliation API 0.2, as OpenRefine asks it: every answer is held to what the specification demands."""

from __future__ import annotations

from pathlib import Path

import orjson
import pytest
import reconcile_schemas as demanded
import web_world as world
from flask.testing import FlaskClient

from directory_service.index.directory import Directory
from directory_service.settings import Settings
from directory_service.web.app import create_app
from directory_service.web.reconciliation.manifest import BATCH

ZOE = f"practitioners/{world.ZOE}"
HOSPITAL = f"organizations/1{world.HOSPITAL_FINESS}"
HERE = "/v1/reconcile"


def ask(client: FlaskClient, **queries: object) -> dict[str, list[dict[str, object]]]:
    """As OpenRefine does: a form with the JSON of a batch."""
    demanded.check(demanded.QUERIES, queries)
    answer = client.post(HERE, data={"queries": orjson.dumps(queries).decode()})
    assert answer.status_code == 200, answer.text
    demanded.check(demanded.RESULTS, answer.json)
    return {name: found["result"] for name, found in answer.json.items()}


def test_the_manifest_says_what_is_there(client: FlaskClient) -> None:
    answer = client.get(HERE)
    demanded.check(demanded.MANIFEST, answer.json)
    told = answer.json
    assert [t["id"] for t in told["defaultTypes"]] == ["practitioner", "organization", "mailbox"]
    assert told["batchSize"] == BATCH
    assert told["identifierSpace"] == "http://localhost/v1/"
    assert answer.headers["Access-Control-Allow-Origin"] == "*"


def test_a_batch_has_one_result_a_query(client: FlaskClient) -> None:
    found = ask(
        client,
        q0={"query": "Zoé D'ESSAI", "type": "practitioner", "properties": [{"pid": "town", "v": "Lyon"}]},
        q1={"query": "dupont jean", "type": "practitioner", "limit": 2},
        q2={"query": "Centre hospitalier d'Essai", "type": "organization", "type_strict": "should"},
        q3={"query": "personne de ce nom", "type": "practitioner"},
        q4={"query": "jean.dupont@medecin.mssante.fr", "type": "mailbox"},
    )
    best = found["q0"][0]
    assert (best["id"], best["name"], best["match"]) == (ZOE, "Dr Zoé D'ESSAI", True)
    assert {f["id"] for f in best["features"]} >= {"name", "town"}
    assert [c["match"] for c in found["q1"]] == [False, False]
    assert found["q2"][0]["id"] == HOSPITAL
    assert found["q3"] == []
    assert [(c["id"], c["match"]) for c in found["q4"]] == [("mailboxes/jean.dupont@medecin.mssante.fr", True)]


@pytest.mark.parametrize(
    ("text", "properties"),
    [
        ("D'Essai", {"given_names": "Zoé"}),
        ("Zoé", {"family_name": "D'ESSAI"}),
        ("D'Essai Zoé", {"given_names": "ZOE"}),
        ("Dr Zoé D'Essai", {"family_name": "D'Essai"}),
        ("D'Essai", {"family_name": "D'Essai", "given_names": "Zoé"}),
        ("", {"family_name": "D'Essai", "given_names": "Zoé"}),
    ],
)
def test_a_name_may_be_in_two_columns(client: FlaskClient, text: str, properties: dict[str, str]) -> None:
    said = [{"pid": name, "v": value} for name, value in (properties | {"town": "Lyon"}).items()]
    (found,) = ask(client, q={"query": text, "type": "practitioner", "properties": said}).values()
    assert [(c["id"], c["match"]) for c in found] == [(ZOE, True)]


@pytest.mark.parametrize(
    ("pid", "value"),
    [
        ("rpps", world.ZOE[1:]),
        ("rpps", int(world.ZOE[1:])),
        ("rpps", float(world.ZOE[1:])),
        ("adeli", world.ZOE_ADELI),
        ("mailbox", "zoe.d-essai@medecin.mssante.fr"),
        ("rpps", [world.ZOE[1:], "autre"]),
    ],
)
def test_properties_alone_find(client: FlaskClient, pid: str, value: object) -> None:
    found = ask(client, q={"type": "practitioner", "properties": [{"pid": pid, "v": value}]})["q"]
    assert [(c["id"], c["match"]) for c in found] == [(ZOE, True)]


def test_of_two_properties_that_say_one_thing_the_first_counts(client: FlaskClient) -> None:
    said = [{"pid": "rpps", "v": world.ZOE[1:]}, {"pid": "national_id", "v": world.JEAN}]
    for properties, expected in ((said, world.ZOE), (said[::-1], world.JEAN)):
        found = ask(client, q={"type": "practitioner", "properties": properties})["q"]
        assert [c["id"] for c in found] == [f"practitioners/{expected}"]


def test_a_structure_that_was_reconciled_is_a_property_too(client: FlaskClient) -> None:
    place = {"id": HOSPITAL, "name": "CENTRE HOSPITALIER D'ESSAI"}
    query = {"query": "D'Essai Zoé", "type": "practitioner", "properties": [{"pid": "structure", "v": place}]}
    assert ask(client, q=query)["q"][0]["match"] is True


def test_without_a_type_people_and_structures_are_asked(client: FlaskClient) -> None:
    found = ask(client, q={"query": "essai", "limit": 10})["q"]
    assert {t["id"] for c in found for t in c["type"]} == {"practitioner", "organization"}
    assert ask(client, q={"query": "essai", "type": "/people/person"})["q"] == []


@pytest.mark.parametrize("name", ["queries", "extend"])
def test_which_parameter_is_no_json_is_said(client: FlaskClient, name: str) -> None:
    """Not the body, which ``GET`` has none of."""
    for answer in (
        client.get("/v1/reconcile", query_string={name: "{"}),
        client.post("/v1/reconcile", data={name: "{"}),
    ):
        assert (answer.status_code, answer.json["where"]) == (400, f"paramètre {name}")


def test_the_query_may_come_in_the_query_string_or_as_json(client: FlaskClient) -> None:
    batch = {"q0": {"query": "zoe essai", "type": "practitioner"}}
    by_get = client.get(HERE, query_string={"queries": orjson.dumps(batch).decode()})
    by_json = client.post(HERE, json={"queries": batch})
    by_form = client.post(HERE, data={"queries": orjson.dumps(batch, option=orjson.OPT_INDENT_2).decode()})
    assert by_get.json == by_json.json == by_form.json
    single = client.get(HERE, query_string={"query": '{"query":"zoe essai","type":"practitioner"}'})
    assert single.json == by_get.json["q0"]
    assert client.get(HERE, query_string={"query": "zoe essai"}).json["result"]


def test_mailboxes_by_their_holder_and_look_alikes(client: FlaskClient) -> None:
    by_name = ask(client, q={"query": "Jean DUPONT", "type": "mailbox", "limit": 9})["q"]
    assert "mailboxes/jean.dupont@medecin.mssante.fr" in [c["id"] for c in by_name]
    assert not any(c["match"] for c in by_name)
    near = ask(client, q={"query": "jean.dup0nt@medecin.mssante.fr", "type": "mailbox"})["q"]
    assert [(c["name"], c["match"]) for c in near] == [("jean.dupont@medecin.mssante.fr", False)]


def test_extension_gives_the_values(client: FlaskClient) -> None:
    wanted = [{"id": i} for i in ("rpps", "profession", "mailbox", "town", "structure", "unheard-of")]
    query = {"ids": [ZOE, HOSPITAL, "practitioners/nobody", "nonsense"], "properties": wanted}
    demanded.check(demanded.EXTENSION_QUERY, query)
    answer = client.post(HERE, data={"extend": orjson.dumps(query).decode()}).json
    demanded.check(demanded.EXTENSION, answer)
    zoe = answer["rows"][ZOE]
    assert zoe["rpps"] == [{"str": world.ZOE[1:]}]
    assert zoe["town"] == [{"str": "LYON"}]
    assert zoe["mailbox"][0] == {"str": "zoe.d-essai@medecin.mssante.fr"}
    assert zoe["structure"] == [{"id": HOSPITAL, "name": "CENTRE HOSPITALIER D'ESSAI"}]
    assert zoe["unheard-of"] == []
    assert set(map(str, answer["rows"]["practitioners/nobody"].values())) == {"[]"}
    assert next(m for m in answer["meta"] if m["id"] == "structure")["type"]["id"] == "organization"


def test_unlisted_mailboxes_are_in_no_answer(client: FlaskClient) -> None:
    hidden = "cachee@medecin.mssante.fr"
    assert ask(client, q={"query": hidden, "type": "mailbox"})["q"] == []
    assert ask(client, q={"query": "Paul MARTIN", "type": "mailbox"})["q"] == []
    extended = {"ids": [f"mailboxes/{hidden}", f"practitioners/{world.PAUL}"], "properties": [{"id": "mailbox"}]}
    rows = client.post(HERE, json={"extend": extended}).json["rows"]
    assert [*rows.values()] == [{"mailbox": []}, {"mailbox": []}]
    assert client.get(f"{HERE}/preview?id=mailboxes/{hidden}").status_code == 404
    assert client.get(f"{HERE}/suggest/entity?prefix={hidden}").json == {"result": []}


def test_suggestions(client: FlaskClient) -> None:
    entities = client.get(f"{HERE}/suggest/entity?prefix=essa").json
    demanded.check(demanded.ENTITIES, entities)
    assert {e["id"] for e in entities["result"]} >= {ZOE, HOSPITAL}
    properties = client.get(f"{HERE}/suggest/property?prefix=comm").json
    demanded.check(demanded.PROPERTIES, properties)
    assert [p["id"] for p in properties["result"]] == ["town"]
    types = client.get(f"{HERE}/suggest/type?prefix=str").json
    demanded.check(demanded.TYPES, types)
    assert [t["id"] for t in types["result"]] == ["organization"]
    only = client.get(f"{HERE}/suggest/entity?prefix=essa&type=organization&lang=fr").json["result"]
    assert [e["id"] for e in only] == [HOSPITAL]
    assert client.get(f"{HERE}/suggest/entity?prefix=").json == {"result": []}
    assert client.get(f"{HERE}/suggest/other?prefix=x").status_code == 404


def test_properties_are_proposed_by_type(client: FlaskClient) -> None:
    found = client.get(f"{HERE}/properties?type=mailbox&limit=3").json
    demanded.check(demanded.PROPOSAL, found)
    assert (found["type"], found["limit"], len(found["properties"])) == ("mailbox", 3, 3)


def test_completions_go_on_where_the_cursor_is(client: FlaskClient) -> None:
    all_of_them = client.get(f"{HERE}/suggest/entity?prefix=essa").json["result"]
    assert len(all_of_them) > 1
    assert client.get(f"{HERE}/suggest/entity?prefix=essa&cursor=1").json["result"] == all_of_them[1:]


def test_of_a_sure_person_with_two_boxes_neither_is_sure(client: FlaskClient) -> None:
    by_number = {"type": "mailbox", "properties": [{"pid": "rpps", "v": world.ZOE[1:]}]}
    assert [c["match"] for c in ask(client, q=by_number)["q"]] == [False, False]


def test_an_entity_is_previewed_and_viewed(client: FlaskClient) -> None:
    page = client.get(f"{HERE}/preview?id={ZOE}")
    assert page.content_type == "text/html; charset=utf-8"
    assert "Dr Zoé D&#x27;ESSAI" in page.text
    assert "<dd>en exercice</dd>" in page.text
    assert "<dd>ouverte</dd>" in client.get(f"{HERE}/preview?id={HOSPITAL}").text
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]
    seen = client.get(f"{HERE}/view?id={ZOE}", follow_redirects=True)
    assert seen.json["id"] == world.ZOE
    assert client.get(f"{HERE}/view?id=nonsense").status_code == 404


@pytest.mark.parametrize(
    ("form", "status"),
    [
        ({"queries": "{"}, 400),
        ({"queries": "[]"}, 400),
        ({"queries": '{"q0": {}}'}, 400),
        ({"queries": '{"q0": {"query": 3}}'}, 400),
        ({"queries": '{"q0": {"query": "a", "limit": "many"}}'}, 400),
        ({"queries": '{"q0": {"query": "a", "properties": [{"pid": "town"}]}}'}, 400),
        ({"queries": '{"q0": {"query": "a", "unknown": 1}}'}, 400),
        ({"extend": '{"ids": "a"}'}, 400),
        ({"queries": "{}", "extend": "{}"}, 400),
        ({"other": "{}"}, 400),
        ({"queries": orjson.dumps({f"q{n}": {"query": "a"} for n in range(BATCH + 1)}).decode()}, 422),
    ],
)
def test_bad_requests_are_told(client: FlaskClient, form: dict[str, str], status: int) -> None:
    answer = client.post(HERE, data=form)
    assert answer.content_type == "application/problem+json"
    assert answer.status_code == status


def test_a_form_that_asks_twice_is_told_so(client: FlaskClient) -> None:
    """Of two the last was answered; four were told that they were no UTF-8."""
    for form in ("query=essai&query=dupont", "&".join(f"query={n}" for n in range(4))):
        answer = client.post(HERE, data=form, content_type="application/x-www-form-urlencoded")
        assert (answer.status_code, answer.json["detail"][:12]) == (400, "un seul de :")


def test_a_query_that_does_not_read_stops_no_other_of_its_batch(client: FlaskClient) -> None:
    said = {"q0": {"query": "zoe essai"}, "q1": {"query": ""}, "q2": {"query": "zoe essai", "limit": 0}}
    answer = client.post(HERE, json={"queries": said})
    assert answer.status_code == 200
    assert answer.json["q0"] == client.post(HERE, json={"query": said["q0"]}).json
    for name, where in (("q1", "query"), ("q2", "limit")):
        found = answer.json[name]
        assert (found["result"], found["error"]["status"], found["error"]["where"]) == ([], 400, where)


def test_pages_of_other_sites_may_ask(client: FlaskClient) -> None:
    answer = client.options(HERE, headers={"Origin": "http://127.0.0.1:3333", "Access-Control-Request-Method": "POST"})
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert "POST" in answer.headers["Access-Control-Allow-Methods"]
    assert client.get(f"{HERE}?callback=f").status_code == 400  # no JSONP


# --- /v1/match -------------------------------------------------------------------------------------------------------


def test_one_line_is_matched(client: FlaskClient) -> None:
    line = {"family": "D'ESSAI", "given": "Zoé", "town": "Lyon", "address": "ancienne@medecin.mssante.fr"}
    found = client.post("/v1/match", json=line).json
    assert (found["state"], found["outcome"], found["mailbox"]) == ("closed", "sure", None)  # two do as well
    assert found["mailboxes"] == ["reprise@cabinet.mssante.fr", "zoe.d-essai@medecin.mssante.fr"]
    assert client.post("/v1/match", json={"nickname": "x"}).status_code == 400
    assert client.post("/v1/match", data="x").status_code == 415


def test_whose_domain_is_the_patients_is_a_setting_of_matching_too(opened: Directory, tmp_path: Path) -> None:
    """Addresses were judged by its default."""
    settings = Settings(data=tmp_path, patient_domain="cabinet.mssante.fr")
    told = []
    for client in (create_app(opened, settings).test_client(), create_app(opened).test_client()):
        line = {"address": "partage@cabinet.mssante.fr"}
        batch = client.post("/v1/match/batch", data=orjson.dumps(line), buffered=True)
        page = client.post("/nettoyage", data={"texte": f"Mail;Nom\n{line['address']};"}).text
        states = client.post("/v1/match", json=line).json["state"], orjson.loads(batch.data)["state"]
        told.append((*states, "adresse en service" in page))
    assert told == [("unknown", "unknown", False), ("current", "current", True)]


def test_a_batch_is_answered_line_by_line(client: FlaskClient) -> None:
    lines = [{"identifier": world.ZOE[1:]}, {"unknown": "x"}, {"address": "cachee@medecin.mssante.fr"}]
    answer = client.post("/v1/match/batch", data=b"\n".join(map(orjson.dumps, lines)))
    found = [orjson.loads(line) for line in answer.data.splitlines()]
    assert answer.content_type == "application/x-ndjson"
    assert found[0]["candidates"][0]["id"] == world.ZOE
    assert (found[1]["status"], found[1]["where"]) == (400, "ligne 2, description")
    assert (found[2]["state"], found[2]["candidates"]) == ("unknown", [])
    too_many = client.post("/v1/match/batch", data=b"{}\n" * 10_001)
    assert too_many.status_code == 422
