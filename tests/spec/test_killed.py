"""Killed at any moment, an import or a rollback leaves the registry as before or as after; the next one just works."""

from __future__ import annotations

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

from directory_service.registry.rollback import roll_back
from importers.load import run_import
from importers.sample import write_sample

KILLS = int(os.environ.get("KILLS", "2"))  # of each kind, on each database

# The real command, whose pages leave for the file long before the end, as at national scale.
COMMAND = """
import sys
from directory_service import cli
from importers import load

if __name__ == "__main__":
    load._SQLITE_CACHE_KIB = 64
    sys.exit(cli.run(sys.argv[1:]))
"""
AS_OF = datetime(2026, 11, 20, tzinfo=UTC)
_MOMENTS = {
    "import": ["import de", "rapprochement", "contrôle de"],  # what the command says on its way
    "rollback": ["annulation"],
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


@pytest.mark.parametrize("case", ["first load", "next day", "rollback", "rollback of a first load"])
def test_before_or_after_never_between(registry: Engine, command: list[str], extracts: Path, case: str) -> None:
    if registry.dialect.name == "postgresql" and case != "next day" and "KILLS" not in os.environ:
        pytest.skip("one transaction like any other there; runs where KILLS is set")
    run = None if case == "first load" else run_import(registry, [extracts / "day0"], actor="tests").run or 0
    if case == "rollback":
        run = run_import(registry, [extracts / "day60"], actor="tests").run or 0
    day = extracts / ("day0" if case == "first load" else "day60")
    undoes = case.startswith("rollback")
    command += ["rollback", str(run)] if undoes else ["import", str(day), "--as-of", f"{AS_OF:%Y-%m-%d}"]
    before = meaning(registry)
    states = _killed_at_random(registry, command, before, random.Random(case))
    if states[-1] == before and undoes:
        roll_back(registry, run or 0, actor="tests")
    elif states[-1] == before:
        run_import(registry, [day], actor="tests", as_of=AS_OF, wait=10)
    after = meaning(registry)
    assert after != before
    assert all(state in (before, after) for state in states)
    assert run_import(registry, [day], actor="tests").status == ("done" if undoes else "unchanged")


def _killed_at_random(registry: Engine, command: Sequence[str], before: Rows, dice: random.Random) -> list[Rows]:
    """What the registry holds after each kill; ends with the first that came too late."""
    states = [before]
    moments = _MOMENTS["rollback" if "rollback" in command else "import"]
    for kill in range(KILLS):
        moment, skipped, more = moments[kill % len(moments)], dice.randrange(4), dice.random() ** 2 / 10
        with subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True) as running:
            assert running.stderr
            for line in running.stderr:
                if line.startswith(moment) and (skipped := skipped - len(moments) // 3) < 0:
                    break
            try:
                running.wait(timeout=more)
            except subprocess.TimeoutExpired:
                running.kill()
        states.append(meaning(registry))
        if states[-1] != before:
            break
    return states
