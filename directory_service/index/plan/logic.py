"""And and Or of filters, without what changes nothing.  PURE."""

from __future__ import annotations

from collections.abc import Sequence

from directory_service.index.query import FALSE, TRUE, And, Filter, Or


def all_of(items: Sequence[Filter]) -> Filter:
    return _folded(And, FALSE, TRUE, items)


def any_of(items: Sequence[Filter]) -> Filter:
    return _folded(Or, TRUE, FALSE, items)


def _folded(kind: type[And] | type[Or], absorbing: Filter, neutral: Filter, items: Sequence[Filter]) -> Filter:
    if len(items) == 1:
        return items[0]
    flat: dict[Filter, None] = {}
    for item in items:
        if isinstance(item, kind):
            flat |= dict.fromkeys(item.items)
        else:
            flat[item] = None
    flat.pop(neutral, None)
    if absorbing in flat:
        return absorbing
    return next(iter(flat)) if len(flat) == 1 else kind(tuple(flat)) if flat else neutral
