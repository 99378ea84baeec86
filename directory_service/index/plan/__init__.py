"""From a question to the look-ups that answer it.  PURE.

Hot path of house.md §3: 20 to 60 µs a filter, remembered by its text.  ``tests/twin_matcher.py`` is the slow twin.
A plan promises a superset: every entry of the branch for which the filter is True is in one of its paths.  The
predicate (``predicate.py``) then decides, entry by entry.  Before that, what is the same for all entries of a branch
(object classes, attributes that each or none holds) is folded away, so that ``(&(objectClass=person)(mail=*))`` costs
nothing in ``ou=bal``.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final

from directory_service.entries.attributes import ATTRIBUTES, Attribute, MatchRule, index_key, index_tag, prepare
from directory_service.entries.entry import BAL, CLASSES
from directory_service.index.plan.access import (
    ALL,
    NAMES,
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
from directory_service.index.plan.pieces import Lexicon, Pattern, fours_of, pattern_of, terms_of
from directory_service.index.plan.predicate import Check, check_of
from directory_service.index.plan.sieve import Sieve, sieve_of
from directory_service.index.query import (
    FALSE,
    TRUE,
    And,
    Approx,
    Equal,
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

_NAMES: Final = ("sn", "cn", "givenName")
_NAME_TEXTS: Final = frozenset(("sn", "name", "given"))
_UNDEFINED: Final = Undefined()
NO_LEXICON: Final = Lexicon()


@dataclass(frozen=True, slots=True)
class Tier:
    """``paths`` find, and ``filter`` recognises, entries to be shown before others."""

    filter: Filter
    paths: tuple[Path, ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """``filter`` is what is left to check of each candidate.  ``paths`` is None when all entries must be read.
    ``first`` are those that people most likely mean, in this order, all of them among the others; ``estimate`` is
    about how many candidates there are, too high rather than too low; ``sieve`` keeps most of those that do not match
    from being fetched."""

    filter: Filter
    paths: tuple[Path, ...] | None
    first: tuple[Tier, ...] = ()
    estimate: float = float("inf")
    sieve: Sieve | None = None
    check: Check = field(default_factory=Check, compare=False)  # of the candidates that the sieve leaves

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
        ways = [*(self.paths or ()), *(way for tier in self.first for way in tier.paths)]
        return self.paths is not None and all(way.keys or way.names or " AND " not in way.text for way in ways)


@lru_cache(maxsize=2048)
def make_plan(asked: Filter, branch: int, lexicon: Lexicon = NO_LEXICON) -> Plan:
    """The lexicon is the build's: the same one gives the same plan at once."""
    simple = simplify(asked, branch)
    full = access(simple, lexicon)
    found = _ways(full, branch)
    if found == () or (found and all(path.keys for path in found)):
        return Plan(simple, found, check=check_of(simple))
    first, sieve = _first(simple, full, branch, lexicon), sieve_of(simple)
    check = check_of(simple, [tier.filter for tier in first], settled=sieve is not None and sieve.exact)
    return Plan(simple, found, first, _estimate(full, lexicon), sieve, check)


def _ways(where: Access, branch: int) -> tuple[Path, ...] | None:
    """``names`` holds mailboxes only."""
    found = paths(where)
    return found if found is None or branch == BAL else tuple(path.without_names for path in found)


def _first(simple: Filter, full: Access, branch: int, lexicon: Lexicon) -> tuple[Tier, ...]:
    """Family names that start so, then any name that starts so; where several words were typed, all of them before
    that, since an address book then also asks for the first word alone in given names."""
    columns = ("name",), ("sn", "name") if _has_several(simple) else ("sn",), ("sn", "name")
    found = [_tier(simple, where, most=n == 0) for n, where in enumerate(columns) if n or _has_several(simple)]
    looked_up = [(tier, access(tier, lexicon)) for tier in dict.fromkeys(found) if tier is not None]
    return tuple(Tier(tier, ways) for tier, where in looked_up if where != full and (ways := _ways(where, branch)))


def _is_of_several(leaf: Filter) -> bool:
    pattern = pattern_of(leaf) if isinstance(leaf, Substrings) and leaf.attribute in _NAMES else None
    return pattern is not None and len(pattern.pieces) > 1


def _has_several(asked: Filter) -> bool:
    return any(map(_has_several, asked.items)) if isinstance(asked, And | Or) else _is_of_several(asked)


def _tier(asked: Filter, where: tuple[str, ...], *, most: bool) -> Filter | None:
    """The same, with the parts about names put at the start of one of ``where``; alternatives that are not about names,
    or (``most``) about one word where another is about several, are left out.  None when nothing is about names."""
    match asked:
        case Or(items):
            chosen = [i for i in items if _has_several(i)] if most else []
            found = [t for i in chosen or items if (t := _tier(i, where, most=most)) is not None]
            return _all_of(Or, TRUE, FALSE, found) if found else None
        case And(items):
            tiers = [_tier(i, where, most=most) for i in items]
            if not any(tiers):
                return None
            return _all_of(And, FALSE, TRUE, [t or i for i, t in zip(items, tiers, strict=True)])
        case Substrings(name) if name in _NAMES:
            return _name_tier(pattern_of(asked), where)
        case InText(columns, piece) if "sn" in columns:
            return _name_tier(Pattern((piece,)), where)
        case _:
            return None


