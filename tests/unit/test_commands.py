"""What every command shares: who runs it, and what the terminal and the system do to it."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from directory_service import cli


def test_an_account_without_a_name_is_told_by_its_number(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(os, "getuid", lambda: 3_999_999_999)
    data = ["--data", str(tmp_path / "var")]
    assert cli.run([*data, "init"]) == 0
    assert cli.run([*data, "operator", "add", "essai"]) == 0
    assert "ajouté" in capsys.readouterr().out


@pytest.mark.parametrize("command", ["runs show", "rollback", "review show", "review accept", "runs --limit"])
def test_a_number_past_what_a_registry_holds_is_wrong_usage(
    command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.run(["--data", str(tmp_path), *command.split(), "9" * 20]) == 2
    assert "trop grand" in capsys.readouterr().err


def test_init_makes_the_data_folder_wherever_the_registry_is(tmp_path: Path) -> None:
    """Doctor says that ``annuaire init`` makes it: with PostgreSQL, it did not."""
    data, elsewhere = tmp_path / "var", tmp_path / "elsewhere" / "registry.sqlite"
    assert cli.run(["--data", str(data), "--database-url", f"sqlite:///{elsewhere}", "init"]) == 0
    assert data.is_dir() and elsewhere.exists()


@pytest.mark.parametrize("width", [40, 200])
def test_a_table_on_a_narrow_terminal_cuts_nothing_off(width: int) -> None:
    """Half an address was shown, and an ellipsis."""
    address, key = "noemie-anne-lise.martin@chu-de-montferrer.mssante.fr", "x" * 64
    program = (
        f"from directory_service.commands.common import table; table(('Nom', 'Adresse'), [({key!r}, {address!r})])"
    )
    ours, theirs = pty.openpty()
    env = {**os.environ, "COLUMNS": str(width), "TERM": "dumb"}
    subprocess.run([sys.executable, "-c", program], stdout=theirs, env=env, check=True)
    os.close(theirs)
    shown = b"".join(iter(lambda: _read(ours), b"")).decode()
    os.close(ours)
    letters = "".join(c for line in shown.splitlines()[1:] for c in line if not c.isspace())
    assert "…" not in shown and sorted(letters) == sorted(key + address)


def _read(terminal: int) -> bytes:
    """Linux ends a pseudo-terminal that nobody writes to any more by EIO."""
    try:
        return os.read(terminal, 4096)
    except OSError:
        return b""


def test_a_sample_of_one_person_is_told_in_the_singular(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for people, said in (("1", "1 personne fictive, jour 0"), ("2", "2 personnes fictives, jour 0")):
        assert cli.run(["sample", str(tmp_path / people), "--people", people]) == 0
        assert said in capsys.readouterr().err
