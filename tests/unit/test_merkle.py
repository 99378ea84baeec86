"""The Merkle tree against the reference vectors of Certificate Transparency (its eight test leaves, whose roots are in
the tests of every CT library) and RFC 9162 2.1.5."""

from __future__ import annotations

import pytest

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

LEAVES = [
    bytes.fromhex(leaf)
    for leaf in ("", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f")
]
ROOTS = (
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
)
# Leaf (from 1), size, audit path.
PATHS = (
    (1, 8, "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7 "
           "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e "
           "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4"),
    (6, 8, "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b "
           "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0 "
           "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7"),
    (3, 3, "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"),
    (2, 5, "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d "
           "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e "
           "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b"),
)  # fmt: skip
# Old size, new size, proof.
PROOFS = (
    (1, 1, ""),
    (1, 8, "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7 "
           "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e "
           "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4"),
    (6, 8, "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a "
           "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0 "
           "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7"),
    (2, 5, "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e "
           "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b"),
)  # fmt: skip


def hashes(text: str) -> list[bytes]:
    return [bytes.fromhex(part) for part in text.split()]


@pytest.fixture(scope="module")
def nodes() -> dict[Position, bytes]:
    leaves = [leaf_hash(leaf) for leaf in LEAVES]
    above, _ = grow(0, [], leaves)
    return {**{Position(0, n): h for n, h in enumerate(leaves)}, **dict(above)}


@pytest.mark.parametrize("size", range(9))
def test_the_roots_are_those_of_the_reference_tests(size: int) -> None:
    _, peaks = grow(0, [], map(leaf_hash, LEAVES[:size]))
    assert fold(peaks).hex() == ROOTS[size]


@pytest.mark.parametrize(("leaf", "size", "path"), PATHS)
def test_audit_paths_are_those_of_the_reference_tests(nodes, leaf: int, size: int, path: str) -> None:
    found = proof(inclusion_needs(leaf - 1, size), nodes.__getitem__)
    assert found == hashes(path)
    own = nodes[Position(0, leaf - 1)]
    assert root_by_inclusion(own, leaf - 1, size, found) == bytes.fromhex(ROOTS[size])
    assert [root_by_inclusion(own, leaf - 1, size, other) for other in (found[:-1], [*found, EMPTY])] == [None, None]


@pytest.mark.parametrize(("old", "new", "path"), PROOFS)
def test_consistency_proofs_are_those_of_the_reference_tests(nodes, old: int, new: int, path: str) -> None:
    found = proof(consistency_needs(old, new), nodes.__getitem__)
    assert found == hashes(path)
    assert is_consistent(old, new, bytes.fromhex(ROOTS[old]), bytes.fromhex(ROOTS[new]), found)


def test_a_leaf_that_the_tree_has_not_is_proved_by_nothing() -> None:
    only = leaf_hash(LEAVES[0])
    assert root_by_inclusion(only, 0, 1, []) == bytes.fromhex(ROOTS[1])
    assert [root_by_inclusion(only, number, 1, []) for number in (-1, 1, 2)] == [None] * 3


def test_the_empty_tree_is_the_beginning_of_any() -> None:
    assert is_consistent(0, 8, EMPTY, bytes.fromhex(ROOTS[8]), [])
    assert not is_consistent(0, 8, bytes.fromhex(ROOTS[1]), bytes.fromhex(ROOTS[8]), [])
    assert not is_consistent(0, 8, EMPTY, bytes.fromhex(ROOTS[8]), [EMPTY])
