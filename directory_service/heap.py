"""The garbage collector of a process that serves: told that what is there is there to stay, and asked seldom.

A worker holds hundreds of thousands of objects (letters of the build, answers, plans) and makes no cycles to speak of;
Python's own thresholds have it walk through all of them while a request waits, for a quarter of a second.
"""

from __future__ import annotations

import gc
from typing import Final

# New containers before the young are looked at, and how often those that stay are: a request makes some hundreds.
_THRESHOLDS: Final = (50_000, 20, 100)


def settle() -> None:
    """To be called once all that a process needs is loaded."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_THRESHOLDS)
