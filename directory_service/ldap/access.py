"""Who may read, filter on and order by which attribute: the one place where the LDAP face decides it.  PURE.

A line for every attribute that an entry may hold: what has no line is nobody's but the staff's, so that a new attribute
stays hidden until somebody decides.  Whole entries are not decided here: those of unlisted mailboxes (*liste rouge*)
carry the view that sees them, and the index gives no others (``entries.Entry.view``).

An attribute that the caller may not read is in no answer, and an assertion about it is Undefined (RFC 4511 4.5.1.7):
filters, compares, sort keys and matched values all ask here, since each of them tells values apart as well as an
answer does (Samba CVE-2018-10919, 389-ds CVE-2016-4992).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Final, NamedTuple

from directory_service.index.query import (
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
    View,
)


class Use(IntEnum):
    """What can be done with an attribute."""

    READ = 0  # its values are in answers
    FILTER = 1  # assertions about it: equality, presence, substrings, approximation; compare; matched values
    ORDER = 2  # ``>=``, ``<=``, sort keys: what walks a directory from one end to the other


class Rule(NamedTuple):
    """The least view that may do each; nobody filters on what they may not read."""

    read: View
    filter: View
    order: View


ANYBODY: Final = Rule(View.ANONYMOUS, View.ANONYMOUS, View.ANONYMOUS)
# Ranges over numbers and dates give a stranger the whole directory in slices (ldap-clients.md §5).
UNORDERED: Final = Rule(View.ANONYMOUS, View.ANONYMOUS, View.OPERATOR)
NOBODY: Final = Rule(View.STAFF, View.STAFF, View.STAFF)

_ANYBODYS: Final = """
    objectClass structuralObjectClass hasSubordinates subschemaSubentry
    c o ou dc description
    name cn sn givenName initials displayName personalTitle title
    mail
    asSpecialty street postalAddress postalCode l st telephoneNumber facsimileTelephoneNumber
    asProfessionCode asCategoryCode asCategory asSpecialtyCode asModeCode asMode asSectorCode asSector
    asStatus asMailboxType asPaperless asPreferred asOperator
    HcRegisteredName HcProfession HcSpecialisation hpdProviderStatus hpdMedicalRecordsDeliveryEmailAddress
    userCertificate
"""
_NUMBERS_AND_DATES: Final = """
    uid entryUUID entryDN
    asNationalId asRpps asAdeli asStructureId asFiness asSiret HcIdentifier
    asSince createTimestamp modifyTimestamp
"""

_RULES: Final[Mapping[str, Rule]] = {
    **dict.fromkeys(_ANYBODYS.split(), ANYBODY),
    **dict.fromkeys(_NUMBERS_AND_DATES.split(), UNORDERED),
}

# What an assertion about a supertype is about (RFC 4511 4.5.1.7): it tells what one about each of these would.
# The schema says so too, and a test holds the two equal; reading it here would take 18 ms of every command.
SUBTYPES: Final[Mapping[str, Sequence[str]]] = {"name": ["cn", "sn", "c", "l", "st", "o", "ou", "title", "givenName"]}

_UNDEFINED: Final = Undefined()
_USES: Final[Mapping[type[Filter], int]] = {
    **dict.fromkeys((Equal, Substrings, Present, Approx), int(Use.FILTER)),
    **dict.fromkeys((GreaterOrEqual, LessOrEqual), int(Use.ORDER)),
}
_OURS: Final = frozenset((Undefined, InText, HasTag))  # hold no attribute that a client named


@dataclass(frozen=True)
class Access:
    """The table, by canonical attribute name.  ``narrow`` is on the path of every search: it builds nothing when the
    filter is allowed as it is, which takes about 0.3 µs.  ``unheld`` are attributes that no entry ever holds: whoever
    asks for them learns the schema, which is public, and that an assertion about them is False."""

    rules: Mapping[str, Rule] = field(default_factory=lambda: _RULES)
    unheld: frozenset[str] = frozenset()
    # By use, then by view: what is allowed; by view: what is hidden.  (An enum member as a key is hashed in Python.)
    _may: Sequence[Sequence[frozenset[str]]] = field(init=False, repr=False, compare=False)
    _hidden: Sequence[frozenset[bytes]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        may = [[frozenset(self._allowed(use, view)) for view in View] for use in Use]
        hidden = [frozenset(n.encode() for n in self.rules if n not in may[Use.READ][view]) for view in View]
        object.__setattr__(self, "_may", may)
        object.__setattr__(self, "_hidden", hidden)

    def _allowed(self, use: Use, view: View) -> Iterable[str]:
        def allows(name: str) -> bool:
            return view >= max(self.rules.get(name, NOBODY)[: use + 1])

        return (name for name in self.rules if all(map(allows, (name, *SUBTYPES.get(name, ())))))

    def may(self, name: str, use: Use, view: View) -> bool:
        """``name`` is canonical, without options."""
        return view >= View.STAFF or name in self._may[use][view]

    def hidden(self, view: View) -> frozenset[bytes]:
        """The attributes that stay out of answers, as stored entries write them."""
        return self._hidden[view]

    def narrow(self, asked: Filter, view: View) -> Filter:
        """The same filter, with Undefined for each assertion that this view may not make."""
        use = _USES.get(type(asked))
        if use is not None:
            name: str = asked.attribute.partition(";")[0]  # type: ignore[union-attr]
            return asked if name in self._may[use][view] or view >= View.STAFF or name in self.unheld else _UNDEFINED
        if isinstance(asked, Extensible):
            return asked if self._may_match(asked.attribute, view) else _UNDEFINED
        if isinstance(asked, And | Or):
            items = tuple(self.narrow(item, view) for item in asked.items)
            return asked if all(map(_same, items, asked.items)) else type(asked)(items)
        if isinstance(asked, Not):
            item = self.narrow(asked.item, view)
            return asked if item is asked.item else Not(item)
        return asked if type(asked) in _OURS else _UNDEFINED

    def _may_match(self, attribute: str, view: View) -> bool:
        """A rule without an attribute is about all that it suits, of which none may be out of reach."""
        if attribute:
            name = attribute.partition(";")[0]
            return self.may(name, Use.FILTER, view) or name in self.unheld
        return view >= View.STAFF or len(self._may[Use.FILTER][view]) == len(self.rules)


def _same(one: Filter, other: Filter) -> bool:
    return one is other


ACCESS: Final = Access()
