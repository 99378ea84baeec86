"""What every command shares: who runs it, and what the terminal and the system do to it."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest
from terminals import on_terminal

from directory_service import cli
from directory_service.commands import reading
from directory_service.errors import why_unwritten
from directory_service.index.onebox import Field


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


def test_a_name_is_of_one_operator(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = ["--data", str(tmp_path)]
    for command, code in (("init", 0), ("operator add essai", 0), ("operator add essai", 2)):
        assert cli.run([*data, *command.split()]) == code
    assert "un opérateur porte déjà ce nom" in capsys.readouterr().err


def drawn(columns: tuple[str, ...], rows: list[tuple[str, ...]], width: int) -> str:
    program = f"from directory_service.commands.common import table; table({columns!r}, {rows!r})"
    return on_terminal("-c", program, width=width)


@pytest.mark.parametrize("width", [40, 80, 200])
def test_a_table_on_a_narrow_terminal_breaks_no_address_and_no_number(width: int) -> None:
    """Half an address was shown, and an ellipsis; then each half on a line of its own."""
    address, key = "noemie-anne-lise.martin@chu-de-montferrer.mssante.fr", "x" * 64
    shown = drawn(("Nom", "Adresse"), [(key, address), ("", "zoe@a.fr")], width)
    assert "…" not in shown and address in shown and key in shown
    assert ("Nom : " in shown) is (width < 118) and "Nom : \n" not in shown


def test_a_column_of_sentences_gives_way_before_one_of_numbers() -> None:
    shown = drawn(("Vers", "Motif", "Le"), [("810441269015", "ce sont des mots " * 4, "2026-11-27T13:02:13Z")], 50)
    assert "810441269015" in shown and "2026-11-27 " in shown and "Motif :" not in shown
    assert max(len(line) for line in shown.splitlines()) <= 50


def test_a_table_of_nothing_has_no_head() -> None:
    assert drawn(("Nom", "Adresse"), [], 80) == ""


@pytest.mark.parametrize("width", [60, 80, 130])
def test_progress_on_a_narrow_terminal_still_says_of_what_and_how_far(width: int) -> None:
    """At 60 columns only half a name was left of it; and octets of a file passed for its lines."""
    label = "import de PS_LibreAcces_Personne_activite_ADELI_202608250606.txt"
    program = f"from directory_service.commands.common import progress\nwith progress() as show: show({label!r}, 5, 20)"
    shown = on_terminal("-c", program, width=width, beside=True)
    line = [line for line in shown.replace("\r", "\n").split("\n") if line.strip()][-1]  # as it was left
    assert " 25% 0:00:0" in line and line.startswith("import de PS_Libre") and "202608250606.txt " in line
    assert (label in line) is (width > 78) and len(line) <= width


def test_a_sample_of_one_person_is_told_in_the_singular(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for people, said in (("1", "1 personne fictive, jour 0"), ("2", "2 personnes fictives, jour 0")):
        assert cli.run(["sample", str(tmp_path / people), "--people", people]) == 0
        assert said in capsys.readouterr().err


def test_a_folder_whose_disk_is_full_is_named(tmp_path: Path) -> None:
    """It was « the output »."""
    asked = f"ulimit -f 16; exec {sys.executable} -m directory_service.cli sample {tmp_path}/jour --people 300"
    done = subprocess.run(["/bin/sh", "-c", asked], capture_output=True, text=True, check=False)
    assert (done.returncode, f"{tmp_path}/jour" in done.stderr) == (5, True)
    assert "le disque est plein" in done.stderr
    assert why_unwritten(OSError(errno.ENOSPC, "x")) == "le disque est plein, ou abîmé"


def test_a_registry_that_cannot_be_opened_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """« This file » was not said which."""
    (tmp_path / "registry.sqlite").mkdir()
    assert cli.run(["--data", str(tmp_path), "runs"]) == 5
    assert f"peut-il écrire {tmp_path}/registry.sqlite et son dossier ?" in capsys.readouterr().err


def test_there_is_a_french_word_for_every_field_that_a_search_explains() -> None:
    assert set(reading._FIELDS) == {field.value for field in Field}
