"""``/v1/log/…``: what anybody may check of the transparency log, and what operators alone may read."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import web_world as world
from flask.testing import FlaskClient
from log_world import append, keyring
from sqlalchemy import Engine, update

from directory_service.model.merkle import is_consistent, leaf_hash, root_by_inclusion
from directory_service.registry.engine import open_registry, writing
from directory_service.registry.journal import append as note
from directory_service.registry.tables import binding
from directory_service.settings import Settings
from directory_service.trust.heads import TREE_HEAD
from directory_service.web.app import create_app

ELSEWHERE, HIDDEN = "ailleurs@nulle-part.fr", "cachee@medecin.mssante.fr"


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[FlaskClient, str, Path]]:
    folder = tmp_path_factory.mktemp("log")
    directory, secret = world.build_world(folder)
    engine = open_registry(f"sqlite:///{folder / 'registry.sqlite'}")
    _log(engine, folder)
    engine.dispose()
    yield create_app(directory, Settings(data=folder)).test_client(), secret, folder
    directory.close()


def _log(engine: Engine, folder: Path) -> None:
    with writing(engine) as connection:
        for key in range(1, 11):
            note(connection, actor="test", kind="create", subject="mailbox", subject_id=key)
    append(engine, folder)
    with writing(engine) as connection:
        connection.execute(update(binding).where(binding.c.mailbox_id == 1).values(until=world.TURN))
        note(connection, actor=world.OPERATOR, kind="update", subject="mailbox", subject_id=1)
    append(engine, folder)


@pytest.fixture
def client(opened: tuple[FlaskClient, str, Path]) -> FlaskClient:
    return opened[0]


@pytest.fixture
def bearer(opened: tuple[FlaskClient, str, Path]) -> dict[str, str]:
    return {"Authorization": f"Bearer {opened[1]}"}


def test_the_head_is_signed(client: FlaskClient, opened) -> None:
    head = client.get("/v1/log/head").json
    signed = json.loads(keyring(opened[2]).check(head["jws"], TREE_HEAD))
    assert signed == {"at": head["at"], "root": head["root"], "size": head["size"], "v": 1}
    assert client.get(f"/v1/log/head?size={head['size'] - 1}").json["size"] == head["size"] - 1
    assert client.get("/v1/log/head?size=3").status_code == 404


def test_a_leaf_is_proved_to_be_in_the_tree_of_the_head(client: FlaskClient) -> None:
    head = client.get("/v1/log/head").json
    answer = client.get(f"/v1/log/proof/inclusion?leaf=4&size={head['size']}")
    path = [bytes.fromhex(step) for step in answer.json["path"]]
    root = root_by_inclusion(bytes.fromhex(answer.json["hash"]), 4, head["size"], path)
    assert root is not None and root.hex() == head["root"]
    assert "immutable" in answer.headers["Cache-Control"]


def test_one_head_follows_from_another(client: FlaskClient) -> None:
    new = client.get("/v1/log/head").json
    old = client.get(f"/v1/log/head?size={new['size'] - 1}").json
    answer = client.get(f"/v1/log/proof/consistency?from={old['size']}&to={new['size']}").json
    roots = bytes.fromhex(old["root"]), bytes.fromhex(new["root"])
    assert is_consistent(old["size"], new["size"], *roots, [bytes.fromhex(step) for step in answer["path"]])


def test_anybody_gets_hashes_and_nothing_of_anybody(client: FlaskClient) -> None:
    answer = client.get("/v1/log/entries?start=0&count=1000")
    assert all(item.keys() == {"leaf", "hash"} for item in answer.json["items"])
    assert b"mssante" not in answer.data and len(answer.json["items"]) == client.get("/v1/log/head").json["size"]


def test_an_operator_gets_the_events_that_were_hashed(client: FlaskClient, bearer: dict[str, str]) -> None:
    items = client.get("/v1/log/entries?start=0&count=1000", headers=bearer).json["items"]
    assert all(leaf_hash(i["data"].encode()).hex() == i["hash"] for i in items if "data" in i)
    last = json.loads(items[-1]["data"])
    assert (last["event"], last["operator"], last["until"]) == ("close", world.OPERATOR, world.TURN)


def test_an_unlisted_mailbox_is_told_to_its_own_operator_alone(client: FlaskClient, bearer, opened) -> None:
    events = client.get("/v1/log/entries?count=1000", headers=bearer).get_data(as_text=True)
    assert HIDDEN in events and ELSEWHERE in events
    engine = open_registry(f"sqlite:///{opened[2] / 'registry.sqlite'}")
    with writing(engine) as connection:
        connection.exec_driver_sql("UPDATE mailbox SET unlisted = 1 WHERE id = 10")
    engine.dispose()
    assert ELSEWHERE not in client.get("/v1/log/entries?count=1000", headers=bearer).get_data(as_text=True)


@pytest.mark.parametrize(
    "path",
    [
        "/v1/log/proof/inclusion",
        "/v1/log/proof/inclusion?leaf=11&size=11",
        "/v1/log/proof/inclusion?leaf=0&size=99",
        "/v1/log/proof/consistency?from=5&to=4",
        "/v1/log/proof/consistency?from=5&to=99",
        "/v1/log/entries?count=1001",
    ],
)
def test_what_is_not_of_this_log_is_refused(client: FlaskClient, path: str) -> None:
    assert client.get(path).status_code == 400


def test_without_the_registry_the_log_alone_is_unavailable(tmp_path: Path, opened) -> None:
    settings = Settings(data=opened[2], database_url=f"sqlite:///{tmp_path / 'absent.sqlite'}")
    client = create_app(opened[0].application.extensions["annuaire"].directory, settings).test_client()
    assert client.get("/v1/log/head").status_code == 503
    assert client.get("/v1/status").status_code == 200
