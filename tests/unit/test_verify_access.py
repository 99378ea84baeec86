"""An operator's secret: what it opens, and when it stops opening."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
import web_world as world
from record_factories import SUFFIX

from directory_service.errors import Forbidden
from directory_service.index.directory import Directory
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
    with pytest.raises(BadCredentials) as refused:
        Secrets(directory.operator).check(name, secret)
    assert str(refused.value) == "authentification refusée"
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
