"""Publication by operators (contract.md §3): who may, what is refused and how, what a write does and does not do."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

import factories as f
import pytest
from publication_world import (
    BOX,
    CLINIC,
    HOSPITAL,
    JEAN,
    OURS,
    THEIRS,
    ZOE,
    Publishing,
    lines_of,
    organizational,
    personal,
)
from registry_factories import add
from sqlalchemy import Engine, insert, update

from directory_service.registry import operators
from directory_service.registry.engine import open_registry, writing
from directory_service.registry.tables import binding, decision
from directory_service.web.app import create_app

FOREIGN = f"jean@{THEIRS}"


@pytest.fixture
def here(registry: Engine, tmp_path: Path) -> Iterator[Publishing]:
    world = Publishing(registry, tmp_path, publication_wait=0.3)
    yield world
    world.close()


@pytest.fixture(scope="module")
def shared(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Publishing]:
    """One for all tests that write nothing."""
    folder = tmp_path_factory.mktemp("publication")
    shutil.copy(sqlite_template, folder / "registry.sqlite")
    engine = open_registry(f"sqlite:///{folder / 'registry.sqlite'}")
    world = Publishing(engine, folder)
    yield world
    world.close()
    engine.dispose()


# --- writing one ------------------------------------------------------------------------------------------------------


def test_put_creates_then_changes_then_changes_nothing(here: Publishing) -> None:
    created = here.put(BOX, personal(description="Cabinet"))
    assert (created.status_code, created.json["act"], created.json["changed"]) == (201, "create", True)
    assert created.json["publication"]["holder"] == {"person": "8" + ZOE}
    changed = here.put(BOX, personal(description="Cabinet", paperless=True))
    assert (changed.status_code, changed.json["act"]) == (200, "update")
    before = here.entries()
    again = here.put(BOX, personal(description="Cabinet", paperless=True))
    assert (again.status_code, again.json["changed"], again.json["act"]) == (200, False, None)
    assert again.headers["ETag"] == changed.headers["ETag"] != created.headers["ETag"]
    assert here.entries() == before
    assert [(e.kind, e.actor, e.run_id) for e in here.journal()] == [
        ("create", "essai", None),
        ("update", "essai", None),
    ]


def test_who_may_publish_no_more_gets_no_answer_again(here: Publishing) -> None:
    """Nor that of a key that it used when it might; the index need not know yet."""
    line = personal() | {"address": f"b@{OURS}"}
    assert here.put(BOX, personal(unlisted=True), Idempotency_Key="un").status_code == 201
    assert here.batch([line], Idempotency_Key="deux").status_code == 200
    with writing(here.engine) as connection:
        operators.set_right(connection, "essai", "publish", False, actor="tests")
    assert here.put(BOX, personal(unlisted=True), Idempotency_Key="un").status_code == 403
    assert here.batch([line], Idempotency_Key="deux").status_code == 403


DEEP = b"[" * 1000 + b"1" + b"]" * 1000
NESTED = b'{"a":' * 1000 + b"1" + b"}" * 1000


@pytest.mark.parametrize(
    "more", [b'"op":"patch","holder":' + NESTED, b'"type":' + DEEP, b'"if_match":' + DEEP, b'"contacts":' + DEEP]
)
def test_what_is_nested_without_end_is_refused_and_stops_nobody(here: Publishing, more: bytes) -> None:
    here.put(BOX, personal())
    lines = lines_of(here.batch([b'{"address":"%s",%s}' % (BOX.encode(), more), personal() | {"address": f"b@{OURS}"}]))
    assert [line["status"] for line in lines] == [422, 201]
    assert here.patch(BOX, b"{%s}" % more.removeprefix(b'"op":"patch",')).status_code == 422


def test_the_address_is_one_whatever_its_case(here: Publishing) -> None:
    assert here.put(BOX.upper(), personal()).status_code == 201
    assert here.put(BOX, personal()).json["changed"] is False
    assert here.put(f"\N{KELVIN SIGN}ine@{OURS}", personal()).status_code == 422  # of which ``lower`` makes a k


def test_a_move_closes_the_binding_of_the_former_holder_and_keeps_it(here: Publishing) -> None:
    here.put(BOX, personal(ZOE))
    assert here.put(BOX, personal(JEAN)).json["act"] == "update"
    assert here.stretches(BOX) == [(1, False), (2, True)]


def test_delete_closes_and_put_opens_again(here: Publishing) -> None:
    here.put(BOX, personal())
    closed = here.delete(BOX)
    assert (closed.status_code, closed.json["status"], closed.json["act"]) == (200, "closed", "close")
    assert here.delete(BOX).json["changed"] is False
    assert here.patch(BOX, {"service": "Accueil"}).status_code == 410
    reopened = here.put(BOX, personal())
    assert (reopened.status_code, reopened.json["act"]) == (200, "reopen")
    assert here.stretches(BOX) == [(1, False), (1, True)]


def test_patch_changes_what_it_names_and_takes_away_what_it_nulls(here: Publishing) -> None:
    here.put(BOX, personal(service="Accueil", description="Cabinet", purposes=["report"]))
    patched = here.patch(BOX, {"service": None, "holder": {"structure": HOSPITAL}, "rank": 2}).json["publication"]
    assert patched == personal("8" + ZOE, description="Cabinet", rank=2, purposes=["report"], contacts=[],
                               unlisted=False, preferred=False) | {"holder": {"person": "8" + ZOE,
                                                                             "structure": "1" + HOSPITAL}}  # fmt: skip
    assert here.patch(BOX, {"rank": 2}).json["changed"] is False
    assert here.patch(f"personne@{OURS}", {}).status_code == 404


@pytest.mark.parametrize(
    "body",
    [
        personal(ZOE, rank=1, purposes=["report", "urgent"], contacts=[{"system": "apicrypt", "value": "zoe.essai"}]),
        {"type": "CAB", "holder": {"person": "8" + ZOE}, "responsible": "Secrétariat"},
        organizational(service="Cardiologie", responsible="Chef de service", unlisted=True),
        {"type": "APP", "holder": {"structure": "F" + HOSPITAL}, "description": "Laboratoire"},
    ],
    ids=["PER", "CAB", "ORG", "APP"],
)
def test_what_was_published_reads_back_from_the_index_and_publishes_again_unchanged(
    here: Publishing, body: dict[str, Any]
) -> None:
    written = here.put(BOX, body)
    assert written.status_code == 201, written.json
    here.follower.catch_up()
    read = here.ask("GET", f"{BOX}/publication")
    assert read.json["publication"] == written.json["publication"]
    assert read.headers["ETag"] == written.headers["ETag"]
    assert here.put(BOX, read.json["publication"], If_Match=read.headers["ETag"]).json["changed"] is False


# --- who may ----------------------------------------------------------------------------------------------------------


WRITES = [("PUT", personal()), ("PATCH", {}), ("DELETE", None)]


@pytest.mark.parametrize(("method", "body"), WRITES)
def test_nobody_publishes_without_a_secret(shared: Publishing, method: str, body: object) -> None:
    for secret in ("", "essai.faux"):
        answer = shared.ask(method, BOX, body, secret=secret)
        assert (answer.status_code, answer.json["type"]) == (401, "/problems/bad-credentials")
        assert "WWW-Authenticate" in answer.headers
    assert shared.batch([], secret="").status_code == 401
    assert shared.ask("GET", f"{BOX}/publication", secret="").status_code == 401


@pytest.mark.parametrize(("method", "body"), WRITES)
def test_a_domain_of_another_operator_is_refused_alike_whether_the_box_exists_or_not(
    here: Publishing, method: str, body: object
) -> None:
    with writing(here.engine) as connection:
        operators.add_domain(connection, "essai", THEIRS, actor="tests")
    here.put(FOREIGN, personal())
    with writing(here.engine) as connection:
        operators.remove_domain(connection, "essai", THEIRS, actor="tests")
    there, nowhere = (here.ask(method, address, body) for address in (FOREIGN, f"personne@{THEIRS}"))
    assert there.status_code == nowhere.status_code == 403
    assert there.data == nowhere.data
    (line,) = lines_of(here.batch([{"address": FOREIGN} | personal()]))
    assert line["status"] == 403


def test_a_suspended_operator_touches_nothing_not_even_before_the_index_knows(here: Publishing) -> None:
    here.put(BOX, personal())
    with writing(here.engine) as connection:
        operators.suspend(connection, "essai", actor="tests")
    before = here.entries()
    assert here.put(BOX, personal(JEAN)).status_code == 403
    assert here.delete(BOX).status_code == 403
    assert here.batch([{"address": BOX} | personal(JEAN)]).status_code == 403
    assert here.entries() == before


def test_an_operator_without_the_right_to_publish_is_refused(here: Publishing) -> None:
    with writing(here.engine) as connection:
        operators.set_right(connection, "essai", "publish", False, actor="tests")
    assert here.put(BOX, personal()).status_code == 403
    with writing(here.engine) as connection:
        operators.set_right(connection, "essai", "publish", True, actor="tests")
    assert here.put(BOX, personal()).status_code == 201


def test_an_unlisted_box_is_read_by_its_operator_and_by_nobody_else(here: Publishing) -> None:
    here.put(BOX, personal(unlisted=True))
    here.follower.catch_up()
    assert here.ask("GET", f"{BOX}/publication").json["publication"]["unlisted"] is True
    hidden, absent = (here.ask("GET", f"{a}/publication", secret=here.other) for a in (BOX, f"personne@{OURS}"))
    assert hidden.status_code == absent.status_code == 403 and hidden.data == absent.data
    for secret in ("", here.other, here.secret):
        hidden, absent = (here.ask("GET", a, secret=secret) for a in (BOX, f"personne@{OURS}"))
        assert hidden.status_code == 404 and hidden.data == absent.data


# --- what is refused --------------------------------------------------------------------------------------------------


def test_an_address_may_hold_any_sign_that_one_may(here: Publishing) -> None:
    """RFC 5321 4.1.2: a slash too, which is one of the path as well."""
    for local in ("a/b", "/a//b/", "a%b?c#d", "x&y=z+w", "{o'hara}"):
        address = quote(f"{local}@{OURS}")
        assert here.put(address, personal()).status_code == 201
        here.follower.catch_up()
        for path in (address, f"{address}.vcf", f"{address}/history", f"{address}/certificates"):
            assert here.ask("GET", path, secret="").status_code == 200, path
        assert here.client.get(f"/boites/{address}").status_code == 200
        assert here.ask("GET", f"{address}/publication").json["address"] == f"{local}@{OURS}"
        assert here.delete(address).json["act"] == "close"
    assert here.delete(f"{BOX}/history").status_code == 405


@pytest.mark.parametrize(
    ("body", "where"),
    [
        ([], "corps"),
        ({"holder": {"person": ZOE}}, "champ type"),
        (personal() | {"type": "XYZ"}, "champ type"),
        ({"type": "PER"}, "champ holder"),
        ({"type": "PER", "holder": {}}, "champ holder.person"),
        ({"type": "PER", "holder": {"structure": HOSPITAL}}, "champ holder.person"),
        ({"type": "CAB", "holder": {"person": ZOE, "structure": HOSPITAL}}, "champ holder.structure"),
        ({"type": "ORG", "holder": {}}, "champ holder.structure"),
        ({"type": "APP", "holder": {"person": ZOE, "structure": HOSPITAL}}, "champ holder.person"),
        (personal(responsible="Elle-même"), "champ responsible"),
        (personal(f.rpps(99)), "champ holder.person"),
        (personal("10" + BOX), "champ holder.person"),
        (organizational(f.finess(99)), "champ holder.structure"),
        (organizational(f.siret(1)), "champ holder.structure"),  # that of two
        (personal(paperless="O"), "champ paperless"),
        (personal(rank=0), "champ rank"),
        (personal(rank=True), "champ rank"),
        (personal(purposes=["rapport"]), "champ purposes"),
        (personal(purposes="report"), "champ purposes"),
        (personal(contacts=[{"system": "Apicrypt", "value": "x"}]), "champ contacts.system"),
        (personal(contacts=[{"system": "apicrypt", "value": ""}]), "champ contacts.value"),
        (personal(contacts=[{"system": "xmpp", "value": f"a{n}"} for n in range(11)]), "champ contacts"),
        (personal(service="x" * 201), "champ service"),
        (personal(service="a\u0000b"), "champ service"),
        (personal(nom="ESSAI"), "corps"),
    ],
)
def test_a_body_that_is_wrong_names_its_field_and_writes_nothing(shared: Publishing, body: object, where: str) -> None:
    before = shared.entries()
    answer = shared.put(BOX, body)
    assert (answer.status_code, answer.json["where"], answer.json["type"]) == (422, where, "/problems/invalid-field")
    assert shared.entries() == before


@pytest.mark.parametrize(
    "address",
    ["sans-arobase", f"deux@@{OURS}", f"..@{OURS}", f"a..b@{OURS}", f".a@{OURS}", "123456789012345@patient.mssante.fr"],
)
def test_an_address_that_cannot_be_published(shared: Publishing, address: str) -> None:
    answer = shared.put(address, personal())
    assert (answer.status_code, answer.json["where"]) == (422, "champ address")


def test_a_verdict_says_when_the_operator_said_so(registry: Engine, tmp_path: Path) -> None:
    with closing(Publishing(registry, tmp_path)) as here:
        here.put(BOX, personal())
        here.follower.catch_up()
        told = here.client.post("/v1/verify", json={"address": BOX}).json
        changed = here.client.get(f"/v1/mailboxes/{BOX}").json["changed"]
        assert told["freshness"] == {"source": "publication", "seen": changed}
        assert changed == told["since"]
        here.delete(BOX)
        here.follower.catch_up()
        told = here.client.post("/v1/verify", json={"address": BOX}).json
        changed = here.client.get(f"/v1/mailboxes/{BOX}").json["changed"]
        assert (told["verdict"], told["freshness"]) == ("closed", {"source": "publication", "seen": changed})


def test_of_two_operators_of_a_domain_the_verdict_tells_the_one_that_would_send(
    registry: Engine, tmp_path: Path
) -> None:
    with closing(Publishing(registry, tmp_path)) as here:
        here.put(BOX, personal())
        with writing(here.engine) as connection:
            operators.add_domain(connection, "autre", OURS, actor="tests")
        here.follower.catch_up()
        asked = [{}, {"as": "sender", "operator": "autre"}]
        told = [here.client.post("/v1/verify", json={"address": BOX} | more).json["operator"] for more in asked]
        assert told == ["essai", "autre"]


def test_a_verdict_on_the_past_says_who_said_so_of_then(registry: Engine, tmp_path: Path) -> None:
    """Of an address that an extract gave to one, and its operator to another since."""
    with closing(Publishing(registry, tmp_path)) as here:
        here.put(BOX, personal(ZOE))
        with writing(here.engine) as connection:
            connection.execute(update(binding).values(since="2026-01-05T03:45:00Z", source="mssante.mailboxes"))
        here.put(BOX, personal(JEAN))
        here.follower.catch_up()
        told = [
            here.client.post("/v1/verify", json={"address": BOX} | at).json
            for at in ({}, {"at": "2026-03-01T00:00:00Z"})
        ]
        assert [t["holder"]["id"] for t in told] == ["8" + JEAN, "8" + ZOE]
        assert [t["freshness"]["source"] for t in told] == ["publication", "mssante.mailboxes"]


def test_no_address_of_the_domain_of_patients_can_be_published(registry: Engine, tmp_path: Path) -> None:
    with closing(Publishing(registry, tmp_path, patient_domain=OURS.upper())) as here:
        assert here.put(BOX, personal()).json["where"] == "champ address"
        (line,) = lines_of(here.batch([{"address": BOX, **personal()}]))
        assert line["status"] == 422


def test_what_is_no_json_or_too_long_or_of_another_type(shared: Publishing) -> None:
    assert shared.put(BOX, b"{").status_code == 400
    assert shared.put(BOX, b"x" * 17_000).status_code == 413
    assert shared.put(BOX, personal(), Content_Type="text/plain").status_code == 415
    assert shared.ask("POST", "batch", b"", Content_Type="application/json").status_code == 415
    assert shared.batch([b"x" * (8 * 1024 * 1024 + 1)]).status_code == 413
    assert shared.batch([b"{}"] * 10_001).status_code == 422
    assert shared.put(BOX + "?x=1", personal()).status_code == 400


def test_a_holder_whom_the_staff_refused_for_this_address_is_a_conflict(here: Publishing) -> None:
    said = {"kind": "mailbox", "outcome": "rejected", "how": "rule:holder_names", "run_id": 1, "actor": "tests"}
    said["at"] = "2026-01-01T00:00:00Z"
    with writing(here.engine) as connection:
        for one, other in ((BOX, "8" + ZOE), (f"b@{OURS}", "0691234563")):
            connection.execute(insert(decision).values(said | {"one": one, "other": other}))
        add(connection, "identifier", practitioner_id=1, scheme="0", value="691234563", current=False)
    assert here.put(BOX, personal(ZOE)).status_code == 409
    assert here.put(f"b@{OURS}", personal(ZOE)).status_code == 409  # by another number of hers
    assert here.put(BOX, personal(JEAN)).status_code == 201


# --- batches ----------------------------------------------------------------------------------------------------------


def test_a_batch_answers_each_line_and_bad_ones_in_the_middle_stop_nobody(here: Publishing) -> None:
    lines: list[object] = [
        {"address": f"a@{OURS}"} | personal(),
        b"{",
        {"address": f"b@{OURS}"} | personal(f.rpps(99)),
        b"",
        {"address": FOREIGN} | personal(),
        {"op": "close", "address": f"personne@{OURS}"},
        {"op": "patch", "address": f"a@{OURS}", "service": "Accueil"},
        {"op": "close", "address": f"a@{OURS}", "if_match": "faux"},
        {"op": "close", "address": f"a@{OURS}"},
        {"op": "jeter", "address": f"a@{OURS}"},
        {"op": "close", "address": f"a@{OURS}", "type": "PER"},
        {"address": f"c@{OURS}"} | organizational(CLINIC),
    ]
    answer = here.batch(lines)
    assert (answer.status_code, answer.content_type) == (200, "application/x-ndjson")
    told = lines_of(answer)
    assert [line["line"] for line in told] == list(range(1, 13))
    assert [line["status"] for line in told] == [201, 400, 422, 400, 403, 404, 200, 412, 200, 422, 422, 201]
    assert told[2]["problem"]["where"] == "champ holder.person"
    assert here.stretches(f"a@{OURS}") == [(1, False)]
    assert "99" not in told[2]["problem"]["detail"]


def test_a_batch_that_was_lost_halfway_is_sent_again_and_writes_the_rest(here: Publishing) -> None:
    lines = [{"address": f"b{n}@{OURS}"} | personal() for n in range(1_200)]
    here.batch(lines[:700])
    told = lines_of(here.batch(lines))
    assert [line["changed"] for line in told] == [False] * 700 + [True] * 500
    assert len(here.journal()) == 1_200


def test_while_somebody_writes_for_long_a_publication_is_told_to_come_back(here: Publishing) -> None:
    here.put(BOX, personal())
    here.follower.catch_up()
    with writing(here.engine):
        answer = here.put(BOX, personal(JEAN))
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
        assert answer.json["type"] == "/problems/busy"
        assert here.batch([{"address": BOX} | personal(JEAN)]).status_code == 503
        assert here.ask("GET", BOX).status_code == 200
    assert here.put(BOX, personal(JEAN)).status_code == 200


def test_reading_goes_on_when_the_registry_is_gone(here: Publishing) -> None:
    here.put(BOX, personal())
    here.follower.catch_up()
    nowhere = replace(here.settings, database_url="sqlite:////nulle/part.sqlite")
    here.client = create_app(here.directory, nowhere).test_client()
    assert here.put(BOX, personal()).status_code == 503
    assert here.ask("GET", BOX).status_code == here.ask("GET", f"{BOX}/publication").status_code == 200
