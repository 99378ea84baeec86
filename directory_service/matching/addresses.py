"""What has become of one address, by the public's eyes; and the known addresses that it may have been meant for.

The verdict is ``trust.verify``'s, so that this page and ``/v1/verify`` cannot disagree.  An unlisted address takes the
path of an unknown one, the search for look-alikes included.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

import orjson

from directory_service.errors import AnnuaireError
from directory_service.index.query import Filter, Or, Part, Query, Scope, Substrings
from directory_service.matching.seeker import PUBLIC, holders_of
from directory_service.model.confusable import SAID, How, meant_for, near_domain, rewritten
from directory_service.model.mailboxes import is_address
from directory_service.trust.verdicts import Outcome as Verdicts
from directory_service.trust.verdicts import Verdict
from directory_service.trust.verify import verify

if TYPE_CHECKING:
    from directory_service.index.directory import Directory

_MOST: Final = 5  # look-alikes that are told
_LOOKED_AT: Final = 60
_TIME: Final = 0.3  # seconds
_HALF: Final = 3  # letters that half a local part needs to be looked for


class AddressState(StrEnum):
    NONE = "none"  # the line has no address
    MALFORMED = "malformed"
    CURRENT = "current"
    OTHER_HOLDER = "other_holder"  # open, and somebody else's
    CLOSED = "closed"
    INACTIVE = "inactive_holder"
    UNTRUSTED = "untrusted_domain"
    LOOKALIKE = "lookalike"  # not known, and nearly one that is
    UNKNOWN = "unknown"


SAID_OF_STATE: Final = {
    AddressState.NONE: "pas d'adresse",
    AddressState.MALFORMED: "ce n'est pas une adresse",
    AddressState.CURRENT: "adresse en service",
    AddressState.OTHER_HOLDER: "adresse d'une autre personne",
    AddressState.CLOSED: "adresse fermée",
    AddressState.INACTIVE: "son titulaire n'exerce plus",
    AddressState.UNTRUSTED: "domaine hors de l'espace de confiance",
    AddressState.LOOKALIKE: "adresse inconnue, proche d'une adresse connue",
    AddressState.UNKNOWN: "adresse inconnue de l'annuaire",
}

_OF_VERDICT: Final = {
    Verdicts.VERIFIED: AddressState.CURRENT,
    Verdicts.CLOSED: AddressState.CLOSED,
    Verdicts.INACTIVE: AddressState.INACTIVE,
    Verdicts.UNTRUSTED_DOMAIN: AddressState.UNTRUSTED,
}


@dataclass(frozen=True, slots=True)
class LookAlike:
    """A known address that another may be taken for; ``label`` is its holder's."""

    address: str
    how: How
    label: str = ""

    @property
    def said(self) -> str:
        return SAID[self.how]

    def as_dict(self) -> dict[str, str]:
        return {"address": self.address, "how": self.how.value, "said": self.said, "label": self.label}


@dataclass(frozen=True, slots=True)
class Judged:
    """``holders`` are those in the public's record, of today first; ``until`` when the address or its holder ended."""

    address: str
    state: AddressState
    until: str = ""
    verdict: Verdict | None = None
    holders: tuple[dict[str, Any], ...] = ()
    lookalikes: tuple[LookAlike, ...] = ()

    @property
    def present(self) -> tuple[dict[str, Any], ...]:
        """Holders of today."""
        return tuple(h for h in self.holders if not h["until"])

    @property
    def said(self) -> str:
        """The state in French."""
        return SAID_OF_STATE[self.state]

    def as_dict(self) -> dict[str, object]:
        """As the faces show it, without the verdict and the holders."""
        return stated(self.address, self.state, self.until) | {"lookalikes": [x.as_dict() for x in self.lookalikes]}


def stated(address: str, state: AddressState, until: str) -> dict[str, object]:
    """What the faces say of an address first of all, whether it is the line's or another one."""
    return {"address": address or None, "state": state.value, "said": SAID_OF_STATE[state], "until": until or None}


def judge_address(directory: Directory, address: str, patient_domain: str) -> Judged:
    """``address`` in lower case, "" for none; ``patient_domain`` as for ``verify``."""
    if not address:
        return Judged("", AddressState.NONE)
    if not is_address(address) and not _reads_as_one(address):
        return Judged(address, AddressState.MALFORMED)
    try:
        verdict = verify(directory, address, view=PUBLIC, patient_domain=patient_domain)
    except AnnuaireError:
        return Judged(address, AddressState.MALFORMED)
    state = _OF_VERDICT.get(verdict.verdict, AddressState.UNKNOWN)
    if state in (AddressState.UNKNOWN, AddressState.UNTRUSTED):
        found = look_alikes(directory, address)
        return Judged(address, AddressState.LOOKALIKE if found else state, "", verdict, (), found)
    return Judged(address, state, verdict.until, verdict, tuple(holders_of(directory, address)))


def _reads_as_one(address: str) -> bool:
    """Letters of other alphabets are no address here, but what somebody may have been made to copy."""
    local, at, domain = address.rpartition("@")
    return bool(local and at and "." in domain) and not any(c.isspace() for c in address)


# --- look-alikes -----------------------------------------------------------------------------------------------------


def look_alikes(directory: Directory, address: str) -> tuple[LookAlike, ...]:
    """Open addresses that this one may have been meant for, the likest first."""
    found = {a: LookAlike(a, how, label) for a, label in _near(directory, address) if (how := meant_for(address, a))}
    order = list(How)
    return tuple(islice(sorted(found.values(), key=lambda x: (order.index(x.how), x.address)), _MOST))


def _near(directory: Directory, address: str) -> Iterator[tuple[str, str]]:
    local, _, domain = address.rpartition("@")
    for known in _domains(directory, directory.build().id):
        if near_domain(domain, known):
            yield from _open(directory, f"{local}@{known}")
            yield from _searched(directory, local, known)
    for written in rewritten(address):
        yield from _open(directory, written)
    yield from _searched(directory, local, domain)


def _open(directory: Directory, address: str) -> Iterator[tuple[str, str]]:
    for holder in holders_of(directory, address):
        if not holder["until"]:
            yield address, holder["label"]
            return


def _searched(directory: Directory, local: str, domain: str) -> Iterator[tuple[str, str]]:
    """One error leaves one half of the local part as it is, and one in the domain leaves all of it."""
    branch, asked = f"ou=bal,{directory.suffix}", _halves(local, domain)
    query = Query(branch, Scope.ONE, asked, _LOOKED_AT, _TIME, part=Part.JSON, kept=False)
    for hit in directory.search(query, PUBLIC).hits:
        item = orjson.loads(hit.json)
        yield item["address"], item["label"]


def _halves(local: str, domain: str) -> Filter:
    half = len(local) // 2
    tail = f"@{domain}".encode()
    asked: list[Filter] = [Substrings("mail", f"{local}@".encode(), (), b"")]
    if half >= _HALF:
        asked += [
            Substrings("mail", local[:half].encode(), (), tail),
            Substrings("mail", b"", (), local[half:].encode() + tail),
        ]
    return Or(tuple(asked))


@lru_cache(maxsize=8)
def _domains(directory: Directory, build: str) -> tuple[str, ...]:
    """Domains of the trusted space, of this build."""
    return tuple(sorted({d for record in directory.operator_records(PUBLIC) for d in _names(record["domains"])}))


def _names(stretches: list[dict[str, Any]]) -> Iterator[str]:
    return (d["name"] for d in stretches if not d["until"])
