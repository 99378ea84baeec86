"""``/v1/changes``: who follows the feed holds what the directory holds; nothing is missed, nothing comes twice."""

from __future__ import annotations

import gzip
import random
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import web_world as world
from flask.testing import FlaskClient
from record_factories import SUFFIX
from registry_factories import add_box, add_person, secret_of
from sqlalchemy import Connection, Engine, Table, select, update
from werkzeug.test import TestResponse

from directory_service.index.directory import Directory
from directory_service.index.files import current_name
from directory_service.index.follower import Follower
from directory_service.index.writer import build_index
from directory_service.model.feed import KEPT
from directory_service.registry import feed, operators
from directory_service.registry.engine import open_registry, writing
from directory_service.registry.journal import append, last_seq
from directory_service.registry.rollback import roll_back
from directory_service.registry.runs import create_run, finish_run
from directory_service.registry.tables import binding, mailbox, organization, practitioner
from directory_service.registry.undo import recording
from directory_service.web.app import create_app

ZOE_BOX, HIDDEN, NEW = "zoe.d-essai@medecin.mssante.fr", "cachee@medecin.mssante.fr", "2026-11-24T03:45:00Z"


class Reader:
    """An operator who keeps a copy by the feed."""

    def __init__(self, client: FlaskClient, secret: str, limit: int = 3) -> None:
        self.client, self.limit, self.since = client, limit, "0"
        self.bearer = {"Authorization": f"Bearer {secret}"}
        self.copy: dict[tuple[str, str], dict[str, Any]] = {}
        self.seen: list[tuple[int, str, str]] = []

    def follow(self) -> list[dict[str, Any]]:
        """All that is new."""
        found: list[dict[str, Any]] = []
        while True:
            answer = self.ask(f"since={self.since}&limit={self.limit}").json
            found += answer["items"]
            self.since = answer["next"]
            if not answer["more"]:
                break
        for item in found:
            self.seen.append((item["seq"], item["kind"], item["id"]))
            if item["op"] == "delete":
                self.copy.pop((item["kind"], item["id"]), None)
            else:
                self.copy[item["kind"], item["id"]] = item["record"]
        return found

    def ask(self, query: str) -> TestResponse:
        return self.client.get(f"/v1/changes?{query}", headers=self.bearer)

    def holds_what_the_directory_holds(self) -> None:
        for (kind, key), record in self.copy.items():
            route = {"mailbox": "mailboxes", "organization": "organizations"}.get(kind, "practitioners")
            answer = self.client.get(f"/v1/{route}/{key}").json
            assert {name: answer[name] for name in record} == record


@pytest.fixture
def secret(tmp_path: Path) -> str:
    """The operator's, of a directory that is built."""
    opened, found = world.build_world(tmp_path)
    opened.close()
    return found


@pytest.fixture
def engine(secret: str, tmp_path: Path) -> Iterator[Engine]:
    found = open_registry(f"sqlite:///{tmp_path / 'registry.sqlite'}")
    with writing(found) as connection:  # as an import says it
        for subject, keys in (("organization", 1), ("practitioner", 5), ("mailbox", 10)):
            for key in range(1, keys + 1):
                append(connection, actor="test", kind="create", subject=subject, subject_id=key)
    Follower(found, tmp_path / "index", SUFFIX).catch_up()
    yield found
    found.dispose()


@pytest.fixture
def reader(engine: Engine, secret: str, tmp_path: Path) -> Iterator[Reader]:
    with closing(Directory(tmp_path / "index", SUFFIX)) as directory:
        yield Reader(create_app(directory).test_client(), secret)


@pytest.fixture
def catch_up(engine: Engine, tmp_path: Path) -> Callable[[], int]:
    return Follower(engine, tmp_path / "index", SUFFIX).catch_up


