"""What an entry may hold: the definitions of ``definitions/*.schema``, resolved by name, alias and OID.
PURE, stdlib only; reads its own package data once.

``load()`` is the only schema there is, and it is closed: every name that a definition uses is defined.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from importlib.resources import files
from typing import Final

from ldap_schema import matching, syntaxes
from ldap_schema.parse import AttributeType, Definition, ObjectClass, SchemaError, parse_schema

_LANGUAGE: Final = re.compile(r"lang-[a-z0-9-]*")
# In the order in which one names the other.  slapd has the first four already, in a fuller form.
FILES: Final = ("system", "core", "cosine", "inetorgperson", "hpd", "annuaire")


class Schema:
    """Resolved definitions.  Names and OIDs are looked up without regard to case."""

    def __init__(self, definitions: Iterable[Definition]) -> None:
        self._attributes: dict[str, AttributeType] = {}
        self._classes: dict[str, ObjectClass] = {}
        for definition in definitions:
            self._add(definition)
        self.attribute_types = tuple(dict.fromkeys(self._attributes.values()))
        self.object_classes = tuple(dict.fromkeys(self._classes.values()))
        self._check()

    def _add(self, definition: Definition) -> None:
        table: dict[str, Definition] = (
            self._attributes if isinstance(definition, AttributeType) else self._classes  # type: ignore[assignment]
        )
        for key in (definition.oid, *definition.names):
            if table.setdefault(key.lower(), definition) is not definition:
                raise SchemaError(f"{key} is defined twice")

    def _check(self) -> None:
        for attribute in self.attribute_types:
            rules = (attribute.equality, attribute.ordering, attribute.substr)
            if attribute.sup and attribute.sup.lower() not in self._attributes:
                raise SchemaError(f"{attribute.name}: unknown SUP {attribute.sup}")
            if not all(matching.find_rule(rule) for rule in rules if rule):
                raise SchemaError(f"{attribute.name}: unknown matching rule")
            if self.syntax_of(attribute) not in syntaxes.SYNTAXES:
                raise SchemaError(f"{attribute.name}: unknown syntax")
        for found in self.object_classes:
            unknown = [n for n in (*found.must, *found.may) if n.lower() not in self._attributes]
            unknown += [n for n in found.sup if n.lower() not in self._classes]
            if unknown:
                raise SchemaError(f"{found.name}: unknown {', '.join(unknown)}")

    # --- attributes -------------------------------------------------------------------------------------------------

    def resolve(self, description: str) -> AttributeType | None:
        """The type that an attribute description means: a name, an alias or an OID, options aside (RFC 4512 2.5)."""
        return self._attributes.get(description.partition(";")[0].strip().lower())

    def describe(self, description: str) -> str | None:
        """An attribute description under its canonical name, its options in order (RFC 4512 2.5).  ``;binary`` is how a
        certificate travels, not part of what it is (RFC 4522); of the others we know languages (RFC 3866)."""
        kind, _, written = description.lower().partition(";")
        found = self.resolve(kind)
        options = set(written.split(";")) if written else set()
        if found and self.syntax_of(found) in syntaxes.BINARY:
            options.discard("binary")
        if found is None or not all(_LANGUAGE.fullmatch(option) for option in options):
            return None
        return ";".join((found.name, *sorted(options)))

    def syntax_of(self, attribute: AttributeType) -> str:
        """OID of its syntax, inherited where it does not say (RFC 4512 2.5.1)."""
        return self._inherited(attribute, "syntax")

    def equality_of(self, attribute: AttributeType) -> str:
        return self._inherited(attribute, "equality")

    def substr_of(self, attribute: AttributeType) -> str:
        return self._inherited(attribute, "substr")

    def _inherited(self, attribute: AttributeType, field: str) -> str:
        value: str = getattr(attribute, field)
        return value or (self._inherited(self._attributes[attribute.sup.lower()], field) if attribute.sup else "")

    def subtypes(self, attribute: AttributeType) -> tuple[AttributeType, ...]:
        """The type and all that derive from it: what an assertion about it is about (RFC 4512 2.5.1)."""
        below = [a for a in self.attribute_types if a.sup and self._attributes[a.sup.lower()] is attribute]
        return (attribute, *(deeper for child in below for deeper in self.subtypes(child)))

    def suits(self, rule: matching.MatchingRule, attribute: AttributeType) -> bool:
        """Whether an extensible match may compare values of this type by this rule (RFC 4512 4.1.4)."""
        return attribute.name in rule.only or (not rule.only and self.syntax_of(attribute) in rule.suits)

    # --- classes ----------------------------------------------------------------------------------------------------

    def object_class(self, name: str) -> ObjectClass | None:
        return self._classes.get(name.strip().lower())

    def superclasses(self, found: ObjectClass) -> tuple[ObjectClass, ...]:
        """The class and all above it."""
        above = (self.superclasses(self._classes[name.lower()]) for name in found.sup)
        return tuple(dict.fromkeys([found, *(c for chain in above for c in chain)]))

    def structural(self, classes: Iterable[str]) -> str:
        """The most specific structural class of an entry of these classes (RFC 4512 2.4.2); "top" for want of one."""
        held = [c for name in classes if (c := self.object_class(name)) and c.kind == "STRUCTURAL"]
        return max(held, key=lambda c: len(self.superclasses(c))).name if held else "top"

    def allowed(self, classes: Iterable[str]) -> tuple[frozenset[str], frozenset[str]]:
        """Canonical names that entries of these classes must, and may, hold.  Raises KeyError for an unknown class."""
        every = [c for name in classes for c in self.superclasses(self._classes[name.lower()])]
        must = {self._attributes[n.lower()].name for c in every for n in c.must}
        may = {self._attributes[n.lower()].name for c in every for n in c.may}
        return frozenset(must), frozenset(may - must)

    # --- subschema --------------------------------------------------------------------------------------------------

    def subschema_attributes(self) -> dict[str, list[str]]:
        """What the subschema subentry holds of the schema (RFC 4512 4.2)."""
        return {
            "attributeTypes": [str(a) for a in self.attribute_types],
            "objectClasses": [str(c) for c in self.object_classes],
            "ldapSyntaxes": syntaxes.descriptions(),
            "matchingRules": matching.descriptions(),
            "matchingRuleUse": [use for rule in matching.RULES if (use := self._use(rule))],
        }

    def _use(self, rule: matching.MatchingRule) -> str:
        """RFC 4512 4.1.4; "" for a rule that no extensible match can use."""
        names = [a.name for a in self.attribute_types if self.suits(rule, a)]
        applies = f"( {' $ '.join(names)} )" if len(names) > 1 else "".join(names)
        return f"( {rule.oid} NAME '{rule.name}' APPLIES {applies} )" if names else ""


def read_definitions(name: str) -> str:
    """Text of ``definitions/<name>.schema``."""
    return files("ldap_schema").joinpath("definitions", f"{name}.schema").read_text(encoding="utf-8")


@cache
def load() -> Schema:
    """The schema of the directory."""
    return Schema(definition for name in FILES for definition in parse_schema(read_definitions(name)))
