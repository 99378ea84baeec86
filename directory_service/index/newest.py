"""What all threads of a process share of the newest build: its lexicon, and with it the plans."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

from directory_service.index.plan import NO_LEXICON, forget_plans
from directory_service.index.plan.pieces import Lexicon


class NewestLexicon:
    """The lexicon of the newest build, one for all threads, so that they share plans.  With the one before go the plans
    that were made with it: a daily build would leave its counts in memory for as long as any of them is remembered."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._key: tuple[Path, str, str] | None = None
        self._lexicon = NO_LEXICON

    def of(self, key: tuple[Path, str, str], counts: Callable[[], list[dict[str, int]]]) -> Lexicon:
        """``key``: what file, its letters and its suffix; ``counts`` are read if they are not known."""
        with self._lock:
            if key != self._key:
                terms, fours = counts()
                self._lexicon, self._key = Lexicon(key[1], terms, key[2], fours, max(fours.values(), default=0)), key
                forget_plans()
            return self._lexicon
