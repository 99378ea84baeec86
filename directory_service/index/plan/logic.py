"""And and Or of filters, without what changes nothing.  PURE."""

from __future__ import annotations

from directory_service.index.query import And, Filter, Or


def all_of(kind: type[And] | type[Or], absorbing: Filter, neutral: Filter, items: list[Filter]) -> Filter:
    flat = dict.fromkeys(j for i in items for j in (i.items if isinstance(i, kind) else (i,)))
    flat.pop(neutral, None)
    if absorbing in flat:
        return absorbing
    return next(iter(flat)) if len(flat) == 1 else kind(tuple(flat)) if flat else neutral
