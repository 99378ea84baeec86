"""One page of ``/v1/search`` or of ``GET /v1/mailboxes``, and the cursor of the next.  I/O: one reader."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import orjson

from directory_service.index.bodies import Hit
from directory_service.index.criteria import Criteria, Wishes, filter_of
from directory_service.index.cursors import Place, Rank, digest_of, parse_cursor, write_cursor
from directory_service.index.finder import Finder
from directory_service.index.onebox import understand
from directory_service.index.onebox.facets import FACETS
from directory_service.index.onebox.tiers import Near
from directory_service.index.query import View
from directory_service.index.reader import Reader


class Page(NamedTuple):
    """One page of ``find``.  ``total`` is a lower bound unless ``total_exact``, each count of ``facets`` unless
    ``facets_exact``; ``next`` is the cursor of the page after, None at the end.  ``relaxed``: nobody matches but by
    sound, with errors or inside words.  ``why``, where asked for, explains each hit (``index.onebox.explain``)."""

    build: str
    hits: list[Hit]
    total: int
    total_exact: bool
    next: str | None
    relaxed: bool = False
    facets: dict[str, list[dict[str, Any]]] | None = None
    facets_exact: bool = True
    why: Sequence[dict[str, Any]] = ()


class BoxPage(NamedTuple):
    """One page of ``find_mailboxes``.  ``partial``: the search ended before it had looked at all that might match."""

    build: str
    hits: list[Hit]
    next: str | None
    partial: bool


def box_page(build: str, hits: list[Hit], truncated: bool, limit: int, digest: int) -> BoxPage:
    """Of a search in the order of rank, which gave no more than ``limit``."""
    following = None
    if truncated and len(hits) == limit:
        following = write_cursor(Place(Rank(0, 0, 0, hits[-1].id), 0, False, digest))
    return BoxPage(build, hits, following, truncated and following is None)


def find_page(
    reader: Reader, criteria: Criteria, near: Near, view: View, limit: int, cursor: str | None, wishes: Wishes
) -> Page:
    """As ``Directory.find``, which says what is raised."""
    digest = digest_of(criteria, wishes.exact, wishes.sort, wishes.near)
    place = parse_cursor(cursor, digest) if cursor else None
    box = understand(criteria.q, exact=wishes.exact) if criteria.q.strip() else None
    asked, uncounted = filter_of(criteria), filter_of(replace(criteria, **dict.fromkeys(FACETS, "")))
    with reader.snapshot():
        finder = Finder(reader, box, asked, near, wishes, view, None if uncounted == asked else uncounted)
        found = finder.page(limit, place)
        hits = reader.hits([rank.id for rank in found.ranks])
        why = [finder.explained(hit.id, orjson.loads(hit.json)) for hit in hits] if wishes.explain else []
    following = None
    if found.ranks and found.more:
        following = write_cursor(Place(found.ranks[-1], found.total, found.exact, digest))
    return Page(
        reader.build.id, hits, found.total, found.exact, following, found.relaxed, found.facets, found.facets_exact, why
    )
