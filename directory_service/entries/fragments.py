"""JSON that is made once and stands in many records.  PURE."""

from __future__ import annotations

import orjson


def fragment(value: object) -> orjson.Fragment:
    """``value``, written.  ``orjson`` gives what it writes in a buffer of a page (3.13: 4 KB for 212 octets), of which
    what is kept by the ten thousand keeps the octets alone."""
    return orjson.Fragment(bytes(memoryview(orjson.dumps(value))))
