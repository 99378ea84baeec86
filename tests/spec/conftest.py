"""What the specifications share: a registry with a way to import a day's files into it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from api_conformance import conforming
from import_world import World
from sqlalchemy import Engine


@pytest.fixture
def world(registry: Engine, tmp_path: Path) -> World:
    return World(registry, tmp_path)


@pytest.fixture(autouse=True)
def _answers_are_as_described() -> Iterator[None]:
    """Of every HTTP answer in every specification."""
    with conforming() as found:
        yield
    assert found == []
