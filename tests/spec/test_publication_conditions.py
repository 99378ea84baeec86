"""Publication under a condition (RFC 9110 13), and the same request sent again with its ``Idempotency-Key``."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from publication_world import BOX, JEAN, OURS, ZOE, Publishing, lines_of, personal
from sqlalchemy import Engine, update
from werkzeug.test import TestResponse

from directory_service.registry.clock import format_instant
from directory_service.registry.engine import writing
from directory_service.registry.replays import Answer, KeyInUse, Ticket
from directory_service.registry.tables import replay

WRITES = [("PUT", personal()), ("PATCH", {}), ("DELETE", None)]


@pytest.fixture
def here(registry: Engine, tmp_path: Path) -> Iterator[Publishing]:
    world = Publishing(registry, tmp_path, publication_wait=0.3)
    yield world
    world.close()


# --- conditions -------------------------------------------------------------------------------------------------------


def test_if_none_match_creates_only(here: Publishing) -> None:
    assert here.put(BOX, personal(), If_None_Match="*").status_code == 201
    assert here.put(BOX, personal(), If_None_Match="*").status_code == 412
    here.delete(BOX)
    assert here.put(BOX, personal(), If_None_Match="*").status_code == 412
    assert here.put(BOX, personal(), If_None_Match='"x"').status_code == 400


def test_if_match_asks_for_the_state_that_was_read(here: Publishing) -> None:
    assert here.put(BOX, personal(), If_Match="*").status_code == 412
    first = here.put(BOX, personal()).headers["ETag"]
    second = here.put(BOX, personal(JEAN), If_Match=f'"autre", {first}').headers["ETag"]
    for method, body in WRITES:
        assert here.ask(method, BOX, body, If_Match=first).status_code == 412
        assert here.ask(method, BOX, body, If_Match="W/" + second).status_code == 412
    assert here.delete(BOX, If_Match="*").status_code == 200


def test_the_tag_of_get_is_good_for_if_match(here: Publishing) -> None:
    here.put(BOX, personal())
    here.follower.catch_up()
    tag = here.ask("GET", BOX).headers["ETag"]
    assert here.ask("GET", BOX, If_None_Match=tag).status_code == 304
    assert here.put(BOX, personal(JEAN), If_Match=tag).status_code == 200
    assert here.put(BOX, personal(ZOE), If_Match=tag).status_code == 412


def test_of_writers_who_read_the_same_state_one_wins(here: Publishing) -> None:
    tag = here.put(BOX, personal()).headers["ETag"]
    gate, statuses = threading.Barrier(4), list[int]()

    def write(number: int) -> None:
        gate.wait()
        statuses.append(here.put(BOX, personal(service=f"Service {number}"), If_Match=tag).status_code)

    threads = [threading.Thread(target=write, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(statuses) == [200, 412, 412, 412]


# --- Idempotency-Key --------------------------------------------------------------------------------------------------


def test_a_key_gives_the_same_answer_again_though_the_box_has_changed_since(here: Publishing) -> None:
    first = here.put(BOX, personal(), Idempotency_Key='"k1"')
    here.put(BOX, personal(JEAN))
    before = here.entries()
    again = here.put(BOX, personal(), Idempotency_Key="k1")
    assert (again.status_code, again.data, again.headers["ETag"]) == (201, first.data, first.headers["ETag"])
    assert here.entries() == before and here.stretches(BOX)[-1] == (2, True)


def test_a_key_with_another_request_is_refused(here: Publishing) -> None:
    here.put(BOX, personal(), Idempotency_Key="k1")
    for answer in (
        here.put(BOX, personal(JEAN), Idempotency_Key="k1"),
        here.put(f"autre@{OURS}", personal(), Idempotency_Key="k1"),
        here.delete(BOX, Idempotency_Key="k1"),
    ):
        assert (answer.status_code, answer.json["type"]) == (422, "/problems/key-reused")
    assert here.put(BOX, personal(), Idempotency_Key="é").status_code == 400


def test_a_refused_write_uses_up_no_key_and_an_old_key_is_forgotten(here: Publishing) -> None:
    assert here.put(BOX, personal(), Idempotency_Key="k1", If_Match="*").status_code == 412
    assert here.put(BOX, personal(), Idempotency_Key="k1").status_code == 201
    with writing(here.engine) as connection:
        connection.execute(update(replay).values(at="2020-01-01T00:00:00Z"))
    assert here.put(BOX, personal(JEAN), Idempotency_Key="k1").json["act"] == "update"


def test_a_batch_has_a_key_too(here: Publishing) -> None:
    lines = [{"address": BOX} | personal()]
    first = here.batch(lines, Idempotency_Key="b1")
    again = here.batch(lines, Idempotency_Key="b1")
    assert again.data == first.data and lines_of(again)[0]["status"] == 201
    assert again.content_type == first.content_type == "application/x-ndjson"
    assert here.batch([{"address": BOX, "op": "close"}], Idempotency_Key="b1").status_code == 422


def test_a_batch_sent_twice_at_once_is_run_once(here: Publishing) -> None:
    lines = [{"address": f"b{n}@{OURS}"} | personal() for n in range(1200)]
    answers: list[TestResponse] = []
    ready = threading.Barrier(2)

    def send() -> None:
        ready.wait()
        answers.append(here.batch(lines, Idempotency_Key="b1"))

    threads = [threading.Thread(target=send) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    told = {409: "/problems/key-in-use", 503: "/problems/busy"}  # 503: too many wait for the registry
    refused = [a for a in answers if a.status_code != 200]
    assert all(a.json["type"] == told[a.status_code] and a.headers["Retry-After"] for a in refused)
    ran = {a.data for a in answers if a.status_code == 200}  # the one that ran, and perhaps its answer again
    assert len(ran) == 1
    again = here.batch(lines, Idempotency_Key="b1")
    assert again.data in ran and {o["status"] for o in lines_of(again)} == {201}


def test_a_key_whose_batch_never_ended_is_given_back_after_a_while(here: Publishing) -> None:
    lines = [{"address": BOX} | personal()]
    here.batch(lines, Idempotency_Key="b1")
    with writing(here.engine) as connection:
        connection.execute(update(replay).values(status=0))  # as it is before the first line
    assert here.batch(lines, Idempotency_Key="b1").status_code == 409
    assert here.batch([{"address": BOX, "op": "close"}], Idempotency_Key="b1").status_code == 422
    with writing(here.engine) as connection:
        connection.execute(update(replay).values(at=format_instant(datetime.now(UTC) - timedelta(hours=1))))
    assert lines_of(here.batch(lines, Idempotency_Key="b1"))[0]["changed"] is False


def test_a_key_that_nothing_was_done_with_may_come_again(here: Publishing) -> None:
    ticket = Ticket("essai", "b1", "empreinte", 60.0)
    with writing(here.engine) as connection:
        assert ticket.take(connection) is None
        with pytest.raises(KeyInUse):
            ticket.take(connection)
        ticket.let_go(connection)
        assert ticket.take(connection) is None
        ticket.keep_answer(connection, Answer(200, b"fait"))
        ticket.let_go(connection)  # what was answered stays
        assert ticket.take(connection) == Answer(200, b"fait")
