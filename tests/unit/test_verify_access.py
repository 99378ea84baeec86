"""An operator's secret: what it opens, and when it stops opening."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import pytest
import web_world as world
from argon2 import PasswordHasher
from record_factories import SUFFIX

from directory_service.errors import Forbidden
from directory_service.index.directory import Directory
from directory_service.index.trusted import OperatorRecord
from directory_service.index.writer import build_index
from directory_service.registry import operators
from directory_service.registry.engine import open_registry, writing
from directory_service.trust.access import LONGEST_SECRET, BadCredentials, Secrets


def test_a_secret_opens_the_operator_view_until_it_is_replaced_or_its_operator_suspended(tmp_path: Path) -> None:
    directory, secret = world.build_world(tmp_path)
    secrets = Secrets(directory.operator)
    secrets.check(world.OPERATOR, secret)
    secrets.check(world.OPERATOR, secret)  # from what is remembered

    newer = change(tmp_path, directory, "secret")
    secrets.check(world.OPERATOR, newer)
    with pytest.raises(BadCredentials):
        secrets.check(world.OPERATOR, secret)

    change(tmp_path, directory, "suspend")
    with pytest.raises(Forbidden) as refused:
        secrets.check(world.OPERATOR, newer)
    assert not isinstance(refused.value, BadCredentials)
    directory.close()


def change(folder: Path, directory: Directory, what: str) -> str:
    before, secret = directory.build().id, ""
    engine = open_registry(f"sqlite:///{folder / 'registry.sqlite'}")
    with writing(engine) as connection:
        if what == "secret":
            secret = operators.set_secret(connection, world.OPERATOR, actor="test")
        else:
            operators.suspend(connection, world.OPERATOR, actor="test")
    build_index(engine, folder / "index", SUFFIX, workers=1)
    engine.dispose()
    deadline = time.monotonic() + 60
    while directory.build().id == before:
        assert time.monotonic() < deadline
    return secret


@pytest.mark.parametrize(
    ("name", "secret"),
    [
        ("essai", "essai.wrong"),
        ("essai", ""),
        ("nobody", "nobody.secret"),
        ("", "secret"),
        ("essai", "é" * LONGEST_SECRET),
        ("essai", "x" * (LONGEST_SECRET + 1)),
        ("essai", "\udcff"),
    ],
)
def test_anything_else_is_refused_alike(tmp_path: Path, name: str, secret: str) -> None:
    directory, _ = world.build_world(tmp_path)
    secrets = Secrets(directory.operator)
    with pytest.raises(BadCredentials) as refused:
        secrets.check(name, secret)
    assert str(refused.value) == "authentification refusée"
    computed = secrets.remembered(name, secret) is not None
    assert computed == (0 < len(secret) <= LONGEST_SECRET)  # for what is nobody's by its length, nothing is
    directory.close()


def test_what_was_decided_of_a_secret_is_remembered_for_a_while_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    directory, secret = world.build_world(tmp_path)
    secrets = Secrets(directory.operator)
    secrets.check(world.OPERATOR, secret)
    assert secrets.remembered(world.OPERATOR, secret) is True
    monkeypatch.setattr("directory_service.trust.access.FOR", -1.0)  # what is kept from now on is over at once
    other = Secrets(directory.operator)
    other.check(world.OPERATOR, secret)
    assert other.remembered(world.OPERATOR, secret) is None
    directory.close()


def test_so_many_decisions_are_remembered_and_wrong_ones_forget_no_right_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("directory_service.trust.access.REMEMBERED", 2)
    directory, secret = world.build_world(tmp_path)
    secrets = Secrets(directory.operator)
    secrets.check(world.OPERATOR, secret)
    wrong = [f"{world.OPERATOR}.{n}" for n in range(3)]
    for shown in wrong:
        with pytest.raises(BadCredentials):
            secrets.check(world.OPERATOR, shown)
    assert [secrets.remembered(world.OPERATOR, shown) for shown in (secret, *wrong)] == [True, None, False, False]
    directory.close()


def test_while_two_secrets_open_each_is_remembered_and_what_is_not_known_of_both_is_not_known() -> None:
    hashed = PasswordHasher(time_cost=1, memory_cost=64)
    newer, former = hashed.hash("essai.newer"), hashed.hash("essai.former")
    held = OperatorRecord("essai", newer, "active", (), former_hash=former, former_until="9999")
    known = {"essai": held}
    secrets = Secrets(known.get)
    assert [secrets.check("essai", f"essai.{which}") for which in ("newer", "former")] == [newer, former]
    assert [secrets.remembered("essai", f"essai.{which}") for which in ("newer", "former")] == [True, True]
    with pytest.raises(BadCredentials):
        secrets.check("essai", "essai.next")
    assert secrets.remembered("essai", "essai.next") is False
    known["essai"] = replace(held, secret_hash=hashed.hash("essai.next"), former_hash=newer)
    assert secrets.remembered("essai", "essai.next") is None  # wrong for the one before, which says nothing of this one
    secrets.check("essai", "essai.next")


def test_what_is_kept_of_a_secret_says_nothing_to_another_process() -> None:
    one, other = (Secrets(lambda _name: None)._mark("hash", "essai.secret") for _ in range(2))
    assert one != other


def test_a_hash_that_is_none_opens_nothing() -> None:
    with pytest.raises(BadCredentials):
        Secrets(lambda name: OperatorRecord(name, "none", "active", ())).check("essai", "essai.none")
