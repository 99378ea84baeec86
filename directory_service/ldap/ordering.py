"""Which attributes can be sorted by, and by which rules (RFC 2891 1.1, RFC 4517 4.2): read from the schema.  PURE.

How the values of each then compare is ``directory_service.entries.attributes``' business.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final, Protocol

from directory_service.index.query import SortKey
from directory_service.ldap.codes import INAPPROPRIATE_MATCHING, NO_SUCH_ATTRIBUTE
from directory_service.ldap.sorting import SortRules
from ldap_schema.matching import NAME_MATCH, find_rule
from ldap_schema.parse import AttributeType

_1466: Final = "1.3.6.1.4.1.1466.115.121.1."
_MAX_NAME: Final = 128  # characters: no attribute description or rule that we know is longer
_EXACT: Final = "caseExactOrderingMatch"
_TEXT: Final = frozenset(("caseIgnoreOrderingMatch", _EXACT, "numericStringOrderingMatch", NAME_MATCH.name))
# By syntax, the rules that order its values; values of the others have no order.
_RULES: Final = {
    **{_1466 + number: _TEXT for number in ("11", "15", "26", "36", "44", "50")},
    _1466 + "24": frozenset(("generalizedTimeOrderingMatch",)),
}


class OrderedSchema(Protocol):
    """The part of ``ldap_schema.schema.Schema`` that is read here."""

    def resolve(self, description: str) -> AttributeType | None: ...
    def syntax_of(self, attribute: AttributeType) -> str: ...


def sort_rules(schema: OrderedSchema) -> SortRules:
    """Clients sort by few attributes, again and again."""

    def rules(description: str, rule: str) -> SortKey | int:
        attribute = schema.resolve(description)
        if attribute is None:
            return NO_SUCH_ATTRIBUTE
        known = find_rule(rule) if rule else None
        allowed = _RULES.get(schema.syntax_of(attribute), frozenset())
        if not allowed or (rule and (known is None or known.name not in allowed)):
            return INAPPROPRIATE_MATCHING
        return SortKey(attribute.name, exact=known is not None and known.name == _EXACT)

    cached = lru_cache(maxsize=512)(rules)
    return lambda name, rule: cached(name, rule) if len(name) + len(rule) <= 2 * _MAX_NAME else NO_SUCH_ATTRIBUTE
