"""Codes and labels of a row against the nomenclatures.  PURE.

HOT PATH by proxy: called once for each set of codes and labels that a file holds (thousands), never once a row.  Each
system of a set is looked up in turn, and what is said of one code and label is kept.
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
        self.said: dict[tuple[str, str, str], str] = {}  # system, code, label ► rule

    def check(self, pairs: Sequence[str]) -> tuple[Fault, ...]:
        """``pairs``: code, label, code, label… in the order of the systems."""
        values = {system: (pairs[2 * i], pairs[2 * i + 1]) for i, (system, _, _) in enumerate(self.systems)}
        student = values.get("category", ("", ""))[0] == _STUDENT
        found = []
        for system, code_field, label_field in self.systems:
            code, label = values[system]
            name = "student_profession" if student and system == "profession" else system
            rule = self._rule(name, code, label) if code or label else ""
            if rule:
                field, value = (label_field, label) if rule != "code_unknown" else (code_field, code)
                found.append(Fault(field, rule, value))
        return (*found, *_between(values))

    def _rule(self, system: str, code: str, label: str) -> str:
        key = system, code, label
        rule = self.said.get(key)
        if rule is None:
            self.said[key] = rule = self._look(*key)
        return rule

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


def _between(values: dict[str, tuple[str, str]]) -> list[Fault]:
    """Rules between two systems of one row."""

    def code(system: str) -> str:
        return values.get(system, ("", ""))[0]

    found = []
    profession, category = code("profession"), code("category")
    known, studied = nomenclature.label("profession", profession), nomenclature.label("student_profession", profession)
    if category == _STUDENT and known and not studied:  # what no nomenclature knows is not judged here
        found.append(Fault("profession_code", "profession_category", f"{profession} / {category}"))
    expected = nomenclature.expertise_type(code("expertise"))
    if expected and code("expertise_type") and code("expertise_type") != expected:
        found.append(Fault("expertise_type_code", "expertise_type", f"{code('expertise_type')} / {expected}"))
    if code("section") and profession and profession != _PHARMACIST:
        found.append(Fault("section_code", "section_profession", f"{code('section')} / {profession}"))
    return found
