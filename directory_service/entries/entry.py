"""The value that every record becomes, and the numbers that order it.  PURE.

An entry is complete in itself: the index stores it and the faces send it, and neither looks back at the record.
"""

from __future__ import annotations

from typing import Final, NamedTuple

CONTAINER: Final = 0
BAL: Final = 1
PEOPLE: Final = 2
STRUCTURES: Final = 3
# Unlisted mailboxes, which stand in ``ou=bal`` too, but after everything else: the look-ups of those who may not see
# them end before they are reached, so that hidden and absent take the same steps.
UNLISTED: Final = 4

# Classes of the entries of each branch, most general first: a branch holds nothing else, so that a filter on
# objectClass is answered by the branch alone.  (Containers differ among themselves.)
CLASSES: Final[dict[int, tuple[str, ...]]] = {
    BAL: ("top", "person", "organizationalPerson", "inetOrgPerson", "asMailbox"),
    PEOPLE: (
        "top", "person", "organizationalPerson", "inetOrgPerson", "HCProfessional", "HPDProvider", "asPerson",
    ),
    STRUCTURES: ("top", "organization", "HCRegulatedOrganization", "HPDProvider", "asStructure"),
}  # fmt: skip

ANYONE: Final = 0  # index.query.View.ANONYMOUS
STAFF: Final = 2  # index.query.View.STAFF; the equality is held by a test

INACTIVE_RANK: Final = 8


class Entry(NamedTuple):
    """One directory entry, rendered.  A tuple and not a dataclass: a full build makes millions of them.

    The eight texts are ``^`` + the prepared values joined by ``$^`` + ``$``, or empty; see ``attributes.prepare``.
    """

    id: int  # entry_id(): ascending is best first
    dn: str  # as shown
    view: int  # the least index.query.View that sees it
    sn: str
    name: str  # cn
    given: str  # givenName
    mail: str
    shown: str  # displayName
    org: str  # o, ou, description
    work: str  # title, asSpecialty, personalTitle
    place: str  # l, st, street, postalCode, telephone numbers
    tags: str  # exact tokens, separated by spaces: attributes.index_tag
    keys: tuple[str, ...]  # exact keys: attributes.index_key
    ber: bytes  # OCTET STRING dn, SEQUENCE OF PartialAttribute
    json: bytes
    created: str  # generalizedTime
    changed: str
    alike: str = ""  # of a mailbox: what the homonym shield compares (model.homonyms.Mark)


def entry_id(branch: int, rank: int, pk: int) -> int:
    """Ascending ids are the static rank order: branch, then rank (0 best, 15 last), then age."""
    return (branch << 4 | rank) << 32 | pk


def first_id(branch: int) -> int:
    """No entry of the branch is before; all of them are before that of the next."""
    return entry_id(branch, 0, 0)


def branch_of(entry_id: int) -> int:
    """Where the entry stands in the tree."""
    return kind_of(entry_id >> 36)


def kind_of(branch: int) -> int:
    """The branch whose attributes and classes the entries of this one have."""
    return BAL if branch == UNLISTED else branch
