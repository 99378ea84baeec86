"""The transparency log: what becomes of a binding is a leaf, in order, for good; whoever rewrites history is found."""

from __future__ import annotations

import json
from pathlib import Path

import factories as f
import pytest
from import_world import World
from log_world import BOX, LEA, NOW, OTHER, ZOE, append, audited, events, keyring, three_days, told, written_days
from sqlalchemy import Engine, delete, insert, select, update

from directory_service.model.events import Cause, Held, changes, held_after, leaf_data, parse_leaf
from directory_service.model.merkle import grow, is_consistent, leaf_hash, root_by_inclusion
from directory_service.registry.audit import FormerHead
from directory_service.registry.engine import reading, writing
from directory_service.registry.journal import append as note
from directory_service.registry.logread import (
    Signed,
    is_signed,
    read_consistency,
    read_head,
    read_inclusion,
    read_leaves,
    read_signed,
)
from directory_service.registry.rollback import roll_back
from directory_service.registry.tables import binding, log_head, log_leaf, log_node, log_place, mailbox
from directory_service.trust.heads import TREE_HEAD


def test_a_binding_opens_changes_hands_closes_and_comes_back(world: World, tmp_path: Path) -> None:
    three_days(world, tmp_path)
    assert told(world.engine) == [
        ("open", BOX, "8" + ZOE),
        ("open", OTHER, "8" + LEA),
        ("close", BOX, "8" + ZOE),
        ("open", BOX, "8" + LEA),
        ("close", OTHER, "8" + LEA),
        ("open", OTHER, "8" + LEA),
    ]
    first, *_, last = events(world.engine)
    assert (first["run"], last["run"], first["operator"]) == (1, 3, None)
    assert (first["since"], first["until"], first["source"]) == ("2026-11-01T00:00:00Z", None, "mssante.mailboxes")
    assert len({e["nonce"] for e in events(world.engine)}) == 6


def test_run_again_it_adds_nothing(registry: Engine, tmp_path: Path) -> None:
    written_days(registry, tmp_path)
    assert append(registry, tmp_path).leaves == 0
    with reading(registry) as connection:
        assert list(connection.execute(select(log_head.c.size)).scalars()) == [2, 5, 6]


def test_change_by_change_or_all_at_once_the_log_ends_on_the_same_bindings(world: World, tmp_path: Path) -> None:
    people = [f.activity(f.rpps(n)) for n in range(1, 8)]
    boxes = [f.mailbox(f"b{n}@a.mssante.fr", f.rpps(n)) for n in range(1, 8)]
    world.day(1, activity=people, mailboxes=boxes)
    done = append(world.engine, tmp_path, page=3)
    assert (done.leaves, done.size) == (7, 7)
    assert audited(world.engine, tmp_path).found == 0


def test_a_holder_who_becomes_known_moves_the_binding(world: World, tmp_path: Path) -> None:
    world.day(1, mailboxes=[f.mailbox(BOX, ZOE)])
    append(world.engine, tmp_path)
    world.day(2, activity=[f.activity(ZOE)])
    append(world.engine, tmp_path)
    assert told(world.engine) == [("open", BOX, "10" + BOX), ("move", BOX, "8" + ZOE)]
    unknown, known = events(world.engine)
    assert unknown["written"][0] == "8" + ZOE and known["written"] is None


def test_two_records_that_become_one_move_the_binding(world: World, tmp_path: Path) -> None:
    adeli = f.adeli(1)
    world.day(1, activity=[f.activity(adeli)], mailboxes=[f.mailbox(BOX, adeli)])
    append(world.engine, tmp_path)
    world.day(2, activity=[f.activity(adeli), f.activity(ZOE)], links=[(adeli, ZOE)])
    append(world.engine, tmp_path)
    assert told(world.engine) == [("open", BOX, "0" + adeli), ("move", BOX, "8" + ZOE)]
    assert audited(world.engine, tmp_path).found == 0


def test_a_rollback_adds_leaves_and_removes_none(world: World, tmp_path: Path) -> None:
    three_days(world, tmp_path)
    before = told(world.engine)
    roll_back(world.engine, 2, actor="tests", through=True)
    append(world.engine, tmp_path)
    after = told(world.engine)
    assert after[: len(before)] == before
    assert sorted(after[len(before) :]) == [
        ("reopen", OTHER, "8" + LEA),
        ("reopen", BOX, "8" + ZOE),
        ("withdraw", OTHER, "8" + LEA),
        ("withdraw", BOX, "8" + LEA),
    ]
    assert audited(world.engine, tmp_path).found == 0
    world.day(4, mailboxes=[f.mailbox("new@a.mssante.fr", ZOE)], accept="essai")  # takes the keys that were freed
    append(world.engine, tmp_path)
    assert audited(world.engine, tmp_path).found == 0


