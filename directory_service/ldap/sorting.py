"""The server-side sort control (RFC 2891): what is asked, and what to say of it.  PURE; ``index.sorting`` sorts.

Values are compared as filters compare them, whichever rule that ignores case is named: in names, accents, hyphens and
spaces do not count (our asNameMatch).  ``caseExactOrderingMatch`` compares characters.  Without a rule, it is the
attribute's own; where the standard defines none for it (cn has no ORDERING), the one that goes with its equality.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple

from directory_service.errors import InvalidInput
from directory_service.index.query import SortKey
from directory_service.ldap.ber import BOOLEAN, ENUMERATED, Reader, integer, octets, sequence
from directory_service.ldap.codes import UNWILLING_TO_PERFORM
from directory_service.ldap.messages import Control

SORT: Final = "1.2.840.113556.1.4.473"
SORTED: Final = "1.2.840.113556.1.4.474"
MOST_KEYS: Final = 8  # nobody looks at a list by more
_RULE, _REVERSE, _ATTRIBUTE = 0x80, 0x81, 0x80

# Attribute description and rule ("" for its own) to the key; the code of ``sortResult`` when there is none.
SortRules = Callable[[str, str], SortKey | int]


class Ordering(NamedTuple):
    """``fault``: the code of ``sortResult``, about ``attribute``; the keys then serve nothing."""

    keys: tuple[SortKey, ...]
    critical: bool
    fault: int = 0
    attribute: str = ""

    def failed(self, fault: int) -> Ordering:
        return self._replace(fault=fault)


def asked_order(control: Control | None, rules: SortRules) -> Ordering | None:
    """Raises ``InvalidInput`` for what is not a SortKeyList."""
    if control is None:
        return None
    keys: list[SortKey] = []
    reader = Reader(control.value or b"")
    items = reader.enter()
    reader.finish()
    while items.more:
        name, rule, reverse = _item(items.enter())
        found = rules(name, rule)
        if isinstance(found, int):
            return Ordering((), control.critical, found, name)
        if len(keys) >= MOST_KEYS or any(found.attribute == key.attribute for key in keys):
            return Ordering((), control.critical, UNWILLING_TO_PERFORM, name)
        keys.append(SortKey(found.attribute, reverse, found.exact))
    if not keys:
        raise InvalidInput("tri sans clé")
    return Ordering(tuple(keys), control.critical)


def _item(reader: Reader) -> tuple[str, str, bool]:
    name = reader.octets().decode("ascii", "replace")
    rule = reader.octets(_RULE).decode("ascii", "replace") if reader.peek() == _RULE else ""
    # Old Windows clients write the default out, and some the BOOLEAN under its universal tag.
    reverse = reader.boolean(reader.peek() or 0) if reader.peek() in (_REVERSE, BOOLEAN) else False
    reader.finish()
    return name, rule, reverse


def sort_control(order: Ordering) -> Control:
    """The response control."""
    named = octets(order.attribute, _ATTRIBUTE) if order.fault and order.attribute else b""
    return Control(SORTED, False, sequence(integer(order.fault, ENUMERATED), named))
