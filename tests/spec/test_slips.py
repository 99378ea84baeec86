"""Slips of the hand at the terminal that would be allowed: each is told when it is made."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import factories as f
import pytest

from directory_service.cli import run

Ask = Callable[..., tuple[str, str]]


@pytest.fixture
def ask(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Ask:
    """What a command says: its output, and beside it."""

    def call(*arguments: str, code: int = 0) -> tuple[str, str]:
        assert run(["--data", str(tmp_path / "var"), *arguments]) == code
        found = capsys.readouterr()
        return found.out, found.err

    call("init")
    return call


def test_a_date_in_the_future_is_stopped_before_it_shuts_out_what_follows(ask: Ask, tmp_path: Path) -> None:
    """It was imported with a warning, and all that followed was refused."""
    path = str(f.write_activity(tmp_path / "a.txt", [f.activity(f.rpps(1))]))
    told, beside = ask("import", path, "--as-of", "2093-08-26", code=6)
    assert "seuil dépassé : --as-of : 2093-08-26T00:00:00Z est dans l'avenir" in told and "--accept MOTIF" in beside
    assert "avenir" in ask("import", path, "--as-of", "2093-08-26", "--dry-run", code=6)[0]
    assert "avenir" not in "".join(ask("import", path))
    later = str(f.write_activity(tmp_path / "b.txt", [f.activity(f.rpps(1)), f.activity(f.rpps(2))]))
    assert "accepté" in ask("import", later, "--as-of", "2093-08-26", "--accept", "horloge d'essai")[0]
    assert "rien n'a changé" in ask("import", later, "--as-of", "2094-08-26")[0]  # read before: nothing bears the date


def test_an_instant_is_taken_as_it_is_shown(ask: Ask, tmp_path: Path) -> None:
    path = str(f.write_activity(tmp_path / "a.txt", [f.activity(f.rpps(1))]))
    for written in ("2024-08-26 06:00:00Z", "2024-08-26T06:00:00Z", "2024-08-26 06:00", "2024-08-26T08:00:00+02:00"):
        assert "à effet du 2024-08-26T06:00:00Z" in ask("import", path, "--as-of", written, "--dry-run")[0]


def test_a_domain_that_others_hold_too_is_told_when_it_is_given(ask: Ask) -> None:
    assert "tenu" not in ask("operator", "add", "un", "--domain", "a.mssante.fr")[1]
    assert (
        "attention, a.mssante.fr est aussi tenu par un."
        in ask("operator", "add", "deux", "--domain", "a.mssante.fr")[1]
    )
    ask("operator", "add", "trois")
    told, beside = ask("operator", "domain", "trois", "a.mssante.fr")
    assert told == "Domaine ajouté.\n" and "aussi tenu par deux, un." in beside
    assert "tenu" not in ask("operator", "domain", "trois", "a.mssante.fr", "--remove")[1]


@pytest.mark.parametrize("asked", ["show", "suspend", "secret", "domain"])
def test_an_operator_of_another_name_is_told_with_those_that_are_near(ask: Ask, asked: str) -> None:
    ask("operator", "add", "hopital")
    more = ["essai.mssante.fr"] if asked == "domain" else []
    _, said = ask("operator", asked, "hopitall", *more, code=4)
    assert said == "annuaire : hopitall : aucun opérateur ne porte ce nom ; peut-être hopital\n"
    assert "`annuaire operator list`" in ask("operator", asked, "xyz", *more, code=4)[1]


@pytest.mark.parametrize("written", ["+toto", "unlisted", "-toto"])
def test_a_right_that_is_none_is_told_whole(ask: Ask, written: str) -> None:
    """``+toto`` was « l'option +t »."""
    ask("operator", "add", "un")
    _, said = ask("operator", "right", "un", written, code=2)
    assert f"droit inconnu : {written} ; donnez un droit : +publish" in said


def test_an_address_where_a_number_is_expected_is_told_to_the_command_that_takes_it(ask: Ask) -> None:
    """It was « nobody bears this number »."""
    assert "pour une adresse : annuaire show ADRESSE" in ask("mailbox", "zoe@ville.mssante.fr", code=2)[1]
