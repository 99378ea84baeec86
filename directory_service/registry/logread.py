"""The transparency log, read: heads, proofs, leaves.  A proof takes one look-up of some fifty nodes whatever the size.

Callers are inside ``engine.reading``, but for ``is_signed``.  Nothing here writes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection, func, inspect, select

from directory_service.errors import InvalidInput, NotFound
from directory_service.model.merkle import (
    Position,
    Span,
    consistency_needs,
    fold,
    inclusion_needs,
    nodes_of,
    positions,
    proof,
)
from directory_service.registry.engine import asking, file_of, open_registry
from directory_service.registry.log import getter, last_head_size, log_size
from directory_service.registry.tables import binding, log_head, log_leaf, mailbox

_OF_KEY: Final = 100  # characters of a JWS: 75 octets of its header, which says {"alg":"ES256","kid":"43 characters"


@dataclass(frozen=True, slots=True)
class Head:
    """A signed tree head.  ``root`` is hexadecimal, ``jws`` compact."""

    size: int
    root: str
    at: str
    jws: str


@dataclass(frozen=True, slots=True)
class Leaf:
    """``data`` are the bytes that were hashed; ``address`` is the mailbox's today, None once it is there no more;
    ``unlisted``: whether that is, or the binding that the leaf speaks of ended so; None where nothing says."""

    number: int
    hash: bytes
    data: bytes
    address: str | None
    unlisted: bool | None


def read_head(connection: Connection, size: int | None = None) -> Head:
    """The head of that size, the last one by default.  Raises NotFound."""
    query = select(log_head).order_by(log_head.c.size.desc()).limit(1)
    row = connection.execute(query if size is None else query.where(log_head.c.size == size)).first()
    if row is None:
        raise NotFound("aucune tête signée pour l'instant" if size is None else "aucune tête signée n'a cette taille")
    return Head(*row)


class Signed(NamedTuple):
    """What one key signed: how many heads, the instant of the last, and the JWS of that one."""

    heads: int
    until: str
    jws: str


def read_signed(connection: Connection) -> list[Signed]:
    """By key, told by the beginning of the header that every JWS of one key has."""
    head, key = log_head.c, func.substr(log_head.c.jws, 1, _OF_KEY)
    each = select(func.count().label("heads"), func.max(head.size).label("size")).group_by(key).subquery()
    query = select(each.c.heads, head.at, head.jws).join(each, head.size == each.c.size).order_by(head.size)
    return [Signed(*row) for row in connection.execute(query)]


def is_signed(url: str) -> bool:
    """Whether the registry of this URL, which may not be there yet, holds signed heads.  Raises RegistryUnavailable
    where it does not answer."""
    path = file_of(open_registry(url))
    if path is not None and not path.exists():
        return False
    with asking(url) as connection:
        return inspect(connection).has_table(log_head.name) and last_head_size(connection) > 0


def read_inclusion(connection: Connection, leaf: int, size: int) -> tuple[bytes, list[bytes], bytes]:
    """Hash of the leaf, its audit path, root of the tree of that size.  Raises InvalidInput."""
    _within(connection, "leaf", leaf, size)
    return _proof(connection, inclusion_needs(leaf, size), leaf, size)


def read_consistency(connection: Connection, old: int, new: int) -> tuple[bytes, list[bytes], bytes]:
    """Root of the older tree, proof, root of the newer one.  Raises InvalidInput."""
    if not 0 < old <= new:
        raise InvalidInput("un nombre de 1 à `to` est attendu", where="paramètre from")
    _within(connection, "to", 0, new)
    spans = consistency_needs(old, new)
    get = getter(connection, [*positions((0, old)), *positions((0, new)), *nodes_of(spans)])
    old_root, new_root = (fold([get(p) for p in positions((0, size))]) for size in (old, new))
    return old_root, proof(spans, get), new_root


def _within(connection: Connection, name: str, leaf: int, size: int) -> None:
    if not size <= log_size(connection):
        raise InvalidInput(
            "le journal n'est pas si grand", where="paramètre size" if name == "leaf" else "paramètre to"
        )
    if not 0 <= leaf < size:
        raise InvalidInput("une feuille de cet arbre est attendue", where=f"paramètre {name}")


def _proof(connection: Connection, spans: Sequence[Span], leaf: int, size: int) -> tuple[bytes, list[bytes], bytes]:
    own = Position(0, leaf)
    get = getter(connection, [own, *positions((0, size)), *nodes_of(spans)])
    return get(own), proof(spans, get), fold([get(p) for p in positions((0, size))])


def read_leaves(connection: Connection, start: int, count: int) -> list[Leaf]:
    """At most ``count`` leaves from number ``start`` on."""
    leaf, box, held = log_leaf.c, mailbox.c, binding.c
    columns: Any = (leaf.number, leaf.hash, leaf.data, box.address, box.unlisted, held.unlisted, held.until)
    same: Any = (held.id == leaf.binding_id) & (held.mailbox_id == leaf.mailbox_id)
    tables = log_leaf.outerjoin(mailbox, box.id == leaf.mailbox_id).outerjoin(binding, same)
    query = select(*columns).select_from(tables).where(leaf.number >= start, leaf.number < start + count)
    return [
        _leaf(number, bytes(digest), bytes(data), address, of_box, bool(ended and until) if ended is not None else None)
        for number, digest, data, address, of_box, ended, until in connection.execute(query.order_by(leaf.number))
    ]


_SAID = {True: b'"unlisted":true', False: b'"unlisted":false'}  # as ``model.events`` writes it; texts escape quotes


def _leaf(number: int, digest: bytes, data: bytes, address: str | None, box: bool | None, held: bool | None) -> Leaf:
    """``box``: whether the mailbox is unlisted; ``held``: whether the binding ended so; None of what is no more."""
    said = next((word for word, text in _SAID.items() if text in data), held)  # leaves of before it was logged do not
    unlisted = True if True in (box, held, said) else None if box is None or said is None else False
    return Leaf(number, digest, data, address, unlisted)
