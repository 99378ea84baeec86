"""Files of builds: opened, or left closed."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from directory_service.index.files import open_reader, open_writer


@pytest.mark.parametrize("opening", [open_reader, open_writer])
def test_a_file_that_is_no_database_is_not_left_open(
    opening: Callable[[Path], sqlite3.Connection], tmp_path: Path
) -> None:
    """While the error is held, that is: a connection that nobody holds goes by itself."""
    broken = tmp_path / "broken.sqlite"
    broken.write_bytes(b"this is not an index" * 500)
    with pytest.raises(sqlite3.DatabaseError) as caught:
        opening(broken)
    assert caught.tb is not None
    assert broken not in [number.resolve() for number in Path("/proc/self/fd").iterdir()]
