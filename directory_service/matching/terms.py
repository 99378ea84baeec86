"""Whether two wordings of a profession, a specialty or a structure may mean the same.  PURE.

``cardiologue`` and ``Cardiologie et Maladies vasculaires``, ``kiné`` and ``Masseur-Kinésithérapeute``.  People write
the agent (-logue, -iste), the nomenclature the art (-logie), so that words compare by how they start.  Nothing here is
a search: both sides are known.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import cache, lru_cache
from typing import Final

from directory_service.model.kinds import Unit, units_of
from directory_service.model.names import words
from directory_service.model.phonetics import near
from directory_service.model.vocabulary import ARTICLES, System, Term, phrases, single_words, terms

_LEAST: Final = 3  # letters of an abbreviation (``psy``)
_STEM: Final = 5  # letters that two words of one root have in common at least
_ENDING: Final = 4  # letters that an ending takes
_EMPTY: Final = frozenset("de du des d la le les l et en a au aux dr docteur pr professeur m mme mr mlle".split())  # noqa: SIM905
# Short for what no beginning tells.
_SHORT: Final = {
    "ide": "infirmier",
    "iade": "infirmier",
    "ibode": "infirmier",
    "idel": "infirmier",
    "mk": "masseur",
    "mkde": "masseur",
    "sf": "sage",
    "orl": "oto",
    "mg": "generale",
    "omnipraticien": "generale",
    "as": "aide",
    "ash": "aide",
    "pneumo": "pneumologie",
    "gygy": "gynecologie",
    "veto": "veterinaire",
    "toubib": "medecin",
    "dentaire": "dentiste",
    "st": "saint",
    "ste": "sainte",
    "chu": "hospitalier",
    "chr": "hospitalier",
    "ch": "hospitalier",
    "ghu": "hospitalier",
    "phie": "pharmacie",
}


@lru_cache(maxsize=20_000)
def telling(text: str) -> tuple[str, ...]:
    """The words that say something, abbreviations opened."""
    return tuple(dict.fromkeys(_SHORT.get(w, w) for w in words(text) if w not in _EMPTY))


@lru_cache(maxsize=20_000)
def called(said: str) -> frozenset[str]:
    """The codes of the professions and specialties that are called so; none for what may be a part of a name."""
    return _by_words().get(frozenset(words(said)) - ARTICLES, frozenset())


@cache
def _by_words() -> Mapping[frozenset[str], frozenset[str]]:
    found: dict[frozenset[str], frozenset[str]] = {}
    for term in terms():
        if term.whole and term.system in (System.PROFESSION, System.SPECIALTY):
            found[term.said] = found.get(term.said, frozenset()) | frozenset(term.codes)
    return found


@lru_cache(maxsize=50_000)
def same_root(one: str, other: str) -> bool:
    if one == other:
        return True
    short, long = sorted((one, other), key=len)
    if len(short) >= _LEAST and long.startswith(short):
        return True
    common = next((i for i, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), len(short))
    return common >= max(_STEM, len(short) - _ENDING)


def explained(word: str, texts: Iterable[str]) -> bool:
    """Whether a word of the description stands in one of these texts, in some form."""
    wanted = _SHORT.get(word, word)
    return any(same_root(wanted, there) for text in texts for there in telling(text))


def same_trade(said: str, labels: Sequence[str], codes: Sequence[str] = ()) -> bool:
    """A code of the nomenclature, what people say instead (``model.vocabulary``), or words that all stand in one
    label."""
    if said.strip().upper() in codes or not called(said).isdisjoint(codes):
        return True
    wanted = telling(said)
    return bool(wanted) and any(all(explained(w, (label,)) for w in wanted) for label in labels)


def names_trade(said: str, profession: str, skills: Collection[str]) -> bool | None:
    """Whether a wording with other words in it (*infirmière libérale*, *médecin cardiologue*) names the profession of
    this code, or one of these specialties; None where it names none at all (*praticien hospitalier*)."""
    professions, specialties = _trades_in(said)
    if not specialties.isdisjoint(skills):
        return True
    if profession in professions:
        return not (specialties and skills)
    return False if professions or specialties else None


@lru_cache(maxsize=20_000)
def _trades_in(said: str) -> tuple[frozenset[str], frozenset[str]]:
    """The codes of the professions, and of the specialties; of a phrase, those of the whole and not of its words."""
    held = frozenset(words(said)) - ARTICLES
    found = [term for term in phrases() if term.whole and term.said <= held]
    left = held.difference(*(term.said for term in found))
    found += [term for word in left for term in single_words().get(word, ()) if term.whole]
    return _codes(found, System.PROFESSION), _codes(found, System.SPECIALTY)


def _codes(found: Iterable[Term], system: System) -> frozenset[str]:
    return frozenset(code for term in found if term.system is system for code in term.codes)


def overlap(said: str, names: Sequence[str]) -> float:
    """How much of the best of these names of structures the words said are, and the other way round: 0 to 1."""
    return max((_shared(structure_units(said), structure_units(name)) for name in names), default=0.0)


def _shared(one: tuple[Unit, ...], other: tuple[Unit, ...]) -> float:
    if not one or not other:
        return 0.0
    common = sum(any(a.is_like(b) or _near(a, b) for b in other) for a in one)
    return 2 * common / (len(one) + len(other)) if common <= len(other) else 1.0


def _near(one: Unit, other: Unit) -> bool:
    return len(one.said) == len(other.said) == 1 and near(one.said[0], other.said[0])


def same_structure(said: str, name: str) -> bool:
    """Whether they are one name, each kind written in any way (*CHU*) that is its own."""
    one, other = structure_units(said), structure_units(name)
    return len(one) == len(other) > 0 and all(any(a.is_same(b) for b in other) for a in one)


@lru_cache(maxsize=20_000)
def structure_units(text: str) -> tuple[Unit, ...]:
    """``telling``, in which each kind of structure is one unit."""
    found = units_of([w for w in words(text) if w not in _EMPTY])
    return tuple(dict.fromkeys(u if u.ways else Unit((_SHORT.get(u.said[0], u.said[0]),)) for u in found))
