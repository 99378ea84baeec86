"""What each word of the box may be, and by which tokens of a person it is then found.  PURE.

A word has as many readings as it may have meanings (*Lyon* is a town, and a family name): any of them will do, and
every word must have one that holds of the person.  Readings say how far they go from what was typed (``Likeness``), so
that the better ones come first (``tiers``).  Words that belong together (``saint etienne``, ``medecin generaliste``)
have the reading of both beside their own, whatever stands between them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cache, cached_property, lru_cache
from typing import Final, NamedTuple

from directory_service.entries.attributes import DEPARTMENT_TAG, tag
from directory_service.entries.finding import Kind
from directory_service.entries.naming import sound_tokens
from directory_service.model.likeness import Likeness
from directory_service.model.nicknames import other_names
from directory_service.model.phonetics import ONE_EDIT, code, mistyped, sounds
from directory_service.model.vocabulary import System, Term, generic, phrases, single_words

Near = Callable[[str], Iterable[str]]  # the words of names that a word may be with typing errors (``index.spelled``)


class Field(StrEnum):
    """The part of a practitioner that a word was found in; what of a name is told apart where it is shown."""

    FAMILY = "family_name"
    GIVEN = "given_names"
    NAME = "name"
    PROFESSION = "profession"
    SPECIALTY = "specialty"
    MODE = "mode"
    CITY = "city"
    POSTCODE = "postcode"
    DEPARTMENT = "department"
    STRUCTURE = "structure"
    MAILBOX = "mailbox"
    IDENTIFIER = "identifier"
    OTHER = "other"


class Reading(NamedTuple):
    """The person has one token that is ``token`` (``starts``: or starts so), and all of ``others``."""

    token: str
    field: Field
    likeness: Likeness = Likeness.EXACT
    starts: bool = False
    others: tuple[str, ...] = ()


class Keys(NamedTuple):
    """Entries with a key from ``low`` on, before ``high``: an identifier or an address, or how one begins."""

    low: str
    high: str
    field: Field
    likeness: Likeness = Likeness.EXACT


@dataclass(frozen=True)
class Word:
    """A word as typed and folded; ``readings`` by likeness.  One that may be ``skipped`` need not be found; what it is
    part of may be."""

    typed: str
    readings: tuple[Reading, ...] = ()
    keys: tuple[Keys, ...] = ()
    skipped: bool = False
    part: str = ""  # of an address, folded: what else a mailbox may hold
    mistakes: tuple[str, ...] = ()  # tokens of names, some of which are like the word

    def up_to(self, most: Likeness) -> tuple[Reading, ...]:
        return tuple(r for r in self.readings if r.likeness <= most)

    @cached_property
    def written(self) -> dict[Likeness, str]:
        """For ``tiers``: what finds the readings up to a likeness, once it was asked for."""
        return {}

    @cached_property
    def close(self) -> tuple[Reading, ...]:
        """Those that tokens decide."""
        return self.up_to(Likeness.INITIAL)

    @cached_property
    def loose(self) -> tuple[Reading, ...]:
        """By sound or with errors, names aside."""
        return tuple(r for r in self.readings if r.likeness > Likeness.INITIAL and r.field is not Field.NAME)

    @cached_property
    def is_loose(self) -> bool:
        """Whether names may sound so or be mistyped so."""
        return bool(self.mistakes) or any(
            r.likeness > Likeness.INITIAL and r.field is Field.NAME for r in self.readings
        )


_FIELDS: Final = {
    System.PROFESSION: (Field.PROFESSION, "p"),
    System.SPECIALTY: (Field.SPECIALTY, "s"),
    System.MODE: (Field.MODE, "m"),
    System.DEPARTMENT: (Field.DEPARTMENT, DEPARTMENT_TAG),
}
LEAST_TOWN: Final = 3  # letters of a word by which a town is looked up
# How many letters of a word of each kind are looked up by how it begins: of fewer, too many begin so.
_BEGINNINGS: Final = (
    (Kind.FAMILY, Field.FAMILY, 2),
    (Kind.GIVEN, Field.GIVEN, 2),
    (Kind.TOWN, Field.CITY, LEAST_TOWN),
    (Kind.TOWN_PART, Field.CITY, LEAST_TOWN),
    (Kind.STRUCTURE, Field.STRUCTURE, 3),
)
_SAINTS: Final = frozenset(("saint", "sainte"))  # words of their own in a town's name, and a tenth of all towns
_GLUED_SAINTS: Final = (("st", "saint"), ("ste", "sainte"))  # as ``stmartin`` is typed
_LEAST_SAINT: Final = 3  # letters of the saint
_NAME_KINDS: Final = (Kind.FAMILY.value, Kind.GIVEN.value)
_LEAST_TERM: Final = 3  # letters of the beginning of a word of the vocabulary
_MOST_EDITS: Final = 2  # letters by which a mistyped word is longer or shorter
_INITIALS: Final = 3  # given names whose first letters are typed as one word


def of_word(word: str) -> Iterator[Reading]:
    """A folded word by itself."""
    yield Reading(Kind.FAMILY + word, Field.FAMILY)
    yield Reading(Kind.GIVEN + word, Field.GIVEN)
    yield Reading(Kind.TOWN + word, Field.CITY)
    yield Reading(Kind.TOWN_PART + word, Field.CITY, Likeness.PREFIX)
    yield Reading((Kind.COMMON if word in generic() else Kind.STRUCTURE) + word, Field.STRUCTURE)
    for term in single_words().get(word, ()):
        yield from of_term(term, Likeness.EXACT if term.whole else Likeness.PREFIX)
    for start, saint in _GLUED_SAINTS:
        if word.startswith(start) and len(word) >= len(start) + _LEAST_SAINT:
            yield from of_run(saint + word.removeprefix(start))
    if len(word) <= _INITIALS:
        yield Reading(Kind.INITIAL + word, Field.NAME, Likeness.INITIAL)
    yield from _beginnings(word)
    yield from (Reading(Kind.GIVEN + name, Field.GIVEN, Likeness.NICKNAME) for name in sorted(other_names(word)))


def of_term(term: Term, likeness: Likeness) -> Iterator[Reading]:
    if term.system is System.STRUCTURE:
        for name in term.names:
            first, *others = [(Kind.COMMON if w in generic() else Kind.STRUCTURE) + w for w in name]
            yield Reading(first, Field.STRUCTURE, likeness, others=tuple(others))
    else:
        field, letter = _FIELDS[term.system]
        yield from (Reading(tag(letter, c.lower()), field, likeness) for c in term.codes)


def _beginnings(word: str) -> Iterator[Reading]:
    for kind, field, least in _BEGINNINGS:
        if len(word) >= least and not (field is Field.CITY and word in _SAINTS):
            yield Reading(kind + word, field, Likeness.PREFIX, starts=True)
    if len(word) >= _LEAST_TERM:
        yield from (r for r in _terms_begun(word) if r.field is not Field.MODE)


def _terms_begun(word: str) -> Iterator[Reading]:
    for said in _words_begun().get(word, ()):
        yield from (r for term in single_words()[said] for r in of_term(term, Likeness.PREFIX))
    for common in _common_begun().get(word, ()):
        yield Reading(Kind.COMMON + common, Field.STRUCTURE, Likeness.PREFIX)


@cache
def _words_begun() -> Mapping[str, Sequence[str]]:
    return _by_beginning(single_words())


@cache
def _common_begun() -> Mapping[str, Sequence[str]]:
    return _by_beginning(sorted(generic()))


def _by_beginning(words: Iterable[str]) -> Mapping[str, Sequence[str]]:
    """Words by what each of them begins with and is not."""
    found: dict[str, list[str]] = {}
    for word in words:
        for size in range(1, len(word)):
            found.setdefault(word[:size], []).append(word)
    return found


def of_unfinished(word: str) -> Iterator[Reading]:
    """What a folded word may become that ``of_word`` does not look up, since too many people have it: of one or two
    letters whatever three may become, of more a way of practising."""
    if not word.isalpha():
        return
    short = len(word) < _LEAST_TERM
    yield from (r for r in _terms_begun(word) if short is not (r.field is Field.MODE))
    if short:
        yield from (Reading(kind + word, field, Likeness.PREFIX, starts=True) for kind, field, _ in _BEGINNINGS)


def of_phrase(found: frozenset[str]) -> Iterator[tuple[frozenset[str], Reading]]:
    """Terms of several words that are all among these: the words, and each reading."""
    for term in phrases():
        if term.said <= found:
            yield from ((term.said, reading) for reading in of_term(term, Likeness.EXACT))


def of_pair(whole: str) -> Iterator[Reading]:
    """Two words, or a name with its particles, written as one."""
    yield Reading(Kind.FAMILY + whole, Field.FAMILY)
    yield Reading(Kind.GIVEN + whole, Field.GIVEN)


def of_name_begun(start: str) -> Iterator[Reading]:
    """A name that begins so."""
    yield Reading(Kind.FAMILY + start, Field.FAMILY, Likeness.PREFIX, starts=True)
    yield Reading(Kind.GIVEN + start, Field.GIVEN, Likeness.PREFIX, starts=True)


def of_run(whole: str) -> Iterator[Reading]:
    """Neighbours written as one: the whole name of a town."""
    yield Reading(Kind.TOWN + whole, Field.CITY)
    yield Reading(Kind.FAMILY + whole, Field.FAMILY)


def of_run_begun(start: str) -> Reading:
    """A town whose name begins so."""
    return Reading(Kind.TOWN + start, Field.CITY, Likeness.PREFIX, starts=True)


# --- when there is too little ----------------------------------------------------------------------------------------


@lru_cache(maxsize=2_048)
def loosely(word: str) -> tuple[Reading, ...]:
    """By sound, and words of the vocabulary by errors too.  ``score`` compares the names found."""
    if not (word.isascii() and word.isalpha()):
        return ()
    heard = (token for sound in sounds(word) for token in sound_tokens(sound))
    found = [Reading(token, Field.NAME, Likeness.SOUND) for token in heard]
    found.append(Reading(Kind.TOWN_SOUND + code(word), Field.CITY, Likeness.SOUND))
    return tuple(dict.fromkeys((*found, *_like_terms(word))))


def mistakes(word: str, near: Near) -> tuple[str, ...]:
    """Tokens of the names that typing errors may have made this word of.  No ``Reading`` each: ``score`` compares."""
    if not (word.isascii() and word.isalpha()):
        return ()
    return tuple(kind + other for other in near(word) for kind in _NAME_KINDS)


def _like_terms(word: str) -> Iterator[Reading]:
    if len(word) < ONE_EDIT:
        return
    sound, size = code(word), len(word)
    for said, its_sound, terms in _vocabulary():
        if said == word or abs(len(said) - size) > _MOST_EDITS:
            continue
        likeness = Likeness.SOUND if sound == its_sound else Likeness.TYPO if mistyped(word, said) else None
        if likeness is not None:
            yield from (r for term in terms if term.whole for r in of_term(term, likeness))


@cache
def _vocabulary() -> tuple[tuple[str, str, tuple[Term, ...]], ...]:
    """Words that may be mistyped, with their sounds."""
    known = single_words().items()
    return tuple((said, code(said), held) for said, held in known if len(said) >= ONE_EDIT)
