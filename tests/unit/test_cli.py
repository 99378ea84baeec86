"""The command line where it fails: what it says, to people and to programs."""

from __future__ import annotations

import json

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
