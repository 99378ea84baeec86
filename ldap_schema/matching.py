"""Matching rules (RFC 4517 4.2, RFC 4523, RFC 4530, and our own) that the schema names, for the subschema.
PURE, stdlib only.

Only names and numbers: what the rules do to a value is ``directory_service.entries.attributes``.  That is wider than
the standard rules (accents, hyphens and apostrophes do not count in names): a client never finds less than it expects.
``asNameMatch`` gives the rule that names really go by a name of its own; the attributes keep the standard one in their
definitions, since slapd refuses a rule that it does not know.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

ARC: Final = "2.25.262401253871432774560439567936610927899"
_1466: Final = "1.3.6.1.4.1.1466.115.121.1."


@dataclass(frozen=True, slots=True)
class MatchingRule:
    """RFC 4512 4.1.3; ``syntax`` is that of the assertion."""

    oid: str
    name: str
    syntax: str
    desc: str = ""

    def __str__(self) -> str:
        desc = f" DESC '{self.desc}'" if self.desc else ""
        return f"( {self.oid} NAME '{self.name}'{desc} SYNTAX {self.syntax} )"


NAME_MATCH: Final = MatchingRule(
    f"{ARC}.3.1", "asNameMatch", _1466 + "15", "Accents, case, spaces, hyphens and apostrophes do not count"
)

RULES: Final = (
    MatchingRule("2.5.13.0", "objectIdentifierMatch", _1466 + "38"),
    MatchingRule("2.5.13.1", "distinguishedNameMatch", _1466 + "12"),
    MatchingRule("2.5.13.2", "caseIgnoreMatch", _1466 + "15"),
    MatchingRule("2.5.13.3", "caseIgnoreOrderingMatch", _1466 + "15"),
    MatchingRule("2.5.13.4", "caseIgnoreSubstringsMatch", _1466 + "58"),
    MatchingRule("2.5.13.5", "caseExactMatch", _1466 + "15"),
    MatchingRule("2.5.13.6", "caseExactOrderingMatch", _1466 + "15"),
    MatchingRule("2.5.13.7", "caseExactSubstringsMatch", _1466 + "58"),
    MatchingRule("2.5.13.8", "numericStringMatch", _1466 + "36"),
    MatchingRule("2.5.13.9", "numericStringOrderingMatch", _1466 + "36"),
    MatchingRule("2.5.13.10", "numericStringSubstringsMatch", _1466 + "58"),
    MatchingRule("2.5.13.11", "caseIgnoreListMatch", _1466 + "41"),
    MatchingRule("2.5.13.12", "caseIgnoreListSubstringsMatch", _1466 + "58"),
    MatchingRule("2.5.13.13", "booleanMatch", _1466 + "7"),
    MatchingRule("2.5.13.14", "integerMatch", _1466 + "27"),
    MatchingRule("2.5.13.16", "bitStringMatch", _1466 + "6"),
    MatchingRule("2.5.13.17", "octetStringMatch", _1466 + "40"),
    MatchingRule("2.5.13.20", "telephoneNumberMatch", _1466 + "50"),
    MatchingRule("2.5.13.21", "telephoneNumberSubstringsMatch", _1466 + "58"),
    MatchingRule("2.5.13.27", "generalizedTimeMatch", _1466 + "24"),
    MatchingRule("2.5.13.28", "generalizedTimeOrderingMatch", _1466 + "24"),
    MatchingRule("2.5.13.30", "objectIdentifierFirstComponentMatch", _1466 + "38"),
    MatchingRule("2.5.13.34", "certificateExactMatch", "1.3.6.1.1.15.1"),
    MatchingRule("1.3.6.1.4.1.1466.109.114.2", "caseIgnoreIA5Match", _1466 + "26"),
    MatchingRule("1.3.6.1.4.1.1466.109.114.3", "caseIgnoreIA5SubstringsMatch", _1466 + "58"),
    MatchingRule("1.3.6.1.1.16.2", "UUIDMatch", "1.3.6.1.1.16.1"),
    MatchingRule("1.3.6.1.1.16.3", "UUIDOrderingMatch", "1.3.6.1.1.16.1"),
    NAME_MATCH,
)

_BY_NAME: Final = {key.lower(): rule for rule in RULES for key in (rule.name, rule.oid)}


def find_rule(name_or_oid: str) -> MatchingRule | None:
    return _BY_NAME.get(name_or_oid.lower())


def descriptions() -> list[str]:
    """Values of ``matchingRules``."""
    return [str(rule) for rule in RULES]
