"""The command line where it fails: what it says, to people and to programs."""

from __future__ import annotations

import errno
import json
import subprocess
import sys
from pathlib import Path

import click
import pytest

from directory_service.cli import annuaire, run


@click.command("casser")
@click.option("--json", is_flag=True)
def broken(**_: bool) -> None:
    raise ZeroDivisionError("Zoé D'ESSAI")


def test_a_fault_of_ours_is_a_document_too_and_says_nothing_of_the_data(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A job that keeps the report of an import has one, whatever happened."""
    monkeypatch.setitem(annuaire.commands, "casser", broken)
    assert run(["casser", "--json"]) == 1
    said = capsys.readouterr()
    document = json.loads(said.out)
    assert (document["error"], document["exit"]) == ("internal", 1) and "ZeroDivisionError" in document["message"]
    assert "test_cli.py" in said.err and "ESSAI" not in said.out + said.err
    assert run(["casser"]) == 1 and capsys.readouterr().out == ""


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (PermissionError(errno.EACCES, "x", "/run/annuaire"), 2, "/run/annuaire : ce compte n'y a pas accès"),
        (FileNotFoundError(errno.ENOENT, "x", "/nulle/part"), 2, "/nulle/part : ce chemin n'existe pas"),
        (OSError(errno.ENOSPC, "x"), 5, "le disque est plein"),
        (FileNotFoundError("of ours"), 1, "erreur interne"),
        (OSError(errno.EIO, "x", "/dev/x"), 5, "/dev/x : le disque est plein, ou abîmé"),
        (OSError(errno.EMFILE, "x", "/dev/x"), 1, "erreur interne"),
    ],
)
def test_a_path_that_the_system_refuses_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], error: OSError, code: int, said: str
) -> None:
    """Where one chose a folder for an export, a sample, keys or what processes share."""

    @click.command("casser")
    def broken() -> None:
        raise error

    monkeypatch.setitem(annuaire.commands, "casser", broken)
    assert run(["casser"]) == code
    assert said in capsys.readouterr().err


@click.command("attendre")
@click.option("--json", is_flag=True)
def interrupted(**_: bool) -> None:
    raise KeyboardInterrupt


def test_ctrl_c_is_a_document_too(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setitem(annuaire.commands, "attendre", interrupted)
    assert run(["attendre", "--json"]) == 130
    said = capsys.readouterr()
    assert json.loads(said.out) == {"error": "interrupted", "message": "Interrompu.", "where": None, "exit": 130}
    assert said.err.split() == ["Interrompu."]
    assert run(["attendre"]) == 130 and capsys.readouterr().out == ""


def test_an_error_told_to_a_reader_who_left_is_no_fault(tmp_path: Path) -> None:
    """``annuaire … --json | jq``, after the Ctrl-C that was for both."""
    command = [sys.executable, "-m", "directory_service.cli", "--data", str(tmp_path), "runs", "--json"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as asked:
        assert asked.stdin and asked.stdout and asked.stderr
        asked.stdout.close()
        told = asked.stderr.read().decode()
        assert told.startswith("annuaire : ") and told.endswith("`annuaire init`\n") and told.count("\n") == 1
    assert asked.returncode == 5


def _groups(command: click.Command, *path: str) -> list[tuple[str, ...]]:
    below = command.commands.items() if isinstance(command, click.Group) else ()
    return [path, *(found for name, one in below for found in _groups(one, *path, name))]


@pytest.mark.parametrize("path", _groups(annuaire), ids=" ".join)
def test_help_is_french_and_whole(path: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    """It named values in English (``INTEGER RANGE``, ``x>=1``, ``COMMAND [ARGS]...``), and cut what commands do."""
    assert run([*path, "--help"]) == 0
    said = capsys.readouterr().out
    english = (
        "INTEGER",
        "FLOAT",
        "TEXT ",
        "PATH",
        "FILE",
        "DIR ",
        "RANGE",
        "COMMAND ",
        "ARGS",
        "x>=",
        "x<=",
        "Options:",
    )
    assert not [word for word in (*english, "...", "Commandes:") if word in said]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["import", "--as-of", "hier", "x"], "hier : date ou instant ISO 8601 attendu, par exemple 2026-11-24"),
        (["import", "--as-of", "6/08/2026", "x"], "6/08/2026 : s'écrit 2026-08-06"),
        (["import", "--as-of", "2026-08-26 6h", "x"], "2026-08-26 6h : date ou instant"),
        (["import", "--as-of", "31/02/2026", "x"], "31/02/2026 : ce jour n'existe pas, février 2026 compte 28 jours"),
        (
            ["keys", "rotate", "--from", "31/11/2026"],
            "31/11/2026 : ce jour n'existe pas, novembre 2026 compte 30 jours",
        ),
        (["import", "--wait", "-3", "x"], "nombre attendu : 0 ou plus"),
        (["search", "--limit", "0", "x"], "nombre attendu : de 1 à 1000"),
        (["mailbox", "1", "--purpose", "x"], "valeurs possibles : 'administrative'"),
        (["impot"], "Vouliez-vous dire 'import' ?"),
        (["verify", "a@b.fr", "--operator", "x"], "--sender et --operator vont ensemble"),
        (["verify", "a@b.fr", "--sender"], "--sender et --operator vont ensemble"),
    ],
)
def test_a_refused_argument_says_what_is_expected(
    arguments: list[str], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["--data", str(tmp_path), *arguments]) == 2
    assert said in capsys.readouterr().err
