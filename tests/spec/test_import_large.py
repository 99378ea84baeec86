"""A large import: read by a process beside, written without SQLite's log when the registry is empty, killed at will."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import factories as f
import pytest
from import_world import World
from sqlalchemy import Engine

from directory_service.errors import ImportRefused, RegistryUnavailable
from directory_service.registry import engine as engines
from directory_service.registry.engine import filling, open_registry, reading, writing
from directory_service.registry.upgrading import upgrade
from importers import assistant
from importers.load import run_import
from importers.sample import write_sample

AS_OF = datetime(2026, 11, 1, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _everything_is_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(assistant, "WORTH", 0)


@pytest.fixture(scope="module")
def extracts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("extracts")
    for day in (0, 1):
        write_sample(folder / f"day{day}", people=250, seed=5, day=day, defects=0.01)
    return folder


@pytest.fixture
def sqlite(tmp_path: Path) -> Iterator[World]:
    engine = open_registry(f"sqlite:///{tmp_path / 'other.sqlite'}")
    upgrade(engine)
    yield World(engine, tmp_path)
    engine.dispose()


def test_two_processes_write_what_one_does(world: World, sqlite: World, extracts: Path) -> None:
    """Keys, rejected rows and journal included; on a first load, and on the next day's."""
    for day in (0, 1):
        reports = [
            run_import(one.engine, [extracts / f"day{day}"], actor="tests", as_of=AS_OF, processes=processes)
            for one, processes in ((world, 2), (sqlite, 1))
        ]
        assert reports[0].counts == reports[1].counts
        assert [file.as_text() for file in reports[0].files] == [file.as_text() for file in reports[1].files]
        assert world.contents() == sqlite.contents()
        entries = [[(e.kind, e.subject, e.subject_id, e.before, e.after) for e in w.journal()] for w in (world, sqlite)]
        assert entries[0] == entries[1]
    assert world.dump()["rejection"], "the sample has defects"


def test_what_the_other_process_refuses_is_refused(sqlite: World, tmp_path: Path) -> None:
    good = f.write_activity(tmp_path / "good.txt", [f.activity(f.rpps(n)) for n in range(9)])
    bad = f.write_mailboxes(tmp_path / "bad.txt", [f.mailbox("a@b.fr", f.rpps(1))])
    bad.write_bytes(bad.read_bytes()[:-10])
    before = sqlite.dump()
    with pytest.raises(ImportRefused, match="tronqué"):
        run_import(sqlite.engine, [good, bad], actor="tests", processes=2)
    assert sqlite.dump() == before
    assert multiprocessing.active_children() == []


def test_a_quote_never_closed_is_refused_wherever_it_is_read(sqlite: World, tmp_path: Path) -> None:
    path = f.write_links(tmp_path / "links.csv", [(f.adeli(n), f.rpps(n)) for n in range(9)])
    lines = path.read_bytes().split(b"\r\n")
    lines[4] = b'"' + lines[4]
    path.write_bytes(b"\r\n".join(lines))
    messages = []
    for processes in (1, 2):
        with pytest.raises(ImportRefused) as refusal:
            run_import(sqlite.engine, [path], actor="tests", processes=processes)
        messages.append(str(refusal.value))
    assert "guillemet" in messages[0]
    assert messages[0] == messages[1]


KILLED = """
import os, signal, sys
from importers import assistant, load, transaction
from directory_service.registry.engine import open_registry

def show(label, done, total):
    if label.startswith(sys.argv[3]):
        os.kill(os.getpid(), signal.SIGKILL)

if __name__ == "__main__":
    # Pages leave for the file long before the end, as they do at national scale.
    transaction._SQLITE_CACHE_KIB = transaction._FILLING_CACHE_KIB = 64
    assistant.WORTH = 0
    load.run_import(open_registry(sys.argv[1]), [sys.argv[2]], actor="tests", progress=show, processes=2)
"""


STOPPED = ["annuaire : import arrêté ; s'il n'est pas dans `annuaire runs`, rien n'a été écrit.", "Interrompu."]
INTERRUPTED = """
import os, signal, sys
from importers import assistant, load
from directory_service import cli
from directory_service.commands import importing

def show(label, done, total):
    if label.startswith("import de"):
        os.killpg(0, signal.SIGINT)

class Shown:
    def __enter__(self): return show
    def __exit__(self, *_): return None

if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell has background jobs ignore it
    assistant.WORTH = 0
    importing.progress = lambda quiet: Shown()
    sys.exit(cli.run(["--database-url", sys.argv[1], "import", sys.argv[2]]))
"""


