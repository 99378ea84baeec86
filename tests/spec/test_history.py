"""The history of an address over HTTP: each binding with its dates, source and run, today and as of an instant."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
import web_world
from flask.testing import FlaskClient
from import_world import World
from log_world import BOX, LEA, ZOE, three_days
from record_factories import SUFFIX
from sqlalchemy import Engine

from directory_service.index.directory import Directory
from directory_service.index.follower import Follower
from directory_service.index.writer import build_index
from directory_service.model.publication import parse_publication
from directory_service.registry.engine import writing
from directory_service.registry.operators import add_operator
from directory_service.registry.publishing import Order, Publisher
from directory_service.registry.rollback import roll_back
from directory_service.web.app import create_app

HIDDEN = "cachee@medecin.mssante.fr"


@pytest.fixture(scope="module")
def folder(kept_registry: Engine, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of the index of three days.  Not to be changed."""
    folder = tmp_path_factory.mktemp("three_days")
    three_days(World(kept_registry, folder), folder)
    build_index(kept_registry, folder / "index", SUFFIX)
    return folder


@pytest.fixture
def client(folder: Path) -> Iterator[FlaskClient]:
    with closing(Directory(folder / "index", SUFFIX)) as directory:
        yield create_app(directory).test_client()


@pytest.fixture
def changed(world: World, tmp_path: Path) -> Iterator[FlaskClient]:
    """Of three days of the test's own, to go on from."""
    three_days(world, tmp_path)
    build_index(world.engine, tmp_path / "index", SUFFIX)
    with closing(Directory(tmp_path / "index", SUFFIX)) as directory:
        yield create_app(directory).test_client()


def day(number: int) -> str:
    return f"2026-11-{number:02}T00:00:00Z"


def test_every_binding_says_who_from_when_until_when_by_which_run(client: FlaskClient) -> None:
    answer = client.get(f"/v1/mailboxes/{BOX}/history").json
    told = [(i["holder"]["id"], i["from"], i["until"], i["source"]) for i in answer["items"]]
    assert told == [("8" + ZOE, day(1), day(2), "mssante.mailboxes"), ("8" + LEA, day(2), None, "mssante.mailboxes")]
    first, second = answer["items"]
    assert (first["opened_by"], first["closed_by"]) == ({"run": 1, "operator": None}, {"run": 2, "operator": None})
    assert (second["opened_by"], second["closed_by"]) == ({"run": 2, "operator": None}, None)
    assert answer["address"] == BOX and answer["build"]


def test_nobody_who_launched_an_import_is_named(client: FlaskClient) -> None:
    assert "tests" not in client.get(f"/v1/mailboxes/{BOX}/history").get_data(as_text=True)


def test_as_of_an_instant_the_box_is_what_it_was(client: FlaskClient) -> None:
    then = client.get(f"/v1/mailboxes/{BOX}?at=2026-11-01T12:00:00Z").json
    assert [(h["id"], h["since"], h["until"]) for h in then["holders"]] == [("8" + ZOE, day(1), None)]
    assert (then["status"], then["since"], then["at"]) == ("open", day(1), "2026-11-01T12:00:00Z")
    now = client.get(f"/v1/mailboxes/{BOX}").json
    assert [(h["id"], h["until"]) for h in now["holders"]] == [("8" + ZOE, day(2)), ("8" + LEA, None)]


@pytest.mark.parametrize(
    ("at", "status"),
    [
        ("2026-10-31", 404),
        ("0999-01-01", 404),
        ("hier", 400),
        ("2999-01-01", 400),
        ("0001-01-01T00:00:00%2B14:00", 400),  # no instant of UTC
    ],
)
def test_before_its_first_day_a_box_is_not_there_and_the_future_is_not_known(client, at: str, status: int) -> None:
    assert client.get(f"/v1/mailboxes/{BOX}?at={at}").status_code == status


def test_what_a_rollback_took_back_is_history_no_more(world: World, tmp_path: Path, changed: FlaskClient) -> None:
    roll_back(world.engine, 2, actor="tests", through=True)
    Follower(world.engine, tmp_path / "index", SUFFIX).catch_up()
    (item,) = changed.get(f"/v1/mailboxes/{BOX}/history").json["items"]
    assert (item["holder"]["id"], item["until"], item["closed_by"]) == ("8" + ZOE, None, None)


def test_a_publication_is_its_operators(world: World, tmp_path: Path, changed: FlaskClient) -> None:
    wish = parse_publication({"type": "PER", "holder": {"person": "8" + ZOE}})
    with writing(world.engine) as connection:
        add_operator(connection, "operateur", [BOX.partition("@")[2]], actor="tests")
        Publisher(connection, "operateur", day(4)).do(Order(BOX, wish))
    Follower(world.engine, tmp_path / "index", SUFFIX).catch_up()
    before, last = changed.get(f"/v1/mailboxes/{BOX}/history").json["items"][-2:]
    assert before["closed_by"] == last["opened_by"] == {"run": None, "operator": "operateur"}
    assert (before["until"], last["from"], last["source"]) == (day(4), day(4), "publication")


def test_a_hidden_box_has_no_more_history_than_an_absent_one(tmp_path: Path) -> None:
    directory, secret = web_world.build_world(tmp_path)
    with closing(directory):
        client = create_app(directory).test_client()
        for headers in ({}, {"Authorization": f"Bearer {secret}"}):
            for tail in ("/history", "?at=2026-07-01"):
                hidden, absent = (
                    client.get(f"/v1/mailboxes/{a}{tail}", headers=headers) for a in (HIDDEN, f"x{HIDDEN}")
                )
                assert (hidden.status_code, hidden.json) == (404, absent.json)
