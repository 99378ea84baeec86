"""What every entry of a branch has, and what the names of entries say.  PURE."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from directory_service.entries.attributes import ATTRIBUTES, prepare
from directory_service.entries.entry import BAL, CLASSES, CONTAINER, PEOPLE, STRUCTURES
from directory_service.entries.rules import structural
from directory_service.index.plan.predicate import in_name
from directory_service.index.query import Extensible
from directory_service.ldap.dn import SUBSCHEMA_DN

_OUS: Final = {BAL: "bal", PEOPLE: "personnes", STRUCTURES: "structures"}


@lru_cache(maxsize=64)
def constant_values(name: str, branch: int) -> frozenset[str] | None:
    """The prepared values of an attribute that is the same in all entries of the branch; None for the others."""
    classes = CLASSES.get(branch, ())
    values = {
        "objectClass": classes,
        "structuralObjectClass": (structural(tuple(c.encode() for c in classes)),) if classes else (),
        "subschemaSubentry": (SUBSCHEMA_DN,),
        "hasSubordinates": ("TRUE" if branch == CONTAINER else "FALSE",),
    }.get(name)
    if not values:
        return None
    attribute = ATTRIBUTES[name.lower()]
    return frozenset(p for v in values if (p := prepare(attribute, v.encode())))


def in_container(asked: Extensible, branch: int, suffix: str) -> bool:
    """Whether the name of the branch and the suffix, which are part of the name of each entry, meet the assertion."""
    return in_name(asked, f"ou={_OUS[branch]},{suffix}")
