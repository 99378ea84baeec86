"""From a question to the look-ups that answer it.  PURE.

Hot path of house.md §3: 20 to 100 µs a filter, remembered by its text.  ``tests/twin_matcher.py`` is the slow twin.
A plan promises a superset: every entry of the branch for which the filter is True is in one of its paths.  The
predicate (``predicate.py``) decides, entry by entry.  Before that, what is the same for all entries of a branch
(object classes, attributes that each or none holds) is folded away, so that ``(&(objectClass=person)(mail=*))`` costs
nothing in ``ou=bal``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache
from typing import Final

from directory_service.entries.attributes import (
    ATTRIBUTES,
    SOUNDED,
    Attribute,
    MatchRule,
    find_attribute,
    index_key,
    index_tag,
    prepare,
    subtypes,
)
from directory_service.entries.entry import BAL, CONTAINER
from directory_service.entries.rules import narrower, plain, suited
from directory_service.index.plan.access import (
    ALL,
    NOTHING,
    Access,
    Both,
    Either,
    KeyIs,
    Path,
    TagIs,
    TextHas,
    both,
    either,
    paths,
)
from directory_service.index.plan.constants import constant_values, in_container
from directory_service.index.plan.fours import NAME_TEXTS, NAMES
from directory_service.index.plan.logic import all_of
from directory_service.index.plan.merging import is_sure, merged
from directory_service.index.plan.named import named
from directory_service.index.plan.naming import sound_access
from directory_service.index.plan.pieces import Lexicon, Pattern, Terms, forget_terms, fours_of, pattern_of, terms_of
from directory_service.index.plan.predicate import Check
from directory_service.index.plan.sieve import Sieve, order_of, sieve_of
from directory_service.index.plan.tiers import Lazily, first_of, halves_of, has_approximate
from directory_service.index.query import (
    FALSE,
    TRUE,
    And,
    Approx,
    Equal,
    Extensible,
    Filter,
    GreaterOrEqual,
    HasTag,
    InText,
    LessOrEqual,
    Not,
    Or,
    Present,
    Substrings,
    Undefined,
)
from directory_service.model.phonetics import is_heard

_START: Final = 4  # letters, the mark of the start included: so many are one list of ``names``
_UNDEFINED: Final = Undefined()
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

    @property
    def paths(self) -> tuple[Path, ...] | None:
        asked = self.filter
        if self.branch == BAL and isinstance(asked, InText) and asked.columns == ("sn",) and len(asked.piece) > _START:
            return (Path(start=asked.piece),)
        return (_tier_ways if self.kept else _tier_ways.__wrapped__)(asked, self.branch, self.lexicon)

    @property
    def is_pair(self) -> bool:
        """Two words, each the start of one: what nearly always is meant."""
        return isinstance(self.filter, HasTag)


@dataclass(frozen=True)
class Tiers(Iterable[Tier]):
    """Each of ``filters``, with where to look for it."""

    filters: Lazily[Filter]
    branch: int
    lexicon: Lexicon
    kept: bool

    def __iter__(self) -> Iterator[Tier]:
        return (Tier(found, self.branch, self.lexicon, self.kept) for found in self.filters)

    def __bool__(self) -> bool:
        return bool(self.filters)

    @cached_property
    def order(self) -> Sieve | None:
        """What sorts entries by the tier that they are of; None where only Python can."""
        return order_of(self.filters)


@dataclass(frozen=True, slots=True)
class Plan:
    """``filter`` is what is left to check of each candidate.  ``paths`` is None when all entries must be read.
    ``first`` are those that people most likely mean, in this order, all of them among the others, and before who has a
    mailbox where ``fit_first``; ``estimate`` is about how many candidates there are, too high rather than too low;
    ``sieve`` keeps most of those that do not match from being fetched; ``halves``, if any, of ``tiers.halves_of``."""

    filter: Filter
    paths: tuple[Path, ...] | None
    first: Tiers | tuple[()] = field(default=(), compare=False)
    estimate: float = float("inf")
    sieve: Sieve | None = None
    check: Check = field(default=Check(TRUE), compare=False)  # of the candidates that the sieve leaves
    fit_first: bool = False
    halves: tuple[Plan, ...] = field(default=(), compare=False)

    @property
    def is_point(self) -> bool:
        """Answered by keys, or by nothing at all: a few microseconds."""
        return self.paths is not None and all(path.keys for path in self.paths)

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
        return Plan(simple, None, check=Check(simple))  # a handful, which nothing else finds
    return _planned(simple, branch, lexicon, kept=kept)


def _planned(simple: Filter, branch: int, lexicon: Lexicon, *, kept: bool) -> Plan:
    halves = tuple(_planned(half, branch, lexicon, kept=kept) for half in halves_of(simple) or ())
    found, estimate = _of_both(halves) if halves else _look_ups(simple, branch, lexicon)
    if found == () or (found and all(path.keys for path in found)):
        return Plan(simple, found, check=Check(simple))
    sieve, first = sieve_of(simple), Tiers(first_of(simple, branch), branch, lexicon, kept)
    check = Check(simple, first.filters, settled=sieve is not None and sieve.exact)
    return Plan(simple, found, first, estimate, sieve, check, has_approximate(simple), halves)


def _of_both(halves: tuple[Plan, ...]) -> tuple[tuple[Path, ...] | None, float]:
    """As ``_look_ups`` of the whole."""
    found = [path for half in halves for path in half.paths or ()]
    return None if any(h.paths is None for h in halves) else tuple(found), sum(h.estimate for h in halves)


def forget_plans() -> None:
    """Everything that was remembered with a lexicon, which it keeps in memory."""
    make_plan.cache_clear()
    _tier_ways.cache_clear()
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


# --- what a branch makes constant ------------------------------------------------------------------------------------


def simplify(asked: Filter, branch: int, suffix: str = "") -> Filter:
    """The same filter, in three-valued logic, for entries of this branch.  Without the suffix (a normalised name), what
    is asked of names is left to be checked."""
    match asked:
        case And(items):
            return all_of(And, FALSE, TRUE, [simplify(i, branch, suffix) for i in items])
        case Or(items):
            return all_of(Or, TRUE, FALSE, [simplify(i, branch, suffix) for i in items])
        case Not(item):
            return _negated(simplify(item, branch, suffix))
        case Undefined() | InText() | HasTag():
            return asked
        case Extensible(rule, attribute):
            names = suited(rule, attribute) if rule else (attribute,)
            each = [replace(asked, attribute=a) for n in names or () for a in subtypes(n)]
            if names is None or (rule and not each and not attribute):
                return _UNDEFINED if names is None else FALSE
            return all_of(Or, TRUE, FALSE, [_extensible(leaf, branch, suffix) for leaf in each])
        case Substrings() if branch == BAL and is_sure(asked):
            return asked
        case _:
            names = subtypes(asked.attribute)
            if names == (asked.attribute,):
                return _leaf(asked, branch)
            return all_of(Or, TRUE, FALSE, [_leaf(replace(asked, attribute=n), branch) for n in names])


def _extensible(asked: Extensible, branch: int, suffix: str) -> Filter:
    """Of one attribute.  What its own rule says is a plain assertion; a name below a container is a ``uid``, which is
    among the attributes of the entry too, and what the container has."""
    name, _, option = asked.attribute.partition(";")
    attribute = find_attribute(name)
    leaf = plain(asked) if attribute and (not asked.rule or attribute.branches) else Equal(name, asked.value)
    if attribute is None or leaf is None or not is_defined(attribute, leaf):
        return _UNDEFINED
    if asked.dn and not option:
        if branch == CONTAINER or not suffix:
            return asked
        if in_container(asked, branch, suffix):
            return TRUE
    asked = replace(asked, dn=False)
    found = FALSE if option else _leaf(leaf, branch)
    return asked if asked.rule and found == leaf and narrower(asked) else found


def _negated(item: Filter) -> Filter:
    constants: dict[Filter, Filter] = {TRUE: FALSE, FALSE: TRUE, _UNDEFINED: _UNDEFINED}
    return item.item if isinstance(item, Not) else constants.get(item, Not(item))


Leaf = Present | Equal | Substrings | GreaterOrEqual | LessOrEqual | Approx


def _leaf(leaf: Leaf, branch: int) -> Filter:
    name, _, option = leaf.attribute.partition(";")
    attribute = find_attribute(name)
    if isinstance(leaf, Approx) and not (branch in SOUNDED.get(name, ()) and is_heard(leaf.value)):
        leaf = Equal(leaf.attribute, leaf.value)  # RFC 4511 4.5.1.7.6: for want of anything better
    if attribute is None or not is_defined(attribute, leaf):
        return _UNDEFINED
    if option or branch not in attribute.branches:
        return FALSE
    if isinstance(leaf, Present):
        return TRUE if branch in attribute.always else leaf
    values = constant_values(attribute.name, branch)
    if values is not None:
        return TRUE if isinstance(leaf, Equal) and prepare(attribute, leaf.value) in values else FALSE
    return leaf


# Rules by which one value is before another.
_ORDERED: Final = frozenset(
    (MatchRule.NAME, MatchRule.TEXT, MatchRule.MAIL, MatchRule.EXACT, MatchRule.TIME, MatchRule.UUID)
)


def is_defined(attribute: Attribute, leaf: Leaf) -> bool:
    """Whether the assertion can be true or false at all (RFC 4511 4.5.1.7)."""
    match leaf:
        case Present():
            return True
        case GreaterOrEqual(_, value) | LessOrEqual(_, value):
            return attribute.rule in _ORDERED and prepare(attribute, value) is not None
        case _ if attribute.branches:
            return pattern_of(_bare(leaf)) is not None
        case Substrings():
            return attribute.rule is MatchRule.EXACT
        case _:
            return prepare(attribute, leaf.value) is not None


def _bare(leaf: Equal | Approx | Substrings) -> Equal | Approx | Substrings:
    """Without the options of the attribute."""
    name, found, _ = leaf.attribute.partition(";")
    return replace(leaf, attribute=name) if found else leaf


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
        case Approx(name, value):
            whole = _leaf_access(Equal(name, value), lexicon)
            return either((whole, sound_access(value)))
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
    names = tuple(c for c in columns if c in NAME_TEXTS)
    others = tuple(c for c in columns if c not in NAME_TEXTS)
    found = [_texts(names, pattern, MatchRule.NAME, lexicon)] if names else []
    found += [_texts(others, pattern, MatchRule.MAIL, lexicon)] if others else []
    return either(found)


def _texts(columns: tuple[str, ...], pattern: Pattern, rule: MatchRule, lexicon: Lexicon) -> Access:
    terms = terms_of(pattern.pieces, rule, lexicon)
    fours = fours_of(pattern.pieces, columns[0], lexicon) if set(columns).issubset(NAMES) else None
    return TextHas(columns, terms, fours.texts if fours else ()) if terms else ALL