def _name_tier(pattern: Pattern | None, where: tuple[str, ...]) -> Filter | None:
    if pattern is None or pattern.tail:
        return None
    first, *rest = pattern.anchored().pieces
    return _all_of(And, FALSE, TRUE, [InText(where, first), *(InText(("sn", "name"), piece) for piece in rest)])


# --- what a branch makes constant ------------------------------------------------------------------------------------


def simplify(asked: Filter, branch: int) -> Filter:
    """The same filter, in three-valued logic, for entries of this branch."""
    match asked:
        case And(items):
            return _all_of(And, FALSE, TRUE, [simplify(i, branch) for i in items])
        case Or(items):
            return _all_of(Or, TRUE, FALSE, [simplify(i, branch) for i in items])
        case Not(item):
            return _negated(simplify(item, branch))
        case Undefined() | InText() | HasTag():
            return asked
        case _:
            return _leaf(asked, branch)


def _all_of(kind: type[And] | type[Or], absorbing: Filter, neutral: Filter, items: list[Filter]) -> Filter:
    flat = dict.fromkeys(j for i in items for j in (i.items if isinstance(i, kind) else (i,)))
    flat.pop(neutral, None)
    if absorbing in flat:
        return absorbing
    return next(iter(flat)) if len(flat) == 1 else kind(tuple(flat)) if flat else neutral


def _negated(item: Filter) -> Filter:
    constants: dict[Filter, Filter] = {TRUE: FALSE, FALSE: TRUE, _UNDEFINED: _UNDEFINED}
    return item.item if isinstance(item, Not) else constants.get(item, Not(item))


Leaf = Present | Equal | Substrings | GreaterOrEqual | LessOrEqual | Approx


def _leaf(leaf: Leaf, branch: int) -> Filter:
    attribute = ATTRIBUTES.get(leaf.attribute.lower())
    if attribute is None or not is_defined(attribute, leaf):
        return _UNDEFINED
    if branch not in attribute.branches:
        return FALSE
    if isinstance(leaf, Present):
        return TRUE if branch in attribute.always else leaf
    if attribute.rule is MatchRule.CLASS and branch in CLASSES:
        held = {name.lower() for name in CLASSES[branch]}
        return TRUE if isinstance(leaf, Equal | Approx) and prepare(attribute, leaf.value) in held else FALSE
    return leaf


# Rules by which one value is before another.
_ORDERED: Final = frozenset((MatchRule.NAME, MatchRule.TEXT, MatchRule.MAIL, MatchRule.EXACT, MatchRule.TIME))


def is_defined(attribute: Attribute, leaf: Leaf) -> bool:
    """Whether the assertion can be true or false at all (RFC 4511 4.5.1.7)."""
    match leaf:
        case Present():
            return True
        case GreaterOrEqual(_, value) | LessOrEqual(_, value):
            return attribute.rule in _ORDERED and prepare(attribute, value) is not None
        case _:
            return pattern_of(leaf) is not None


# --- where to look ---------------------------------------------------------------------------------------------------


def access(asked: Filter, lexicon: Lexicon) -> Access:
    """A superset of the entries for which the filter is True."""
    match asked:
        case And(items):
            return both(access(i, lexicon) for i in items)
        case Or(items):
            return either(access(i, lexicon) for i in items)
        case Not(item):
            return _where_false(item, lexicon)
        case Undefined():
            return NOTHING
        case HasTag(token):
            return TagIs(token)
        case InText(columns, piece):
            rule = MatchRule.NAME if _NAME_TEXTS.issuperset(columns) else MatchRule.MAIL
            return _texts(columns, Pattern((piece,)), rule, lexicon)
        case _:
            return _leaf_access(asked, lexicon)


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
    pattern = pattern_of(leaf) if isinstance(leaf, Equal | Approx | Substrings) else None
    return _texts(attribute.columns, pattern, attribute.rule, lexicon) if pattern and attribute.columns else ALL


def _estimate(where: Access, lexicon: Lexicon) -> float:
    match where:
        case TextHas(_, terms, _):
            return lexicon.entries(terms)
        case Both(items):
            return min(_estimate(i, lexicon) for i in items)
        case Either(items):
            return sum(_estimate(i, lexicon) for i in items)
        case KeyIs():
            return 1
        case _:
            return float("inf")


def _texts(columns: tuple[str, ...], pattern: Pattern, rule: MatchRule, lexicon: Lexicon) -> Access:
    terms = terms_of(pattern.pieces, rule, lexicon)
    fours = fours_of(pattern.pieces, lexicon) if set(columns).issubset(NAMES) else ()
    return TextHas(columns, terms, fours) if terms else ALL
