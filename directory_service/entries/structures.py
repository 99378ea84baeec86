"""Organization ► entry of ``ou=structures``.  PURE."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Final, NamedTuple

from directory_service.entries.attributes import (
    BOX_TAG,
    column,
    id_key,
    names_column,
    tag,
    token_text,
    uuid_key,
    worded,
)
from directory_service.entries.boxes import NO_BOX, Listed, listed
from directory_service.entries.comparing import PREPARE, MatchRule
from directory_service.entries.dates import generalized, latest
from directory_service.entries.entry import ANYONE, CLASSES, STRUCTURES, Entry, entry_id
from directory_service.entries.fragments import written
from directory_service.entries.labels import facts
from directory_service.entries.places import Place, coded_json, digits, place_of, structure_names
from directory_service.entries.wire import clean, entry_ber, many, one
from directory_service.entries.work import AUTHORITY, hc_status, labelled, status_text
from directory_service.ldap.dn import escape_value
from directory_service.model.mailboxes import Binding, MailboxType
from directory_service.model.names import squash
from directory_service.model.people import Coded, Organization, Status

_CLASSES: Final = many("objectClass", CLASSES[STRUCTURES])
_EXACT: Final = PREPARE[MatchRule.EXACT]


def organization_entry(o: Organization, bindings: Sequence[Binding], suffix: str) -> Entry:
    """``bindings`` are those that the structure itself holds; boxes of people who work there are left out."""
    held = [b for b in bindings if b.practitioner is None and b.type is not MailboxType.PERSONAL]
    boxes = listed(held) if held else NO_BOX
    place, names = place_of(o), structure_names(o)
    shown = facts(names[0], place.town)
    dn = f"uid={escape_value(o.national_id)},ou=structures,{suffix}"
    changed = latest([o.changed_at, *[b.changed_at for b in boxes.bindings]])
    return Entry(
        entry_id(STRUCTURES, boxes.rank(o.status), o.pk),
        dn,
        ANYONE,
        "",
        names_column(names),
        "",
        boxes.text,
        column([squash(shown)]),
        column((*place.org, *worded(o.name))),
        "",
        place.place_text,
        token_text((place.tags, _state(o.status is Status.ACTIVE, o.sector).tags, *_box_tags(boxes))),
        (*structure_key_set(o), uuid_key(dn), *boxes.keys),
        entry_ber(dn, b"".join((_CLASSES, _own(o, names, shown), boxes.ber, place.ber))),
        written(organization_json(o, place, boxes)),
        generalized(o.created_at),
        generalized(changed),
    )


def _box_tags(boxes: Listed) -> list[str]:
    return [tag(BOX_TAG, t.lower()) for t in boxes.types]


class _State(NamedTuple):
    ber: bytes
    tags: str


@lru_cache(maxsize=1_000)
def _state(active: bool, sector: Coded) -> _State:
    """What few codes say of very many structures."""
    status = hc_status(active)
    sectors = labelled("asSector", (sector.code,))
    return _State(
        one("hpdProviderStatus", status) + one("asStatus", status.lower()) + sectors.ber,
        token_text([tag("a", status_text(active)), sectors.tags]),
    )


def structure_key_set(o: Organization) -> tuple[str, ...]:
    """Everything that the structure may be asked by: see ``model.identifiers.structure_keys``."""
    typed = [digit + number for digit, number in (("1", o.finess), ("3", o.siret), ("2", o.siren)) if number]
    ids = [o.national_id, o.technical_id, o.former_id, *typed]
    return (id_key("u", o.national_id), *dict.fromkeys(id_key("o", i) for i in ids if i))


def _own(o: Organization, names: tuple[str, ...], shown: str) -> bytes:
    active = o.status is Status.ACTIVE
    status = hc_status(active)
    held = [("FINESS", o.finess), ("SIRET", digits(o.siret)), ("SIREN", digits(o.siren))]
    hc = [f"{AUTHORITY}:{kind}:{number}:{status}" for kind, number in held if number]
    return b"".join(
        (
            many("cn", names),
            one("displayName", shown),
            one("uid", o.national_id),
            many("HcIdentifier", hc or [f"{AUTHORITY}:IDNST:{o.national_id}:{status}"]),
            one("HcRegisteredName", clean(o.name)),
            _state(active, o.sector).ber,
        )
    )


def organization_json(o: Organization, place: Place, boxes: Listed) -> dict[str, object]:
    """The organization that ``/v1/organizations`` answers.  Unknown is null."""
    return {
        "id": o.national_id,
        "technical_id": o.technical_id,
        "name": o.name or None,
        "trade_name": o.trade_name or None,
        "finess": o.finess or None,
        "finess_legal": o.finess_legal or None,
        "siret": o.siret or None,
        "siren": o.siren or None,
        "former_id": o.former_id or None,
        "status": o.status.value,
        "sector": coded_json(o.sector),
        "address": place.address_json,
        "phones": place.phones,
        "fax": o.fax or None,
        "email": o.email or None,
        "mailboxes": boxes.json,
    }
