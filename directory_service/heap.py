"""The garbage collector of a process that serves: told that what is there is there to stay, and asked little at a time.

A worker holds hundreds of thousands of objects (letters of the build, answers, plans), and makes next to no cycles: the
router of the web framework leaves eight small objects a request, LDAP none.  What it keeps of an answer is young until
it is looked at, and Python counts what is new less what went: once as much goes as comes, a hundred thousand objects
may wait for one look, and requests with them, for a tenth of a second.  Often and little costs the same in all.
"""

from __future__ import annotations

import gc
from typing import Final

# New containers less those that went before the young are looked at (a few milliseconds); those that stayed are
# looked at after a thousand times that, all at once.
_THRESHOLDS: Final = (1_000, 1_000, 1_000)


def settle() -> None:
    """To be called once all that a process needs is loaded."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_THRESHOLDS)
