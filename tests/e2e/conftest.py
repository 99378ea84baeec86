"""A loaded and served directory, through the real command, for the tests that need one.  Built once a session."""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from e2e.installation import PEOPLE, Installation, installation, start


@pytest.fixture(scope="session")
def _first(tmp_path_factory: pytest.TempPathFactory) -> Installation:
    """What every process of the run copies: made by the first of them, while others wait."""
    ours = tmp_path_factory.getbasetemp()
    folder = (ours.parent if "PYTEST_XDIST_WORKER" in os.environ else ours) / "first"
    here, made = installation(folder), folder.with_suffix(".made")
    with folder.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not made.exists():
            folder.mkdir()
            for name, day in (("sample", "0"), ("day1", "1")):
                here.run("sample", name, "--people", str(PEOPLE), "--seed", "7", "--day", day)
            here.run("init")
            here.run("import", "sample")
            here.run("index")
            made.touch()
    return here


@pytest.fixture(scope="session")
def loaded(_first: Installation, tmp_path_factory: pytest.TempPathFactory) -> Installation:
    """Registry and index of a small sample.  Not to be changed: ``copy`` it."""
    here = _first.copy(tmp_path_factory.mktemp("annuaire") / "loaded")
    shutil.rmtree(here.folder / "day1")
    return here


@pytest.fixture(scope="session")
def day1(_first: Installation) -> Path:
    """The extracts of the sample's next day.  Not to be changed: copy them."""
    return _first.folder / "day1"


@pytest.fixture(scope="session")
def served(loaded: Installation) -> Iterator[Installation]:
    """The same, answering on its ports."""
    server = start(loaded)
    try:
        server.wait_for("Ctrl-C")
        yield loaded
    finally:
        assert server.stop() == 0, server.said
