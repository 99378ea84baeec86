"""The daily job, as a timer runs it: exit codes, the report for machines, what is told of a day that went wrong."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
from pathlib import Path
from typing import Any

import click
import pytest
from e2e.installation import Installation

from directory_service.cli import annuaire

UNITS = Path(__file__).parents[2] / "contrib" / "systemd"


@pytest.fixture
def here(loaded: Installation, day1: Path, tmp_path: Path) -> Installation:
    here = loaded.copy(tmp_path / "copy")
    shutil.copytree(day1, here.folder / "day1")
    return here


@pytest.fixture
def dated(here: Installation) -> Installation:
    """Of the day that its files speak of, and not of today."""
    here.run("rollback", "1")
    here.run("import", "sample", "--as-of", "2026-08-25T07:30:00")
    return here


def ask(here: Installation, *arguments: str, code: int = 0) -> Any:
    return json.loads(here.run(*arguments, "--json", code=code).stdout)


def halve(here: Installation) -> None:
    """The mailboxes of the day, cut at the end of a line."""
    (path,) = (here.folder / "day1").glob("*MSSante*")
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[: len(lines) // 2]))


def test_an_ordinary_day_ends_with_0_and_a_report(dated: Installation) -> None:
    report = ask(dated, "import", "day1", "--as-of", "2026-08-26T07:30:00Z")
    assert (report["status"], report["breaches"], report["accepted"], report["silent"]) == ("done", [], None, [])
    assert report["impact"]["people"]["touched"] > 0
    again = ask(dated, "import", "day1", "--as-of", "2026-08-26T19:30:00")
    assert (again["status"], {file["status"] for file in again["files"]}) == ("unchanged", {"skipped"})


def test_a_day_beyond_the_thresholds_ends_with_6_and_says_how_to_accept_it(here: Installation) -> None:
    halve(here)
    before = ask(here, "runs")["runs"]
    for options in (("--dry-run",), ()):
        report = ask(here, "import", "day1", *options, code=6)
        assert report["status"] == ("dry-run" if options else "stopped")
        assert {b["rule"] for b in report["breaches"]} == {"removed", "rows_fell"}
        assert report["impact"]["mailboxes"]["removed"] > 10
    assert (report["error"], report["exit"]) == ("circuit-breaker", 6)
    assert "--accept" in report["message"]
    done = here.run("import", "day1", code=6)
    assert "effet sur les boîtes ouvertes" in done.stdout and "seuil dépassé" in done.stdout
    assert "--accept" in done.stderr
    assert ask(here, "runs")["runs"] == before
    here.run("import", "day1", ANNUAIRE_BREAKER_REMOVED="100", ANNUAIRE_BREAKER_ROWS_FELL="100")


def test_what_was_accepted_shows_in_the_run(here: Installation) -> None:
    halve(here)
    assert ask(here, "import", "day1", "--accept", "publication partielle annoncée")["status"] == "done"
    (last, *_) = ask(here, "runs")["runs"]
    assert last["accepted"]["reason"] == "publication partielle annoncée" and last["accepted"]["by"]
    shown = here.run("runs", "show", str(last["pk"])).stdout
    assert "publication partielle annoncée" in shown and "seuil dépassé" in shown and "effet sur" in shown
    here.run("import", "day1", "--accept", " ", code=2)


def test_why_a_day_went_wrong_is_told_beside_the_report_too(here: Installation) -> None:
    """The journal of the timer, and cron's mail, held nothing but an exit code: the report goes to a file."""
    halve(here)
    assert "import arrêté" in here.run("import", "day1", "--json", code=6).stderr
    assert "introuvable" in here.run("import", "day2", "--json", code=2).stderr
    (path,) = (here.folder / "day1").glob("*MSSante*")
    path.write_bytes(path.read_bytes()[:-1])
    assert "tronqué" in here.run("import", "day1", "--json", code=3).stderr


def test_the_manager_opens_no_file_of_the_account_as_root() -> None:
    """It opened the report, which the account could neither read nor replace, and would have followed its links."""
    for path in UNITS.glob("*.service"):
        assert not re.search(r"^Standard\w+=(file|append|truncate):", path.read_text(encoding="utf-8"), re.MULTILINE)


