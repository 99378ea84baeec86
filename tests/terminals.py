"""What a command shows on a terminal of some width, without colours."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys


def on_terminal(*arguments: str, width: int, code: int = 0, beside: bool = False) -> str:
    """Of a Python program; what it says on standard error too, where ``beside``."""
    ours, theirs = pty.openpty()
    env = {**os.environ, "COLUMNS": str(width), "TERM": "xterm"}
    done = subprocess.run(
        [sys.executable, *arguments], stdout=theirs, stderr=theirs if beside else None, env=env, check=False
    )
    os.close(theirs)
    shown = b"".join(iter(lambda: _read(ours), b"")).decode()
    os.close(ours)
    assert done.returncode == code
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", shown).replace("\r\n", "\n")


def _read(terminal: int) -> bytes:
    """Linux ends a pseudo-terminal that nobody writes to any more by EIO."""
    try:
        return os.read(terminal, 4096)
    except OSError:
        return b""
