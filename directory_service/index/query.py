"""What a reader asks, free of any wire: the query tree that LDAP and JSON both translate to.  PURE.

Attribute names here are canonical (the first name in ``directory_service.entries.attributes``): the faces resolve
aliases, OIDs and options, and write ``Undefined`` for what the schema, or the caller's view, does not know
(RFC 4511 4.5.1.7).  Assertion values are raw bytes as received; ``plan`` prepares them by the attribute's rule.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Final

SEARCH_TIME: Final = 5.0  # seconds
BRIEF: Final = 0.008  # seconds that one search may hold a worker's loop; past it, it is done again in a thread


class View(IntEnum):
    """Who is asking.  A record whose ``view`` is above the caller's does not exist for the caller."""

    ANONYMOUS = 0
    OPERATOR = 1
    STAFF = 2


class Scope(IntEnum):
    """RFC 4511 4.5.1.2."""

    BASE = 0
    ONE = 1
    SUBTREE = 2


@dataclass(frozen=True, slots=True)
class And:
    items: tuple[Filter, ...]


@dataclass(frozen=True, slots=True)
class Or:
    items: tuple[Filter, ...]


@dataclass(frozen=True, slots=True)
class Not:
    item: Filter


@dataclass(frozen=True, slots=True)
class Present:
    attribute: str


@dataclass(frozen=True, slots=True)
class Equal:
    attribute: str
    value: bytes


@dataclass(frozen=True, slots=True)
class Substrings:
    """``initial`` and ``final`` are empty when absent; ``any`` components follow one another in order."""

    attribute: str
    initial: bytes
    any: tuple[bytes, ...]
    final: bytes


@dataclass(frozen=True, slots=True)
class GreaterOrEqual:
    attribute: str
    value: bytes


@dataclass(frozen=True, slots=True)
class LessOrEqual:
    attribute: str
    value: bytes


@dataclass(frozen=True, slots=True)
class Approx:
    """``near``: words of names of the build that some of its words may be with typing errors (``index.spelled``)."""

    attribute: str
    value: bytes
    near: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Extensible:
    """RFC 4511 4.5.1.7.7.  ``rule`` is the name of a matching rule of ``ldap_schema.matching``, "" for the attribute's
    own; ``attribute`` is "" for all that the rule suits; with ``dn`` the parts of the entry's name count as well."""

    rule: str
    attribute: str
    value: bytes
    dn: bool = False


@dataclass(frozen=True, slots=True)
class Undefined:
    """An assertion that can be neither true nor false: unknown attribute, unknown rule, value of the wrong syntax."""


@dataclass(frozen=True, slots=True)
class InText:
    """One of these search texts of the entry holds ``piece``, which is prepared already.  Criteria only, never LDAP."""

    columns: tuple[str, ...]
    piece: str


@dataclass(frozen=True, slots=True)
class HasTag:
    """The entry has this exact token (``entries.attributes.tag``), or one that starts so.  Never LDAP."""

    token: str
    starts: bool = False


Filter = (
    And
    | Or
    | Not
    | Present
    | Equal
    | Substrings
    | GreaterOrEqual
    | LessOrEqual
    | Approx
    | Extensible
    | Undefined
    | InText
    | HasTag
)

TRUE = And(())  # RFC 4526
FALSE = Or(())


@dataclass(frozen=True, slots=True)
class SortKey:
    """By the attribute's own order, case and accents aside; ``exact``: by the characters as they are."""

    attribute: str
    reverse: bool = False
    exact: bool = False


@dataclass(frozen=True, slots=True)
class Window:
    """The part of a sorted list around one entry (draft-ietf-ldapext-ldapv3-vlv-09): the first not before ``value`` by
    the first sort key or, without a value, that at ``offset`` (from 1) of a list of ``count`` (0: as long as it is).
    ``begins``: the list is of what is not before this, as an earlier window said."""

    before: int
    after: int
    offset: int = 1
    count: int = 0
    value: bytes | None = None
    begins: bytes | None = None


class Part(IntEnum):
    """What is read of the entries found."""

    ALL = 0
    BER = 1  # the attributes as LDAP sends them, and nothing else
    JSON = 2


@dataclass(slots=True, unsafe_hash=True)  # nobody changes one; frozen, each would take 2 µs more to make
class Query:
    """One search.

    ``base`` is a normalised distinguished name (see ``ldap.dn``: types and values lower-cased, no spaces), "" for the
    root; ``limit`` is the number of entries wanted, already capped by the face; ``timeout`` is in seconds;
    ``after`` continues a former answer: the id of the last entry seen; 0 starts one that can be continued.  Answers
    that can be continued are in rank order; those that cannot put names that start with what was typed first.
    With ``sort``, answers are in that order; ``seen`` entries were given before, in case that of ``after`` is gone, and
    ``limit`` is, with a ``window``, that of the list.
    ``part``: what a hit must hold; the rest of it is empty.
    Answers are kept a moment for whoever types the same (``index.answers``), and plans; those of a search that is not
    ``kept`` take nobody's place there: batches ask for thousands of names once, strangers for what fills the memory.
    ``stopped`` says that nobody waits for the answer any more; it is asked about every millisecond.
    """

    base: str
    scope: Scope
    filter: Filter
    limit: int
    timeout: float = SEARCH_TIME
    after: int | None = None
    sort: tuple[SortKey, ...] = ()
    seen: int = 0
    window: Window | None = None
    part: Part = Part.ALL
    kept: bool = True
    stopped: Callable[[], bool] | None = field(default=None, compare=False, repr=False)
