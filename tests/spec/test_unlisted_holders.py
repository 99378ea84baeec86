"""Liste rouge: a mailbox was unlisted, and is another's now, who is listed.  Who held it before is told to nobody else,
whatever is asked; her operator, and the staff, are told."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

import factories as f
import pytest
from alembic import command
from import_world import World
from log_world import append, audited, keyring
from publication_world import BOX, JEAN, OURS, ZOE, Publishing, personal
from sqlalchemy import Connection, Engine, select, text, update

from directory_service.cli import run
from directory_service.index.query import View
from directory_service.index.writer import build_index
from directory_service.model.certificates import MailCertificate
from directory_service.model.publication import parse_publication
from directory_service.registry import decisions, operators
from directory_service.registry.certificates import add_certificates, get_box
from directory_service.registry.clock import format_instant
from directory_service.registry.engine import reading, writing
from directory_service.registry.health import read_states
from directory_service.registry.logread import read_leaves
from directory_service.registry.publishing import Order, Publisher
from directory_service.registry.rollback import roll_back
from directory_service.registry.tables import binding, journal, mailbox
from directory_service.registry.upgrading import _config, upgrade
from importers.review import reject

LISTED = f"autre@{OURS}"
BEFORE, AFTER = "2026-03-01T00:00:00Z", "2026-08-01T00:00:00Z"
NAMED = (ZOE, "Zoé", "ZOÉ", "Essai", "ESSAI")


def publish(engine: Engine, at: str, *orders: tuple[str, dict[str, Any] | None]) -> None:
    asked = [Order(address, parse_publication(body) if body else None) for address, body in orders]
    with writing(engine) as connection:
        done = Publisher(connection, "essai", at).do_all(asked)
    assert [one for one in done if isinstance(one, Exception)] == []


def flags(engine: Engine, address: str = BOX) -> list[tuple[bool, bool]]:
    """Of each binding, oldest first: whether it is open, and whether it ended unlisted."""
    query = select(binding.c.until, binding.c.unlisted).join(mailbox).where(mailbox.c.address == address)
    with reading(engine) as connection:
        return [(until is None, unlisted) for until, unlisted in connection.execute(query.order_by(binding.c.id))]


@pytest.fixture
def here(registry: Engine, tmp_path: Path) -> Iterator[Publishing]:
    """Jean has another mailbox all along; Zoé's was unlisted until August, and is Jean's since."""
    world = Publishing(registry, tmp_path)
    keyring(tmp_path)
    publish(registry, BEFORE, (BOX, personal(unlisted=True)), (LISTED, personal(JEAN)))
    publish(registry, AFTER, (BOX, personal(JEAN)))
    append(registry, tmp_path)
    world.follower.catch_up()
    yield world
    world.close()


def as_other(here: Publishing) -> dict[str, str]:
    return {"Authorization": f"Bearer {here.other}"}


def asked(here: Publishing, headers: dict[str, str]) -> list[str]:
    """All that may be asked of the mailbox by name, and what comes of it."""
    client, zoe = here.app.test_client(), {"name": "Zoé Essai", "address": BOX}
    pages = [
        f"/v1/mailboxes/{BOX}{end}" for end in ("", "/history", f"?at={BEFORE}", "?at=2026-09-01T00:00:00Z", ".vcf")
    ]
    pages += [f"/boites/{BOX}", f"/v1/reconcile/preview?id=mailboxes/{BOX}"]
    verified = [{"address": BOX}, {"address": BOX, "person": ZOE}, {"address": BOX, "person": ZOE, "at": BEFORE}]
    answers = [client.get(page, headers=headers) for page in pages]
    answers += [client.post("/v1/verify", json=said, headers=headers) for said in verified]
    answers += [client.post("/v1/match", json=said, headers=headers) for said in (zoe, {"address": BOX})]
    return [answer.get_data(as_text=True) for answer in answers]


@pytest.mark.parametrize("who", ["anybody", "another operator"])
def test_nobody_else_learns_of_who_held_it_unlisted(here: Publishing, who: str) -> None:
    headers = as_other(here) if who != "anybody" else {}
    client = here.app.test_client()
    record = client.get(f"/v1/mailboxes/{BOX}", headers=headers).json
    assert [(h["id"], h["since"]) for h in record["holders"]] == [("8" + JEAN, AFTER)]
    history = client.get(f"/v1/mailboxes/{BOX}/history", headers=headers).json["items"]
    assert [(item["holder"]["id"], item["from"]) for item in history] == [("8" + JEAN, AFTER)]
    assert client.get(f"/v1/mailboxes/{BOX}?at={BEFORE}", headers=headers).status_code == 404
    verdict = client.post("/v1/verify", json={"address": BOX, "person": ZOE}, headers=headers).json
    never = client.post("/v1/verify", json={"address": LISTED, "person": ZOE}, headers=headers).json
    assert (verdict["verdict"], [r["code"] for r in verdict["reasons"]]) == (
        never["verdict"], [r["code"] for r in never["reasons"]]
    )  # fmt: skip
    matched = client.post("/v1/match", json={"name": "Zoé Essai", "address": BOX}, headers=headers)
    assert "cette adresse a été la sienne" not in matched.get_data(as_text=True)
    for answer in asked(here, headers)[:7]:  # the others name her, since they are asked of her
        assert BEFORE not in answer and not [name for name in NAMED if name in answer]


def test_once_it_is_closed_it_began_with_him(here: Publishing) -> None:
    publish(here.engine, "2026-09-01T00:00:00Z", (BOX, None))
    here.follower.catch_up()
    record = here.app.test_client().get(f"/v1/mailboxes/{BOX}").json
    assert (record["status"], record["since"], len(record["holders"])) == ("closed", AFTER, 1)
    assert flags(here.engine) == [(False, True), (False, False)]


def test_the_feed_has_no_word_of_her(here: Publishing) -> None:
    """Nor has that of an index that is built anew, nor when she changes her name."""
    with writing(here.engine) as connection:
        connection.execute(text("UPDATE practitioner SET family_name = 'ESSAIS' WHERE id = 1"))
    for _ in range(2):
        items = here.app.test_client().get("/v1/changes?since=0", headers=as_other(here)).json["items"]
        told = [(item["kind"], item["id"]) for item in items if item["kind"] in ("mailbox", "practitioner")]
        assert sorted(told) == [("mailbox", LISTED), ("mailbox", BOX), ("practitioner", "8" + JEAN)]
        assert ZOE not in json.dumps(items)
        build_index(here.engine, here.settings.data / "index", here.directory.suffix)


def test_the_days_of_its_operator_are_those_of_who_is_listed(here: Publishing) -> None:
    """From which its rhythm is learnt, and told to all: four days, of which nineteen are the longest gap."""
    first, second, third = (f"{name}@{OURS}" for name in ("un", "deux", "trois"))
    publish(here.engine, "2026-08-10T00:00:00Z", (first, personal(unlisted=True)))
    publish(here.engine, "2026-08-20T00:00:00Z", (second, personal(JEAN)))
    publish(here.engine, "2026-09-01T00:00:00Z", (third, personal(JEAN)))
    publish(here.engine, "2026-09-05T00:00:00Z", (first, personal(JEAN)))
    with reading(here.engine) as connection:
        states = {state.operator: state.rhythm for state in read_states(connection, datetime(2026, 9, 10, tzinfo=UTC))}
    assert states == {"essai": 19}


def test_the_log_withholds_her_leaves(here: Publishing) -> None:
    client = here.app.test_client()
    own = {"Authorization": f"Bearer {here.secret}"}
    shown = [
        [json.loads(item["data"]) for item in client.get("/v1/log/entries", headers=headers).json["items"]
         if "data" in item]
        for headers in (as_other(here), own)
    ]  # fmt: skip
    assert [(e["event"], e["address"], e["holder"]) for e in shown[0]] == [
        ("open", LISTED, "8" + JEAN), ("open", BOX, "8" + JEAN)
    ]  # fmt: skip
    assert [(e["event"], e["unlisted"]) for e in shown[1] if e["holder"] == "8" + ZOE] == [
        ("open", True),
        ("close", True),
    ]
    assert audited(here.engine, here.settings.data).findings == []


def test_her_operator_and_the_staff_are_told(here: Publishing, capsys: pytest.CaptureFixture[str]) -> None:
    own = {"Authorization": f"Bearer {here.secret}"}
    verdict = here.app.test_client().post("/v1/verify", json={"address": BOX, "person": ZOE}, headers=own).json
    assert (verdict["verdict"], verdict["until"]) == ("closed", AFTER)
    record = here.directory.mailbox(BOX, View.STAFF)
    assert [(h["id"], h["listed"]) for h in record["holders"]] == [("8" + JEAN, True), ("8" + ZOE, False)]
    capsys.readouterr()
    code = run(["--data", str(here.settings.data), "verify", BOX, "--person", ZOE, "--json"])
    said = json.loads(capsys.readouterr().out)
    assert (code, said["verdict"], said["until"]) == (4, "closed", AFTER)
    assert run(["--data", str(here.settings.data), "verify", BOX, "--person", JEAN]) == 0


def test_her_operator_reads_back_who_holds_it_now(here: Publishing) -> None:
    """Once it was the first who ever did, to be published again."""
    read = here.ask("GET", f"{BOX}/publication")
    assert read.json["publication"]["holder"] == {"person": "8" + JEAN}
    assert here.put(BOX, read.json["publication"], If_Match=read.headers["ETag"]).json["changed"] is False
    here.delete(BOX)
    here.follower.catch_up()
    assert here.ask("GET", f"{BOX}/publication").json["publication"]["holder"] == {"person": "8" + JEAN}


def test_her_certificates_go_with_her(here: Publishing) -> None:
    """They name her.  Hers while she holds it, listed or not, and the next holder's are not touched."""
    other, der = f"deux@{OURS}", b"de Zoe"
    dates = "2026-01-01T00:00:00Z", "2099-01-01T00:00:00Z"
    hers = MailCertificate(sha256(der).hexdigest(), der, "CN=Zoe Essai", "CN=y", "1f", *dates, ("encryption",))
    his = replace(hers, der=b"de Jean", sha256=sha256(b"de Jean").hexdigest(), subject="CN=Jean")

    def after(body: dict[str, Any], at: str) -> list[str]:
        publish(here.engine, at, (other, body))
        here.follower.catch_up()
        return [c.sha256 for c in here.directory.certificates_of(other)]

    publish(here.engine, BEFORE, (other, personal(unlisted=True)))
    with writing(here.engine) as connection:
        add_certificates(connection, get_box(connection, other), [hers], actor="essai")
    assert after(personal(), "2026-04-01T00:00:00Z") == [hers.sha256]
    assert after(personal(unlisted=True), "2026-05-01T00:00:00Z") == [hers.sha256]
    assert after(personal(JEAN), AFTER) == []
    with writing(here.engine) as connection:
        add_certificates(connection, get_box(connection, other), [his], actor="essai")
    assert after(personal(JEAN, service="Accueil"), "2026-09-01T00:00:00Z") == [his.sha256]
    assert after(personal(JEAN, unlisted=True), "2026-10-01T00:00:00Z") == [his.sha256]


