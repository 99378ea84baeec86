"""Killed at any moment, an import or a rollback leaves the registry as before or as after; the next one just works."""

from __future__ import annotations

import itertools
import os
import random
import subprocess
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import Engine
from undo_world import Rows, meaning

from directory_service.registry.engine import reading
from directory_service.registry.rollback import roll_back
from directory_service.registry.runs import read_standing
from importers.load import run_import
from importers.sample import write_sample

KILLS = int(os.environ.get("KILLS", "2"))  # of each kind, on each database

# The real command, whose pages leave for the file long before the end, as at national scale.
COMMAND = """
import sys
from directory_service import cli
from importers import transaction

if __name__ == "__main__":
    transaction._SQLITE_CACHE_KIB = transaction._FILLING_CACHE_KIB = 64
    sys.exit(cli.run(sys.argv[1:]))
"""
AS_OF = datetime(2026, 11, 20, tzinfo=UTC)
# What the command says on its way, how many times at least, and how long it may go on after, in seconds.
_MOMENTS = {
    "import": ([("import de", 4), ("rapprochement", 1), ("contrôle de", 8)], 0.1),
    "rollback": ([("annulation", 1)], 0.1),
}


@pytest.fixture(scope="module")
def extracts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("extracts")
    for day in (0, 60):
        write_sample(folder / f"day{day}", people=200, seed=6, day=day)
    return folder


@pytest.fixture
def command(registry_url: str, tmp_path: Path) -> list[str]:
    program = tmp_path / "annuaire.py"
    program.write_text(COMMAND)
    return [sys.executable, str(program), "--database-url", registry_url, "--data", str(tmp_path)]


@pytest.mark.timeout(240 + 30 * KILLS)
@pytest.mark.parametrize("case", ["first load", "next day", "rollback", "rollback of a first load"])
def test_before_or_after_never_between(registry: Engine, command: list[str], extracts: Path, case: str) -> None:
    if registry.dialect.name == "postgresql" and case != "next day" and "KILLS" not in os.environ:
        pytest.skip("one transaction like any other there; runs where KILLS is set")
    undoes = case.startswith("rollback")
    day = extracts / ("day0" if case in ("first load", "rollback of a first load") else "day60")
    if day.name == "day60":
        run_import(registry, [extracts / "day0"], actor="tests", as_of=AS_OF)
    before, after = _both(registry, day, undoes)
    dice = random.Random(case)
    for kill in range(KILLS):
        number = str(_last_run(registry))
        arguments = ["rollback", number] if undoes else ["import", str(day), "--as-of", f"{AS_OF:%Y-%m-%d}"]
        _kill_at_random([*command, *arguments], kill, dice)
        state = meaning(registry)
        assert state in (before, after)
        if state == before:  # what comes next just works
            _do(registry, day, undoes)
            assert meaning(registry) == after
        _do(registry, day, not undoes)
        assert meaning(registry) == before


def _both(registry: Engine, day: Path, undoes: bool) -> tuple[Rows, Rows]:
    """What the registry holds before and after what is to be killed; it is left as before."""
    held = [meaning(registry)]
    _do(registry, day, False)
    held.append(meaning(registry))
    if undoes:
        return held[1], held[0]
    _do(registry, day, True)
    return held[0], held[1]


def _do(registry: Engine, day: Path, undo: bool) -> None:
    if undo:
        roll_back(registry, _last_run(registry), actor="tests")
    else:
        assert run_import(registry, [day], actor="tests", as_of=AS_OF, wait=10).status == "done"


def _last_run(registry: Engine) -> int:
    """The last one that stands; 0 in a registry that none filled."""
    with reading(registry) as connection:
        return next((run.pk for run in read_standing(connection, 0)), 0)


def _kill_at_random(command: Sequence[str], kill: int, dice: random.Random) -> None:
    moments, longest = _MOMENTS["rollback" if "rollback" in command else "import"]
    moment, times = moments[kill % len(moments)]
    awaited, more = dice.randrange(times), dice.random() ** 2 * longest
    with subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True) as running:
        assert running.stderr
        said = (line for line in running.stderr if line.startswith(moment))
        next(itertools.islice(said, awaited, None), "")
        try:
            running.wait(timeout=more)
        except subprocess.TimeoutExpired:
            running.kill()