def test_heads_are_signed_and_follow_from_one_another(registry: Engine, tmp_path: Path) -> None:
    written_days(registry, tmp_path)
    with reading(registry) as connection:
        old, new = read_head(connection, 2), read_head(connection)
        old_root, path, new_root = read_consistency(connection, old.size, new.size)
        leaf, audit_path, _ = read_inclusion(connection, 3, new.size)
    assert (old_root.hex(), new_root.hex()) == (old.root, new.root)
    assert is_consistent(old.size, new.size, old_root, new_root, path)
    assert root_by_inclusion(leaf, 3, new.size, audit_path) == new_root
    payload = f'{{"at":"{new.at}","root":"{new.root}","size":6,"v":1}}'
    assert keyring(tmp_path).check(new.jws, TREE_HEAD) == payload.encode()


# --- tampering --------------------------------------------------------------------------------------------------------


@pytest.fixture
def logged(registry: Engine, tmp_path: Path) -> Engine:
    written_days(registry, tmp_path)
    assert audited(registry, tmp_path).found == 0
    return registry


def _flip(octets: bytes, place: int) -> bytes:
    return octets[:place] + bytes([octets[place] ^ 1]) + octets[place + 1 :]


def _flip_row(engine: Engine, table, row, column: str, place: int) -> None:
    with writing(engine) as connection:
        value = bytes(connection.execute(select(table.c[column]).where(row)).scalar_one())
        connection.execute(update(table).where(row).values({column: _flip(value, place)}))


def _findings(engine: Engine, folder: Path, *former: FormerHead) -> list[tuple[str, str, int | None, str | None]]:
    return [(x.table, x.row, x.leaf, x.address) for x in audited(engine, folder, former).findings]


def test_a_date_of_a_binding_is_named(logged: Engine, tmp_path: Path) -> None:
    with writing(logged) as connection:
        connection.execute(update(binding).where(binding.c.id == 1).values(until="2026-11-20T00:00:00Z"))
    (finding,) = audited(logged, tmp_path).findings
    assert (finding.table, finding.row, finding.leaf, finding.address) == ("binding", "1", 2, BOX)
    assert "until 2026-11-20T00:00:00Z au lieu de 2026-11-02T00:00:00Z" in finding.what


def test_a_holder_is_named(logged: Engine, tmp_path: Path) -> None:
    with writing(logged) as connection:
        connection.execute(update(binding).where(binding.c.id == 1).values(practitioner_id=2))
    assert _findings(logged, tmp_path) == [("binding", "1", 2, BOX)]


@pytest.mark.parametrize(("column", "value"), [("opened_run", 2), ("opened_operator", "autre"), ("closed_run", 3)])
def test_who_began_or_ended_a_binding_is_named(logged: Engine, tmp_path: Path, column: str, value: object) -> None:
    with writing(logged) as connection:
        connection.execute(update(binding).where(binding.c.id == 1).values({column: value}))
    (finding,) = audited(logged, tmp_path).findings
    assert (finding.row, finding.address) == ("1", BOX)
    assert f"{column[:6]} " in finding.what


@pytest.mark.parametrize(("column", "value"), [("type", "ORG"), ("unlisted", True)])
def test_what_a_mailbox_is_and_whether_it_is_listed_is_named(
    logged: Engine, tmp_path: Path, column: str, value: object
) -> None:
    with writing(logged) as connection:
        box = connection.execute(select(binding.c.mailbox_id).where(binding.c.id == 2)).scalar_one()
        keys = connection.execute(select(binding.c.id).where(binding.c.mailbox_id == box)).scalars().all()
        connection.execute(update(mailbox).where(mailbox.c.id == box).values({column: value}))
    found = audited(logged, tmp_path).findings
    assert [(f.table, f.row) for f in found] == [("binding", str(key)) for key in keys]
    assert all(f"{column} {value} au lieu de" in f.what and f.address for f in found)


EARLIER = [("type", "unlisted"), ("type", "unlisted", "opened", "closed")]  # what leaves did not say at first


