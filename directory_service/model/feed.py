"""What the feed of changes is made of: which kinds of record it tells of, and how far back it goes.  PURE.

Here rather than beside the queries, so that readers of the index know a place of the feed without the registry's
libraries, which take longer to load than most questions take to answer.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Final, NamedTuple

KEPT: Final = 100_000  # changes of the journal that a build keeps: days of the whole country, three seconds of a build


class Kind(IntEnum):
    """What a place of the feed is about; ``FORMER``: a national id that a practitioner had, and has no more."""

    MAILBOX = 0
    PRACTITIONER = 1
    ORGANIZATION = 2
    FORMER = 3


class Changed(NamedTuple):
    """One record that changed: ``key`` is the name that readers know it by, ``seq`` and ``at`` those of the change."""

    kind: Kind
    key: str
    seq: int
    pk: int
    at: str
