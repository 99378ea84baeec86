"""From a question to the look-ups that answer it.  PURE.

Hot path of house.md §3: 20 to 100 µs a filter, remembered by its text.  ``tests/twin_matcher.py`` is the slow twin.
A plan promises a superset: every entry of the branch for which the filter is True is in one of its paths.  The
predicate (``predicate.py``) decides, entry by entry.  Before that, what a branch settles is folded away (``simple``).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache
from operator import itemgetter
from typing import Final

from directory_service.entries.attributes import ATTRIBUTES, index_key, index_tag
from directory_service.entries.comparing import MatchRule
from directory_service.entries.entry import BAL, CONTAINER
from directory_service.entries.rules import plain
from directory_service.entries.starting import key_starts, tag_starts
from directory_service.index.plan.access import (
    ALL,
    NOTHING,
    Access,
    Both,
    Either,
    KeyBegins,
    KeyIs,
    Path,
    TagIs,
    TextHas,
    both,
    either,
    paths,
)
from directory_service.index.plan.fitting import fit_in_python, fit_in_sql
from directory_service.index.plan.fours import INDEXED, NAME_TEXTS
from directory_service.index.plan.merging import merged
from directory_service.index.plan.named import named
from directory_service.index.plan.naming import sound_access
from directory_service.index.plan.pieces import Lexicon, Pattern, Terms, forget_terms, fours_of, pattern_of, terms_of
from directory_service.index.plan.predicate import Check, Key, Layout
from directory_service.index.plan.sieve import Order, Sieve, order_of, sieve_of
from directory_service.index.plan.simple import Leaf, simplify
from directory_service.index.plan.tiers import Lazily, first_of, halves_of, has_approximate, is_by_name, several_words
from directory_service.index.query import (
    FALSE,
    And,
    Approx,
    Equal,
    Extensible,
    Filter,
    HasTag,
    InText,
    Not,
    Or,
    Substrings,
    Undefined,
)

_BY_NAME: Final = Order("e.sn", ())
NO_LEXICON: Final = Lexicon()


@dataclass(frozen=True, slots=True)
class Tier:
    """``paths`` find, and ``filter`` recognises, entries to be shown before others.  Where to look is worked out when
    it is asked for: most searches find so few entries that they are sorted instead.  ``paths`` need not find them all:
    what they miss is found with the others."""

    filter: Filter
    branch: int
    lexicon: Lexicon
    kept: bool
    order: Order | None = None  # of its entries, where it is not rank
    is_token: bool = False  # found by tokens, and nearly always what is meant, or by how one of a later word begins

    @property
    def paths(self) -> tuple[Path, ...] | None:
        asked = self.filter
        if self.branch == BAL and isinstance(asked, InText) and is_by_name(asked):
            return (Path(start=asked.piece),)
        return (_tier_ways if self.kept else _tier_ways.__wrapped__)(asked, self.branch, self.lexicon)

    @property
    def sieve(self) -> Sieve | None:
        """What leaves behind most of what the paths find and the filter does not recognise: it is found with others."""
        return sieve_of(self.filter, tags=True)


@dataclass(frozen=True)
class Tiers(Iterable[Tier]):
    """Each of ``filters``, with where to look for it."""

    filters: Lazily[Filter]
    words: tuple[str, ...]  # that were typed, where they are several
    heard: bool  # for ``~=``
    branch: int
    lexicon: Lexicon
    kept: bool

    def __iter__(self) -> Iterator[Tier]:
        for found in self.filters:
            token = isinstance(found, HasTag) or (self.heard and found is self._first)
            yield Tier(found, self.branch, self.lexicon, self.kept, self._within(found), token)

    def __bool__(self) -> bool:
        return bool(self.filters)

    @cached_property
    def order(self) -> Order | None:
        """What sorts entries by the tier that they are of; None where only Python can."""
        return order_of(self.filters, self._within)

    def _within(self, tier: Filter) -> Order | None:
        """What puts the entries of this tier in order; None for rank."""
        if self._is_by_name(tier):
            return _BY_NAME
        return fit_in_sql(self.words) if self._is_by_fit(tier) else None

    def within(self, tier: Filter, layout: Layout) -> Key | None:
        """The same for rows."""
        if self._is_by_name(tier):
            return itemgetter(layout.place("sn"))
        return fit_in_python(self.words, layout) if self._is_by_fit(tier) else None

    def _is_by_name(self, tier: Filter) -> bool:
        return self.branch == BAL and is_by_name(tier)

    @cached_property
    def pair(self) -> Filter | None:
        """The first tier where a token recognises it: who has two of the words, each as the start of one of hers."""
        return self._first if isinstance(self._first, HasTag) else None

    @cached_property
    def _first(self) -> Filter | None:
        return next(iter(self.filters), None)

    def _is_by_fit(self, tier: Filter) -> bool:
        if self.heard:
            return len(self.words) > 1 and tier is self._first
        return self.branch == BAL and bool(self.words) and tier is self.pair


@dataclass(frozen=True)
class Plan:
    """``filter`` is what is left to check of each candidate.  ``paths`` is None when all entries must be read.
    ``first`` are those that people most likely mean, in this order, all of them among the others, and before who has a
    mailbox where ``fit_first``; ``estimate`` is about how many candidates there are, too high rather than too low;
    ``halves``, if any, of ``tiers.halves_of``, which are then what is looked up, the whole by pages only."""

    filter: Filter
    paths: tuple[Path, ...] | None
    first: Tiers | tuple[()] = field(default=(), compare=False)
    estimate: float = field(default=float("inf"), compare=False)
    sifted: bool = field(default=False, compare=False)  # candidates pass the sieve, if there is one
    fit_first: bool = field(default=False, compare=False)
    halves: tuple[Plan, ...] = field(default=(), compare=False)

    @cached_property
    def sieve(self) -> Sieve | None:
        """What keeps most of those that do not match from being fetched."""
        return sieve_of(self.filter) if self.sifted else None

    @cached_property
    def condition(self) -> tuple[str, tuple[str, ...]]:
        """The sieve as SQL on ``entry e``, with its values; all pass where there is none."""
        return (self.sieve.sql, self.sieve.values) if self.sieve else ("1", ())

    @cached_property
    def check(self) -> Check:
        """Of the candidates that the sieve leaves."""
        settled = self.sieve is not None and self.sieve.exact
        if isinstance(self.first, Tiers):
            return Check(self.filter, self.first.filters, self.first.within, settled=settled)
        return Check(self.filter, settled=settled)

    @property
    def is_point(self) -> bool:
        """Answered by keys, or by nothing at all: a few microseconds."""
        return self.paths is not None and all(path.keys for path in self.paths)

    @property
    def is_scan(self) -> bool:
        """Nothing is looked up, and entries have to be looked at."""
        return self.paths is None and self.check.test is not None

    @property
    def is_short(self) -> bool:
        """Answered by lists of four letters, of which a hundred entries are soon read."""
        return bool(self.paths) and all(path.names for path in self.paths or ())

    @property
    def is_quick(self) -> bool:
        """Answered by lists that are short or met at their best end: mostly under a millisecond."""
        return self.paths is not None and all(w.keys or w.names or " AND " not in w.text for w in self.paths)


def plan_once(asked: Filter, branch: int, lexicon: Lexicon) -> Plan:
    """``make_plan`` of what is not worth remembering."""
    return make_plan.__wrapped__(asked, branch, lexicon, kept=False)


@lru_cache(maxsize=2048)
def make_plan(asked: Filter, branch: int, lexicon: Lexicon = NO_LEXICON, *, kept: bool = True) -> Plan:
    """The lexicon is the build's: the same one gives the same plan at once."""
    simple = merged(simplify(asked, branch, lexicon.suffix))
    if branch == CONTAINER and simple != FALSE:
        return Plan(simple, None)  # a handful, which nothing else finds
    return _planned(simple, branch, lexicon, kept=kept)


