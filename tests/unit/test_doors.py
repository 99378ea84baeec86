"""Who a secret speaks for over HTTP, and how often wrong ones may be tried."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import web_world as world
from record_factories import SUFFIX
from registry_factories import key_of, secret_of

from directory_service.errors import Forbidden, TooManyAttempts
from directory_service.index.directory import Directory
from directory_service.index.writer import build_index
from directory_service.registry import operators
from directory_service.registry.clients import add_client, revoke_client
from directory_service.registry.engine import open_registry, writing
from directory_service.registry.upgrading import upgrade
from directory_service.trust.access import BadCredentials
from directory_service.trust.doors import Doors
from directory_service.trust.throttle import Throttle

HERE, THERE = "192.0.2.1", "198.51.100.7"


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Directory, dict[str, str]]]:
    folder: Path = tmp_path_factory.mktemp("doors")
    engine = open_registry(f"sqlite:///{folder / 'registry.sqlite'}")
    upgrade(engine)
    secrets = {"essai": world.fill(engine)}
    with writing(engine) as connection:
        add_client(connection, "essai", actor="test")
        secrets["client~essai"] = key_of(connection, "essai")
        secrets["client~gone"] = add_client(connection, "gone", actor="test")
        revoke_client(connection, "gone", actor="test")
        operators.add_operator(connection, "essai.fr", (), actor="test")
        secrets["essai.fr"] = secret_of(connection, "essai.fr")
        operators.add_operator(connection, "off", (), actor="test")
        secrets["off"] = secret_of(connection, "off")
        operators.suspend(connection, "off", actor="test")
    build_index(engine, folder / "index", SUFFIX, workers=1)
    engine.dispose()
    directory = Directory(folder / "index", SUFFIX)
    yield directory, secrets
    directory.close()


def doors(directory: Directory, clock: Clock | None = None, burst: int = 3) -> Doors:
    return Doors(directory, Throttle(burst, 2.0, patience=0.0), clock=clock or Clock())


def test_an_operator_and_a_program_of_one_name_are_two(opened) -> None:
    directory, secrets = opened
    found = doors(directory)
    assert found.bearer(secrets["essai"], HERE).operator == "essai"
    assert found.bearer(secrets["client~essai"], HERE)[:2] == ("", "essai")
    swapped = (secrets["essai"].replace("essai", "client~essai"), secrets["client~essai"].removeprefix("client~"))
    for wrong in swapped:
        with pytest.raises(BadCredentials):
            found.bearer(wrong, HERE)


def test_a_name_may_have_dots(opened) -> None:
    directory, secrets = opened
    assert doors(directory).bearer(secrets["essai.fr"], HERE).operator == "essai.fr"


@pytest.mark.parametrize("shown", ["client~gone", "off", ""])
def test_revoked_is_nobody_and_suspended_is_told(opened, shown: str) -> None:
    directory, secrets = opened
    with pytest.raises(Forbidden) as refused:
        doors(directory).bearer(secrets.get(shown, ""), HERE)
    assert isinstance(refused.value, BadCredentials) == (shown != "off")


def test_after_some_wrong_ones_the_next_wait_right_or_wrong(opened) -> None:
    directory, secrets = opened
    clock = Clock()
    found = doors(directory, clock)
    for n in range(3):
        with pytest.raises(BadCredentials):
            found.bearer(f"nobody{n}.wrong", HERE)
    for shown in ("nobody.wrong", secrets["essai"], "essai.wrong"):
        with pytest.raises(TooManyAttempts) as refused:
            found.bearer(shown, HERE)
        assert (refused.value.http_status, refused.value.retry_after) == (429, 2)
    assert found.bearer(secrets["essai"], THERE).operator == "essai"  # then it is remembered
    assert found.bearer(secrets["essai"], HERE).operator == "essai"
    clock.now += 2.0
    with pytest.raises(BadCredentials):
        found.bearer("nobody.wrong", HERE)


def test_a_name_is_counted_wherever_it_is_tried_from(opened) -> None:
    directory, _ = opened
    for name in ("essai", "nobody", "client~essai"):
        found = doors(directory)
        for n in range(3):
            with pytest.raises(BadCredentials):
                found.bearer(f"{name}.wrong{n}", f"192.0.2.{n}")
        with pytest.raises(TooManyAttempts):
            found.bearer(f"{name}.wrong", "192.0.2.99")


def test_strangers_do_not_close_the_door_to_who_came_through_it_today(opened) -> None:
    directory, secrets = opened
    clock = Clock()
    found = doors(directory, clock)
    found.bearer(secrets["essai"], HERE)
    for n in range(3):
        with pytest.raises(BadCredentials):
            found.bearer(f"essai.wrong{n}", THERE)
    with pytest.raises(BadCredentials):  # not TooManyAttempts: from here the name is not counted
        found.bearer("essai.mistyped", HERE)
    with pytest.raises(TooManyAttempts):
        found.bearer("essai.other", "203.0.113.5")


def test_who_came_through_it_is_known_for_a_day_and_so_many_are(opened, monkeypatch: pytest.MonkeyPatch) -> None:
    directory, secrets = opened
    monkeypatch.setattr("directory_service.trust.doors._MOST_KNOWN", 1)
    clock = Clock()
    for later, refused in ((86_399.0, BadCredentials), (86_401.0, TooManyAttempts)):
        found = doors(directory, clock, burst=1)
        found.bearer(secrets["essai"], HERE)
        clock.now += later
        with pytest.raises(BadCredentials):
            found.bearer("essai.wrong", "203.0.113.5")
        with pytest.raises(refused):
            found.bearer("essai.other", HERE)
    found = doors(directory, clock, burst=1)
    for shown, address in (("essai", HERE), ("client~essai", THERE)):  # the second takes the place of the first
        found.bearer(secrets[shown], address)
    assert [*found._known] == [("client~essai", THERE)]


def test_right_ones_are_never_too_many(opened) -> None:
    directory, secrets = opened
    found = doors(directory, burst=1)
    for _ in range(5):
        found.bearer(secrets["essai"], HERE)
        found.bearer(secrets["client~essai"], HERE)
        with pytest.raises(Forbidden):
            found.bearer(secrets["off"], HERE)
    with pytest.raises(BadCredentials):  # none of these was counted
        found.bearer("nobody.wrong", HERE)


def test_the_machine_itself_has_no_address_to_count_by(opened) -> None:
    """A proxy that nobody declared would be everybody."""
    directory, _ = opened
    found = doors(directory)
    for n in range(6):
        with pytest.raises(BadCredentials):
            found.bearer(f"nobody{n}.wrong", "127.0.0.1")


def test_but_names_are_counted_there_too(opened) -> None:
    directory, secrets = opened
    found = doors(directory)
    found.bearer(secrets["essai"], "127.0.0.1")
    for n in range(3):
        with pytest.raises(BadCredentials):
            found.bearer(f"essai.wrong{n}", "127.0.0.1")
    with pytest.raises(TooManyAttempts):
        found.bearer("essai.wrong", "127.0.0.1")


def test_who_waits_for_a_computation_leaves_threads_to_the_others(opened) -> None:
    """A flood of wrong secrets, each of its own network and name, would else hold every thread of the process."""
    directory, secrets = opened
    found = doors(directory)
    found.bearer(secrets["essai"], HERE)
    with pytest.raises(BadCredentials):
        found.bearer("nobody.before", HERE)
    with found._lock, pytest.raises(TooManyAttempts):  # waits its turn, though not for ever
        found.bearer("nobody.wrong", "2001:db8:1::1")
    while found._queue.acquire(blocking=False):  # as many as may wait
        pass
    with pytest.raises(TooManyAttempts):
        found.bearer("nobody.wrong", "2001:db8:2::1")
    assert found.bearer(secrets["essai"], HERE).operator == "essai"  # remembered: no computation
    with pytest.raises(BadCredentials):
        found.bearer("nobody.before", HERE)


def test_what_is_longer_than_any_secret_is_refused_without_being_kept(opened) -> None:
    """Its name may take 8 KiB, and twenty thousand are kept."""
    directory, _ = opened
    throttle = Throttle(3, 2.0, patience=0.0)
    found = Doors(directory, throttle, clock=Clock())
    for n in range(5):
        with pytest.raises(BadCredentials):
            found.bearer(f"{n}{'x' * 8000}.wrong", HERE)
    assert not throttle._due