def change(
    engine: Engine,
    table: Table,
    key: int,
    before: dict[str, Any] | None = None,
    *,
    at: str | None = None,
    **values: object,
) -> None:
    with writing(engine) as connection:
        connection.execute(update(table).where(table.c.id == key).values(**values))
        subject = "mailbox" if table is binding else str(table.name)
        append(connection, actor="test", kind="update", subject=subject, subject_id=key, before=before, at=at)


def told(items: list[dict[str, Any]]) -> set[tuple[str, str, str]]:
    return {(item["op"], item["kind"], item["id"]) for item in items}


def test_from_the_beginning_a_reader_gets_everything_that_is_public(reader: Reader) -> None:
    reader.follow()
    assert sorted({kind for kind, _ in reader.copy}) == ["mailbox", "organization", "practitioner"]
    assert len(reader.copy) == 1 + 5 + 9 and ("mailbox", HIDDEN) not in reader.copy
    reader.holds_what_the_directory_holds()
    assert reader.follow() == []
    assert [reader.ask(f"limit={limit}").json["more"] for limit in (14, 15, 16)] == [True, False, False]


def test_a_change_comes_with_all_that_shows_it(reader: Reader, engine: Engine, catch_up) -> None:
    reader.follow()
    change(engine, practitioner, 1, family_name="QUINTERNEL")
    catch_up()
    boxes = (ZOE_BOX, "ancienne@medecin.mssante.fr", "reprise@cabinet.mssante.fr")
    found = told(reader.follow())
    assert found == {("put", "practitioner", world.ZOE), ("put", "mailbox", boxes[0]), ("close", "mailbox", boxes[1]),
                     ("put", "mailbox", boxes[2])}  # fmt: skip
    reader.holds_what_the_directory_holds()


def test_a_closing_says_so(reader: Reader, engine: Engine, catch_up) -> None:
    reader.follow()
    with writing(engine) as connection:
        for table in (binding, mailbox):
            connection.execute(update(table).where(table.c.id == 1).values(until=NEW))
        append(connection, actor="test", kind="close", subject="mailbox", subject_id=1)
    catch_up()
    assert ("close", "mailbox", ZOE_BOX) in told(reader.follow())
    assert reader.copy["mailbox", ZOE_BOX]["until"] == NEW


def test_a_box_that_goes_unlisted_is_a_deletion_and_then_silent(reader: Reader, engine: Engine, catch_up) -> None:
    reader.follow()
    change(engine, mailbox, 1, {"unlisted": False}, unlisted=True)
    catch_up()
    assert ("delete", "mailbox", ZOE_BOX) in told(reader.follow())
    change(engine, binding, 1, service="Cardiologie")
    catch_up()
    assert reader.follow() == []
    change(engine, mailbox, 1, {"unlisted": True}, unlisted=False)
    catch_up()
    assert ("put", "mailbox", ZOE_BOX) in told(reader.follow())


def test_what_happens_to_an_unlisted_box_is_nobodys_business(reader: Reader, engine: Engine, catch_up) -> None:
    reader.follow()
    change(engine, binding, 8, service="Cardiologie")
    change(engine, practitioner, 5, family_name="MARTINET")  # its holder, who has no other box
    catch_up()
    assert told(reader.follow()) == {("put", "practitioner", world.PAUL)}


def test_a_number_that_takes_precedence_deletes_the_former_name(reader: Reader, engine: Engine, catch_up) -> None:
    reader.follow()
    change(engine, practitioner, 4, {"national_id": world.MARIE}, national_id="810009999999")
    catch_up()
    people = {x for x in told(reader.follow()) if x[1] == "practitioner"}
    assert people == {("delete", "practitioner", world.MARIE), ("close", "practitioner", "810009999999")}


def test_who_is_absorbed_is_deleted(reader: Reader, engine: Engine, catch_up) -> None:
    reader.follow()
    change(engine, practitioner, 3, merged_into=2)
    catch_up()
    found = told(reader.follow())
    assert ("delete", "practitioner", world.JEAN_BIS) in found and ("put", "practitioner", world.JEAN) in found


