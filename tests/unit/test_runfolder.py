"""The folder that processes of a node share: temporary ones go, with their supervisor or after it."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from directory_service.runfolder import shared_folder

_KILLED = """
import os, signal
from directory_service.runfolder import shared_folder
with shared_folder("") as folder:
    (folder / "rates").write_text("counted")
    print(folder, flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", None)
    return tmp_path


def _aged(folder: Path) -> Path:
    os.utime(folder, (0, 0))
    return folder


def _killed() -> Path:
    """What a supervisor leaves that had no time to."""
    done = subprocess.run([sys.executable, "-c", _KILLED], capture_output=True, text=True, check=False)
    return Path(done.stdout.strip())


def test_what_a_killed_supervisor_left_goes_when_the_next_one_starts(temporary: Path) -> None:
    left = _killed()
    assert left.parent == temporary and (left / "rates").exists()
    with shared_folder("") as young:
        assert left.exists()  # it may be that of a supervisor that is starting
    _aged(left)
    with shared_folder("") as folder:
        assert list(temporary.iterdir()) == [folder] != [young]
    assert list(temporary.iterdir()) == []


def test_what_is_somebody_elses_stays(temporary: Path) -> None:
    (temporary / "target").mkdir()
    (temporary / "target" / "lock").touch()
    (temporary / "annuaire-run-link").symlink_to(temporary / "target")
    (temporary / "annuaire-run-file").touch()
    (temporary / "annuaire-run-unlocked").mkdir()
    for path in (temporary / "target", temporary / "annuaire-run-file", temporary / "annuaire-run-unlocked"):
        _aged(path)
    with shared_folder("") as running:
        _aged(running)
        with shared_folder("") as other:
            assert running.exists() and other.exists()
    assert {path.name for path in temporary.iterdir()} == {
        "target", "annuaire-run-link", "annuaire-run-file", "annuaire-run-unlocked",
    }  # fmt: skip
    assert (temporary / "target" / "lock").exists()


def test_a_folder_that_is_given_stays_and_sweeps_nothing(temporary: Path) -> None:
    left = _aged(_killed())
    with shared_folder(str(temporary / "run")) as folder:
        assert folder == temporary / "run"
    assert folder.exists() and left.exists()
