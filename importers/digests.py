"""What tells records apart without reading them: the digest of their rows, and the key of their names.  PURE."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import lru_cache

from directory_service.model.names import squash

_hash, _number = hashlib.blake2b, int.from_bytes


def digest_of(rows: Sequence[tuple[int, bytes]], reading: bytes = b"") -> int:
    """A signed 64-bit digest of the rows of one record, whatever their order, line ends or trailing separators.
    ``reading``: what the header makes of them (``rows.Match.reading``)."""
    if len(rows) == 1:
        data = rows[0][1].rstrip(b"|\r\n\x1f")
    else:
        data = b"\n".join(sorted([row[1].rstrip(b"|\r\n\x1f") for row in rows]))
    return _number(_hash(data + reading, digest_size=8).digest(), "little", signed=True)


def digest_text(values: Sequence[object]) -> int:
    return digest_of([(0, "\x1f".join(map(str, values)).encode())])


_squashed = lru_cache(maxsize=400_000)(squash)  # names repeat: a look-up instead of a folding


def match_key(family_name: str, given_names: str) -> str:
    """The blocking key of reconciliation: both names squashed."""
    return _squashed(family_name) + _squashed(given_names)
