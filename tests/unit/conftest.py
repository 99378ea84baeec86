"""What several files of unit tests ask: the small world, in an index."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pytest
import web_world

from directory_service.index.directory import Directory


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Directory]:
    opened, _ = web_world.build_world(tmp_path_factory.mktemp("index"))
    with closing(opened):
        yield opened