@pytest.mark.parametrize("names", EARLIER)
def test_leaves_of_before_mailboxes_or_who_bound_them_were_logged_are_read(names: tuple[str, ...]) -> None:
    held = Held(BOX, "8" + ZOE, NOW, None, "mssante.mailboxes", None, (1, None), None, "PER", False)
    said = json.loads(leaf_data("open", held, 1, Cause(NOW, 1, ""), b"chance"))
    state = held_after(parse_leaf(_without(names, json.dumps(said).encode())))
    assert state == held.as_then()[EARLIER.index(names)]
    assert list(changes(state, held)) == [("move", held)]  # once the mailbox changes


def _without(names: tuple[str, ...], data: bytes) -> bytes:
    return json.dumps({name: value for name, value in json.loads(data).items() if name not in names}).encode()


@pytest.mark.parametrize("names", EARLIER)
def test_leaves_of_an_earlier_release_are_no_tampering(logged: Engine, tmp_path: Path, names: tuple[str, ...]) -> None:
    with writing(logged) as connection:
        leaves = [_without(names, bytes(d)) for d in connection.execute(
            select(log_leaf.c.data).order_by(log_leaf.c.number)).scalars()]  # fmt: skip
        for number, data in enumerate(leaves):
            values = {"data": data, "hash": leaf_hash(data)}
            connection.execute(update(log_leaf).where(log_leaf.c.number == number).values(values))
        connection.execute(delete(log_node))
        nodes, _ = grow(0, [], list(map(leaf_hash, leaves)))
        connection.execute(insert(log_node), [{"level": p.level, "number": p.number, "hash": d} for p, d in nodes])
        connection.execute(delete(log_head))
        note(connection, actor="tests", kind="update", subject="mailbox", subject_id=1)
    append(logged, tmp_path)  # which signs again
    assert _findings(logged, tmp_path) == []


def test_a_binding_taken_out_or_slipped_in_is_named(logged: Engine, tmp_path: Path) -> None:
    with writing(logged) as connection:
        row = dict(connection.execute(select(binding).where(binding.c.id == 2)).mappings().one())
        connection.execute(delete(binding).where(binding.c.id == 2))
        connection.execute(insert(binding).values({**row, "id": 99}))
    assert _findings(logged, tmp_path) == [("binding", "99", None, OTHER), ("binding", "2", 4, OTHER)]


@pytest.mark.parametrize("place", [0, 40, -1])
def test_a_byte_of_an_event_is_named(logged: Engine, tmp_path: Path, place: int) -> None:
    _flip_row(logged, log_leaf, log_leaf.c.number == 1, "data", place)
    findings = [x for x in audited(logged, tmp_path).findings if x.table == "log_leaf"]
    assert [(x.row, x.leaf) for x in findings] == [("1", 1)]


def test_a_byte_of_a_leafs_hash_is_named(logged: Engine, tmp_path: Path) -> None:
    _flip_row(logged, log_leaf, log_leaf.c.number == 3, "hash", 5)
    assert _findings(logged, tmp_path) == [("log_leaf", "3", 3, BOX), ("log_node", "1, 1", 2, BOX)]


def test_a_byte_of_a_node_is_named(logged: Engine, tmp_path: Path) -> None:
    _flip_row(logged, log_node, (log_node.c.level == 2) & (log_node.c.number == 0), "hash", 5)
    assert ("log_node", "2, 0", 0, None) in _findings(logged, tmp_path)


def test_an_event_rewritten_with_all_its_hashes_is_given_away_by_the_signed_heads(
    logged: Engine, tmp_path: Path
) -> None:
    _rewrite(logged, tmp_path, sign=False)
    assert ("log_head", "5", 2, None) in _findings(logged, tmp_path)


def test_and_signed_again_by_a_head_that_somebody_kept(logged: Engine, tmp_path: Path) -> None:
    with reading(logged) as connection:
        kept = read_head(connection, 5)
    _rewrite(logged, tmp_path, sign=True)
    assert _findings(logged, tmp_path) == []
    assert _findings(logged, tmp_path, FormerHead(kept.size, kept.root)) == [("tête gardée", "5", 0, None)]


