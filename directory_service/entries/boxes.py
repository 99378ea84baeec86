"""The mailboxes that a person, or a structure, holds: the part of her entry that they give.  PURE.

Only open and listed boxes exist here: an unlisted one (*liste rouge*) is in no entry but its own, which staff see.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from directory_service.entries.attributes import address_column, id_key
from directory_service.entries.dates import iso
from directory_service.entries.entry import INACTIVE_RANK
from directory_service.entries.wire import many
from directory_service.model.mailboxes import Binding
from directory_service.model.people import Organization, Status

_LAST: Final = 1_000  # after every rank


@dataclass(frozen=True, slots=True)
class Listed:
    """The boxes, the one to write to first."""

    bindings: tuple[Binding, ...]  # one an address
    addresses: tuple[str, ...]
    ber: bytes  # mail
    text: str
    keys: tuple[str, ...]
    types: tuple[str, ...]
    json: list[dict[str, object]]
    structures: tuple[Organization, ...] = ()  # in which they are used

    def rank(self, status: Status) -> int:
        """That of their holder in its branch: before who has none; last of all, who is not active."""
        if status is not Status.ACTIVE:
            return INACTIVE_RANK
        return 0 if self.bindings else 1


NO_BOX: Final = Listed((), (), b"", "", (), (), [])


def listed(bindings: Iterable[Binding]) -> Listed:
    """Of these, what the public sees: the preferred box first, then by rank, then the oldest."""
    seen = [b for b in bindings if b.until is None and not b.unlisted]
    if not seen:
        return NO_BOX
    ordered = sorted(seen, key=lambda b: (not b.preferred, b.rank or _LAST, b.since, b.address))
    held: dict[str, list[Binding]] = {}
    for binding in ordered:
        held.setdefault(binding.address, []).append(binding)
    addresses, first = tuple(held), [bindings[0] for bindings in held.values()]
    return Listed(
        bindings=tuple(first),
        addresses=addresses,
        ber=many("mail", addresses),
        text=address_column(addresses),
        keys=tuple([id_key("m", a) for a in addresses]),
        types=tuple(dict.fromkeys(b.type.value for b in first)),
        json=[box_json(bindings) for bindings in held.values()],
        structures=tuple({o.pk: o for b in ordered if (o := b.organization)}.values()),
    )


def box_json(bindings: Sequence[Binding]) -> dict[str, object]:
    """One of the ``mailboxes`` of contract.md §3, and where it is used."""
    b = bindings[0]
    return {
        "address": b.address,
        "type": b.type.value,
        "paperless": b.paperless,
        "preferred": b.preferred,
        "since": iso(b.since),
        "operator": b.operator or None,
        "service": first_said([x.service for x in bindings]),
        "structures": structures_of(bindings),
    }


def structures_of(bindings: Iterable[Binding]) -> list[dict[str, str]]:
    """Those in which a mailbox is used, each once."""
    used = {o.national_id: o.display_name for b in bindings if (o := b.organization)}
    return [{"id": national, "name": name} for national, name in used.items()]


def first_said(texts: Iterable[str]) -> str | None:
    """What one of a holder's bindings says and the others do not is said of the holder."""
    return next(filter(None, texts), None)


def by_holder(bindings: Sequence[Binding]) -> list[Sequence[Binding]]:
    """Bindings of one address, gathered by holder in the order of the first of each."""
    if len(bindings) == 1:
        return [bindings]
    found: dict[str, list[Binding]] = {}
    for binding in bindings:
        found.setdefault(binding.holder_id, []).append(binding)
    return [*found.values()]


def paperless(bindings: Sequence[Binding]) -> bool | None:
    """True if any says so; None while none says anything."""
    said = [b.paperless for b in bindings if b.paperless is not None]
    return any(said) if said else None
