"""Any sequence of publications, told twice: the same state, and a journal that grows by what changed and no more.

A plain dictionary of what each address should be stands beside the registry (``_Model``); and one batch does what the
same orders do one by one.
"""

from __future__ import annotations

import itertools
import shutil
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from publication_world import CLINIC, HOSPITAL, JEAN, OURS, ZOE, organizational, personal
from registry_factories import add_person, add_place
from sqlalchemy import Engine, func, select

from directory_service.errors import AnnuaireError
from directory_service.model.publication import merge_patch, parse_publication
from directory_service.registry import operators
from directory_service.registry.boxstate import read_states
from directory_service.registry.engine import open_registry, reading, writing
from directory_service.registry.publishing import Done, Order, Publisher
from directory_service.registry.tables import binding, journal, mailbox
from directory_service.registry.tally import Tally, count, read_tally, recount

ADDRESSES = [f"{name}@{OURS}" for name in "ab"]
AT = "2026-11-01T00:00:00Z"

_shared: dict[str, Any] = {"service": st.sampled_from(["", "Accueil"]), "paperless": st.booleans()}
_shared |= {"unlisted": st.booleans(), "rank": st.sampled_from([1, 2])}
_shared |= {"purposes": st.lists(st.sampled_from(["report", "urgent"]), max_size=2)}
_bodies = st.one_of(
    st.builds(personal, st.sampled_from([ZOE, JEAN]), **_shared),
    st.builds(organizational, st.sampled_from([HOSPITAL, CLINIC]), **_shared),
)
_patches = st.fixed_dictionaries(
    {}, optional={"service": st.sampled_from([None, "Accueil", "Urgences"]), "rank": st.sampled_from([None, 1, 3]),
                  "holder": st.sampled_from([{"person": JEAN}, {"structure": "1" + HOSPITAL}])}
)  # fmt: skip
_asked = st.tuples(st.sampled_from(ADDRESSES), st.one_of(_bodies, _patches, st.none()))


def order(address: str, wish: dict[str, Any] | None) -> Order:
    return Order(address, parse_publication(wish) if wish and "type" in wish else wish)


@pytest.fixture(scope="module")
def world(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Each call gives a fresh registry of two people, two structures and one operator."""
    folder, numbers = tmp_path_factory.mktemp("replay"), itertools.count()
    first = folder / "first.sqlite"
    shutil.copy(sqlite_template, first)
    engine = open_registry(f"sqlite:///{first}")
    with writing(engine) as connection:
        for key, number in enumerate((ZOE, JEAN), 1):
            add_person(connection, key, number)
        for key, number in enumerate((HOSPITAL, CLINIC), 1):
            add_place(connection, key, technical_id="F" + number, national_id="1" + number)
        operators.add_operator(connection, "essai", [OURS], actor="tests")
        recount(connection)
    engine.dispose()

    def fresh() -> Engine:
        path = folder / f"{next(numbers)}.sqlite"
        shutil.copy(first, path)
        return open_registry(f"sqlite:///{path}")

    return fresh


def tell(engine: Engine, orders: list[Order]) -> list[Done | AnnuaireError]:
    """One transaction each."""
    done: list[Done | AnnuaireError] = []
    for one in orders:
        with writing(engine) as connection:
            done += Publisher(connection, "essai", AT).do_all([one])
    return done


def entries(engine: Engine) -> int:
    with reading(engine) as connection:
        return int(connection.execute(select(func.count()).where(journal.c.subject == "mailbox")).scalar_one())


def dump(engine: Engine) -> list[list[tuple[Any, ...]]]:
    with reading(engine) as connection:
        return [[tuple(r) for r in connection.execute(select(t).order_by(t.c.id))] for t in (mailbox, binding)]


class _Model:
    """What stands, as the body that would say it, its numbers in their national form; None once closed."""

    def __init__(self) -> None:
        self.boxes: dict[str, dict[str, Any] | None] = {}

    def tell(self, address: str, wish: dict[str, Any] | None) -> str:
        """What comes of it: an act, nothing, or ``refused``."""
        known, stands = address in self.boxes, self.boxes.get(address)
        if wish is None:
            self.boxes |= {address: None} if known else {}
            return "refused" if not known else "close" if stands else ""
        if "type" not in wish:
            if stands is None:
                return "refused"
            wish = dict(merge_patch(stands, wish))  # type: ignore[call-overload]
        try:
            new = _national(parse_publication(wish).as_dict())
        except AnnuaireError:
            return "refused"
        self.boxes[address] = new
        return "" if new == stands else "update" if stands else "reopen" if known else "create"


def _national(body: dict[str, Any]) -> dict[str, Any]:
    for name, digit in (("person", "8"), ("structure", "1")):
        number = body["holder"].get(name)
        if number and len(number) in (9, 11):
            body["holder"][name] = digit + number
    return body


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(asked=st.lists(_asked, max_size=12))
def test_publications_told_twice_are_told_once(world: Any, asked: list[tuple[str, dict[str, Any] | None]]) -> None:
    engine, model, orders = world(), _Model(), [order(*one) for one in asked]
    expected = [model.tell(*one) for one in asked]
    acts = [d.act if isinstance(d, Done) else "refused" for d in tell(engine, orders)]
    assert acts == expected
    assert entries(engine) == len([act for act in acts if act not in ("", "refused")])
    state, told = dump(engine), entries(engine)
    for one in _last_words(model):
        assert [d.act for d in tell(engine, [one]) if isinstance(d, Done)] == [""]
    assert (dump(engine), entries(engine)) == (state, told)
    with reading(engine) as connection:
        assert _groups(read_tally(connection)) == _groups(count(connection))
    engine.dispose()


def _groups(tally: Tally) -> dict[tuple[str, str], int]:
    return {(dimension, key): n for dimension, by_key in tally.items() for key, n in by_key.items() if n}


def _last_words(model: _Model) -> list[Order]:
    """The final state of each address, said again in full."""
    return [order(address, stands) for address, stands in model.boxes.items()]


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(asked=st.lists(_asked, max_size=12))
def test_one_batch_does_what_its_lines_do_one_by_one(world: Any, asked: list[tuple[str, Any]]) -> None:
    one_by_one, together, orders = world(), world(), [order(*one) for one in asked]
    singly = tell(one_by_one, orders)
    with writing(together) as connection:
        done = Publisher(connection, "essai", AT).do_all(orders)
    assert [getattr(d, "act", None) for d in done] == [getattr(d, "act", None) for d in singly]
    assert [getattr(d, "version", None) for d in done] == [getattr(d, "version", None) for d in singly]
    assert dump(one_by_one) == dump(together)
    with reading(together) as connection:
        states = read_states(connection, ADDRESSES)
    last = {o.address: d for o, d in zip(orders, done, strict=True) if isinstance(d, Done)}
    assert {a: s.version for a, s in states.items()} == {a: d.version for a, d in last.items()}
    for engine in (one_by_one, together):
        engine.dispose()