def _planned(simple: Filter, branch: int, lexicon: Lexicon, *, kept: bool) -> Plan:
    both = halves_of(simple)
    if both is None:
        return _whole(simple, branch, lexicon, kept=kept)
    several = _whole(both[0], branch, lexicon, kept=kept)
    alone = _alone(both[1], branch, lexicon) if kept else _whole(both[1], branch, lexicon, kept=False)
    found, estimate = _of_both((several, alone))
    if found == () or (found and all(path.keys for path in found)):
        return Plan(simple, found)
    first = several.first if isinstance(several.first, Tiers) else alone.first
    return Plan(simple, found, first, estimate, sifted=True, fit_first=several.fit_first, halves=(several, alone))


def _whole(simple: Filter, branch: int, lexicon: Lexicon, *, kept: bool) -> Plan:
    found, estimate = _look_ups(simple, branch, lexicon)
    if found == () or (found and all(path.keys for path in found)):
        return Plan(simple, found)
    heard = has_approximate(simple)
    first = Tiers(first_of(simple, branch), several_words(simple), heard, branch, lexicon, kept)
    return Plan(simple, found, first, estimate, sifted=True, fit_first=heard)


@lru_cache(maxsize=512)
def _alone(simple: Filter, branch: int, lexicon: Lexicon) -> Plan:
    """Of one word, which stays the same while the next is typed."""
    return _whole(simple, branch, lexicon, kept=True)


def _of_both(halves: tuple[Plan, ...]) -> tuple[tuple[Path, ...] | None, float]:
    """As ``_look_ups`` of the whole."""
    found = [path for half in halves for path in half.paths or ()]
    return None if any(h.paths is None for h in halves) else tuple(found), sum(h.estimate for h in halves)


def forget_plans() -> None:
    """Everything that was remembered with a lexicon, which it keeps in memory."""
    make_plan.cache_clear()
    _tier_ways.cache_clear()
    _alone.cache_clear()
    forget_terms()


