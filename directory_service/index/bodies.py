"""Entries as they go out: what is read of one, and the statements that read it, by key or in the order of a list.

Which entries those are is found before, on smaller rows (``reader``).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Final, NamedTuple

from directory_service.index.plan.predicate import Row
from directory_service.index.query import Part


class Hit(NamedTuple):
    """One entry found; see ``entries.Entry``."""

    id: int
    dn: str
    ber: bytes
    json: bytes
    created: str
    changed: str
    alike: str = ""


# A third of what ``Hit._make`` costs, a hundred times a search.
hit_of: Final[Callable[[Row], Hit]] = partial(tuple.__new__, Hit)
_HIT: Final = "b.id, b.dn, b.ber, b.json, b.created, b.changed, b.alike"
_PARTS: Final = {
    Part.ALL: _HIT,
    Part.BER: "b.id, '', b.ber, x'', '', '', ''",
    Part.JSON: "b.id, '', x'', b.json, '', '', b.alike",
}
BY_KEY: Final = {
    part: f"SELECT {chosen} FROM key k CROSS JOIN body b ON b.id = k.id "  # noqa: S608
    "WHERE k.value = ? AND k.id > ? AND k.id < ? AND k.view <= ? ORDER BY k.id"
    for part, chosen in _PARTS.items()
}
# In the order of the list, since ``CROSS JOIN`` says which of the two is gone through.  ``Reader.hits`` adds the
# fields that are not asked for: a hundred rows take SQLite a third longer with them.
BY_IDS: Final = {
    part: f"SELECT {chosen} FROM json_each(?) j CROSS JOIN body b ON b.id = j.value"  # noqa: S608
    for part, chosen in {Part.ALL: _HIT, Part.BER: "b.id, b.ber", Part.JSON: "b.id, b.json, b.alike"}.items()
}
