"""Whether one value of an attribute matches an assertion: the rules of filters, for values on their own.  PURE.

For matched values (RFC 3876).  The value is put in an entry that holds nothing else, and the predicate of filters is
asked, so that the two never differ.  About 3 µs a value.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from directory_service.entries.attributes import ATTRIBUTES, SOUNDED, Attribute, column, prepared_forms, subtypes
from directory_service.entries.rules import narrower, plain, suited
from directory_service.index.plan.called import with_values_called
from directory_service.index.plan.predicate import Layout, Row, compile_filter
from directory_service.index.plan.simple import is_defined
from directory_service.index.query import (
    Approx,
    Equal,
    Extensible,
    Filter,
    GreaterOrEqual,
    LessOrEqual,
    Present,
    Substrings,
)
from directory_service.ldap.ber import octets, partial_attribute, sequence
from directory_service.model.phonetics import is_heard

ValueTest = Callable[[bytes], bool]
_Leaf = Equal | Approx | Substrings | GreaterOrEqual | LessOrEqual | Present | Extensible


def value_tests(item: Filter) -> dict[str, ValueTest]:
    """For each attribute that the assertion is about, in lower case: what is true of the values that match."""
    found = {leaf.attribute.lower(): _test_of(leaf) for leaf in _each(item)} if isinstance(item, _Leaf) else {}
    return {name: test for name, test in found.items() if test is not None}


def _each(item: _Leaf) -> Iterator[_Leaf]:
    """The same of each attribute that it is about: all that the rule suits, where it names none; subtypes."""
    by_rule = isinstance(item, Extensible) and item.rule
    names = suited(by_rule, item.attribute) if by_rule else (item.attribute,)
    return (replace(item, attribute=name) for given in names or () for name in subtypes(given))


def _test_of(leaf: _Leaf) -> ValueTest | None:
    """None for what is Undefined."""
    if isinstance(leaf, Present):
        return lambda _value: True
    attribute = ATTRIBUTES.get(leaf.attribute.lower())
    if attribute is None:
        return None
    if isinstance(leaf, Approx) and not (attribute.name in SOUNDED and is_heard(leaf.value)):
        leaf = Equal(leaf.attribute, leaf.value)
    asked = plain(leaf) if isinstance(leaf, Extensible) else leaf
    if asked is None or not is_defined(attribute, asked):
        return None
    narrow = isinstance(leaf, Extensible) and narrower(leaf)
    return _test(attribute, leaf if narrow else with_values_called(asked))


def _test(attribute: Attribute, item: Filter) -> ValueTest:
    layout = Layout()
    test = compile_filter(item, layout)
    return lambda value: test(_alone(attribute, value, layout)) is True


def _alone(attribute: Attribute, value: bytes, layout: Layout) -> Row:
    """The row of an entry that has this value and no other: in its BER, in the texts and as its times."""
    text = column([form.replace("\0", "\1") for form in prepared_forms(attribute, value)])
    shown = value.decode("utf-8", "replace")
    ber = octets("") + sequence(partial_attribute(attribute.name, [value]))
    held = {"id": 0, "view": 0, "dn": "", "created": shown, "changed": shown, "ber": ber, "json": b""}
    return [held.get(name, text) for name in layout.columns]
