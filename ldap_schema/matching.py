"""Matching rules (RFC 4517 4.2, RFC 4523, RFC 4530, and our own) that the schema names, for the subschema.
PURE, stdlib only.

Only names and numbers: what the rules do to a value is ``directory_service.entries``.  Each attribute has a rule of its
own there, wider than the standard one (accents, hyphens and apostrophes do not count in names): a client never finds
less than it expects, and gets the standard rule by naming it in an extensible match.
``asNameMatch`` gives the rule that names really go by a name of its own, ``asPlaceMatch`` that of towns and
départements; the attributes keep the standard one in their definitions, since slapd refuses a rule that it does not
know.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

ARC: Final = "2.25.262401253871432774560439567936610927899"
_1466: Final = "1.3.6.1.4.1.1466.115.121.1."


@dataclass(frozen=True, slots=True)
class MatchingRule:
    """RFC 4512 4.1.3; ``syntax`` is that of the assertion.  An extensible match may apply it to values of the
    syntaxes ``suits``, or to the attributes ``only`` where it says so; a substrings rule compares what its ``equality``
    does."""

    oid: str
    name: str
    syntax: str
    suits: tuple[str, ...] = ()
    equality: str = ""
    only: tuple[str, ...] = ()
    desc: str = ""

    def __str__(self) -> str:
        desc = f" DESC '{self.desc}'" if self.desc else ""
        return f"( {self.oid} NAME '{self.name}'{desc} SYNTAX {self.syntax} )"


def _rule(oid: str, name: str, syntax: str, suits: str = "", equality: str = "") -> MatchingRule:
    """Syntaxes under the arc of RFC 4517, by their last number."""
    return MatchingRule(oid, name, _1466 + syntax, tuple(_1466 + n for n in suits.split()), equality)


# Attributes whose values are names of persons, and of what is named in their place.
NAMES: Final = ("cn", "sn", "givenName", "displayName")
NAME_MATCH: Final = MatchingRule(
    f"{ARC}.3.1", "asNameMatch", _1466 + "15", only=NAMES,
    desc="Accents, case, spaces, hyphens and apostrophes do not count",
)  # fmt: skip
NAME_SUBSTRINGS: Final = MatchingRule(
    f"{ARC}.3.2", "asNameSubstringsMatch", _1466 + "58", equality="asNameMatch", only=NAMES,
    desc="Substrings of what asNameMatch compares",
)  # fmt: skip
# Attributes of where somebody works.
PLACES: Final = ("l", "st")
PLACE_MATCH: Final = MatchingRule(
    f"{ARC}.3.3", "asPlaceMatch", _1466 + "15", only=PLACES,
    desc="Accents, case and punctuation do not count; a town is its districts, a departement has its code",
)  # fmt: skip
PLACE_SUBSTRINGS: Final = MatchingRule(
    f"{ARC}.3.4", "asPlaceSubstringsMatch", _1466 + "58", equality="asPlaceMatch", only=PLACES,
    desc="Substrings of what asPlaceMatch compares",
)  # fmt: skip
_IA5: Final = "1.3.6.1.4.1.1466.109.114."
_UUID: Final = "1.3.6.1.1.16.1"
_TEXT: Final = "11 15 44 50"  # DirectoryString and the types that it may be made of (RFC 4517 4.2.11)

# Ordering rules suit nothing: a range is asked for by ``>=`` and ``<=``, where the limits on ranges apply.
RULES: Final = (
    _rule("2.5.13.0", "objectIdentifierMatch", "38", "38"),
    _rule("2.5.13.1", "distinguishedNameMatch", "12", "12"),
    _rule("2.5.13.2", "caseIgnoreMatch", "15", _TEXT),
    _rule("2.5.13.3", "caseIgnoreOrderingMatch", "15"),
    _rule("2.5.13.4", "caseIgnoreSubstringsMatch", "58", _TEXT, "caseIgnoreMatch"),
    _rule("2.5.13.5", "caseExactMatch", "15", _TEXT),
    _rule("2.5.13.6", "caseExactOrderingMatch", "15"),
    _rule("2.5.13.7", "caseExactSubstringsMatch", "58", _TEXT, "caseExactMatch"),
    _rule("2.5.13.8", "numericStringMatch", "36", "36"),
    _rule("2.5.13.9", "numericStringOrderingMatch", "36"),
    _rule("2.5.13.10", "numericStringSubstringsMatch", "58", "36", "numericStringMatch"),
    _rule("2.5.13.11", "caseIgnoreListMatch", "41", "41"),
    _rule("2.5.13.12", "caseIgnoreListSubstringsMatch", "58", "41", "caseIgnoreListMatch"),
    _rule("2.5.13.13", "booleanMatch", "7", "7"),
    _rule("2.5.13.14", "integerMatch", "27", "27"),
    _rule("2.5.13.16", "bitStringMatch", "6", "6"),
    _rule("2.5.13.17", "octetStringMatch", "40", "40"),
    _rule("2.5.13.20", "telephoneNumberMatch", "50", "22 50"),
    _rule("2.5.13.21", "telephoneNumberSubstringsMatch", "58", "22 50", "telephoneNumberMatch"),
    _rule("2.5.13.27", "generalizedTimeMatch", "24", "24"),
    _rule("2.5.13.28", "generalizedTimeOrderingMatch", "24"),
    _rule("2.5.13.30", "objectIdentifierFirstComponentMatch", "38", "3 30 31 37 54"),
    MatchingRule("2.5.13.34", "certificateExactMatch", "1.3.6.1.1.15.1", (_1466 + "8",)),
    _rule(_IA5 + "1", "caseExactIA5Match", "26", "26"),
    _rule(_IA5 + "2", "caseIgnoreIA5Match", "26", "26"),
    _rule(_IA5 + "3", "caseIgnoreIA5SubstringsMatch", "58", "26", "caseIgnoreIA5Match"),
    MatchingRule("1.3.6.1.1.16.2", "UUIDMatch", _UUID, (_UUID,)),
    MatchingRule("1.3.6.1.1.16.3", "UUIDOrderingMatch", _UUID),
    NAME_MATCH,
    NAME_SUBSTRINGS,
    PLACE_MATCH,
    PLACE_SUBSTRINGS,
)

_BY_NAME: Final = {key.lower(): rule for rule in RULES for key in (rule.name, rule.oid)}


def find_rule(name_or_oid: str) -> MatchingRule | None:
    return _BY_NAME.get(name_or_oid.lower())


def descriptions() -> list[str]:
    """Values of ``matchingRules``."""
    return [str(rule) for rule in RULES]
