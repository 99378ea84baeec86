"""The tree that grows by nodes against the one that RFC 9162 2.1 defines by recursion; no proof of anything else."""

from __future__ import annotations

from hashlib import sha256

from hypothesis import given, settings
from hypothesis import strategies as st

from directory_service.model.merkle import (
    EMPTY,
    Position,
    consistency_needs,
    fold,
    grow,
    inclusion_needs,
    is_consistent,
    leaf_hash,
    proof,
    root_by_inclusion,
)

LEAVES = st.lists(st.binary(max_size=3), min_size=1, max_size=70)


def split(leaves: list[bytes]) -> int:
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    return k


def root(leaves: list[bytes]) -> bytes:
    if not leaves:
        return EMPTY
    if len(leaves) == 1:
        return sha256(b"\0" + leaves[0]).digest()
    k = split(leaves)
    return sha256(b"\1" + root(leaves[:k]) + root(leaves[k:])).digest()


def path(m: int, leaves: list[bytes]) -> list[bytes]:
    if len(leaves) == 1:
        return []
    k = split(leaves)
    if m < k:
        return [*path(m, leaves[:k]), root(leaves[k:])]
    return [*path(m - k, leaves[k:]), root(leaves[:k])]


def subproof(m: int, leaves: list[bytes], whole: bool = True) -> list[bytes]:
    if m == len(leaves):
        return [] if whole else [root(leaves)]
    k = split(leaves)
    if m <= k:
        return [*subproof(m, leaves[:k], whole), root(leaves[k:])]
    return [*subproof(m - k, leaves[k:], False), root(leaves[:k])]


def tree(leaves: list[bytes], cut: int) -> tuple[dict[Position, bytes], list[bytes]]:
    """Grown in two steps, as by two runs."""
    hashes = [leaf_hash(leaf) for leaf in leaves]
    first, peaks = grow(0, [], hashes[:cut])
    second, peaks = grow(cut, peaks, hashes[cut:])
    return {Position(0, n): h for n, h in enumerate(hashes)} | dict(first) | dict(second), peaks


@settings(deadline=None)
@given(LEAVES, st.data())
def test_the_tree_and_its_proofs_are_those_of_the_definition(leaves, data) -> None:
    nodes, peaks = tree(leaves, data.draw(st.integers(0, len(leaves))))
    size = data.draw(st.integers(1, len(leaves)))
    leaf, old = data.draw(st.integers(0, size - 1)), data.draw(st.integers(1, size))
    assert fold(peaks) == root(leaves)
    included = proof(inclusion_needs(leaf, size), nodes.__getitem__)
    assert included == path(leaf, leaves[:size])
    assert root_by_inclusion(leaf_hash(leaves[leaf]), leaf, size, included) == root(leaves[:size])
    consistent = proof(consistency_needs(old, size), nodes.__getitem__)
    assert consistent == subproof(old, leaves[:size])
    assert is_consistent(old, size, root(leaves[:old]), root(leaves[:size]), consistent)


@settings(deadline=None)
@given(LEAVES, st.data())
def test_a_rewritten_leaf_has_no_proof(leaves, data) -> None:
    size = len(leaves)
    nodes, _ = tree(leaves, 0)
    old, changed = data.draw(st.integers(1, size)), data.draw(st.integers(0, size - 1))
    rewritten = [*leaves[:changed], leaves[changed] + b"!", *leaves[changed + 1 :]]
    included = proof(inclusion_needs(changed, size), nodes.__getitem__)
    assert root_by_inclusion(leaf_hash(rewritten[changed]), changed, size, included) != root(leaves)
    if changed < old:
        forged, _ = tree(rewritten, 0)
        consistent = proof(consistency_needs(old, size), forged.__getitem__)
        assert not is_consistent(old, size, root(leaves[:old]), root(rewritten), consistent)


@settings(deadline=None)
@given(LEAVES, st.data(), st.lists(st.binary(min_size=32, max_size=32), max_size=8))
def test_any_other_path_is_refused_without_a_fault(leaves, data, strange) -> None:
    nodes, _ = tree(leaves, 0)
    size, number = data.draw(st.integers(0, 80)), data.draw(st.integers(0, 80))
    assert root_by_inclusion(nodes[Position(0, 0)], number, size, strange) != root(leaves) or (number, size) == (0, 1)
    assert not is_consistent(number, size, root(leaves), EMPTY, strange)
