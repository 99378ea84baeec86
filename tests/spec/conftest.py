"""What the specifications share: a registry and a way to import a day's files into it, an index and its HTTP face."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import web_world
from api_conformance import conforming
from flask.testing import FlaskClient
from import_world import World
from sqlalchemy import Engine

from directory_service.index.directory import Directory
from directory_service.web.app import create_app


@pytest.fixture
def world(registry: Engine, tmp_path: Path) -> World:
    return World(registry, tmp_path)


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Directory]:
    """The index of ``web_world``."""
    directory, _ = web_world.build_world(tmp_path_factory.mktemp("world"))
    yield directory
    directory.close()


@pytest.fixture
def client(opened: Directory) -> FlaskClient:
    """Of an application of its own, whose limits nobody has touched."""
    return create_app(opened).test_client()


@pytest.fixture(autouse=True)
def _answers_are_as_described() -> Iterator[None]:
    """Of every HTTP answer in every specification."""
    with conforming() as found:
        yield
    assert found == []
