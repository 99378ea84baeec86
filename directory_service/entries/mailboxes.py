"""Mailbox and holder ► entry of ``ou=bal``.  PURE.

One entry an address and holder: an address that two people hold has two entries, one that a person holds in two
structures has one.  The branch that mail clients search: nothing is in it without an address.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Final, NamedTuple

from directory_service.entries.attributes import address_column, column, id_key, tag, token_text, uuid_key
from directory_service.entries.boxes import by_holder, paperless
from directory_service.entries.comparing import PREPARE, MatchRule
from directory_service.entries.dates import generalized, latest
from directory_service.entries.entry import ANYONE, BAL, INACTIVE_RANK, STAFF, UNLISTED, Entry, entry_id
from directory_service.entries.fragments import written
from directory_service.entries.holders import Holder, holder_of
from directory_service.entries.people import Known
from directory_service.entries.wire import clean, distinct, entry_ber, many, one
from directory_service.ldap.dn import escape_value
from directory_service.model.homonyms import write_mark
from directory_service.model.mailboxes import Binding, MailboxType

_EXACT, _TEXT = PREPARE[MatchRule.EXACT], PREPARE[MatchRule.TEXT]

_RANKS: Final = {MailboxType.OFFICE: 2, MailboxType.ORGANIZATIONAL: 3, MailboxType.APPLICATION: 4}


def mailbox_entries(bindings: Sequence[Binding], suffix: str, person: Known | None = None) -> list[Entry]:
    """The entries of one address: one for each present holder, none once it is closed.  ``person`` may be given where
    she is its only holder."""
    opened = [b for b in bindings if b.until is None]
    return [mailbox_entry(held, suffix, person) for held in by_holder(opened)]


def mailbox_entry(bindings: Sequence[Binding], suffix: str, person: Known | None = None) -> Entry:
    """``bindings`` are the open ones, at least one, of one address and one holder."""
    b, holder = bindings[0], holder_of(bindings, person)
    holder_id, address = b.holder_id, b.address
    uid = f"{holder_id}:{address}"
    dn = f"uid={escape_value(uid)},ou=bal,{suffix}"
    ou = distinct([clean(x.service) for x in bindings if x.service])
    described = distinct([clean(x.description) for x in bindings if x.description])
    place, since = holder.place, min([x.since for x in bindings])
    hidden = True in [x.unlisted for x in bindings]
    said = _said(b.type, b.operator, paperless(bindings), True in [x.preferred for x in bindings])
    org = column((*place.org, *map(_TEXT, ou), *map(_TEXT, described))) if ou or described else place.org_text
    keys = (id_key("m", address), id_key("u", uid), id_key("u", holder_id), uuid_key(dn), *holder.keys)
    own = (
        holder.work.ber,
        holder.names.ber,
        one("mail", address),
        many("uid", (uid, holder_id)),
        holder.numbers_ber,
        place.ber,
        many("ou", ou) if ou else b"",
        many("description", described) if described else b"",
        said.ber,
        one("asSince", generalized(since)),
    )
    return Entry(
        entry_id(UNLISTED if hidden else BAL, _rank(b, holder), min([x.pk for x in bindings])),
        dn,
        STAFF if hidden else ANYONE,
        holder.names.sn_text,
        holder.names.name_text,
        holder.names.given_text,
        address_column((address,)),
        holder.names.shown_text,
        org,
        holder.work.column,
        place.place_text,
        token_text((holder.work.tags, place.tags, holder.names.tags, holder.names.pairs, said.tags)),
        tuple(dict.fromkeys(keys)),
        entry_ber(dn, b"".join(own)),
        written(suggestion(b, holder)),
        generalized(since),
        generalized(latest([*[x.changed_at for x in bindings], *holder.changed])),
        _mark(holder, address),
    )


def _mark(holder: Holder, address: str) -> str:
    said = holder.json
    name = f"{said['family_name']} {said['given_names']}" if holder.is_person else holder.names.label
    return write_mark(str(said["id"]), address, name)


def _rank(b: Binding, holder: Holder) -> int:
    if not holder.active:
        return INACTIVE_RANK
    return _RANKS.get(b.type, 0 if b.practitioner else 1)


class _Said(NamedTuple):
    """What the bindings say of the box itself, as many others do."""

    ber: bytes
    tags: str


@lru_cache(maxsize=10_000)
def _said(kind: MailboxType, operator: str, no_paper: bool | None, preferred: bool) -> _Said:
    values = {
        "t": _EXACT(kind.value),
        "d": _flag(no_paper).lower(),
        "r": _flag(preferred).lower(),
        "v": _TEXT(operator),
    }
    return _Said(
        one("asMailboxType", kind.value)
        + one("asPaperless", _flag(no_paper))
        + one("asPreferred", _flag(preferred))
        + one("asOperator", clean(operator)),
        token_text([tag(letter, value) for letter, value in values.items() if value]),
    )


def _flag(value: bool | None) -> str:
    return "" if value is None else "TRUE" if value else "FALSE"


def suggestion(b: Binding, holder: Holder) -> dict[str, object]:
    """One item of ``/v1/suggest`` (contract.md §3): ``hint`` is what is read beside the label, ``town`` and ``place``
    are what ``model.homonyms`` tells holders of one name apart by."""
    item: dict[str, object] = {"label": holder.names.label, "address": b.address, "type": b.type.value}
    item["person" if holder.is_person else "structure"] = holder.json
    item["hint"] = holder.hint
    item["town"], item["place"] = holder.place.town or None, holder.place.name or None
    return item
