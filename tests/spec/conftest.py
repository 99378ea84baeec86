"""What the specifications share: a registry with a way to import a day's files into it."""

from __future__ import annotations

from pathlib import Path

import pytest
from import_world import World
from sqlalchemy import Engine


@pytest.fixture
def world(registry: Engine, tmp_path: Path) -> World:
    return World(registry, tmp_path)