def test_who_lists_her_own_mailbox_shows_it_as_it_stands(here: Publishing) -> None:
    """Since it is open it is one binding: with the date when it began; of what ended before, nothing."""
    other = f"deux@{OURS}"
    publish(here.engine, BEFORE, (other, personal(unlisted=True)))
    publish(here.engine, "2026-04-01T00:00:00Z", (other, None))
    publish(here.engine, "2026-05-01T00:00:00Z", (other, personal(unlisted=True)))
    publish(here.engine, AFTER, (other, personal()))
    here.follower.catch_up()
    record = here.app.test_client().get(f"/v1/mailboxes/{other}").json
    assert [(h["id"], h["since"], h["until"]) for h in record["holders"]] == [("8" + ZOE, "2026-05-01T00:00:00Z", None)]
    assert flags(here.engine, other) == [(False, True), (True, False)]
    append(here.engine, here.settings.data)
    assert audited(here.engine, here.settings.data).findings == []


def test_who_held_it_listed_stays_in_its_history(here: Publishing) -> None:
    """Hidden with it while it is unlisted, and no longer."""
    publish(here.engine, "2026-09-01T00:00:00Z", (BOX, personal(unlisted=True)))
    here.follower.catch_up()
    assert here.app.test_client().get(f"/v1/mailboxes/{BOX}").status_code == 404
    publish(here.engine, "2026-10-01T00:00:00Z", (BOX, personal(JEAN)))
    here.follower.catch_up()
    record = here.app.test_client().get(f"/v1/mailboxes/{BOX}").json
    assert [(h["id"], h["since"], h["until"]) for h in record["holders"]] == [
        ("8" + JEAN, "2026-10-01T00:00:00Z", None), ("8" + JEAN, AFTER, "2026-09-01T00:00:00Z")
    ]  # fmt: skip
    assert flags(here.engine) == [(False, True), (False, False), (False, True), (True, False)]


