"""Files of builds: opened, or left closed."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
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


def test_an_index_that_this_account_may_not_read_is_not_told_as_missing(tmp_path: Path) -> None:
    """Who was told to build one built another, or was refused in turn."""
    folder = tmp_path / "shut" / "index"
    folder.mkdir(parents=True)
    folder.parent.chmod(0)
    program = f"""
import os, pathlib
from directory_service.errors import RegistryUnavailable
from directory_service.index.files import current_name
if os.geteuid() == 0:
    os.setuid(65534)  # nobody: root may read anything
try:
    current_name(pathlib.Path({str(folder)!r}))
except RegistryUnavailable as error:
    print(error)
"""
    try:
        said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    finally:
        folder.parent.chmod(0o700)
    assert said == f"{folder} : ce compte n'a pas le droit de lire l'index\n"
