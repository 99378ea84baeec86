"""The access log as a file: lines, addresses, and what happens to it from outside."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from full_disk import full_disk
from prometheus_client import REGISTRY

from directory_service import accesslog
from directory_service.accesslog import SHORTEN, AccessLog
from directory_service.settings import describe


def read(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_lines_are_written_together_when_asked(tmp_path: Path) -> None:
    log = AccessLog(str(tmp_path / "log"), clock=lambda: 1_795_000_000.5)
    log.add("ldap", "192.0.2.77", {"operation": "bind"})
    log.add("http", "192.0.2.77", {"status": 200})
    assert not (tmp_path / "log").exists()
    log.close()
    first, second = read(tmp_path / "log")
    assert (first["at"], first["operation"], first["address"]) == ("2026-11-18T11:06:40.500Z", "bind", "192.0.2.77")
    assert second["status"] == 200
    assert (tmp_path / "log").stat().st_mode & 0o007 == 0


@pytest.mark.parametrize(
    ("way", "address", "shown"),
    [("full", "192.0.2.77", "192.0.2.77"), ("network", "192.0.2.77", "192.0.2.0/24"), ("none", "192.0.2.77", ""),
     ("network", "::ffff:192.0.2.77", "192.0.2.0/24"),
     ("network", "2001:db8:1:2::3", "2001:db8:1::/48"), ("network", "fe80::1%eth0", "fe80::/48"), ("network", "", "")],
)  # fmt: skip
def test_addresses_are_as_long_as_one_chooses(way: str, address: str, shown: str) -> None:
    assert SHORTEN[way](address) == shown


def test_every_way_is_a_setting() -> None:
    setting = next(s for s in describe() if s.name == "access_log_address")
    assert setting.among == tuple(SHORTEN)


def test_a_file_moved_away_is_opened_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(accesslog, "_LOOK", 0.0)
    path = tmp_path / "log"
    log = AccessLog(str(path))
    for move in (lambda: path.rename(tmp_path / "log.1"), path.unlink):
        log.add("ldap", "", {"operation": "a"})
        log.flush()
        _ = move()
        log.add("ldap", "", {"operation": "b"})
        log.flush()
        assert [line["operation"] for line in read(path)] == ["b"]
    log.close()


def lost() -> float:
    return REGISTRY.get_sample_value("annuaire_access_log_lost_total") or 0.0


def test_a_log_that_cannot_be_written_disturbs_nobody(tmp_path: Path) -> None:
    before, log = lost(), AccessLog(str(tmp_path / "no" / "folder"))
    log.add("ldap", "", {})
    log.close()
    assert lost() == before + 1


def test_what_a_full_disk_cut_short_is_counted_and_runs_into_no_other_line(tmp_path: Path) -> None:
    before, path = lost(), tmp_path / "log"
    log = AccessLog(str(path), clock=lambda: 1_795_000_000.5)
    log.add("ldap", "", {"operation": "a"})
    log.flush()
    whole = path.stat().st_size
    for operation in "bc":
        log.add("ldap", "", {"operation": operation})
    with full_disk(after=whole + whole // 2):
        log.flush()
    log.add("ldap", "", {"operation": "d"})
    log.close()
    first, half, last = path.read_text(encoding="utf-8").splitlines()
    assert [json.loads(line)["operation"] for line in (first, last)] == ["a", "d"] and len(half) == whole // 2
    assert lost() == before + 2


def test_lines_that_nobody_flushes_do_not_pile_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(accesslog, "_PENDING", 3)
    log = AccessLog(str(tmp_path / "log"))
    add: Callable[[], None] = lambda: log.add("ldap", "", {})  # noqa: E731
    for _ in range(7):
        add()
    assert len(read(tmp_path / "log")) == 6
    log.close()