def test_ctrl_c_ends_both_processes_with_one_sentence(sqlite: World, extracts: Path) -> None:
    program = sqlite.folder / "interrupted.py"
    program.write_text(INTERRUPTED)
    url = sqlite.engine.url.render_as_string()
    done = subprocess.run([sys.executable, str(program), url, str(extracts / "day0")], capture_output=True, text=True,
                          env={**os.environ, "ANNUAIRE_WORKERS": "2"}, start_new_session=True)  # fmt: skip
    assert (done.returncode, list(filter(None, done.stderr.splitlines()))) == (130, STOPPED)
    assert sqlite.people() == []


TERMINATED = """
import os, signal, sys, tempfile
from directory_service import cli
from directory_service.commands import importing

def show(label, done, total):
    if label.startswith("import de") and done:
        print(os.listdir(tempfile.gettempdir()))
        os.kill(os.getpid(), signal.SIGTERM)

class Shown:
    def __enter__(self): return show
    def __exit__(self, *_): return None

importing.progress = lambda quiet: Shown()
cli.main()
"""


def test_sigterm_leaves_no_temporary_file_and_ends_by_the_signal(sqlite: World) -> None:
    """The rows of a person are apart: they are sorted in files that were left in /tmp."""
    rows = [f.activity(f.rpps(n % 3)) for n in range(6)]
    extract = f.write_activity(sqlite.folder / "scattered.txt", rows)
    program, temporary = sqlite.folder / "terminated.py", sqlite.folder / "tmp"
    program.write_text(TERMINATED)
    temporary.mkdir()
    url = sqlite.engine.url.render_as_string()
    done = subprocess.run([sys.executable, str(program), "--database-url", url, "import", str(extract)],
                          capture_output=True, text=True, env={**os.environ, "TMPDIR": str(temporary)})  # fmt: skip
    assert (done.returncode, list(filter(None, done.stderr.splitlines()))) == (-signal.SIGTERM, STOPPED)
    assert "annuaire-" in done.stdout and list(temporary.iterdir()) == []
    assert sqlite.people() == []


@pytest.mark.parametrize("moment", ["import de PS_LibreAcces_SavoirFaire", "import de Extraction", "rapprochement"])
def test_a_first_load_killed_leaves_the_registry_as_it_was(sqlite: World, extracts: Path, moment: str) -> None:
    program = sqlite.folder / "killed.py"
    program.write_text(KILLED)
    before, path = sqlite.dump(), Path(str(sqlite.engine.url.database))
    size = path.stat().st_size
    command = [sys.executable, program, str(sqlite.engine.url), extracts / "day0", moment]
    assert subprocess.run(command, capture_output=True).returncode == -9
    assert path.stat().st_size > size, "half of it is in the file"
    assert sqlite.dump() == before
    assert path.stat().st_size == size
    assert run_import(sqlite.engine, [extracts / "day0"], actor="tests").status == "done"
    assert _mode(sqlite.engine) == "wal"


def _mode(engine: Engine) -> str:
    with reading(engine) as connection:
        return str(connection.exec_driver_sql("PRAGMA journal_mode").scalar_one())


def test_a_first_load_goes_without_a_log_and_ends_with_one(sqlite: World) -> None:
    with filling(sqlite.engine) as connection:
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar_one() == "delete"
    assert _mode(sqlite.engine) == "wal"
    assert not Path(f"{sqlite.engine.url.database}-journal").exists()


def test_a_first_load_keeps_the_log_while_somebody_reads(sqlite: World) -> None:
    with reading(sqlite.engine) as reader:
        reader.exec_driver_sql("SELECT count(*) FROM run")
        with filling(sqlite.engine) as connection:
            assert connection.exec_driver_sql("PRAGMA journal_mode").scalar_one() == "wal"


def test_who_comes_during_a_first_load_is_told(sqlite: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engines, "BUSY_SECONDS", 0)
    other = open_registry(str(sqlite.engine.url))
    with filling(sqlite.engine):
        for opened in (reading, writing):
            with pytest.raises(RegistryUnavailable), opened(other):
                pass
    with reading(other) as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM run").scalar_one() == 0


def test_a_blank_line_amid_the_rows_of_a_person_parts_nothing(world: World, tmp_path: Path) -> None:
    rows = [f.activity(f.rpps(1)), f.activity(f.rpps(1), mode_code="L"), *(f.activity(f.rpps(n)) for n in range(2, 40))]
    path = f.write_activity(tmp_path / "a.txt", rows)
    lines = path.read_text().splitlines()
    lines.insert(2, "")
    path.write_text("\n".join(lines) + "\n")
    report = run_import(world.engine, [path], actor="tests")
    assert (report.files[0].rejected, report.files[0].reasons) == (1, {"columns": 1})
    assert sorted(role.mode.code for role in world.person(f.rpps(1)).roles) == ["L", "S"]
