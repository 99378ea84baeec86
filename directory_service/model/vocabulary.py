"""The words by which people ask for a profession, a specialty, a way of practising (*libéral*), a department or a kind
of structure.  PURE.

Labels of the nomenclatures are known by their words.  What people say instead (*kiné*, *ophtalmo*, *CHU*) is in
``data/search_words.csv``, one row each with where it comes from.  What a specialist is called is ``SPECIALISTS``'.
Whether a word is also somebody's name is not asked here: it may be.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Mapping
from enum import StrEnum
from functools import cache
from importlib import resources
from types import MappingProxyType
from typing import Final, NamedTuple

from directory_service.model import nomenclature
from directory_service.model.names import words
from directory_service.model.specialists import SPECIALISTS


class System(StrEnum):
    """What a word is about."""

    PROFESSION = "profession"
    SPECIALTY = "specialty"
    MODE = "mode"
    DEPARTMENT = "department"
    STRUCTURE = "structure"
    TITLE = "title"  # who bears it comes first
    SKIPPED = "skipped"  # about nothing: other titles, and articles


class Term(NamedTuple):
    """What is said, as folded words in no order, and what it stands for: any of these codes or, of a structure, any of
    these lists of words of its name."""

    said: frozenset[str]
    system: System
    codes: tuple[str, ...] = ()
    names: tuple[tuple[str, ...], ...] = ()
    whole: bool = True  # False: a word of a label, which says less than all of it


# Words of labels and names that say nothing alone.
ARTICLES: Final = frozenset(
    "a au aux d de des du en et l la le les ou par pour sous sur the n".split()  # noqa: SIM905
)
_AWAY: Final = (System.TITLE, System.SKIPPED)
_LEAST: Final = 4  # letters of a word of a label that is known alone


@cache
def _rows() -> tuple[Mapping[str, str], ...]:
    text = resources.files(__package__).joinpath("data", "search_words.csv").read_text(encoding="utf-8")
    return tuple(csv.DictReader(text.splitlines()))


def _folded(text: str) -> tuple[str, ...]:
    return tuple(words(text))


def _structure_names(text: str) -> tuple[tuple[str, ...], ...]:
    return tuple(tuple(w for w in _folded(name) if w not in ARTICLES) for name in text.split("/"))


@cache
def generic() -> frozenset[str]:
    """Words of so many structures' names that they have tokens of their own."""
    rows = [row for row in _rows() if row["system"] == System.STRUCTURE]
    return frozenset(word for row in rows for name in _structure_names(row["meaning"]) for word in name)


@cache
def skipped() -> frozenset[str]:
    """Titles and articles, which need not be found."""
    return frozenset(row["words"] for row in _rows() if row["system"] in _AWAY)


@cache
def titles() -> Mapping[str, tuple[str, ...]]:
    """The professions of those who bear a title (*docteur*), by it."""
    rows = (row for row in _rows() if row["system"] == System.TITLE)
    return MappingProxyType({row["words"]: tuple(row["meaning"].split()) for row in rows})


def _of_row(row: Mapping[str, str]) -> Term:
    system, meaning = System(row["system"]), row["meaning"]
    said = frozenset(_folded(row["words"]))
    if system is System.STRUCTURE:
        return Term(said, system, names=_structure_names(meaning))
    codes = [c for part in meaning.split() for c in (_called(part[1:]) if part[0] == "=" else (part,))]
    return Term(said, system, tuple(dict.fromkeys(codes)))


def _called(noun: str) -> tuple[str, ...]:
    """The codes of those who are called so, written with underscores: ``=Médecin_généraliste``."""
    wanted = _folded(noun.replace("_", " "))
    found = tuple(code for code, name in SPECIALISTS.items() if _folded(name) == wanted)
    assert found, f"search_words.csv: {noun}"
    return found


def _of_labels(system: System, labels: Mapping[str, str]) -> Iterator[Term]:
    for code, label in labels.items():
        yield Term(frozenset(_folded(label)) - ARTICLES, system, (code,))


def _of_words(terms: Iterable[Term]) -> Iterator[Term]:
    """Each word of what is said in several."""
    for term in terms:
        if len(term.said) > 1:
            yield from (term._replace(said=frozenset((w,)), whole=False) for w in term.said if len(w) >= _LEAST)


@cache
def terms() -> tuple[Term, ...]:
    """All of them; what is said the same way is one term."""
    labels = [
        *_of_labels(System.PROFESSION, nomenclature.codes("profession")),
        *_of_labels(System.SPECIALTY, nomenclature.codes("expertise")),
        *_of_labels(System.SPECIALTY, SPECIALISTS),
    ]
    said = [_of_row(row) for row in _rows() if row["system"] not in _AWAY]
    departments = list(_of_labels(System.DEPARTMENT, nomenclature.DEPARTMENTS))
    found: dict[tuple[frozenset[str], System], Term] = {}
    for term in (*said, *labels, *departments, *_of_words(labels)):
        known = found.setdefault((term.said, term.system), term)
        # A word of a label adds to what is known of the word only as such.
        if known is not term and known.whole <= term.whole:
            found[known.said, known.system] = _united(known, term)
    return tuple(found.values())


def _united(one: Term, other: Term) -> Term:
    codes, names = dict.fromkeys((*one.codes, *other.codes)), dict.fromkeys((*one.names, *other.names))
    return one._replace(codes=tuple(codes), names=tuple(names), whole=one.whole or other.whole)


def codes_said(text: str, system: System) -> tuple[str, ...]:
    """The codes of what is called so, by all of these words and no other."""
    return _whole().get((frozenset(_folded(text)) - ARTICLES, system), ())


@cache
def _whole() -> Mapping[tuple[frozenset[str], System], tuple[str, ...]]:
    return MappingProxyType({(term.said, term.system): term.codes for term in terms() if term.whole})


def labels_called(text: str, system: System) -> tuple[str, ...]:
    """The labels of the professions or specialties that are called so, each once."""
    labels = nomenclature.codes(_NOMENCLATURES[system])
    return tuple(dict.fromkeys(labels[code] for code in codes_said(text, system) if code in labels))


_NOMENCLATURES: Final = {System.PROFESSION: "profession", System.SPECIALTY: "expertise"}


@cache
def single_words() -> Mapping[str, tuple[Term, ...]]:
    """Terms of one word, by it."""
    found: dict[str, list[Term]] = {}
    for term in terms():
        if len(term.said) == 1:
            found.setdefault(next(iter(term.said)), []).append(term)
    return MappingProxyType({word: tuple(held) for word, held in found.items()})


@cache
def phrases() -> tuple[Term, ...]:
    """Terms of several words."""
    return tuple(term for term in terms() if len(term.said) > 1)


def is_known(word: str) -> bool:
    """Whether a folded word is a term by itself, or one that very many structures have: then it is no other one,
    mistyped, and hardly a name."""
    return word in generic() or any(term.whole for term in single_words().get(word, ()))
