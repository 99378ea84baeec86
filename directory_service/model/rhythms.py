"""How often a source publishes, and since when it is silent.  PURE: instants are given.

A source is dated by its last extract (the stamp of its name), not by when we read it: a daily job that imports the same
file again and again must not make a dead source look alive.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

_LONGEST = 1e9  # hours: no source is ever so late, and no more of them is a duration to Python


@dataclass(frozen=True, slots=True)
class Rhythms:
    """Hours between two extracts of a source, beyond which it is silent; a source that is not here has no rhythm."""

    hours: tuple[tuple[str, float], ...]

    @classmethod
    def parse(cls, text: str) -> Rhythms:
        """``source=hours`` by spaces, as ``str`` writes it.  Raises ValueError."""
        pairs = [pair.partition("=") for pair in text.split()]
        if any(not name or not hours for name, _, hours in pairs):
            raise ValueError(text)
        found = tuple((name, float(hours)) for name, _, hours in pairs)
        if any(not 0 < hours <= _LONGEST for _, hours in found):
            raise ValueError(text)
        return cls(found)

    def __str__(self) -> str:
        return " ".join(f"{name}={hours:g}" for name, hours in self.hours)

    def of(self, source: str) -> float | None:
        return dict(self.hours).get(source)


# The extracts come every morning (formats.md §1); a day and a half lets one come in the afternoon.  ADELI ended in
# 2024, the crosswalk and the monotables of 2016-2018 come when they come: no rhythm.
DAILY = Rhythms(tuple((s, 36.0) for s in ("rpps.activity", "rpps.expertise", "rpps.diploma", "mssante.mailboxes")))


@dataclass(frozen=True, slots=True)
class Silence:
    """A source whose last extract is older than its rhythm allows."""

    source: str
    published: str  # instant of its last extract
    hours: int  # since then
    rhythm: float  # hours

    def as_text(self) -> str:
        age = f"{self.hours // 24} jours" if self.hours >= 72 else f"{self.hours} heures"
        due = f"attendue toutes les {self.rhythm:g} heures".replace(".", ",")
        return f"{self.source} : dernière extraction du {self.published}, il y a {age} ({due})"


def silences(published: Mapping[str, str], rhythms: Rhythms, now: datetime) -> list[Silence]:
    """Which of these sources (name ► ISO instant of its last extract) are silent, by name."""
    found = []
    for source in sorted(published):
        rhythm, since = rhythms.of(source), _instant(published[source])
        if rhythm is not None and since is not None and now - since > timedelta(hours=rhythm):
            found.append(Silence(source, published[source], int((now - since).total_seconds() // 3600), rhythm))
    return found


def _instant(text: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo else None
