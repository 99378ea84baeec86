"""What a mailbox was, from its record: every binding in order, and the box as it was at an instant.  PURE.

Dates, holders and structures are those of the time; what is said of them besides (names, type of the box, operator of
its domain) is what is known today, since the registry keeps bindings and not every wording.
Instants are text of one form, which sorts as time does.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final, NamedTuple

from directory_service.errors import NotFound
from directory_service.model.people import Status

Record = dict[str, Any]
_EVER: Final = "9999"


class Span(NamedTuple):
    """One binding, as ``record`` keeps it: ``structure`` is a national id; of who did it, run and operator."""

    since: str
    until: str | None
    structure: str | None
    source: str
    opened_run: int | None
    opened_operator: str | None
    closed_run: int | None
    closed_operator: str | None

    def covers(self, at: str) -> bool:
        return self.since <= at < (self.until or _EVER)


def shown(record: Record) -> Record:
    """The record as the faces show it: without what only serves its history."""
    holders = [{name: value for name, value in h.items() if name != "spans"} for h in record["holders"]]
    return {**record, "holders": holders}


def history(record: Record) -> list[Record]:
    """Every binding of the address, oldest first."""
    items = [_item(holder, Span(*span)) for holder in record["holders"] for span in holder["spans"]]
    return sorted(items, key=lambda item: (item["from"], item["until"] or _EVER, item["holder"]["id"]))


def once_each(record: Record) -> list[Record]:
    """``history`` as people read it: what was held in several structures at once, once."""
    items = history(record)
    return list({(i["holder"]["id"], i["from"], i["until"], i["source"]): i for i in items}.values())


def _item(holder: Record, span: Span) -> Record:
    named = {name: holder[name] for name in ("id", "kind", "label")}
    return {
        "holder": named,
        "structure": span.structure,
        "from": span.since,
        "until": span.until,
        "source": span.source,
        "opened_by": _by(span.opened_run, span.opened_operator),
        "closed_by": _by(span.closed_run, span.closed_operator),
    }


def _by(run: int | None, operator: str | None) -> Record | None:
    return {"run": run, "operator": operator} if run is not None or operator else None


def as_of(record: Record, at: str) -> Record:
    """The record as it was at an instant.  Raises NotFound before the first binding."""
    holders = _together(found for holder in record["holders"] if (found := _holder_at(holder, at)))
    if not holders:
        raise NotFound("aucune boîte ne porte cette adresse")
    opened = [h for h in holders if h["until"] is None]
    return {
        **record,
        "status": "open" if opened else "closed",
        "since": min(h["since"] for h in opened or holders),
        "until": None if opened else max(h["until"] for h in holders),
        "holders": holders,
    }


def _holder_at(holder: Record, at: str) -> Record | None:
    spans = [span for span in (Span(*s) for s in holder["spans"]) if span.since <= at]
    held = [span for span in spans if span.covers(at)]
    if not spans:
        return None
    places = {span.structure for span in held or spans}
    structures = [place for place in holder["structures"] if place["id"] in places]
    return {
        **holder,
        "since": min(span.since for span in held or spans),
        "until": None if held else max(span.until or "" for span in spans),
        "structure": structures[0] if structures else None,
        "structures": structures,
        **_status_at(holder, at),
    }


def _together(holders: Iterable[Record]) -> list[Record]:
    """What ended on different days was one holding before: one holder, with all its structures."""
    found: dict[tuple[str, str | None], Record] = {}
    for holder in holders:
        key = holder["id"], holder["until"]
        if (known := found.get(key)) is None:
            found[key] = holder
            continue
        structures = {place["id"]: place for place in (*known["structures"], *holder["structures"])}
        places = [*structures.values()]
        more = {
            "since": min(known["since"], holder["since"]),
            "structures": places,
            "structure": places[0] if places else None,
        }
        found[key] = {**known, **more}
    return [*found.values()]


def _status_at(holder: Record, at: str) -> Record:
    """Who ceased to practise later still did."""
    if holder["status"] == Status.INACTIVE.value and at < (holder["status_since"] or ""):
        return {"status": Status.ACTIVE.value, "status_since": None}
    return {}
