"""What to make of each line of an address book: from ``matching.check_line`` to one word of advice.  PURE."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from directory_service.index.shield import told_apart
from directory_service.matching import AddressState, Kind, Outcome
from directory_service.web.portal.french import day

if TYPE_CHECKING:
    from collections.abc import Sequence

    from directory_service.matching import Candidate, LineResult
    from directory_service.matching.addresses import Judged
    from directory_service.model.homonyms import Shield


class Advice(StrEnum):
    KEEP = "keep"
    REPLACE = "replace"
    ADD = "add"
    CONFIRM = "confirm"
    CHOOSE = "choose"
    DROP = "drop"
    NOBODY = "nobody"


# advice: (tone, word on the page)
SAYS: Final = MappingProxyType(
    {
        Advice.KEEP: ("good", "À garder"),
        Advice.REPLACE: ("unsure", "À remplacer"),
        Advice.ADD: ("good", "Boîte trouvée"),
        Advice.CONFIRM: ("unsure", "À confirmer"),
        Advice.CHOOSE: ("unsure", "Homonymes"),
        Advice.DROP: ("bad", "À retirer"),
        Advice.NOBODY: ("none", "Introuvable"),
    }
)
_DEAD: Final = (AddressState.CLOSED, AddressState.INACTIVE, AddressState.OTHER_HOLDER)
_SHOWN: Final = 3  # candidates told of a line that is not sure
# Columns that are added to those of the book.
ADDED: Final = (
    "Avis", "État de l’adresse", "Trouvé dans l’annuaire", "Identifiant", "Confiance (%)", "Boîte actuelle",
    "Adresses ressemblantes", "Raisons", "Autres adresses",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Line:
    """One line, with its number in the file, its cells, and what was found for it."""

    number: int
    cells: Sequence[str]
    said: str  # what the line says, in one text
    found: LineResult

    @property
    def advice(self) -> Advice:
        return advise(self.found)

    @property
    def tone(self) -> str:
        return SAYS[self.advice][0]

    @property
    def word(self) -> str:
        return SAYS[self.advice][1]

    @property
    def state(self) -> str:
        """Of several addresses, with the one that it is of."""
        which = f"{self.found.address} : " if self.found.others else ""
        return "" if self.found.state is AddressState.NONE else which + _stated(self.found)

    @property
    def others(self) -> list[str]:
        """The other addresses of the line, each with its state and what it is nearly."""
        return [f"{o.address} : {_stated(o)}{_alike(o)}" for o in self.found.others]

    @property
    def candidates(self) -> tuple[Candidate, ...]:
        return self.found.candidates[: 1 if self.found.outcome is Outcome.SURE else _SHOWN]

    @property
    def more(self) -> bool:
        """Are there who may be meant too and are not shown?"""
        return self.found.outcome is not Outcome.SURE and len(self.found.candidates) > len(self.candidates)

    @property
    def mailbox(self) -> str:
        """Where to write to today, where one person is meant."""
        return "" if self.advice in (Advice.CHOOSE, Advice.DROP) else self.found.mailbox

    @property
    def mailboxes(self) -> tuple[str, ...]:
        """Of whom is meant, where none of them is the right one by what is known."""
        settled = self.mailbox or self.advice is not Advice.CONFIRM or not self.found.is_likely
        return () if settled else tuple(box for box in self.found.usable if box != self.found.address)

    @property
    def shields(self) -> list[Shield]:
        """What tells each of the candidates from the others, where they are people."""
        if any(c.kind is not Kind.PERSON for c in self.candidates):
            return []
        return told_apart([c.record for c in self.candidates])

    def added(self) -> list[str]:
        """The cells under ``ADDED``."""
        best = self.candidates[0] if self.candidates else None
        return [
            self.word,
            self.state,
            " | ".join(c.label for c in self.candidates),
            " | ".join(c.id for c in self.candidates),
            str(best.confidence) if best else "",
            self.mailbox or " | ".join(self.mailboxes),
            " | ".join(f"{x.address} ({x.said})" for x in self.found.lookalikes),
            ", ".join(best.reasons) if best else "",
            " | ".join(self.others),
        ]


def _stated(of: LineResult | Judged) -> str:
    return of.said + (f" depuis le {day(of.until)}" if of.until else "")


def _alike(of: Judged) -> str:
    return f" ({', '.join(x.address for x in of.lookalikes)})" if of.lookalikes else ""


def advise(found: LineResult) -> Advice:
    if found.outcome is Outcome.AMBIGUOUS and not found.keep:
        return Advice.CHOOSE
    if found.keep:
        return Advice.KEEP
    if not found.mailbox and not found.usable and found.state in _DEAD:
        return Advice.DROP
    if found.outcome is Outcome.NONE and not found.mailbox:
        return Advice.NOBODY
    if found.outcome is Outcome.SURE and found.mailbox:
        return Advice.ADD if found.state is AddressState.NONE else Advice.REPLACE
    return Advice.CONFIRM
