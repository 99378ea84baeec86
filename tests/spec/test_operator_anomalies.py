"""``/v1/status`` tells when an operator falls silent, withdraws in mass, or a domain of its vanishes."""

from __future__ import annotations

import json
from contextlib import closing
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

import pytest
import web_world
from record_factories import SUFFIX
from registry_factories import add_box
from sqlalchemy import Engine, update

from directory_service.index.directory import Directory
from directory_service.index.follower import Follower
from directory_service.index.writer import build_index
from directory_service.model.anomalies import anomalies, rhythm
from directory_service.model.rhythms import Rhythms
from directory_service.registry.engine import reading, writing
from directory_service.registry.health import read_states
from directory_service.registry.journal import append
from directory_service.registry.operators import add_operator
from directory_service.registry.tables import mailbox
from directory_service.settings import Settings
from directory_service.web.app import create_app

NOW = datetime(2026, 11, 26, 8, tzinfo=UTC)


def opened(engine: Engine, domain: str, days: list[str], each: int = 1) -> None:
    with writing(engine) as connection:
        for n, day in enumerate(days * each):
            key = 1000 * (ord(domain[0]) - ord("a")) + n + 1
            add_box(connection, key, f"b{n}@{domain}", since=f"{day}T00:00:00Z")
            changed = (
                update(mailbox)
                .where(mailbox.c.id == key)
                .values(since=f"{day}T00:00:00Z", changed_at=f"{day}T00:00:00Z")
            )
            connection.execute(changed)


def close(engine: Engine, domain: str, at: str, most: int = 10**6) -> None:
    with writing(engine) as connection:
        rows = connection.exec_driver_sql(f"SELECT id FROM mailbox WHERE address LIKE '%%@{domain}' ORDER BY id")
        for key in list(rows.scalars())[:most]:
            connection.execute(update(mailbox).where(mailbox.c.id == key).values(until=at, changed_at=at))


def found(engine: Engine) -> list[tuple[str, str | None]]:
    with reading(engine) as connection:
        states = [json.loads(json.dumps(asdict(state))) for state in read_states(connection, NOW)]
    return [(a["kind"], a["operator"]) for a in anomalies(states, NOW)]


@pytest.fixture
def operated(registry: Engine) -> Engine:
    with writing(registry) as connection:
        add_operator(connection, "essai", ["a.mssante.fr", "b.mssante.fr"], actor="test")
        add_operator(connection, "autre", ["c.mssante.fr"], actor="test")
    return registry


def test_an_operator_that_publishes_as_usual_is_told_of_by_nothing(operated: Engine) -> None:
    opened(operated, "a.mssante.fr", [f"2026-11-{day:02}" for day in range(1, 26)])
    opened(operated, "c.mssante.fr", ["2026-09-20", "2026-10-10", "2026-10-20", "2026-11-05"])
    assert found(operated) == []


def test_silence_beyond_its_own_rhythm(operated: Engine) -> None:
    opened(operated, "a.mssante.fr", [f"2026-10-{day:02}" for day in range(1, 26)])
    opened(operated, "c.mssante.fr", ["2026-09-20", "2026-10-10", "2026-10-20", "2026-10-25"])  # used to be slower
    assert found(operated) == [("silent_operator", "essai")]


def test_a_mass_withdrawal_since_the_day_before(operated: Engine) -> None:
    opened(operated, "a.mssante.fr", ["2026-11-20"], each=40)
    opened(operated, "c.mssante.fr", ["2026-11-20"], each=40)
    close(operated, "a.mssante.fr", "2026-11-25T04:00:00Z", most=12)
    close(operated, "c.mssante.fr", "2026-11-25T04:00:00Z", most=4)
    assert found(operated) == [("mass_withdrawal", "essai")]


def test_what_is_mass_is_a_setting(operated: Engine, tmp_path: Path) -> None:
    opened(operated, "a.mssante.fr", ["2026-11-20"], each=40)
    close(operated, "a.mssante.fr", "2026-11-25T04:00:00Z", most=4)
    build_index(operated, tmp_path / "index", SUFFIX)
    with closing(Directory(tmp_path / "index", SUFFIX)) as directory:
        for chosen, kinds in (({}, []), ({"withdrawn_share": 5.0, "withdrawn_floor": 3}, ["mass_withdrawal"])):
            settings = Settings(data=tmp_path, source_rhythms=Rhythms(()), **chosen)  # type: ignore[arg-type]
            told = create_app(directory, settings).test_client().get("/v1/status").json["anomalies"]
            assert [a["kind"] for a in told if a["operator"] == "essai" and a["kind"] != "silent_operator"] == kinds


def test_a_domain_that_vanished(operated: Engine) -> None:
    opened(operated, "a.mssante.fr", ["2026-11-20"], each=30)
    opened(operated, "b.mssante.fr", ["2026-11-20"], each=3)
    opened(operated, "d.mssante.fr", ["2026-11-20"])
    close(operated, "b.mssante.fr", "2026-11-24T04:00:00Z")
    close(operated, "d.mssante.fr", "2026-11-24T04:00:00Z")
    assert sorted(found(operated), key=str) == [("vanished_domain", "essai"), ("vanished_domain", None)]


@pytest.mark.parametrize(
    ("days", "expected"),
    [([1, 2, 3], None), ([1, 2, 3, 4], 7), ([1, 12, 13, 14], 11)],
)
def test_a_rhythm_is_the_longest_pause_but_a_week(days: list[int], expected: int | None) -> None:
    assert rhythm({f"2026-11-{day:02}" for day in days}) == expected


def test_status_tells_operators_how_each_fares_and_everybody_what_is_wrong(tmp_path: Path) -> None:
    directory, secret = web_world.build_world(tmp_path)
    with closing(directory):
        client = create_app(directory).test_client()
        assert "operators" not in client.get("/v1/status").json
        told = client.get("/v1/status", headers={"Authorization": f"Bearer {secret}"}).json["operators"]
    assert {(o["operator"], o["domains"], o["mailboxes"]) for o in told} == {("essai", 3, 7), (None, 1, 1)}
    assert all(isinstance(o["anomalies"], list) for o in told)


def test_an_unlisted_mailbox_counts_nowhere(operated: Engine) -> None:
    """Alone in its domain, it would be found by a count, a date or a domain that vanishes."""
    opened(operated, "a.mssante.fr", ["2026-11-20"], each=2)
    with reading(operated) as connection:
        before = read_states(connection, NOW)
    opened(operated, "c.mssante.fr", ["2026-11-21", "2026-11-22", "2026-11-23", "2026-11-24"])
    opened(operated, "d.mssante.fr", ["2026-11-24"])
    with writing(operated) as connection:
        connection.execute(update(mailbox).where(~mailbox.c.address.endswith("@a.mssante.fr")).values(unlisted=True))
    close(operated, "d.mssante.fr", "2026-11-25T04:00:00Z")
    with reading(operated) as connection:
        assert read_states(connection, NOW) == before


def test_the_follower_keeps_it(operated: Engine, tmp_path: Path) -> None:
    opened(operated, "a.mssante.fr", ["2026-11-20"], each=2)
    folder = tmp_path / "index"
    build_index(operated, folder, SUFFIX)
    close(operated, "a.mssante.fr", "2026-11-25T04:00:00Z", most=1)
    with writing(operated) as connection:
        append(connection, actor="test", kind="close", subject="mailbox", subject_id=1)
    Follower(operated, folder, SUFFIX).catch_up()
    with closing(Directory(folder, SUFFIX)) as directory:
        assert [(s["operator"], s["mailboxes"]) for s in directory.operator_states()] == [("essai", 1)]