def _look_ups(asked: Filter, branch: int, lexicon: Lexicon) -> tuple[tuple[Path, ...] | None, float]:
    """And about how many candidates they find.  ``names`` holds mailboxes only."""
    lists = named(asked, lexicon) if branch == BAL else None
    if lists and lists.expression:
        return (Path(names=lists.expression, whole=True),), lists.estimate
    where = access(asked, lexicon)
    found = paths(where)
    if branch != BAL and found is not None:
        found = tuple(path.without_names for path in found)
    return found, _estimate(where, lexicon)


@lru_cache(maxsize=2048)
def _tier_ways(asked: Filter, branch: int, lexicon: Lexicon) -> tuple[Path, ...] | None:
    return _look_ups(asked, branch, lexicon)[0]


# --- where to look ---------------------------------------------------------------------------------------------------


def access(asked: Filter, lexicon: Lexicon) -> Access:
    """A superset of the entries for which the filter is True."""
    match asked:
        case And(items):
            return both(_worth([access(i, lexicon) for i in items], lexicon))
        case Or(items):
            return either(access(i, lexicon) for i in items)
        case Not(item):
            return _where_false(item, lexicon)
        case Undefined():
            return NOTHING
        case HasTag(token, starts):
            return TagIs(token, starts)
        case Extensible(_, _, _, dn):
            leaf = None if dn else plain(asked)
            return _leaf_access(leaf, lexicon) if leaf else ALL
        case Approx(name, value, near):
            return sound_access(name, value, near)
        case InText(columns, piece):
            return _in_text(columns, Pattern((piece,)), lexicon)
        case _:
            return _leaf_access(asked, lexicon)


def _worth(parts: list[Access], lexicon: Lexicon) -> list[Access]:
    """Two letters are not looked up by all that may follow them where something else finds as few: forty lists take
    longer to read together than the candidates of one."""
    wide = [p for p in parts if isinstance(p, TextHas) and not p.terms.every]
    least = min((_estimate(p, lexicon) for p in parts if p not in wide), default=float("inf"))
    dear = {p: replace(p, terms=Terms()) for p in wide if lexicon.entries(p.terms) >= least}
    return [dear.get(p, p) if isinstance(p, TextHas) else p for p in parts]


def _where_false(asked: Filter, lexicon: Lexicon) -> Access:
    match asked:
        case And(items):
            return either(_where_false(i, lexicon) for i in items)
        case Or(items):
            return both(_where_false(i, lexicon) for i in items)
        case Not(item):
            return access(item, lexicon)
        case Undefined():
            return NOTHING
        case _:
            return ALL


def _leaf_access(leaf: Leaf, lexicon: Lexicon) -> Access:
    attribute = ATTRIBUTES[leaf.attribute.lower()]
    if isinstance(leaf, Equal | Approx):
        key = index_key(attribute, leaf.value)
        token = None if key else index_tag(attribute, leaf.value)
        if key or token:
            return KeyIs(key) if key else TagIs(token or "")
        if attribute.operational and attribute.key:
            return NOTHING  # a name that is no ``uid``: that of a container, at most
    pattern = pattern_of(leaf) if isinstance(leaf, Equal | Approx | Substrings) else None
    if pattern and pattern.head and not attribute.columns:
        begun: list[Access] = [KeyBegins(key) for key in key_starts(attribute, pattern.pieces[0][1:])]
        begun += [TagIs(token, starts=True) for token in tag_starts(attribute, pattern.pieces[0][1:])]
        return either(begun) if begun else ALL
    return _texts(attribute.columns, pattern, attribute.rule, lexicon) if pattern and attribute.columns else ALL


def _estimate(where: Access, lexicon: Lexicon) -> float:
    match where:
        case TextHas(columns, terms, fours):
            return lexicon.holding(fours[0], columns[0]) if fours else lexicon.entries(terms)
        case Both(items):
            return min(_estimate(i, lexicon) for i in items)
        case Either(items):
            return sum(_estimate(i, lexicon) for i in items)
        case KeyIs():
            return 1
        case _:
            return float("inf")


def _in_text(columns: tuple[str, ...], pattern: Pattern, lexicon: Lexicon) -> Access:
    """Names apart from the others: what may follow two letters is not the same."""
    names = tuple(c for c in columns if c in NAME_TEXTS or c == "shown")
    others = tuple(c for c in columns if c not in names)
    found = [_texts(names, pattern, MatchRule.NAME, lexicon)] if names else []
    found += [_texts(others, pattern, MatchRule.MAIL, lexicon)] if others else []
    return either(found)


def _texts(columns: tuple[str, ...], pattern: Pattern, rule: MatchRule, lexicon: Lexicon) -> Access:
    terms = terms_of(pattern.pieces, rule, lexicon)
    fours = fours_of(pattern.pieces, columns[0], lexicon) if set(columns).issubset(INDEXED) else None
    return TextHas(columns, terms, fours.texts if fours else ()) if terms else ALL