def _rewrite(engine: Engine, folder: Path, *, sign: bool) -> None:
    """The registry says otherwise since when Léa holds the box, and the log is made again to say so."""
    with writing(engine) as connection:
        connection.execute(update(binding).where(binding.c.id == 3).values(since="2026-10-01T00:00:00Z"))
        heads = list(connection.execute(select(log_head)).mappings())
        at = list(connection.execute(select(log_leaf.c.number, log_leaf.c.data)))
        for table in (log_leaf, log_node, log_head, log_place):
            connection.execute(delete(table))
    if sign:
        append(engine, folder, now=lambda: NOW)
        return
    leaves = [bytes(d).replace(b"2026-11-02T00:00:00Z", b"2026-10-01T00:00:00Z") if n == 3 else bytes(d) for n, d in at]
    hashes = list(map(leaf_hash, leaves))
    nodes, _ = grow(0, [], hashes)
    with writing(engine) as connection:
        for n, (data, digest) in enumerate(zip(leaves, hashes, strict=True)):
            row = {"number": n, "mailbox_id": 1, "binding_id": 0, "seq": 1, "data": data, "hash": digest}
            connection.execute(insert(log_leaf).values(row))
        connection.execute(insert(log_node), [{"level": p.level, "number": p.number, "hash": d} for p, d in nodes])
        connection.execute(insert(log_head), [dict(head) for head in heads])


@pytest.mark.parametrize("number", [0, 3, 5])
def test_a_leaf_taken_out_is_named(logged: Engine, tmp_path: Path, number: int) -> None:
    with writing(logged) as connection:
        connection.execute(delete(log_leaf).where(log_leaf.c.number == number))
    found = audited(logged, tmp_path).findings
    if number < 5:
        assert ("log_leaf", str(number)) in [(x.table, x.row) for x in found]
    else:  # the last ones: the signed heads know how many there were
        assert ("log_head", "6") in [(x.table, x.row) for x in found]


def test_a_node_taken_out_is_named(logged: Engine, tmp_path: Path) -> None:
    with writing(logged) as connection:
        connection.execute(delete(log_node).where(log_node.c.level == 1, log_node.c.number == 0))
    assert _findings(logged, tmp_path) == [("log_node", "1, 0", None, None)]


def test_a_head_of_another_key_is_named(logged: Engine, tmp_path: Path) -> None:
    forged = keyring(tmp_path / "other").sign(b"{}", TREE_HEAD)
    with writing(logged) as connection:
        connection.execute(update(log_head).where(log_head.c.size == 5).values(jws=forged))
    assert _findings(logged, tmp_path) == [("log_head", "5", None, None)]


def test_what_was_said_while_a_mailbox_was_unlisted_stays_unlisted(logged: Engine, tmp_path: Path) -> None:
    for hidden in (True, False):
        with writing(logged) as connection:
            connection.execute(update(mailbox).where(mailbox.c.id == 2).values(unlisted=hidden))
            note(connection, actor="tests", kind="update", subject="mailbox", subject_id=2)
        append(logged, tmp_path)
    with reading(logged) as connection:
        leaves = read_leaves(connection, 6, 10)
    said = [(json.loads(leaf.data)["unlisted"], leaf.unlisted) for leaf in leaves]
    assert said == [(True, True)] * 2 + [(False, False)] * 2  # of both bindings


def test_who_signed_is_told_with_its_last_head(logged: Engine, tmp_path: Path) -> None:
    with reading(logged) as connection:
        last = read_head(connection)
        assert read_signed(connection) == [Signed(3, last.at, last.jws)]
        root = bytes.fromhex(last.root)
        assert read_consistency(connection, last.size, last.size) == (root, [], root)
    assert is_signed(logged.url.render_as_string(hide_password=False))
    assert not is_signed(f"sqlite:///{tmp_path / 'none.sqlite'}")


def test_changes_that_the_log_has_not_read_yet_are_not_tampering(logged: Engine, tmp_path: Path) -> None:
    with writing(logged) as connection:
        connection.execute(update(binding).where(binding.c.id == 4).values(until=NOW))
        note(connection, actor="tests", kind="close", subject="mailbox", subject_id=2)
    found = audited(logged, tmp_path)
    assert found.found == 0 and found.pending > 0


def test_nor_are_bindings_that_are_gone_and_leaves_that_wait_for_their_head(logged: Engine, tmp_path: Path) -> None:
    with writing(logged) as connection:
        connection.execute(delete(binding).where(binding.c.id == 4))
        for box in (2, 1):
            note(connection, actor="tests", kind="update", subject="mailbox", subject_id=box)
        connection.execute(
            update(binding).where(binding.c.mailbox_id == 1, binding.c.until.is_(None)).values(until=NOW)
        )
    assert audited(logged, tmp_path).found == 0

    chance = iter([bytes(16)])  # for one leaf: with the next the process ends
    with pytest.raises(RuntimeError):
        append(logged, tmp_path, page=1, nonces=lambda _count: next(chance))
    found = audited(logged, tmp_path)
    assert (found.found, found.pending) == (0, 1)