def test_what_a_rollback_takes_out_is_deleted_but_what_was_hidden(reader: Reader, engine: Engine, catch_up) -> None:
    reader.follow()
    with writing(engine) as connection:
        number = create_run(connection, actor="test", kind="import", as_of=NEW)
        with recording(connection, number):
            for key, address, hidden in (
                (11, "neuve@medecin.mssante.fr", False),
                (12, "secrete@medecin.mssante.fr", True),
            ):
                add_box(connection, key, address, practitioner_id=1, unlisted=hidden)
                append(connection, actor="test", kind="create", subject="mailbox", subject_id=key, run_id=number)
        finish_run(connection, number, status="done", counts={})
    catch_up()
    assert ("put", "mailbox", "neuve@medecin.mssante.fr") in told(reader.follow())
    roll_back(engine, number, actor="test")
    catch_up()
    gone = {x for x in told(reader.follow()) if x[0] == "delete"}
    assert gone == {("delete", "mailbox", "neuve@medecin.mssante.fr")}


def test_what_a_rollback_hides_is_deleted_and_what_stays_hidden_is_not_told(
    reader: Reader, engine: Engine, catch_up
) -> None:
    shown, secret, numbers = "montree@medecin.mssante.fr", "secrete@medecin.mssante.fr", []
    with writing(engine) as connection:
        for key, address in ((11, shown), (12, secret)):
            add_box(connection, key, address, practitioner_id=1, unlisted=True)
            append(connection, actor="test", kind="create", subject="mailbox", subject_id=key)
    for key, values in ((12, {"changed_at": NEW}), (11, {"unlisted": False})):
        with writing(engine) as connection:
            numbers.append(create_run(connection, actor="test", kind="import", as_of=NEW))
            with recording(connection, numbers[-1]):
                connection.execute(update(mailbox).where(mailbox.c.id == key).values(values))
                before = {"unlisted": True} if "unlisted" in values else None
                append(connection, actor="test", kind="update", subject="mailbox", subject_id=key, before=before,
                       run_id=numbers[-1])  # fmt: skip
            finish_run(connection, numbers[-1], status="done", counts={})
    catch_up()
    assert ("put", "mailbox", shown) in told(reader.follow())
    roll_back(engine, numbers[0], actor="test", through=True)
    catch_up()
    assert {x for x in told(reader.follow()) if x[1] == "mailbox"} == {("delete", "mailbox", shown)}


def test_cursors_outlive_a_build(reader: Reader, engine: Engine, tmp_path: Path) -> None:
    reader.follow()
    change(engine, organization, 1, name="HÔPITAL D'AILLEURS")
    build_index(engine, tmp_path / "index", SUFFIX)
    found = reader.follow()
    assert ("organization", "F" + world.HOSPITAL_FINESS) in {(x["kind"], x["id"]) for x in found}
    build_index(engine, tmp_path / "index", SUFFIX)
    assert reader.follow() == []


