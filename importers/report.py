"""What an import did, as a value: per file and per kind of record.  Shown as text or JSON; no I/O here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from importers.quality import rules

_KINDS = {
    "practitioner": "professionnels",
    "organization": "structures",
    "mailbox": "boîtes aux lettres",
    "expertise": "savoir-faire (par professionnel)",
    "qualification": "diplômes (par professionnel)",
    "link": "liens ADELI-RPPS",
}
_ACTS = {
    "created": "créés",
    "updated": "modifiés",
    "closed": "fermés",
    "reopened": "rouverts",
    "merged": "fusionnés",
    "unchanged": "inchangés",
}
_STATUS = {
    "done": "Import {run} terminé",
    "unchanged": "Import {run} : rien n'a changé",
    "dry-run": "Essai à blanc : rien n'a été écrit",
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

    def as_text(self) -> str:
        if self.status == "skipped":
            return f"{self.name} ({self.layout}) : déjà importé, inchangé"
        text = f"{self.name} ({self.layout}) : {_number(self.rows)} lignes, {_number(self.rejected)} rejetées"
        return "\n".join([text, *self._told()])

    def _told(self) -> list[str]:
        """A line for each rule, the gravest effect first, then the commonest."""
        lines = []
        for reasons, effect in ((self.reasons, rules.Effect.REJECT.value), (self.warnings, "")):
            for rule, count in sorted(reasons.items(), key=lambda pair: (-pair[1], pair[0])):
                shown = effect or rules.effect(rule)
                lines.append(f"    {shown + ', ' if shown else ''}{rule} : {_number(count)} ({rules.text(rule)})")
        return lines


@dataclass(frozen=True, slots=True)
class ImportReport:
    """A whole run.  ``run`` is None for a dry run.  ``counts``: kind of record ► act ► number."""

    run: int | None
    status: str  # done, unchanged, dry-run
    as_of: str
    files: tuple[FileReport, ...]
    counts: Mapping[str, Mapping[str, int]]
    ignored: tuple[str, ...] = ()
    seconds: Mapping[str, float] = field(default_factory=dict)  # by stage, see importers.stages

    @property
    def changed(self) -> bool:
        return any(n for acts in self.counts.values() for act, n in acts.items() if act != "unchanged")

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)

    def as_text(self) -> str:
        """French lines for a terminal."""
        lines = [_STATUS[self.status].format(run=self.run) + f" (données au {self.as_of})"]
        lines += ["  " + f.as_text() for f in self.files]
        lines += [f"  laissé de côté, d'un autre genre : {name}" for name in self.ignored]
        for kind, acts in self.counts.items():
            said = ", ".join(f"{_number(acts[a])} {label}" for a, label in _ACTS.items() if acts.get(a))
            if said:
                lines.append(f"  {_KINDS.get(kind, kind)} : {said}")
        return "\n".join(lines)


def _number(value: int) -> str:
    return f"{value:,}".replace(",", " ")
