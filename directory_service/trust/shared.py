"""Memory that the processes of a node count in together: a file mapped by each, or one's own where no file is given.

It begins with a salt, made by chance with the file, so that what is kept of callers are digests that nobody can guess.
"""

from __future__ import annotations

import mmap
import os
import secrets
from pathlib import Path
from typing import Final

SALT: Final = 16  # octets at the start


def mapped(path: Path | None, size: int) -> mmap.mmap:
    """``size`` octets, zeroes but for the salt.  The first process to come makes the file whole before others can see
    it."""
    if path is None:
        memory = mmap.mmap(-1, size)
        memory[:SALT] = secrets.token_bytes(SALT)
        return memory
    if not path.exists():
        _make(path, size)
    with path.open("r+b") as file:
        return mmap.mmap(file.fileno(), size)


def _make(path: Path, size: int) -> None:
    ours = path.with_name(f"{path.name}.{os.getpid()}")
    with ours.open("wb") as file:
        file.write(secrets.token_bytes(SALT))
        file.truncate(size)
    try:
        ours.chmod(0o600)
        os.link(ours, path)  # unlike a rename, does not take the place of one that is there
    except FileExistsError:
        pass
    finally:
        ours.unlink()