def test_a_cursor_that_is_too_old_is_told(reader: Reader, engine: Engine, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(feed.recent, "__defaults__", (4,))
    build_index(engine, tmp_path / "index", SUFFIX)
    answer = reader.ask("since=0")
    assert (answer.status_code, answer.json["type"]) == (410, "/problems/cursor-expired")


def test_a_cursor_of_a_node_that_is_further_on_stays_and_a_far_one_is_told(reader: Reader) -> None:
    seq = int(reader.ask("limit=1000").json["next"].partition("-")[0])
    near, far = (reader.ask(f"since={seq + ahead}-abc") for ahead in (KEPT, KEPT + 1))
    assert (near.json["items"], near.json["next"]) == ([], f"{seq + KEPT}-abc")
    assert (far.status_code, far.json["type"]) == (410, "/problems/cursor-expired")


def test_a_cursor_of_before_a_restoration_is_told(reader: Reader, engine: Engine, tmp_path: Path, catch_up) -> None:
    """Even once the restored registry has gone on past it; the index is made again, too."""
    reader.follow()
    reader.limit = 1
    kept = reader.since
    backup = tmp_path / "backup.sqlite"
    with closing(sqlite3.connect(tmp_path / "registry.sqlite")) as db:
        db.execute("VACUUM INTO ?", (str(backup),))
    change(engine, practitioner, 1, at=NEW, family_name="PERDUE")
    change(engine, practitioner, 2, at=NEW, family_name="PERDU")
    catch_up()
    reader.follow()
    lost = reader.since
    engine.dispose()
    with closing(sqlite3.connect(backup)) as old, closing(sqlite3.connect(tmp_path / "registry.sqlite")) as db:
        old.backup(db)
    change(engine, practitioner, 3, family_name="AUTRE")
    catch_up()
    assert reader.ask(f"since={lost}").json["items"] == []  # it may be of a node that is further on
    for _ in range(2):
        change(engine, practitioner, 4, family_name="AUTRE ENCORE")
    catch_up()
    expired = reader.ask(f"since={lost}")
    assert (expired.status_code, expired.json["type"]) == (410, "/problems/cursor-expired")
    reader.since = kept  # of before the backup: good, and what came after it is all there
    assert {x["record"]["family_name"] for x in reader.follow() if x["kind"] == "practitioner"} == {
        "AUTRE",
        "AUTRE ENCORE",
    }
    reader.copy = {}
    reader.since = "0"
    reader.follow()
    reader.holds_what_the_directory_holds()


def test_a_build_made_again_expires_no_cursor(reader: Reader, engine: Engine, tmp_path: Path) -> None:
    page = reader.ask("since=0&limit=2").json
    build_index(engine, tmp_path / "index", SUFFIX)
    assert reader.ask(f"since={page['next']}&limit=2").status_code == 200
    assert page["next"].count(".") == 2


def test_a_number_alone_is_no_cursor_any_more(reader: Reader) -> None:
    number = reader.ask("limit=1000").json["next"].partition("-")[0]
    assert reader.ask(f"since={number}").status_code == 410


@pytest.mark.parametrize("since", ["-1", "5-", "5-?", "x", "1.2", "1.2.3.4", "1.2.x", "9" * 19, "1.2." + "9" * 30])
def test_a_foreign_cursor_is_refused(reader: Reader, since: str) -> None:
    assert reader.ask(f"since={since}").status_code == 400


def test_a_long_answer_is_packed_for_who_takes_that(reader: Reader) -> None:
    plain = reader.ask("limit=100").data
    reader.bearer["Accept-Encoding"] = "gzip"
    packed = reader.ask("limit=100")
    assert packed.headers["Content-Encoding"] == "gzip" and gzip.decompress(packed.data) == plain


def test_operators_alone_follow_it(reader: Reader, engine: Engine, catch_up) -> None:
    """A thousand records a request, from the first on: LDAP's harvesting budgets would be worth nothing beside it."""
    anonymous = reader.client.get("/v1/changes")
    assert (anonymous.status_code, anonymous.json["type"]) == (401, "/problems/bad-credentials")
    assert "items" not in anonymous.json
    with writing(engine) as connection:
        operators.suspend(connection, world.OPERATOR, actor="test")
    catch_up()
    assert reader.ask("since=0").status_code == 403


# --- the follower and a build give each change the same place --------------------------------------------------------


def _rename(engine: Engine, chance: random.Random) -> None:
    change(engine, practitioner, chance.randint(1, 5), family_name=f"NOM {chance.random()}")


def _move(engine: Engine, chance: random.Random) -> None:
    _publish(engine, chance, moves=True)


def _hide(engine: Engine, chance: random.Random) -> None:
    _publish(engine, chance, hides=True)


def _pass_on(engine: Engine, chance: random.Random) -> None:
    _publish(engine, chance, moves=True, hides=True)


def _publish(engine: Engine, chance: random.Random, *, moves: bool = False, hides: bool = False) -> None:
    """Gives a mailbox to another holder, or makes it unlisted, or listed again; each at an instant of its own."""
    box, who = chance.randint(1, 10), chance.randint(1, 5)
    said: list[dict[str, Any]] = [{}, {}]
    with writing(engine) as connection:
        at = f"2026-11-24T{last_seq(connection) // 60:02}:{last_seq(connection) % 60:02}:00Z"
        unlisted = bool(connection.execute(select(mailbox.c.unlisted).where(mailbox.c.id == box)).scalar_one())
        if moves:
            opened = binding.c.mailbox_id == box, binding.c.until.is_(None)
            connection.execute(update(binding).where(*opened).values(until=at, unlisted=unlisted))
            connection.execute(binding.insert().values(mailbox_id=box, practitioner_id=who, source="x", since=at))
            said[0]["binding"], said[1]["binding"] = [], [{"practitioner_id": who}]
        if hides:
            connection.execute(update(mailbox).where(mailbox.c.id == box).values(unlisted=not unlisted))
            said[0]["unlisted"], said[1]["unlisted"] = unlisted, not unlisted
        append(connection, actor="test", kind="update", subject="mailbox", subject_id=box, before=said[0],
               after=said[1], at=at)  # fmt: skip


def _place(engine: Engine, chance: random.Random) -> None:
    change(engine, organization, 1, name=f"LIEU {chance.random()}")


def _operator(engine: Engine, chance: random.Random) -> None:
    with writing(engine) as connection:
        name = f"op{chance.random()}"
        operators.add_operator(connection, name, [chance.choice(world.DOMAINS)], actor="test", at=NEW)


@pytest.mark.parametrize("seed", range(6))
def test_change_by_change_or_in_one_build_the_feed_is_the_same(engine, catch_up, tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    for _ in range(40):
        chance.choice((_rename, _move, _hide, _pass_on, _place, _operator))(engine, chance)
        if chance.random() < 0.4:
            catch_up()
    catch_up()
    followed = _rows(tmp_path)
    build_index(engine, tmp_path / "index", SUFFIX)
    assert _rows(tmp_path) == followed


def _rows(folder: Path) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(folder / "index" / current_name(folder / "index"))) as db:
        return list(db.execute("SELECT * FROM change ORDER BY seq, kind, pk"))


# --- several writers -------------------------------------------------------------------------------------------------

WRITERS, EACH = 4, 12


def _write(connection: Connection, key: int) -> None:
    add_person(connection, key, f"1{key:010}")
    add_box(connection, key, f"b{key}@a.mssante.fr", practitioner_id=key)
    for subject in ("practitioner", "mailbox"):
        append(connection, actor="test", kind="create", subject=subject, subject_id=key)


def test_several_writers_at_once_are_followed_without_a_miss_or_a_repetition(registry: Engine, tmp_path: Path) -> None:
    with writing(registry) as connection:
        operators.add_operator(connection, world.OPERATOR, actor="test")
        secret = secret_of(connection, world.OPERATOR)
    build_index(registry, tmp_path / "index", SUFFIX)
    follower = Follower(registry, tmp_path / "index", SUFFIX)
    left = threading.Barrier(WRITERS + 1)

    def write(number: int) -> None:
        left.wait()
        for key in range(number * EACH + 1, (number + 1) * EACH + 1):
            with writing(registry) as connection:
                _write(connection, key)

    threads = [threading.Thread(target=write, args=(number,)) for number in range(WRITERS)]
    with closing(Directory(tmp_path / "index", SUFFIX)) as directory:
        reader = Reader(create_app(directory).test_client(), secret, limit=5)
        for thread in threads:
            thread.start()
        left.wait()
        while any(thread.is_alive() for thread in threads):
            follower.catch_up()
            reader.follow()
        follower.catch_up()
        reader.follow()
    assert len(reader.copy) == 2 * WRITERS * EACH
    assert len({(kind, key) for _, kind, key in reader.seen}) == len(reader.seen) == 2 * WRITERS * EACH
    assert [seq for seq, *_ in reader.seen] == sorted(seq for seq, *_ in reader.seen)