def test_who_held_it_unlisted_before_another_stands_after_her_all_the_same(here: Publishing) -> None:
    """The order of holders tells who came first."""
    once, never = (f"{name}@{OURS}" for name in ("deux", "trois"))
    publish(here.engine, BEFORE, (once, personal(JEAN, unlisted=True)))
    publish(here.engine, "2026-04-01T00:00:00Z", (once, personal()), (never, personal()))
    publish(here.engine, AFTER, (once, personal(JEAN)), (never, personal(JEAN)))
    here.follower.catch_up()
    both = [here.app.test_client().get(f"/v1/mailboxes/{address}").json for address in (once, never)]
    assert both[0]["holders"] == both[1]["holders"] and [h["id"] for h in both[0]["holders"]] == ["8" + ZOE, "8" + JEAN]


def test_leaves_of_before_they_said_it_go_by_the_binding(here: Publishing) -> None:
    """And those of bindings and mailboxes that are no more are withheld where nothing says."""
    with writing(here.engine) as connection:
        told = _listed_leaves(connection)
        assert told == {f"{LISTED} 8{JEAN}": False, f"{BOX} 8{ZOE}": True, f"{BOX} 8{JEAN}": False}
        for number, data in connection.execute(text("SELECT number, data FROM log_leaf")).all():
            said = json.loads(bytes(data))
            del said["unlisted"]
            values = {"data": json.dumps(said).encode(), "number": number}
            connection.execute(text("UPDATE log_leaf SET data = :data WHERE number = :number"), values)
        assert _listed_leaves(connection) == told
        connection.execute(update(binding).values(mailbox_id=2))
        assert _listed_leaves(connection) == {f"{LISTED} 8{JEAN}": False, f"{BOX} 8{ZOE}": None, f"{BOX} 8{JEAN}": None}


