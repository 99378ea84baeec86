"""What became of a binding, as the transparency log says it: events, their bytes, and what they add up to.  PURE.

A leaf of the log is one event in JSON, as RFC 8785 writes it (names in order, UTF-8, no space): its bytes are what is
hashed, so that they are part of the format (docs/reference/transparency-log.md).  ``nonce`` is drawn for each leaf,
so that the hash of a leaf discloses nothing to who guesses what it may say.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Final, NamedTuple

from directory_service.errors import InvalidInput

FORMAT: Final = 1
OPEN, MOVE, CLOSE, REOPEN, WITHDRAW = "open", "move", "close", "reopen", "withdraw"
EVENTS: Final = frozenset({OPEN, MOVE, CLOSE, REOPEN, WITHDRAW})

_encode: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


By = tuple[int | None, str | None]  # number of a run, name of an operator


class Held(NamedTuple):
    """One binding as the registry holds it.  ``holder`` is a national id, ``10`` and the address where the holder is
    in no register; then ``written`` is who it is, as the source writes it (number, family name, given names).
    ``opened`` and ``closed``: the run or the operator that did it, None where neither is known.  ``type`` and
    ``unlisted`` are the mailbox's.  All four are None in leaves of before they were logged."""

    address: str
    holder: str
    since: str
    until: str | None
    source: str
    written: tuple[str, str, str] | None
    opened: By | None = None
    closed: By | None = None
    type: str | None = None
    unlisted: bool | None = None

    def as_then(self) -> tuple[Held, Held]:
        """As a leaf of before mailboxes were logged says it, and one of before who began and ended it was, too."""
        earlier = self._replace(type=None, unlisted=None)
        return earlier, earlier._replace(opened=None, closed=None)


_LATER: Final = ("opened", "closed", "type", "unlisted")  # leaves need not say them


class Cause(NamedTuple):
    """The change of the registry that an event comes from: when, by which run (None: by none), by which operator
    (empty: by none; an import is told by its run, never by who launched it)."""

    at: str
    run: int | None
    operator: str


def changes(before: Held | None, after: Held | None) -> Iterator[tuple[str, Held]]:
    """The events, in order, that lead from what the log says of a binding to what the registry says."""
    if before is not None and (after is None or (before.address, before.since) != (after.address, after.since)):
        yield WITHDRAW, before
        before = None
    if after is None or before == after:
        return
    if before is None:
        before = after if after.until is None and after.closed is None else after._replace(until=None, closed=None)
        yield OPEN, before
        if before is after:  # as nearly all, the first time
            return
    ended = after.closed if after.until == before.until else before.closed  # at the same instant, by another
    moved = after._replace(until=before.until, closed=ended)
    if moved != before:
        yield MOVE, moved
    if before.until and before.until != after.until:
        yield REOPEN, after._replace(until=None, closed=None)
    if after.until and before.until != after.until:
        yield CLOSE, after


def leaf_data(event: str, held: Held, binding: int, cause: Cause, nonce: bytes) -> bytes:
    """The bytes of a leaf."""
    said = {  # in the order of the names
        "address": held.address,
        "at": cause.at,
        "binding": binding,
        "closed": held.closed,
        "event": event,
        "holder": held.holder,
        "nonce": nonce.hex(),
        "opened": held.opened,
        "operator": cause.operator or None,
        "run": cause.run,
        "since": held.since,
        "source": held.source,
        "type": held.type,
        "unlisted": held.unlisted,
        "until": held.until,
        "v": FORMAT,
        "written": held.written,
    }
    return _encode(said).encode()


def parse_leaf(data: bytes) -> dict[str, Any]:
    """What a leaf says.  Raises InvalidInput for bytes that are no event of this format."""
    try:
        said = json.loads(data)
        if said["event"] in EVENTS and said["v"] == FORMAT and {*Held._fields, "binding"} - {*_LATER} <= said.keys():
            return dict(said)
    except (ValueError, KeyError, TypeError):
        pass
    raise InvalidInput("ces octets ne sont pas un événement du journal de transparence")


def held_after(said: dict[str, Any]) -> Held | None:
    """What a binding is once this event has taken place; None when there is none any more."""
    if said["event"] == WITHDRAW:
        return None
    # JSON has no tuples.
    return Held._make(tuple(v) if isinstance(v := said.get(name), list) else v for name in Held._fields)
