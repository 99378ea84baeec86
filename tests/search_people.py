"""Small worlds of people drawn at random, for twins of the search: few words, which are names, towns, structures and
professions at once."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

from hypothesis import strategies as st
from index_world import write_index
from record_factories import (
    CARDIOLOGY,
    NURSE,
    ORDINAL,
    PHYSICIAN,
    SUFFIX,
    make_address,
    make_binding,
    make_organization,
    make_practitioner,
    make_role,
)

from directory_service.entries.entry import Entry
from directory_service.entries.people import practitioner_entry
from directory_service.index.directory import Directory
from directory_service.model.people import Expertise, Status
from directory_service.model.spelling import may_be

FAMILIES = ["MARTIN", "LYON", "LE MARTIN", "MARTINEZ", "SAINT MARTIN", "KINE", "D'OLY", "JEAN"]
GIVEN = ["JEAN", "JEAN-PIERRE", "MARTIN", "ROBERT", "ANNE", ""]
TOWNS = [("LYON", "69003", "69"), ("ST MARTIN", "42000", "42"), ("MARTIN", "76000", "76"), ("PARIS 3", "75003", "75")]
NAMES = ["CHU DE LYON", "CABINET MARTIN", "CENTRE HOSPITALIER DE SAINT MARTIN"]


@st.composite
def people(draw: st.DrawFn, families: Sequence[str] = FAMILIES, names: Sequence[str] = NAMES) -> Entry:
    pk = draw(st.integers(1, 10_000))
    town, postcode, department = draw(st.sampled_from(TOWNS))
    place = make_address(city=town, postcode=postcode, department=(department, department))
    workplace = make_organization(pk, name=draw(st.sampled_from(names)), address=place)
    nurse = draw(st.booleans())
    person = make_practitioner(
        pk,
        family_name=draw(st.sampled_from(families)),
        given_names=draw(st.sampled_from(GIVEN)),
        profession=NURSE if nurse else PHYSICIAN,
        expertises=[] if nurse else [Expertise("10", ORDINAL, CARDIOLOGY)],
        roles=[make_role(workplace, profession=NURSE if nurse else PHYSICIAN)],
        status=draw(st.sampled_from(list(Status))),
    )
    boxes = [make_binding(pk, f"a{pk}@med.fr", practitioner=person, unlisted=draw(st.booleans()))]
    return practitioner_entry(person, boxes if draw(st.booleans()) else [], SUFFIX)


def worlds(person: st.SearchStrategy[Entry]) -> st.SearchStrategy[list[Entry]]:
    return st.lists(person, min_size=1, max_size=25, unique_by=lambda entry: entry.id & 0xFFFFFFFF)


WORLDS = worlds(people())


def near_in(world: Iterable[Entry]) -> Callable[[str], list[str]]:
    """What ``index.spelled`` tells of an index of this world."""
    words = {token[1:] for entry in world for token in entry.tags.split() if token[0] in "12yj"}
    return lambda typed: [word for word in words if word != typed and may_be(typed, word)]


@contextmanager
def index_of(world: list[Entry]) -> Iterator[Directory]:
    with tempfile.TemporaryDirectory() as folder, closing(Directory(write_index(Path(folder), world), SUFFIX)) as found:
        yield found
