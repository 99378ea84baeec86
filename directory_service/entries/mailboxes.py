"""Mailbox and holder ► entry of ``ou=bal``.  PURE.

One entry an address and holder: an address that two people hold has two entries, one that a person holds in two
structures has one.  The branch that mail clients search: nothing is in it without an address.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import orjson

from directory_service.entries.attributes import PREPARE, MatchRule, column, id_key, tag, token_text, uuid_key
from directory_service.entries.boxes import by_holder, paperless
from directory_service.entries.dates import generalized, latest
from directory_service.entries.entry import ANYONE, BAL, INACTIVE_RANK, STAFF, UNLISTED, Entry, entry_id
from directory_service.entries.holders import Holder, holder_of
from directory_service.entries.wire import clean, distinct, entry_ber, many, one
from directory_service.ldap.dn import escape_value
from directory_service.model.mailboxes import Binding, MailboxType

_EXACT, _TEXT = PREPARE[MatchRule.EXACT], PREPARE[MatchRule.TEXT]

_RANKS: Final = {MailboxType.OFFICE: 2, MailboxType.ORGANIZATIONAL: 3, MailboxType.APPLICATION: 4}


def mailbox_entries(bindings: Sequence[Binding], suffix: str) -> list[Entry]:
    """The entries of one address: one for each present holder, none once it is closed."""
    opened = [b for b in bindings if b.until is None]
    return [mailbox_entry(held, suffix) for held in by_holder(opened)]


def mailbox_entry(bindings: Sequence[Binding], suffix: str) -> Entry:
    """``bindings`` are the open ones, at least one, of one address and one holder."""
    b, holder = bindings[0], holder_of(bindings)
    uid = f"{b.holder_id}:{b.address}"
    dn = f"uid={escape_value(uid)},ou=bal,{suffix}"
    keys = (id_key("m", b.address), id_key("u", uid), id_key("u", b.holder_id), uuid_key(dn), *holder.keys)
    ou = distinct(clean(x.service) for x in bindings)
    described = distinct(clean(x.description) for x in bindings)
    place = holder.place
    hidden = any(x.unlisted for x in bindings)
    changed = [x.changed_at for x in bindings] + holder.changed
    return Entry(
        id=entry_id(UNLISTED if hidden else BAL, _rank(b, holder), min(x.pk for x in bindings)),
        dn=dn,
        view=STAFF if hidden else ANYONE,
        sn=holder.names.sn_text,
        name=holder.names.name_text,
        given=holder.names.given_text,
        mail=f"^{b.address.casefold()}$",
        org=column((*place.org, *map(_TEXT, ou), *map(_TEXT, described))),
        work=column((*holder.work.texts, holder.names.shown_text)),
        place=place.place_text,
        tags=token_text((holder.work.tags, place.tags, holder.names.tags, *_tags(bindings))),
        keys=tuple(dict.fromkeys(keys)),
        ber=entry_ber(dn, _attributes(bindings, holder, uid, ou, described)),
        json=orjson.dumps(suggestion(b, holder)),
        created=generalized(min(x.since for x in bindings)),
        changed=generalized(latest(changed)),
    )


def _rank(b: Binding, holder: Holder) -> int:
    if not holder.active:
        return INACTIVE_RANK
    return _RANKS.get(b.type, 0 if b.practitioner else 1)


def _attributes(bindings: Sequence[Binding], holder: Holder, uid: str, ou: list[str], described: list[str]) -> bytes:
    b = bindings[0]
    return b"".join(
        (
            holder.work.ber,
            holder.names.ber,
            many("mail", (b.address,)),
            many("uid", (uid, b.holder_id)),
            holder.numbers_ber,
            holder.place.ber,
            many("ou", ou),
            many("description", described),
            one("asMailboxType", b.type.value),
            one("asPaperless", _flag(paperless(bindings))),
            one("asPreferred", _flag(any(x.preferred for x in bindings))),
            one("asOperator", clean(b.operator)),
            one("asSince", generalized(min(x.since for x in bindings))),
        )
    )


def _flag(value: bool | None) -> str:
    return "" if value is None else "TRUE" if value else "FALSE"


def _tags(bindings: Sequence[Binding]) -> list[str]:
    b = bindings[0]
    values = {
        "t": _EXACT(b.type.value),
        "d": _flag(paperless(bindings)).lower(),
        "r": _flag(any(x.preferred for x in bindings)).lower(),
        "v": _TEXT(b.operator),
    }
    return [tag(letter, value) for letter, value in values.items() if value]


def suggestion(b: Binding, holder: Holder) -> dict[str, object]:
    """One item of ``/v1/suggest`` (contract.md §3): ``hint`` is what tells it from the others of the same label."""
    item: dict[str, object] = {"label": holder.names.label, "address": b.address, "type": b.type.value}
    item["person" if holder.is_person else "structure"] = holder.json
    item["hint"] = holder.hint
    return item
