"""One import or rollback at a time: who comes second waits, or hears who is first; nobody dead is in the way."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import factories as f
import pytest
from full_disk import full_disk
from sqlalchemy import Engine

from directory_service import cli
from directory_service.errors import RegistryBusy, RegistryUnavailable
from directory_service.registry import engine as engines
from directory_service.registry.engine import filling, open_registry, writing
from directory_service.registry.lock import Holder, locked
from importers.load import run_import

HOLD = """
import sys
from directory_service.registry.engine import open_registry
from directory_service.registry.lock import locked

with locked(open_registry(sys.argv[1]), work="import", actor="quelqu-un"):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_the_second_hears_who_is_first(registry: Engine) -> None:
    with locked(registry, work="import", actor="aude"):
        with pytest.raises(RegistryBusy) as busy, locked(registry, work="rollback", actor="zoé"):
            pass
        assert f"import de aude, processus {os.getpid()} sur " in busy.value.message
        assert busy.value.exit_code == 5
    with locked(registry, work="rollback", actor="zoé"):
        pass


def test_the_second_waits_and_is_told_once_whom_for(registry: Engine) -> None:
    told: list[Holder | None] = []
    waiting, entered = threading.Event(), threading.Event()

    def second() -> None:
        def tell(holder: Holder | None) -> None:
            told.append(holder)
            waiting.set()

        with locked(registry, work="import", actor="zoé", wait=60, tell=tell):
            entered.set()

    thread = threading.Thread(target=second)
    with locked(registry, work="import", actor="aude"):
        thread.start()
        assert waiting.wait(60)
        assert not entered.is_set()
    thread.join(60)
    assert entered.is_set()
    (holder,) = told
    assert holder
    assert (holder.work, holder.actor, holder.pid) == ("import", "aude", os.getpid())


@pytest.mark.parametrize("registry_url", ["sqlite"], indirect=True)
def test_a_full_disk_is_told_by_the_work_and_not_by_the_lock(registry: Engine) -> None:
    """It was said that the output could not be written, and that what had been done was kept."""
    with (
        full_disk(),
        locked(registry, work="import", actor="aude"),
        pytest.raises(RegistryBusy, match="processus inconnu"),
    ):
        locked(registry, work="import", actor="zoé").__enter__()


def test_the_lock_of_a_killed_process_is_free(registry: Engine, registry_url: str, tmp_path: Path) -> None:
    program = tmp_path / "hold.py"
    program.write_text(HOLD)
    command = [sys.executable, str(program), registry_url]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(RegistryBusy, match=f"quelqu-un, processus {holder.pid} "), _locked(registry, 0):
            pass
        holder.kill()
    with _locked(registry, 30):
        pass


def test_who_lost_the_lock_on_the_way_writes_nothing(registry: Engine, tmp_path: Path) -> None:
    if registry.dialect.name == "sqlite":
        pytest.skip("there the lock ends with the process only")
    path = f.write_activity(tmp_path / "a.txt", [f.activity(f.rpps(1))])

    def end_its_session(label: str, _done: int, _total: int) -> None:
        if label == "rapprochement":
            with registry.connect() as connection:
                ours = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name ~ '^annuaire'"
                assert connection.exec_driver_sql(ours).scalars().all() == [True]

    with pytest.raises(RegistryUnavailable, match="verrou"):
        run_import(registry, [path], actor="tests", progress=end_its_session)
    assert run_import(registry, [path], actor="tests").counts["practitioner"] == {"created": 1}


def _locked(engine: Engine, wait: float):  # type: ignore[no-untyped-def]
    return locked(engine, work="import", actor="tests", wait=wait)


def test_a_writer_who_waited_in_vain_hears_that_the_registry_is_busy(
    sqlite_template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copy(sqlite_template, tmp_path / "r.sqlite")
    monkeypatch.setattr(engines, "BUSY_SECONDS", 0)
    one, other = (open_registry(f"sqlite:///{tmp_path / 'r.sqlite'}") for _ in range(2))
    with writing(one), pytest.raises(RegistryUnavailable, match="occupé"), writing(other):
        pass
    with writing(other):
        pass


@pytest.mark.parametrize("command", [["import", "{file}"], ["rollback", "1"]])
def test_the_commands_take_it(
    registry: Engine,
    registry_url: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    command: list[str],
) -> None:
    path = f.write_activity(tmp_path / "a.txt", [f.activity(f.rpps(1))])
    run_import(registry, [path], actor="tests")
    monkeypatch.setenv("ANNUAIRE_DATABASE_URL", registry_url)
    monkeypatch.setenv("ANNUAIRE_IMPORT_WAIT", "0")
    arguments = [word.format(file=path) for word in command]
    with locked(registry, work="import", actor="aude"):
        assert cli.run(arguments) == 5
        said = capsys.readouterr().err
        assert "un autre travail tient le registre : import de aude, processus" in said
        assert said.endswith(" ; recommencez quand il sera terminé\n")
        assert cli.run([*arguments, "--wait", "0.2"]) == 5
        assert "attente de la fin de : import de aude" in capsys.readouterr().err
    assert cli.run(arguments) == 0


def test_who_comes_during_a_first_load_hears_whose_it_is(
    sqlite_template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """SQLite gives the file to nobody else meanwhile, so that the lock is asked for first."""
    shutil.copy(sqlite_template, tmp_path / "registry.sqlite")
    path = f.write_activity(tmp_path / "a.txt", [f.activity(f.rpps(1))])
    monkeypatch.setenv("ANNUAIRE_DATA", str(tmp_path))
    engine = open_registry(f"sqlite:///{tmp_path / 'registry.sqlite'}")
    with locked(engine, work="import", actor="aude"), filling(engine):
        for arguments in (["import", str(path)], ["rollback", "1"]):
            assert cli.run([*arguments, "--wait", "0"]) == 5
            assert "import de aude" in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [["import", "a.txt"], ["rollback", "1"]])
def test_without_a_registry_there_is_no_lock(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], arguments: list[str]
) -> None:
    f.write_activity(tmp_path / "a.txt", [f.activity(f.rpps(1))])
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ANNUAIRE_DATA", str(tmp_path / "var"))
    assert cli.run(arguments) == 5
    assert "annuaire init" in capsys.readouterr().err


def test_a_lock_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "r.sqlite").touch()
    (tmp_path / "r.sqlite.lock").mkdir()
    engine = open_registry(f"sqlite:///{tmp_path / 'r.sqlite'}")
    with pytest.raises(RegistryUnavailable, match="verrou"), locked(engine, work="import", actor="tests"):
        pass
