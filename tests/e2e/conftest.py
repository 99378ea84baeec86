"""A loaded and served directory, through the real command, for the tests that need one.  Built once a session."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from e2e.installation import PEOPLE, Installation, installation, start


@pytest.fixture(scope="session")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Installation:
    """Registry and index of a small sample.  Not to be changed: ``copy`` it."""
    here = installation(tmp_path_factory.mktemp("annuaire"))
    here.run("sample", "sample", "--people", str(PEOPLE), "--seed", "7")
    here.run("init")
    here.run("import", "sample")
    here.run("index")
    return here


@pytest.fixture(scope="session")
def day1(loaded: Installation, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The extracts of the sample's next day.  Not to be changed: copy them."""
    folder = tmp_path_factory.mktemp("extracts") / "day1"
    loaded.run("sample", str(folder), "--people", str(PEOPLE), "--seed", "7", "--day", "1")
    return folder


@pytest.fixture(scope="session")
def served(loaded: Installation) -> Iterator[Installation]:
    """The same, answering on its ports."""
    server = start(loaded)
    try:
        server.wait_for("Ctrl-C")
        yield loaded
    finally:
        assert server.stop() == 0, server.said
