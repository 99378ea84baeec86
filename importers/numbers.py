"""The numbers of somebody who is new to the registry, those that the crosswalk adds included."""

from __future__ import annotations

from directory_service.registry.tables import identifier
from importers.known import Links, People
from importers.store import Store


def first_numbers(store: Store, people: People, links: Links, pk: int, key: str) -> str:
    """``key``: type digit and number under which a source names her.  Gives the national id in force."""
    scheme, value, ids, as_of = key[0], key[1:], people.ids, store.as_of
    add = store.pending[identifier].append
    ids[key.encode()] = pk
    if scheme == "8":
        rpps = value
        add((pk, "8", rpps, True, as_of, None, "extract"))
    else:
        rpps = links.rpps.get(value, "")
        if ("8" + rpps).encode() in ids:
            rpps = ""  # the RPPS number went to someone else: a conflict, told when the link was read
        if rpps:
            ids[("8" + rpps).encode()] = pk
            add((pk, "8", rpps, True, as_of, None, "link-table"))
        add((pk, "0", value, not rpps, as_of, as_of if rpps else None, "extract"))
    for adeli in links.adelis.get(rpps, ()) if rpps else ():
        number = ("0" + adeli).encode()
        if number not in ids:
            ids[number] = pk
            add((pk, "0", adeli, False, as_of, as_of, "link-table"))
    return "8" + rpps if rpps else "0" + value
