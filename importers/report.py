"""What an import did, as a value: per file and per kind of record.  Shown as text or JSON; no I/O here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from directory_service.model.nomenclature import DEPARTMENTS
from directory_service.model.numbers import grouped
from directory_service.model.rhythms import Silence
from directory_service.registry.runs import SKIPPED
from importers.quality import rules

_KINDS = {
    "practitioner": "professionnels",
    "organization": "structures",
    "mailbox": "boîtes aux lettres",
    "operator": "opérateurs",
    "domain": "domaines de confiance (par certificat)",
    "expertise": "savoir-faire (par professionnel)",
    "qualification": "diplômes (par professionnel)",
    "link": "liens ADELI-RPPS",
    "nomenclature": "libellés",
    "match": "rapprochements",
    "decision": "décisions",
}
_FEMININE = frozenset(("organization", "mailbox", "decision", "activities", "mailboxes"))
_ACTS = {
    "created": "créé",
    "updated": "modifié",
    "closed": "fermé",
    "reopened": "rouvert",
    "merged": "fusionné",
    "removed": "retiré",
    "restored": "rétabli",
    "split": "séparé",
    "review": "à examiner",
    "accepted": "accepté",
    "rejected": "rejeté",
    "later": "remis à plus tard",
    "kept": "maintenu (ligne rejetée)",
    "unchanged": "inchangé",
}
PACKED = (".gz", ".tgz", ".tar", ".bz2", ".xz", ".7z", ".rar")  # suffixes of what is never opened
_NAMED = 12  # unknown columns
STILL = frozenset(("unchanged", "kept"))  # acts by which nothing changes
_STATUS = {
    "done": "Import {run} terminé",
    "unchanged": "Import {run} : rien n'a changé",
    "dry-run": "Essai à blanc : rien n'a été écrit",
    "rolled-back": "Retour en arrière {run} terminé",
    "answered": "Réponse {run} enregistrée",
    "stopped": "Import arrêté : un seuil est dépassé, rien n'a été écrit",
}


@dataclass(frozen=True, slots=True)
class FileReport:
    """One extract.  ``status``: imported, skipped (the same file was imported last).  ``warnings``: rule ► lines that
    were kept; of a source read before, only lines that are new or have changed are looked at."""

    name: str
    layout: str
    sha256: str
    bytes: int
    rows: int
    rejected: int = 0
    warnings: Mapping[str, int] = field(default_factory=dict)
    status: str = "imported"
    reasons: Mapping[str, int] = field(default_factory=dict)  # rejections by reason
    unknown: tuple[str, ...] = ()  # captions that no layout has
    read_by: int | None = None  # run that read the same content under another date: an old file may pass for a new one

    def as_text(self) -> str:
        if self.status == "skipped":
            return f"{self.name} ({self.layout}) : {SKIPPED}"
        rejected = counted(self.rejected, "rejeté", feminine=True)
        text = f"{self.name} ({self.layout}) : {counted(self.rows, 'ligne')}, {rejected}"
        again = f"    attention : même contenu qu'au passage {self.read_by} ; est-ce bien le fichier du jour ?"
        return "\n".join([text, *([again] if self.read_by else []), *self._told()])

    def _told(self) -> list[str]:
        """A line for each rule, the gravest effect first, then the commonest."""
        lines = []
        for reasons, effect in ((self.reasons, rules.Effect.REJECT.value), (self.warnings, "")):
            for rule, count in sorted(reasons.items(), key=lambda pair: (-pair[1], pair[0])):
                shown = effect or rules.effect(rule)
                named = f" : {', '.join(self.unknown[:_NAMED])}" if rule == "column_unknown" else ""
                lines.append(
                    f"    {shown + ', ' if shown else ''}{rule} : {grouped(count)} ({rules.text(rule)}){named}"
                )
        return lines


@dataclass(frozen=True, slots=True)
class Breach:
    """A threshold passed.  ``subject``: file, whole or group; ``seen`` and ``limit`` in percent, or instants."""

    # removed, changed, group_removed, rows_fell, rows_grew, older, future, domain_closed, domain_moved,
    # operator_domains
    rule: str
    subject: str
    seen: float | str
    limit: float | str
    message: str  # French


@dataclass(frozen=True, slots=True)
class ImportReport:
    """A whole run.  ``run`` is None when nothing was written.  ``counts``: kind of record ► act ► number; ``impact``:
    ``Impact.as_dict``; ``accepted``: who let the ``breaches`` pass, and why."""

    run: int | None
    status: str  # done, unchanged, dry-run, stopped, rolled-back, answered
    as_of: str
    files: tuple[FileReport, ...]
    counts: Mapping[str, Mapping[str, int]]
    ignored: tuple[str, ...] = ()
    seconds: Mapping[str, float] = field(default_factory=dict)  # by stage, see importers.stages
    impact: Mapping[str, Any] = field(default_factory=dict)
    breaches: tuple[Breach, ...] = ()
    accepted: Mapping[str, Any] | None = None
    silent: tuple[Silence, ...] = ()

    @property
    def changed(self) -> bool:
        return any(n for acts in self.counts.values() for act, n in acts.items() if act not in STILL)

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)

    def as_text(self) -> str:
        """French lines for a terminal."""
        lines = [_STATUS[self.status].format(run=self.run) + f" (à effet du {self.as_of})"]
        lines += ["  " + f.as_text() for f in self.files]
        lines += [f"  laissé de côté, {_why_aside(name)} : {name}" for name in self.ignored]
        for kind, acts in self.counts.items():
            feminine = kind in _FEMININE
            said = ", ".join(counted(acts[a], word, feminine=feminine) for a, word in _ACTS.items() if acts.get(a))
            if said:
                asked = " (annuaire review list)" if kind == "match" and acts.get("review") else ""
                lines.append(f"  {_KINDS.get(kind, kind)} : {said}{asked}")
        return "\n".join([*lines, *impact_lines(self.impact), *self._passed()])

    def _passed(self) -> list[str]:
        lines = [f"  seuil dépassé : {breach.message}" for breach in self.breaches]
        if self.accepted:
            if not self.breaches:  # a run of before, which keeps the messages
                lines = [f"  seuil dépassé : {message}" for message in self.accepted["breaches"]]
            lines.append(f"  accepté par {self.accepted['by']} : {self.accepted['reason']}")
        elif self.breaches and self.status == "dry-run":
            lines.append("  sans --accept MOTIF, l'import s'arrêterait avant d'écrire")
        return lines


def _why_aside(name: str) -> str:
    packed = name.lower().endswith(PACKED)
    return "compressé autrement qu'en zip" if packed else "ce n'est pas une extraction"


_WHOLES = {"people": "professionnels", "activities": "activités", "mailboxes": "boîtes ouvertes"}
_GROUPS = {"domain": "domaines touchés", "profession": "professions touchées", "department": "départements touchés"}
_HIT = {"added": "ajouté", "changed": "modifié", "removed": "retiré", "merged": "fusionné"}
LEAST = "moins de 0,01 %"  # of what is there, and rounds to nothing
_SHOWN = 5  # of the biggest movers, as text


def impact_lines(impact: Mapping[str, Any]) -> list[str]:
    """What was hit, in numbers and in percent of what the last import left; the biggest movers first."""
    lines = []
    for dimension, label in _WHOLES.items():
        whole = impact.get(dimension)
        if whole and whole["touched"]:
            feminine = dimension in _FEMININE
            acts = ", ".join(counted(whole[act], word, feminine=feminine) for act, word in _HIT.items() if whole[act])
            lines.append(f"  effet sur les {label} : {_share(whole)} ; {acts}")
    for dimension, label in _GROUPS.items():
        groups = impact.get(dimension)
        if groups and groups["touched"]:
            movers = ", ".join(f"{_named(dimension, g)} : {_share(g)}" for g in groups["movers"][:_SHOWN])
            of = f" sur {grouped(groups['before'])}" if groups["before"] else ""
            lines.append(f"  {label} : {grouped(groups['touched'])}{of} ; d'abord {movers}")
    return [*lines, *_trust_lines(impact.get("trust"))]


_MOVES = {
    "opened": "ouvert",
    "closed": "fermé",
    "moved": "passé à un autre opérateur",
    "joined": "tenu par un opérateur de plus",
    "left": "tenu par un opérateur de moins",
}


def _trust_lines(trust: Mapping[str, Any] | None) -> list[str]:
    """Domains that a white list moved, and the mailboxes that they carry."""
    if not trust:
        return []
    lines = []
    if trust["touched"]:
        acts = ", ".join(f"{counted(trust[a]['domains'], word)} ({counted(trust[a]['mailboxes'], 'boîte')})"
                         for a, word in _MOVES.items() if trust[a]["domains"])  # fmt: skip
        movers = ", ".join(map(_mover, trust["movers"][:_SHOWN]))
        lines.append(f"  domaines de confiance : {grouped(trust['before'])} avant ; {acts} ; d'abord {movers}")
    if trust["outside"]["mailboxes"]:
        outside = trust["outside"]
        boxes = f"{counted(outside['mailboxes'], 'boîte')} {agreed('ouvert', outside['mailboxes'], feminine=True)}"
        lines.append(f"  hors de l'espace de confiance : {boxes}, de {counted(outside['domains'], 'domaine')}")
    return lines


def _mover(move: Mapping[str, Any]) -> str:
    who = " → ".join(" et ".join(names) for names in (move["from"], move["to"]) if names)
    return f"{move['domain']} ({who}) : {counted(move['mailboxes'], 'boîte')}"


def _share(moved: Mapping[str, Any]) -> str:
    if not moved["before"]:
        return grouped(moved["touched"])
    if moved["touched"] > moved["before"]:  # records that came, or others in the place of those that were: no share
        return f"{grouped(moved['touched'])}, pour {grouped(moved['before'])} avant"
    share = f"{moved['percent']:.2f} %".replace(".", ",") if moved["percent"] else LEAST
    return f"{grouped(moved['touched'])} sur {grouped(moved['before'])} ({share})"


def _named(dimension: str, group: Mapping[str, Any]) -> str:
    """Departments with their number, by which many know them."""
    if dimension == "department" and (name := DEPARTMENTS.get(group["key"])):
        return f"{name} ({group['key']})"
    return str(group.get("label") or group["key"] or "sans")


def counted(value: int, word: str, *, feminine: bool = False) -> str:
    """``1 ligne``, ``1 200 boîtes aux lettres``."""
    return f"{grouped(value)} {agreed(word, value, feminine=feminine)}"


def agreed(word: str, number: int, *, feminine: bool = False) -> str:
    """The first word, a masculine participle or a noun, in the gender and the number of what is counted."""
    first, space, rest = word.partition(" ")
    if first == "à":
        return word
    first += "e" * feminine
    return first + ("" if number < 2 or first.endswith("s") else "s") + space + rest
