"""Everything that is known of one address: what ``/v1/mailboxes`` answers and ``verify`` judges by.  PURE.

Holds the unlisted and the closed: who may not see the unlisted gets it by ``as_listed``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from directory_service.entries.boxes import by_holder, first_said, paperless, structures_of
from directory_service.entries.dates import iso
from directory_service.entries.holders import held_by_structure
from directory_service.entries.labels import person_label
from directory_service.entries.people import full_name
from directory_service.entries.places import structure_names
from directory_service.entries.wire import clean, distinct
from directory_service.model.mailboxes import Actor, Binding
from directory_service.model.people import Status
from directory_service.model.publication import version_of

Record = dict[str, object]


def mailbox_record(address: str, bindings: Sequence[Binding]) -> Record:
    """``bindings`` are all those of the address, open and closed.  Instants are ISO 8601 text, unknown is null."""
    opened = [b for b in bindings if b.until is None]
    shown = opened or sorted(bindings, key=_end)[-1:]
    since = [b.since for b in opened or bindings]
    return {
        "address": address,
        "type": shown[0].type.value if shown else None,
        "status": "open" if opened else "closed",
        "since": iso(min(since)) if since else None,
        "until": None if opened or not shown else iso(shown[0].until),
        "operator": first_said([b.operator for b in shown]),
        "unlisted": True in [b.unlisted for b in shown],
        "purposes": list(shown[0].purposes) if shown else [],
        "contacts": [{"system": c.system, "value": c.value} for c in shown[0].contacts] if shown else [],
        "version": _version(shown, opened),
        "changed": iso(shown[0].changed_at) if shown else None,
        "holders": [_holder(stretch) for held in by_holder(_in_order(bindings)) for stretch in _stretches(held)],
    }


def _in_order(bindings: Sequence[Binding]) -> Sequence[Binding]:
    """Of a listed mailbox, those last that ended while it was unlisted: who held it then, and holds it again, would
    else stand before who held it in between."""
    return sorted(bindings, key=lambda b: b.unlisted) if len(bindings) > 1 else bindings


def as_listed(record: dict[str, Any]) -> dict[str, Any] | None:
    """The record of a listed mailbox as those see it who may not see unlisted ones: who held it while it was unlisted,
    and does no more, never did.  None where nobody else is left."""
    holders = [h for h in record["holders"] if h["listed"]]
    if len(holders) == len(record["holders"]):
        return record
    if not holders:
        return None
    since = record["since"] if record["status"] == "open" else min(h["since"] for h in holders)
    return {**record, "since": since, "holders": holders}


def _version(shown: Sequence[Binding], opened: Sequence[Binding]) -> str | None:
    """What ``If-Match`` may ask for (``registry.boxstate.State.version``)."""
    if not shown:
        return None
    b = shown[0]
    held = [
        (x.practitioner.pk if x.practitioner else None, x.organization.pk if x.organization else None, x.service,
         x.description, x.responsible, x.paperless, x.preferred, x.rank)
        for x in opened
    ]  # fmt: skip
    return version_of(b.type.value, bool(opened), b.unlisted, b.purposes, b.contacts, held)


def _end(b: Binding) -> tuple[bool, str]:
    return b.until is None, iso(b.until) or ""


def _stretches(bindings: Sequence[Binding]) -> list[Sequence[Binding]]:
    """The bindings of one holder by when they end: the open ones are one stretch, whatever the structures."""
    if len(bindings) == 1:
        return [bindings]
    found: dict[object, list[Binding]] = {}
    for b in sorted(bindings, key=_end, reverse=True):
        found.setdefault(b.until, []).append(b)
    return [*found.values()]


def _holder(bindings: Sequence[Binding]) -> Record:
    b = bindings[0]
    structures = structures_of(bindings)
    return {
        "id": b.holder_id,
        "ids": _ids(bindings),
        **_named(b),
        "since": iso(min([x.since for x in bindings])),
        "until": iso(b.until),
        "listed": True not in [x.unlisted for x in bindings],
        "structure": next(iter(structures), None),
        "structures": structures,
        "service": first_said([x.service for x in bindings]),
        "description": first_said([x.description for x in bindings]),
        "responsible": first_said([x.responsible for x in bindings]),
        "paperless": paperless(bindings),
        "preferred": True in [x.preferred for x in bindings],
        "rank": min([x.rank for x in bindings if x.rank is not None], default=None),
        "source": b.source,
        "spans": [_span(x) for x in sorted(bindings, key=lambda x: x.since)],
    }


def _span(b: Binding) -> list[object]:
    """What ``history.Span`` names: a list, since there is one to each mailbox."""
    place = b.organization.national_id if b.organization else None
    return [iso(b.since), iso(b.until), place, b.source, *_actor(b.opened_by), *_actor(b.closed_by)]


def _actor(actor: Actor | None) -> tuple[int | None, str | None]:
    return (actor.run, actor.operator or None) if actor else (None, None)


def _ids(bindings: Sequence[Binding]) -> list[str]:
    """Every national id that means this holder, the one in force first."""
    b = bindings[0]
    held = [i.scheme + i.value for i in b.practitioner.identifiers] if b.practitioner else []
    return list(dict.fromkeys([b.holder_id, *held, *[x.national_id for x in bindings if x.national_id]]))


def _named(b: Binding) -> Record:
    """Who the holder is.  ``names`` are those of a structure, alone and with the service; a person has the two parts of
    hers.  ``status`` is that of the holder, not of the box."""
    if held_by_structure(b):
        return _structure_named(b)
    p = b.practitioner
    family, given = full_name(p) if p else (clean(b.family_name), clean(b.given_names))
    return {
        "kind": "person",
        "known": p is not None,
        "label": person_label(p.title.code if p else "", given, family) or b.address,
        "family_name": family or None,
        "given_names": given or None,
        "names": [],
        "status": p.status.value if p else Status.ACTIVE.value,
        "status_since": iso(p.status_since) if p else None,
    }


def _structure_named(b: Binding) -> Record:
    o, service = b.organization, clean(b.service)
    names = structure_names(o) if o else (service or b.address,)
    both = [text for name in names for text in (f"{service} {name}", f"{name} {service}")] if service else []
    return {
        "kind": "structure",
        "known": o is not None,
        "label": " - ".join(dict.fromkeys(x for x in (service, names[0]) if x)),
        "family_name": None,
        "given_names": None,
        "names": distinct([*names, *both]),
        "status": (o.status if o else Status.ACTIVE).value,
        "status_since": None,
    }
