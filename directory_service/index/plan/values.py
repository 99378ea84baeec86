"""Whether one value of an attribute matches an assertion: the rules of filters, for values on their own.  PURE.

For matched values (RFC 3876).  The value is put in an entry that holds nothing else, and the predicate of filters is
asked, so that the two never differ.  About 3 µs a value.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from directory_service.entries.attributes import ATTRIBUTES, Attribute, column, prepare
from directory_service.index.plan import is_defined
from directory_service.index.plan.predicate import Layout, Row, compile_filter
from directory_service.index.query import (
    Approx,
    Equal,
    Filter,
    GreaterOrEqual,
    LessOrEqual,
    Present,
    Substrings,
)
from directory_service.ldap.ber import octets, partial_attribute, sequence

ValueTest = Callable[[bytes], bool]
_LEAVES: Final = Equal | Approx | Substrings | GreaterOrEqual | LessOrEqual


def value_tests(item: Filter) -> dict[str, ValueTest]:
    """For each attribute that the assertion is about, in lower case: what is true of the values that match."""
    if isinstance(item, Present):
        return {item.attribute.lower(): lambda _value: True}
    attribute = ATTRIBUTES.get(item.attribute.lower()) if isinstance(item, _LEAVES) else None
    if attribute is None or not isinstance(item, _LEAVES) or not is_defined(attribute, item):
        return {}
    return {attribute.name.lower(): _test(attribute, item)}


def _test(attribute: Attribute, item: Filter) -> ValueTest:
    layout = Layout()
    test = compile_filter(item, layout)
    return lambda value: test(_alone(attribute, value, layout)) is True


def _alone(attribute: Attribute, value: bytes, layout: Layout) -> Row:
    """The row of an entry that has this value and no other: in its BER, in the texts and as its times."""
    text = column([(prepare(attribute, value) or "").replace("\0", "\1")])
    shown = value.decode("utf-8", "replace")
    ber = octets("") + sequence(partial_attribute(attribute.name, [value]))
    held = {"id": 0, "view": 0, "dn": "", "created": shown, "changed": shown, "ber": ber, "json": b""}
    return [held.get(name, text) for name in layout.columns]
