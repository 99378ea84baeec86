"""The Merkle tree of the transparency log (RFC 6962 2.1, RFC 9162 2.1): roots, proofs, and what checks them.  PURE.

A tree of ``size`` leaves is told by its nodes: ``Position(level, number)`` is the root of the complete subtree over the
leaves ``number << level`` to ``(number + 1) << level``, level 0 the leaves themselves.  Only complete subtrees are
kept, since they never change; what is incomplete is folded from them when asked, out of a logarithmic number.
Hashes are 32 octets.  The functions that need nodes take ``get``, a look-up of those that ``…_needs`` names.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from hashlib import sha256
from typing import Final, NamedTuple

EMPTY: Final = sha256().digest()  # root of the tree without leaves
Span = tuple[int, int]  # leaves first <= number < after


class Position(NamedTuple):
    level: int
    number: int


Get = Callable[[Position], bytes]


def leaf_hash(data: bytes) -> bytes:
    return sha256(b"\0" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    return sha256(b"\1" + left + right).digest()


def positions(span: Span) -> Iterator[Position]:
    """The complete subtrees that cover a span, from the left.  A span begins where a tree of its size may."""
    first, after = span
    while first < after:
        level = (after - first).bit_length() - 1
        yield Position(level, first >> level)
        first += 1 << level


def hash_of(span: Span, get: Get) -> bytes:
    """The root of the tree over a span of leaves."""
    found = [get(position) for position in positions(span)]
    if not found:
        return EMPTY
    root = found.pop()
    while found:
        root = node_hash(found.pop(), root)
    return root


def grow(
    size: int, peaks: Sequence[bytes], leaves: Iterable[bytes]
) -> tuple[list[tuple[Position, bytes]], list[bytes]]:
    """Adds leaf hashes to a tree of ``size`` leaves whose complete subtrees (``positions((0, size))``) hash to
    ``peaks``.  Gives the nodes above the leaves that became complete, in the order they did, and the new peaks."""
    nodes: list[tuple[Position, bytes]] = []
    held = list(peaks)
    for number, found in enumerate(leaves, size):
        level = 0
        while number >> level & 1:
            found = node_hash(held.pop(), found)
            level += 1
            nodes.append((Position(level, number >> level), found))
        held.append(found)
    return nodes, held


def fold(peaks: Sequence[bytes]) -> bytes:
    """The root that these peaks make."""
    rest = list(peaks)
    root = rest.pop() if rest else EMPTY
    while rest:
        root = node_hash(rest.pop(), root)
    return root


def _split(first: int, after: int) -> int:
    """Where the left subtree ends: at the largest power of two smaller than the number of leaves."""
    return first + (1 << ((after - first - 1).bit_length() - 1))


def inclusion_needs(leaf: int, size: int) -> list[Span]:
    """The spans whose hashes are the audit path of a leaf, bottom first (RFC 9162 2.1.3.1); ``leaf < size``."""
    path: list[Span] = []
    first, after = 0, size
    while after - first > 1:
        middle = _split(first, after)
        if leaf < middle:
            path.append((middle, after))
            after = middle
        else:
            path.append((first, middle))
            first = middle
    return path[::-1]


def consistency_needs(old: int, new: int) -> list[Span]:
    """The spans whose hashes prove that the tree of ``old`` leaves is the beginning of that of ``new``
    (RFC 9162 2.1.4.1); none where one is empty or both are the same."""
    if not 0 < old < new:
        return []
    path: list[Span] = []
    first, after, whole = 0, new, True
    while old != after:
        middle = _split(first, after)
        if old <= middle:
            path.append((middle, after))
            after = middle
        else:
            path.append((first, middle))
            first, whole = middle, False
    return ([] if whole else [(first, after)]) + path[::-1]


def nodes_of(spans: Iterable[Span]) -> list[Position]:
    """Every node that the hashes of these spans are made of."""
    return [position for span in spans for position in positions(span)]


def proof(spans: Sequence[Span], get: Get) -> list[bytes]:
    return [hash_of(span, get) for span in spans]


def root_by_inclusion(leaf: bytes, number: int, size: int, path: Sequence[bytes]) -> bytes | None:
    """The root that an audit path leads to from a leaf's hash; None where the path is not of that leaf and size
    (RFC 9162 2.1.3.2)."""
    if not 0 <= number < size:
        return None
    fn, sn, root = number, size - 1, leaf
    for sibling in path:
        if sn == 0:
            return None
        if fn & 1 or fn == sn:
            root = node_hash(sibling, root)
            while not fn & 1 and fn:
                fn, sn = fn >> 1, sn >> 1
        else:
            root = node_hash(root, sibling)
        fn, sn = fn >> 1, sn >> 1
    return root if sn == 0 else None


def is_consistent(old: int, new: int, old_root: bytes, new_root: bytes, path: Sequence[bytes]) -> bool:
    """Whether a proof shows that the older tree is the beginning of the newer one (RFC 9162 2.1.4.2)."""
    if old == new:
        return old_root == new_root and not path
    if old == 0:
        return old_root == EMPTY and not path
    if not 0 < old < new or not path:
        return False
    steps = list(path) if old & (old - 1) else [old_root, *path]
    fn, sn = old - 1, new - 1
    while fn & 1:
        fn, sn = fn >> 1, sn >> 1
    one = other = steps[0]
    for step in steps[1:]:
        if sn == 0:
            return False
        if fn & 1 or fn == sn:
            one, other = node_hash(step, one), node_hash(step, other)
            while not fn & 1 and fn:
                fn, sn = fn >> 1, sn >> 1
        else:
            other = node_hash(other, step)
        fn, sn = fn >> 1, sn >> 1
    return sn == 0 and (one, other) == (old_root, new_root)
