"""Verification over HTTP: the sender side, receipts, batches, the look-up that does not say whom it is about, and what
those who are not entitled may not learn of an unlisted mailbox."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import jwt
import pytest
import web_world as world
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from directory_service.index.directory import Directory
from directory_service.index.ranges import DIGITS
from directory_service.index.writer import build_index
from directory_service.registry import operators
from directory_service.registry.engine import open_registry, writing
from directory_service.settings import Settings
from directory_service.trust.ranges import SIZE
from directory_service.web import bodies
from directory_service.web.app import create_app

ZOE_BOX, HIDDEN, ABSENT = (
    "zoe.d-essai@medecin.mssante.fr",
    "cachee@medecin.mssante.fr",
    "absent@medecin.mssante.fr",
)


class World:
    """The application, its directory, and the headers of three operators: the one that holds the domains, one entitled
    to unlisted mailboxes, and one that is not."""

    def __init__(self, folder: Path) -> None:
        directory, secret = world.build_world(folder)
        directory.close()
        engine = open_registry(f"sqlite:///{folder / 'registry.sqlite'}")
        with writing(engine) as connection:
            secrets = {world.OPERATOR: secret}
            for name in ("hopital", "autre"):
                operators.add_operator(connection, name, actor="test")
                secrets[name] = operators.set_secret(connection, name, actor="test")
            operators.set_right(connection, "hopital", "unlisted", True, actor="test")
        build_index(engine, folder / "index", world.SUFFIX, workers=1)
        engine.dispose()
        self.directory = Directory(folder / "index", world.SUFFIX)
        self.app: Flask = create_app(self.directory, Settings(data=folder, issuer="https://annuaire.example"))
        self.bearer = {name: {"Authorization": f"Bearer {value}"} for name, value in secrets.items()} | {"": {}}


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    found = World(tmp_path_factory.mktemp("world"))
    yield found
    found.directory.close()


@pytest.fixture
def client(opened: World) -> FlaskClient:
    return opened.app.test_client()


def ask(client: FlaskClient, headers: dict[str, str] | None = None, **question: object) -> dict[str, object]:
    answer = client.post("/v1/verify", json=question, headers=headers)
    return dict(answer.json) | {"status": answer.status_code}


# -- the sender side --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("copied", [f"<{ZOE_BOX}>", f"mailto:{ZOE_BOX}", f'"Zoé"<{ZOE_BOX}>', f"{ZOE_BOX},"])
def test_what_was_copied_with_an_address_is_refused_not_judged(client: FlaskClient, copied: str) -> None:
    """Its domain is none, and was told as outside the trusted space."""
    answer = client.post("/v1/verify", json={"address": copied})
    assert (answer.status_code, answer.json["where"]) == (400, "paramètre address")


@pytest.mark.parametrize(
    ("asked", "named"), [({"address": "zoe"}, "address"), ({"address": ZOE_BOX, "at": "2999-01-01"}, "at")]
)
def test_a_question_that_cannot_be_judged_names_its_parameter(
    client: FlaskClient, asked: dict[str, str], named: str
) -> None:
    answer = client.post("/v1/verify", json=asked)
    assert (answer.status_code, answer.json["where"]) == (400, f"paramètre {named}")


@pytest.mark.parametrize("empty", ["", "  "])
@pytest.mark.parametrize("field", ["person", "name", "at", "operator"])
def test_an_empty_field_is_no_question_that_was_answered(client: FlaskClient, field: str, empty: str) -> None:
    answer = client.post("/v1/verify", json={"address": ZOE_BOX, field: empty})
    assert (answer.status_code, answer.json["where"]) == (400, f"paramètre {field}")


def test_an_operator_s_name_is_one_whatever_its_case(client: FlaskClient) -> None:
    said = {"address": "zoe.d-essai@medecin.mssante.fr", "as": "sender", "operator": world.OPERATOR.upper()}
    assert client.post("/v1/verify", json=said).json["operator"] == world.OPERATOR


def test_the_first_instants_are_written_in_full(client: FlaskClient) -> None:
    assert ask(client, address=ZOE_BOX, at="0001-01-01")["at"] == "0001-01-01T00:00:00Z"


def test_an_operator_asks_for_itself_without_saying_so(client: FlaskClient, opened: World) -> None:
    mine = ask(client, opened.bearer[world.OPERATOR], address=ZOE_BOX, **{"as": "sender"})
    assert mine["verdict"] == "verified" and mine["operator"] == world.OPERATOR
    other = ask(client, opened.bearer["autre"], address=ZOE_BOX, **{"as": "sender"})
    assert other["verdict"] == "mismatch" and "holder" not in other


def test_others_say_which_operator(client: FlaskClient, opened: World) -> None:
    named = {"address": ZOE_BOX, "as": "sender", "operator": world.OPERATOR}
    assert ask(client, **named)["verdict"] == "verified"
    assert ask(client, opened.bearer[world.OPERATOR], **named)["verdict"] == "verified"
    assert ask(client, opened.bearer["autre"], **named)["status"] == 403
    assert ask(client, address=ZOE_BOX, **{"as": "sender"})["where"] == "paramètre operator"
    assert ask(client, address=ZOE_BOX, operator="autre")["where"] == "paramètre operator"
    assert ask(client, address=ZOE_BOX, **{"as": "both"})["where"] == "paramètre as"


# -- receipts ---------------------------------------------------------------------------------------------------------


def test_a_receipt_is_checked_with_what_is_published(client: FlaskClient) -> None:
    answer = ask(client, address=ZOE_BOX, name="Zoé Martin", receipt=True)
    keys = client.get("/.well-known/jwks.json")
    assert keys.content_type == "application/jwk-set+json" and "max-age" in keys.headers["Cache-Control"]
    token = str(answer["receipt"])
    key = jwt.PyJWKSet.from_json(keys.text)[jwt.get_unverified_header(token)["kid"]]
    claims = jwt.decode(token, key, algorithms=["ES256"], issuer="https://annuaire.example")
    assert claims["verdict"] == answer["verdict"] == "mismatch" and claims["build"] == answer["build"]
    assert claims["reasons"] == [reason["code"] for reason in answer["reasons"]]
    assert not any("d" in key for key in keys.json["keys"])


def test_a_private_receipt_comes_with_its_salts(client: FlaskClient) -> None:
    answer = ask(client, address=ZOE_BOX, receipt="private")
    claims = jwt.decode(str(answer["receipt"]), options={"verify_signature": False})
    salted = answer["receipt_salts"]["address"] + ZOE_BOX
    assert claims["asked_sha256"] == {"address": hashlib.sha256(salted.encode()).hexdigest()}
    assert ask(client, address=ZOE_BOX, receipt="public")["where"] == "paramètre receipt"


def test_a_patients_address_has_a_receipt_too(client: FlaskClient) -> None:
    answer = ask(client, address="255081416802538@patient.mssante.fr", receipt="private")
    claims = jwt.decode(str(answer["receipt"]), options={"verify_signature": False})
    assert (claims["verdict"], claims["reasons"]) == ("verified", ["patient_rule"])
    assert "255081416802538" not in json.dumps(claims)


def test_patients_are_in_no_list(client: FlaskClient, opened: World) -> None:
    for route in ("/v1/suggest?q={}", "/v1/search?address={}", "/v1/search?q={}"):
        for text in ("255081416802538", "255081416802538@patient.mssante.fr", "patient.mssante.fr"):
            assert client.get(route.format(text), headers=opened.bearer["hopital"]).json["items"] == []
    assert client.get("/v1/mailboxes/255081416802538@patient.mssante.fr").status_code == 404


# -- batches ----------------------------------------------------------------------------------------------------------


def test_a_batch_is_sent_as_it_comes_and_mixes_all_kinds_of_questions(client: FlaskClient) -> None:
    lines = [
        {"address": ZOE_BOX, "receipt": True},
        {"address": ZOE_BOX, "as": "sender"},
        {"address": ZOE_BOX, "as": "sender", "operator": world.OPERATOR},
        {"address": "255081416802538@patient.mssante.fr"},
    ] * 200
    answer = client.post("/v1/verify/batch", data=b"\n".join(json.dumps(line).encode() for line in lines))
    parts = list(answer.iter_encoded())
    assert answer.is_streamed and len(parts) > 1
    found = [json.loads(line) for line in b"".join(parts).splitlines()]
    assert [f.get("verdict") or f["where"] for f in found[:4]] == [
        "verified",
        "ligne 2, paramètre operator",
        "verified",
        "verified",
    ]
    assert len(found) == 800 and len({f["receipt"] for f in found[::4]}) == 200


@pytest.mark.parametrize("field", ["as", "receipt", "address"])
def test_lists_within_lists_stop_no_batch(client: FlaskClient, field: str) -> None:
    deep = b'{"address":"a@b.fr","%s":%s1%s}' % (field.encode(), b"[" * 1000, b"]" * 1000)
    if field == "address":
        deep = deep.replace(b'"address":"a@b.fr",', b"")
    assert client.post("/v1/verify", data=deep, content_type="application/json").status_code == 400
    answer = client.post("/v1/verify/batch", data=deep + b'\n{"address":"a@b.fr"}')
    first, second = map(json.loads, answer.data.splitlines())
    assert first["status"] == 400 and "verdict" in second


def test_a_line_is_no_longer_than_a_question(client: FlaskClient) -> None:
    answer = client.post("/v1/verify/batch", data=b'{"address":"' + b"a" * 20_000 + b'"}')
    assert json.loads(answer.data)["type"] == "/problems/limit-exceeded"


@pytest.mark.parametrize("line", [b"\n", b"ab\r", b"x\r\n"])
def test_too_many_lines_are_refused_before_they_are_parted(client: FlaskClient, line: bytes) -> None:
    answer = client.post("/v1/verify/batch", data=line * (bodies.BATCH_LIMIT // len(line)))
    assert answer.json["type"] == "/problems/limit-exceeded"
    assert client.post("/v1/verify/batch", data=b"\r\n" * bodies.MOST_LINES).status_code == 200


def test_a_batch_without_an_index_is_one_problem(tmp_path: Path) -> None:
    empty = Directory(tmp_path, world.SUFFIX)
    answer = create_app(empty).test_client().post("/v1/verify/batch", data=b'{"address":"a@b.fr"}')
    assert answer.status_code == 503
    empty.close()


# -- by range of hashes -----------------------------------------------------------------------------------------------


def found_in_range(client: FlaskClient, address: str, **headers: str) -> str | None:
    digits = hashlib.sha256(address.encode()).hexdigest()
    answer = client.get(f"/v1/verify/range/{digits[:DIGITS]}", headers=headers)
    assert len(answer.json["verdicts"]) == SIZE and answer.json["range"] == digits[:DIGITS]
    return dict(answer.json["verdicts"]).get(digits[DIGITS:])


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        (ZOE_BOX, "verified"),
        ("marie.lefevre@medecin.mssante.fr", "inactive"),
        ("ailleurs@nulle-part.fr", "untrusted_domain"),
        ("ancienne@medecin.mssante.fr", None),
        (HIDDEN, None),
        (ABSENT, None),
        ("255081416802538@patient.mssante.fr", None),
    ],
)
def test_an_address_is_verified_without_being_said(client: FlaskClient, address: str, expected: str | None) -> None:
    assert found_in_range(client, address) == expected
    if expected:
        assert ask(client, address=address)["verdict"] == expected


def test_whose_domain_is_the_patients_is_a_setting_of_ranges_too(opened: World, tmp_path: Path) -> None:
    """``/v1/verify`` judged by the setting, and ranges by its default."""
    shared = "partage@cabinet.mssante.fr"
    client = create_app(opened.directory, Settings(data=tmp_path, patient_domain="cabinet.mssante.fr")).test_client()
    assert ask(client, address=shared)["verdict"] == "unknown_address"
    assert found_in_range(client, shared) is None
    assert found_in_range(opened.app.test_client(), shared) == "verified"


def test_nobody_finds_an_unlisted_mailbox_by_range(client: FlaskClient, opened: World) -> None:
    for headers in opened.bearer.values():
        assert found_in_range(client, HIDDEN, **headers) is None


def test_what_ranges_are_filled_with_is_a_secret_of_the_build(tmp_path: Path) -> None:
    """Made of what everybody knows, fillings would be told from the others by computing them."""
    found = []
    for name in ("one", "other"):
        built = World(tmp_path / name)
        found.append(set(built.app.test_client().get("/v1/verify/range/000").json["verdicts"]))
        built.directory.close()
    assert not found[0] & found[1]


def test_ranges_are_of_one_size_and_stay_the_same_for_a_build(client: FlaskClient) -> None:
    """Those that hold an address and those that hold none."""
    held = hashlib.sha256(ZOE_BOX.encode()).hexdigest()[:DIGITS]
    answers = [client.get(f"/v1/verify/range/{start}") for start in (held, "000", "001", "FFF")]
    assert len({len(a.data) for a in answers}) == 1
    again = client.get("/v1/verify/range/000", headers={"If-None-Match": answers[1].headers["ETag"]})
    assert again.status_code == 304
    assert client.get("/v1/verify/range/000").data == answers[1].data
    for wrong in ("00", "0000", "00g", "%20%20%20", "٠٠٠"):
        refused = client.get(f"/v1/verify/range/{wrong}")
        assert (refused.status_code, refused.json["where"]) == (400, "paramètre start")


# -- hidden and absent ------------------------------------------------------------------------------------------------

_ASKED: tuple[dict[str, object], ...] = (
    {},
    {"person": world.PAUL},
    {"name": "Paul Martin"},
    {"name": "Paul Martn"},
    {"at": world.BETWEEN},
    {"as": "sender", "operator": world.OPERATOR},
    {"as": "sender", "operator": "personne"},
)


def steps(directory: Directory, work: Callable[[], object]) -> tuple[int, list[str]]:
    """Instructions that SQLite runs, and the statements."""
    reader = directory._reader(time.monotonic())
    counted, said = [0], list[str]()

    def count() -> int:
        counted[0] += 1
        return 0

    reader.connection.set_progress_handler(count, 1)
    reader.connection.set_trace_callback(said.append)
    try:
        work()
    finally:
        reader.connection.set_progress_handler(None, 0)
        reader.connection.set_trace_callback(None)
    return counted[0], said


@pytest.mark.parametrize("question", _ASKED, ids=str)
@pytest.mark.parametrize("who", ["", "autre"])
def test_hidden_and_absent_are_the_same_octets_by_the_same_work(
    client: FlaskClient, opened: World, who: str, question: dict[str, object]
) -> None:
    """Addresses of one length: they stand in the answer.  Only the instant may differ."""
    headers = opened.bearer[who]
    if who and question.get("operator"):
        question = {"as": "sender"}  # operators ask for themselves
    for _ in range(2):  # the first may find another state of the caches
        told: list[TestResponse] = []
        work: list[tuple[int, list[str]]] = []
        for address in (HIDDEN, ABSENT):
            asked = {"address": address, **question}

            def post(asked: dict[str, object], told: list[TestResponse]) -> None:
                told.append(client.post("/v1/verify", json=asked, headers=headers))

            work.append(steps(opened.directory, partial(post, asked, told)))
    bodies = [a.data.replace(asked.encode(), b"?") for a, asked in zip(told, (HIDDEN, ABSENT), strict=True)]
    instants = [json.loads(body)["at"].encode() for body in bodies]
    bodies = [body.replace(at, b"now") for body, at in zip(bodies, instants, strict=True)]
    assert bodies[0] == bodies[1]
    # The second request is one more that was asked.
    assert {name: v for name, v in told[0].headers if name not in ("Date", "RateLimit")} == {
        name: v for name, v in told[1].headers if name not in ("Date", "RateLimit")
    }
    assert work[0][0] == work[1][0] and len(work[0][1]) == len(work[1][1])


def test_receipts_of_hidden_and_absent_differ_in_the_address_alone(client: FlaskClient) -> None:
    claims = []
    for address in (HIDDEN, ABSENT):
        token = str(ask(client, address=address, receipt=True)["receipt"])
        found = jwt.decode(token, options={"verify_signature": False})
        claims.append({**found, "iat": 0, "jti": "", "at": ""})
        assert claims[-1].pop("asked") == {"address": address, "as": "recipient"}
    assert claims[0] == claims[1]


def test_the_entitled_verify_an_unlisted_mailbox_and_find_it_nowhere_else(client: FlaskClient, opened: World) -> None:
    for who in ("hopital", world.OPERATOR):
        headers = opened.bearer[who]
        assert ask(client, headers, address=HIDDEN, person=world.PAUL)["verdict"] == "verified"
        assert client.get(f"/v1/mailboxes/{HIDDEN}", headers=headers).status_code == 404
        assert client.get(f"/v1/suggest?q={HIDDEN}", headers=headers).json["items"] == []
        assert client.get(f"/v1/search?address={HIDDEN}", headers=headers).json["items"] == []
    owner = ask(client, opened.bearer[world.OPERATOR], address=HIDDEN, **{"as": "sender"})
    assert owner["verdict"] == "verified"
