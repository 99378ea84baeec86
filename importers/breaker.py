"""Which thresholds an import passes: those of its impact, those of its files against the last ones.  PURE.

Nothing is stopped here: ``load`` does, before it commits, unless somebody accepts what is said here.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from directory_service.errors import CircuitBreaker
from directory_service.model import nomenclature
from directory_service.model.numbers import grouped
from directory_service.model.rhythms import Rhythms
from directory_service.model.thresholds import NO_LIMIT, ROWS, Thresholds
from directory_service.registry.clock import format_instant, parse_instant
from importers.impact import Impact, Moved, percent
from importers.report import LEAST, Breach, ImportReport, counted

_WHOLES = {"people": "professionnel", "activities": "activité", "mailboxes": "boîte aux lettres"}
_GROUPS = {"domain": "domaine", "profession": "profession", "department": "département"}
_UNITS = {"domain": "boîte aux lettres", "profession": "professionnel", "department": "activité"}
_GO, _CHANGE = ("disparaît", "disparaissent"), ("change ou fusionne", "changent ou fusionnent")


@dataclass(frozen=True, slots=True)
class Seen:
    """A file as the run book knows it.  ``published``: ISO instant; ``stamped``: told by the stamp of its name."""

    name: str
    rows: int
    published: str
    stamped: bool


@dataclass(frozen=True, slots=True)
class Rewritten:
    """What is counted apart from the impact on people and mailboxes.  ``changed``: those of which their own source
    tells something else; ``before``: all that were known."""

    subject: str
    unit: str  # French, one of them
    changed: int
    before: int


@dataclass(frozen=True, slots=True)
class Rules:
    """What the one who imports asks for.  ``accept``: the reason to let an impact pass."""

    thresholds: Thresholds
    rhythms: Rhythms
    accept: str | None

    def accepted(self, actor: str, breaches: Sequence[Breach]) -> dict[str, Any] | None:
        """Who lets what pass, and why; None where there is nothing to let pass, or nobody does."""
        if not breaches or self.accept is None:
            return None
        return {"by": actor, "reason": self.accept, "breaches": [b.message for b in breaches]}


_SAID = 3  # thresholds that the refusal itself names; the report has them all


def stopped(report: ImportReport, actor: str) -> CircuitBreaker:
    """The refusal of a report whose breaches nobody accepts."""
    said = " ; ".join(b.message for b in report.breaches[:_SAID])
    if len(report.breaches) > _SAID:
        said += f" ; … ({len(report.breaches)} seuils dépassés en tout)"
    if any(b.rule == "older" for b in report.breaches):
        said += ". Un fichier arrivé après un plus récent n'apprend plus rien : retirez-le"
    message = (
        f"import arrêté, rien n'a été écrit : {said}. Les fichiers sont-ils les bons, du bon jour, entiers ? Si oui, "
        f"et si l'effet est voulu, relancez la même commande avec --accept MOTIF : le nom ({actor}) et le motif seront "
        "conservés avec le passage"
    )
    return CircuitBreaker(message, report=replace(report, run=None, status="stopped"))


def of_impact(impact: Impact, limits: Thresholds) -> list[Breach]:
    found = [b for d in _WHOLES for b in _of_whole(d, impact.whole(d), limits)]
    for dimension in _GROUPS:
        groups = [g for g in impact.groups(dimension) if g.key and g.before >= limits.group_size]
        found += [b for g in groups for b in _of_group(dimension, g, limits)]
    return found


def of_rewritten(rewritten: Rewritten, limits: Thresholds) -> list[Breach]:
    """Structures or links of which so many say something else."""
    changed, before = rewritten.changed, rewritten.before
    if not passes(changed, before, limits.changed, limits.floor):
        return []
    said = _said(changed, rewritten.unit, before, ("change", "changent"))
    return [share("changed", rewritten.subject, said, changed, before, limits.changed)]


def _of_whole(dimension: str, whole: Moved, limits: Thresholds) -> Iterator[Breach]:
    for rule, number, limit, verbs in (
        ("removed", whole.removed, limits.removed, _GO),
        ("changed", whole.changed + whole.merged, limits.changed, _CHANGE),
    ):
        if passes(number, whole.before, limit, limits.floor):
            said = _said(number, _WHOLES[dimension], whole.before, verbs)
            yield share(rule, dimension, said, number, whole.before, limit)


def _of_group(dimension: str, group: Moved, limits: Thresholds) -> Iterator[Breach]:
    if passes(group.removed, group.before, limits.group_removed, limits.floor):
        went = _said(group.removed, _UNITS[dimension], group.before, _GO)
        said = f"{_GROUPS[dimension]} {_named(dimension, group.key)} : {went}"
        subject = f"{dimension} {group.key}"
        yield share("group_removed", subject, said, group.removed, group.before, limits.group_removed)


def _said(number: int, unit: str, whole: int, verbs: tuple[str, str]) -> str:
    return f"{counted(number, unit)} sur {grouped(whole)} {verbs[number > 1]}"


def share(rule: str, subject: str, said: str, number: int, whole: int, limit: float) -> Breach:
    """The breach of a threshold in percent: what is ``said`` of it, with what was seen and what is allowed."""
    seen = percent(number, whole) or 0.0
    told = f"{_shown(seen)} %" if seen else LEAST
    return Breach(rule, subject, seen, limit, f"{said} ({told}, seuil {_shown(limit)} %)")


def _named(dimension: str, key: str) -> str:
    """As staff know it, with its code: ``Médecin (10)``, ``Bouches-du-Rhône (13)``."""
    known = nomenclature.DEPARTMENTS.get(key, "") if dimension == "department" else nomenclature.label(dimension, key)
    return f"{known} ({key})" if known else key


def passes(number: int, before: int, limit: float, floor: int) -> bool:
    """Whether so many of those that were there are more than ``limit`` percent, and not too few to matter."""
    return before > 0 and number >= floor and number * 100 > before * limit


def of_file(file: Seen, last: Seen | None, limits: Thresholds) -> list[Breach]:
    """Against the last file read of the same source, of another content."""
    if last is None:
        return []
    found, lost = [], last.rows - file.rows
    if limits.rows_fell < 100 and last.rows >= ROWS and lost > 0 and lost * 100 >= last.rows * limits.rows_fell:
        found.append(_of_rows("rows_fell", file, last, limits.rows_fell, "de moins", "le fichier est-il entier ?"))
    if limits.rows_grew < NO_LIMIT and last.rows >= ROWS and -lost * 100 > last.rows * limits.rows_grew:
        found.append(
            _of_rows("rows_grew", file, last, limits.rows_grew, "de plus", "n'est-ce que le fichier du jour ?")
        )
    if is_older(file, last):
        message = f"{file.name} : du {file.published}, plus ancien que le dernier lu, {last.name}, du {last.published}"
        found.append(Breach("older", file.name, file.published, last.published, message))
    return found


def _of_rows(rule: str, file: Seen, last: Seen, limit: float, direction: str, asked: str) -> Breach:
    seen = percent(abs(file.rows - last.rows), last.rows) or 0.0
    message = (
        f"{file.name} : {counted(file.rows, 'ligne')}, {_shown(seen)} % {direction} que les {grouped(last.rows)} "
        f"de {last.name} (seuil {_shown(limit)} %) : {asked}"
    )
    return Breach(rule, file.name, seen, limit, message)


AHEAD = timedelta(days=1)  # from now: clocks and zones differ by less


def of_dates(as_of: str, files: Sequence[Seen], now: str) -> list[Breach]:
    """Dates to come, of an import (all that follow would be refused) and of its files (all that follow would be older,
    and the source never silent)."""
    limit = format_instant(parse_instant(now) + AHEAD)
    why = "est dans l'avenir : est-ce la bonne année ? Tout ce qui suivra passerait pour plus ancien"
    dates = {"--as-of": as_of} if files else {}
    dates |= {file.name: file.published for file in files}
    return [Breach("future", name, at, limit, f"{name} : {at} {why}") for name, at in dates.items() if at > limit]


def is_older(file: Seen, last: Seen) -> bool:
    """Two stamps are compared to the minute, two dates of files to the second; of one and the other, a day's difference
    may only say when the file was fetched."""
    mine, theirs = datetime.fromisoformat(file.published), datetime.fromisoformat(last.published)
    return mine < theirs - (timedelta() if file.stamped == last.stamped else timedelta(days=1))


def _shown(value: float) -> str:
    return f"{value:g}".replace(".", ",")