def _listed_leaves(connection: Connection) -> dict[str, bool | None]:
    leaves = [(json.loads(leaf.data), leaf.unlisted) for leaf in read_leaves(connection, 0, 100)]
    return {f"{said['address']} {said['holder']}": unlisted for said, unlisted in leaves}


# --- what else ends bindings ------------------------------------------------------------------------------------------


def given_back(world: World) -> str:
    """An unlisted mailbox of Zoé's of which the extract, that gives it to Jean, has the word again; still hers."""
    box = f"zoe@{OURS}"
    people = [f.activity(ZOE), f.activity(JEAN, family_name="DUPONT", given_names="Jean")]
    of_jean = f.mailbox(box, JEAN, family_name="DUPONT", given_names="Jean")
    world.day(1, activity=people, mailboxes=[f.mailbox(f"un@{OURS}", JEAN)])
    with writing(world.engine) as connection:
        operators.add_operator(connection, "essai", [OURS], actor="tests")
    publish(world.engine, format_instant(datetime(2026, 11, 2, tzinfo=UTC)), (box, personal(unlisted=True)))
    world.day(20, mailboxes=[of_jean, f.mailbox(f"un@{OURS}", JEAN)])
    with reading(world.engine) as connection:
        asked = {d.how: d.pk for d in decisions.read_open(connection, kind="mailbox") if d.one == box}
    reject(world.engine, asked["rule:published_holder"], actor="staff")
    return box


def test_what_an_import_ends_ended_unlisted_and_a_rollback_takes_that_back(world: World) -> None:
    box = given_back(world)
    of_jean = f.mailbox(box, JEAN, family_name="DUPONT", given_names="Jean")
    assert flags(world.engine, box) == [(True, False)]
    last = world.day(21, mailboxes=[of_jean])
    assert flags(world.engine, box) == [(False, True), (True, False)]
    gone = world.day(22, mailboxes=[f.mailbox(f"un@{OURS}", JEAN)], accept="essai")
    assert flags(world.engine, box) == [(False, True), (False, True)]
    roll_back(world.engine, gone.run, actor="staff")
    assert flags(world.engine, box) == [(False, True), (True, False)]
    roll_back(world.engine, last.run, actor="staff")
    assert flags(world.engine, box) == [(True, False)]


def test_a_run_of_before_the_migration_is_taken_back_and_who_holds_again_is_not_noted(world: World) -> None:
    box = given_back(world)
    last = world.day(21, mailboxes=[f.mailbox(box, JEAN, family_name="DUPONT", given_names="Jean")])
    _as_of_before_0033(world.engine, last.run)
    assert flags(world.engine, box) == [(False, True), (True, False)]
    roll_back(world.engine, last.run, actor="staff")
    assert flags(world.engine, box) == [(True, False)]


