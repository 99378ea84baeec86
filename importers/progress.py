"""How long work tells how far it is, to whoever cares to show it: a bar on a terminal, plain lines, nothing.

Knows no terminal and no command line.
"""

from __future__ import annotations

from collections.abc import Callable

# What is being done (French, shown to users), units done, units in all (0: not known).
Progress = Callable[[str, int, int], None]


def silent(label: str, done: int, total: int) -> None:
    """Shows nothing."""


def advancing(show: Progress, label: str, total: int) -> Callable[[int], None]:
    """What takes pieces done, and shows them added up."""
    done = 0

    def advance(count: int) -> None:
        nonlocal done
        done = min(done + count, total)
        show(label, done, total)

    return advance
