"""JSON that is kept: made once and put into many records, or waiting by the thousand.  PURE."""

from __future__ import annotations

import orjson


def written(value: object) -> bytes:
    """``value`` as JSON.  ``orjson`` gives it in a buffer of a page (3.13: 4 KB for 212 octets), which is not kept."""
    return bytes(memoryview(orjson.dumps(value)))


def fragment(value: object) -> orjson.Fragment:
    """The same, to stand in other records."""
    return orjson.Fragment(written(value))