def test_what_the_migration_noted_of_a_mailbox_stands_in_the_way_of_no_rollback(world: World) -> None:
    adeli, box = f.adeli(1), f"zoe@{OURS}"
    jean, other = ({"family_name": name, "given_names": "Jean"} for name in ("DUPONT", "MARTIN"))
    world.day(1, activity=[f.activity(ZOE), f.activity(JEAN, **jean), f.activity(adeli, **other)])
    with writing(world.engine) as connection:
        operators.add_operator(connection, "essai", [OURS], actor="tests")
    publish(world.engine, "2026-11-02T00:00:00Z", (box, personal(unlisted=True)))
    publish(world.engine, "2026-11-03T00:00:00Z", (box, personal(adeli)))
    merged = world.day(10, links=[(adeli, JEAN)])
    _as_of_before_0033(world.engine, merged.run)
    assert world.holders(box) == ["8" + JEAN]
    roll_back(world.engine, merged.run, actor="staff")
    assert world.holders(box) == ["0" + adeli] and flags(world.engine, box) == [(False, True), (True, False)]
    publish(world.engine, "2026-11-20T00:00:00Z", (box, personal(JEAN)))


def _as_of_before_0033(engine: Engine, run_id: int | None) -> None:
    """The registry as the migration leaves it, had the version before it made this run."""
    _downgrade(engine, "0032")
    with writing(engine, upgrading=True) as connection:
        kept = "SELECT key, before FROM undo_row WHERE run_id = :run AND table_name = 'binding'"
        for key, before in connection.execute(text(kept), {"run": run_id}).all():
            row = json.loads(before)
            del row["unlisted"]
            change = "UPDATE undo_row SET before = :b WHERE run_id = :run AND table_name = 'binding' AND key = :k"
            connection.execute(text(change), {"b": json.dumps(row), "run": run_id, "k": key})
    upgrade(engine)


def test_what_the_staff_close_ended_unlisted(world: World) -> None:
    """Published listed, so that its absence of the extract is asked about, and unlisted before the answer."""
    box = f"zoe@{OURS}"
    world.day(1, activity=[f.activity(ZOE)], mailboxes=[f.mailbox(f"un@{OURS}", ZOE)])
    with writing(world.engine) as connection:
        operators.add_operator(connection, "essai", [OURS], actor="tests")
    publish(world.engine, "2026-11-02T00:00:00Z", (box, personal()))
    world.day(20, mailboxes=[f.mailbox(f"deux@{OURS}", ZOE), f.mailbox(f"un@{OURS}", ZOE)])
    publish(world.engine, "2026-11-21T00:00:00Z", (box, personal(unlisted=True)))
    with reading(world.engine) as connection:
        (question,) = decisions.read_open(connection, kind="mailbox")
    reject(world.engine, question.pk, actor="staff")
    assert flags(world.engine, box) == [(False, True)]


# --- registries of before ---------------------------------------------------------------------------------------------


def test_the_journal_tells_of_the_past_of_a_registry_of_before(here: Publishing) -> None:
    """And the log and the index learn of it as of any change."""
    twice, closed, open_, never = (f"{name}@{OURS}" for name in ("deux", "fermee", "ouverte", "jamais"))
    publish(
        here.engine, BEFORE, (twice, personal()), (closed, personal(unlisted=True)), (open_, personal(unlisted=True))
    )
    publish(here.engine, "2026-04-01T00:00:00Z", (twice, personal(JEAN)), (never, personal()))
    publish(here.engine, "2026-05-01T00:00:00Z", (twice, personal(JEAN, unlisted=True)), (closed, None), (never, None))
    publish(here.engine, "2026-06-01T00:00:00Z", (twice, personal(unlisted=True)))
    publish(here.engine, "2026-07-01T00:00:00Z", (twice, personal(JEAN)))
    boxes = (BOX, twice, closed, open_, never)
    kept = [flags(here.engine, box) for box in boxes]
    assert kept[1] == [(False, False), (False, True), (False, True), (True, False)]
    _downgrade(here.engine, "0032")
    upgrade(here.engine)
    assert [flags(here.engine, box) for box in boxes] == kept
    with reading(here.engine) as connection:
        query = select(mailbox.c.address).join(journal, journal.c.subject_id == mailbox.c.id)
        told = connection.execute(query.where(journal.c.actor == "annuaire", journal.c.subject == "mailbox")).scalars()
        assert sorted(told) == sorted([BOX, twice])
    append(here.engine, here.settings.data)
    here.follower.catch_up()
    assert audited(here.engine, here.settings.data).findings == []
    assert [h["id"] for h in here.app.test_client().get(f"/v1/mailboxes/{BOX}").json["holders"]] == ["8" + JEAN]


def _downgrade(engine: Engine, revision: str) -> None:
    with writing(engine) as connection:
        config = _config()
        config.attributes["connection"] = connection
        command.downgrade(config, revision)