@pytest.mark.parametrize("arguments", [(), ("day1", "--as-of", "hier"), ("day1", "--nope")])
def test_a_command_line_that_does_not_read_is_told_as_json_too(here: Installation, arguments: tuple[str, ...]) -> None:
    told = ask(here, "import", *arguments, code=2)
    assert (told["error"], told["exit"]) == ("usage", 2) and told["message"]


def test_silent_sources_are_told_by_import_and_runs(dated: Installation) -> None:
    here = dated
    late = here.run("import", "day1", "--as-of", "2026-08-29T07:30:00").stderr
    assert (
        "attention, source muette : mssante.mailboxes : dernière extraction du 2026-08-26T06:06:00Z, il y a 3" in late
    )
    again = here.run("import", "day1", "--as-of", "2026-08-29T19:30:00", "--json")
    assert "source muette : mssante.mailboxes" in again.stderr and json.loads(again.stdout)["silent"]
    assert "source muette : rpps.activity" in here.run("runs").stderr  # the sample is of August 2026
    assert {s["source"] for s in ask(here, "runs")["silent"]} >= {"rpps.activity", "mssante.mailboxes"}
    quiet = here.run("runs", ANNUAIRE_SOURCE_RHYTHMS="rpps.activity=100000000").stderr
    assert quiet == ""
    assert "source=heures" in here.run("runs", code=2, ANNUAIRE_SOURCE_RHYTHMS="rpps.activity").stderr


@pytest.mark.parametrize("name", sorted(path.name for path in UNITS.iterdir()))
def test_systemd_takes_the_units(name: str, tmp_path: Path) -> None:
    """With the command of this checkout: systemd asks that it be there."""
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is not installed")
    for unit in UNITS.iterdir():
        text = unit.read_text(encoding="utf-8").replace("/opt/annuaire/.venv/bin/annuaire", "/bin/true")
        (tmp_path / unit.name).write_text(text.replace("User=annuaire\n", ""), encoding="utf-8")
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", tmp_path / name], capture_output=True, text=True, timeout=30
    )
    assert [line for line in done.stderr.splitlines() if name in line] == []


def test_every_unit_is_confined_as_the_service_is(tmp_path: Path) -> None:
    """The unit of the service is in the page to be copied from; what keeps a program in bounds is the same for all."""
    page = (UNITS.parents[1] / "docs/howto/run-in-production.md").read_text(encoding="utf-8")
    (service,) = re.findall(r"```ini\n# /etc/systemd/system/annuaire\.service\n(.+?)```", page, re.DOTALL)
    bounds = service[service.index("UMask=") : service.index("\n\n[Install]")]
    for path in UNITS.glob("*.service"):
        text = path.read_text(encoding="utf-8").replace("Nice=10\n", "")
        assert text[text.index("UMask=") :].rstrip() == bounds, path.name
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is not installed")
    (tmp_path / "annuaire.service").write_text(service, encoding="utf-8")
    command = ["systemd-analyze", "security", "--offline=true", "--threshold=20", tmp_path / "annuaire.service"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30)
    assert done.returncode == 0, done.stdout[-200:] + done.stderr


@pytest.mark.parametrize("name", sorted(path.name for path in UNITS.glob("*.service")))
def test_the_units_run_commands_that_exist(name: str) -> None:
    lines = (UNITS / name).read_text(encoding="utf-8").replace("\\\n", "").splitlines()
    run = [shlex.split(line.removeprefix("ExecStart=")) for line in lines if line.startswith("ExecStart=")]
    # sh -c 'rm -f FILE; exec annuaire … >FILE'
    run = [
        shlex.split(words[2].partition("exec ")[2].partition(" >")[0]) if words[0] == "/bin/sh" else words
        for words in run
    ]
    assert run and all(Path(program).name == "annuaire" for program, *_ in run)
    for _, *words in run:
        command: click.Command = annuaire
        while isinstance(command, click.Group):
            command = command.commands[words.pop(0)]
        with command.make_context("unit", words, parent=click.Context(annuaire)) as context:
            assert context.params["machine"] is True and not context.params.get("dry_run")
