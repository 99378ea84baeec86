"""The targets of ``make fuzz`` hold over their seeds, and over what fuzzing once broke: no atheris needed."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from fuzz.__main__ import NAMES
from fuzz.seeds import dictionary, seeds
from fuzz.targets import TARGETS, close

# target, input.  Add here what `make fuzz` leaves as `.fuzz/crash-…`, with the fault it was.
BROKE = [
    pytest.param(
        "session",
        bytes.fromhex("a1300c020101770780053100002e322e01017707800533"),
        id="the same fault, in pieces, was told with another offset",
    ),
    pytest.param("schema", b"attributetype ( 1.2 SYNTAX 1.3{2A} )", id="a bound that is no number: ValueError"),
    pytest.param("schema", b"( 1.2.3 MUST cn )", id="a keyword of the other kind: TypeError"),
]


@pytest.fixture(scope="module", autouse=True)
def _closed() -> Iterator[None]:
    yield
    close()


def test_what_make_fuzz_goes_through_is_every_target() -> None:
    """It may not read them before they are instrumented, and has a list of its own."""
    assert tuple(TARGETS) == NAMES


@pytest.mark.parametrize("target", TARGETS)
def test_a_target_takes_its_seeds_cut_anywhere(target: str) -> None:
    found = seeds(target)
    assert len(found) > 5
    for data in found:
        TARGETS[target](data)
        TARGETS[target](data[: len(data) * 2 // 3])


@pytest.mark.parametrize(("target", "data"), BROKE)
def test_what_fuzzing_broke_stays_mended(target: str, data: bytes) -> None:
    TARGETS[target](data)


def test_the_dictionary_is_one_word_a_line() -> None:
    assert all(line.startswith('"\\x') and line.endswith('"') for line in dictionary().splitlines())
