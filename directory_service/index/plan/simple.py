"""What the branch of an entry settles of a filter before any entry is seen.  PURE.

Object classes and attributes that each entry of a branch holds, or none, are folded away, so that
``(&(objectClass=person)(mail=*))`` costs nothing in ``ou=bal``.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from directory_service.entries.attributes import ATTRIBUTES, SOUNDED, Attribute, find_attribute, prepare, subtypes
from directory_service.entries.comparing import MatchRule
from directory_service.entries.entry import CONTAINER
from directory_service.entries.rules import narrower, plain, suited
from directory_service.index.plan.called import with_labels_found
from directory_service.index.plan.constants import constant_values, in_container
from directory_service.index.plan.logic import all_of, any_of
from directory_service.index.plan.merging import is_sure
from directory_service.index.plan.pieces import TextLeaf, pattern_of
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

Leaf = Present | GreaterOrEqual | LessOrEqual | TextLeaf

_UNDEFINED: Final = Undefined()
# Rules by which one value is before another.
_ORDERED: Final = frozenset(
    (MatchRule.NAME, MatchRule.TEXT, MatchRule.MAIL, MatchRule.EXACT, MatchRule.TIME, MatchRule.UUID)
)


def simplify(asked: Filter, branch: int, suffix: str = "") -> Filter:
    """The same filter, in three-valued logic, for entries of this branch.  Without the suffix (a normalised name), what
    is asked of names is left to be checked."""
    match asked:
        case And(items):
            return all_of([simplify(i, branch, suffix) for i in items])
        case Or(items):
            return any_of([simplify(i, branch, suffix) for i in items])
        case Not(item):
            return _negated(simplify(item, branch, suffix))
        case Undefined() | InText() | HasTag():
            return asked
        case Extensible(rule, attribute):
            names = suited(rule, attribute) if rule else (attribute,)
            if names is None:
                return _UNDEFINED
            each = [replace(asked, attribute=a) for n in names for a in subtypes(n)]
            return any_of([_extensible(leaf, branch, suffix) for leaf in each])
        case Substrings() if is_sure(asked):
            return asked if branch in ATTRIBUTES[asked.attribute.lower()].branches else FALSE
        case _:
            names = subtypes(asked.attribute)
            if names == (asked.attribute,):
                return with_labels_found(_leaf(asked, branch))
            return any_of([with_labels_found(_leaf(replace(asked, attribute=n), branch)) for n in names])


def _extensible(asked: Extensible, branch: int, suffix: str) -> Filter:
    """Of one attribute.  What its own rule says is a plain assertion; a name below a container is a ``uid``, which is
    among the attributes of the entry too, and what the container has."""
    name, _, option = asked.attribute.partition(";")
    attribute = find_attribute(name)
    leaf = plain(asked) if attribute and (not asked.rule or attribute.branches) else Equal(name, asked.value)
    if attribute is None or leaf is None or not is_defined(attribute, leaf):
        return _UNDEFINED
    if asked.dn and not option and attribute.branches:  # of the others no name holds any
        if branch == CONTAINER or not suffix:
            return asked
        if in_container(asked, branch, suffix):
            return TRUE
    asked = replace(asked, dn=False)
    found = FALSE if option else _leaf(leaf, branch)
    return asked if asked.rule and found == leaf and narrower(asked) else with_labels_found(found)


def _negated(item: Filter) -> Filter:
    constants: dict[Filter, Filter] = {TRUE: FALSE, FALSE: TRUE, _UNDEFINED: _UNDEFINED}
    return item.item if isinstance(item, Not) else constants.get(item, Not(item))


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


def _bare(leaf: TextLeaf) -> TextLeaf:
    """Without the options of the attribute."""
    name, found, _ = leaf.attribute.partition(";")
    return replace(leaf, attribute=name) if found else leaf
