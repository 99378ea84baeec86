"""Codes and labels of a row against the nomenclatures.  PURE.

HOT PATH by proxy: called once for each set of codes and labels that a file holds (thousands), never once a row.  What
was found sound of one code and label is not looked up again.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from directory_service.model import nomenclature
from directory_service.model.names import fold

# Systems whose list is known to be partial (model/data/README.md): a code that is not there may be right.
_PARTIAL = frozenset({"expertise_type"})
_PHARMACIST, _STUDENT = "21", "E"


class Fault(NamedTuple):
    """One rule that a row trips: the field, the rule, the value."""

    field: str
    rule: str
    value: str


class CodeChecker:
    """Checks of the systems of one layout: (system, code field, label field), as parsers give them."""

    def __init__(self, systems: Sequence[tuple[str, str, str]]) -> None:
        self.systems = systems
        self.known = frozenset(nomenclature.systems())
        self.sound: list[set[tuple[str, str]]] = [{("", "")} for _ in systems]  # code, label, of each system
        places = {system: i for i, (system, _, _) in enumerate(systems)}
        self.at = {name: places[name] for name in _BETWEEN if name in places}

    def check(self, pairs: Sequence[str]) -> tuple[Fault, ...]:
        """``pairs``: code, label, code, label… in the order of the systems."""
        codes, labels, at = pairs[::2], pairs[1::2], self.at
        known = map(set.__contains__, self.sound, zip(codes, labels, strict=True))
        student = "category" in at and codes[at["category"]] == _STUDENT
        if all(known) and not (student or any(codes[at[name]] for name in _RARE if name in at)):
            return ()
        found: list[Fault] = []
        for system, sound, code, label in zip(self.systems, self.sound, codes, labels, strict=True):
            studied = student and system[0] == "profession"  # the same codes, other labels
            if (code, label) in sound and not studied:
                continue
            rule = self._look("student_profession" if studied else system[0], code, label)
            if rule:
                field, value = (system[1], code) if rule == "code_unknown" else (system[2], label)
                found.append(Fault(field, rule, value))
            elif not studied:
                sound.add((code, label))
        return (*found, *_between({name: codes[i] for name, i in at.items()}))

    def _look(self, system: str, code: str, label: str) -> str:
        if not code:
            return "code_missing"
        if system not in self.known:
            return ""
        official = nomenclature.label(system, code)
        if not official:
            # What a student learns may be a profession of TRE_G15 too: category and profession then contradict.
            elsewhere = system == "student_profession" and nomenclature.label("profession", code)
            return "" if system in _PARTIAL or elsewhere else "code_unknown"
        return "label_mismatch" if label and not _same(label, official) else ""


def _same(label: str, official: str) -> bool:
    """Accents, case and punctuation apart; extracts may cut a label at its comma."""
    return fold(label) in (fold(official), fold(official.partition(",")[0]))


_BETWEEN = ("profession", "category", "expertise", "expertise_type", "section")
_RARE = ("expertise", "section")  # without them, and but for students, there is nothing to hold against one another


def _between(codes: dict[str, str]) -> list[Fault]:
    """Rules between two systems of one row."""
    found = []
    profession, expertise, kind = (codes.get(name, "") for name in ("profession", "expertise", "expertise_type"))
    known, studied = nomenclature.label("profession", profession), nomenclature.label("student_profession", profession)
    if codes.get("category") == _STUDENT and known and not studied:  # what no nomenclature knows is not judged here
        found.append(Fault("profession_code", "profession_category", f"{profession} / {_STUDENT}"))
    expected = nomenclature.expertise_type(expertise)
    if expected and kind and kind != expected:
        found.append(Fault("expertise_type_code", "expertise_type", f"{kind} / {expected}"))
    section = codes.get("section", "")
    if section and profession and profession != _PHARMACIST:
        found.append(Fault("section_code", "section_profession", f"{section} / {profession}"))
    return found
