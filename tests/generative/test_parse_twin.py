"""Extract parsing, the second hot path of house.md §3, beside a slow and obvious reading of the same rows: nothing
remembered, each row by the captions of its header, structures and codes by what they are instead of by number."""

from __future__ import annotations

from typing import Any, NamedTuple

import factories as f
from hypothesis import given
from hypothesis import strategies as st

from directory_service.model.identifiers import is_adeli, is_rpps
from importers.readers import PeopleReader
from importers.rows import NAMELESS, NO_PLACE, Match, Place, PlaceNumbers, Problems, derived_key
from importers.rpps.layout import ACTIVITY
from importers.rpps.parse import PersonParser
from importers.sample.headers import PERSON_HEADER

CAPTIONS = PERSON_HEADER.split("|")
SOURCES = {b"8": "rpps.activity", b"0": "adeli.activity"}
IDENTITY = ("title_code", "civility_code", "family_name", "given_names", "profession_code", "category_code")
CODES = ("profession_code", "category_code", "mode_code", "sector_code", "section_code", "role_code", "kind_code")
PRACTISES = ("mode_code", "sector_code", "section_code", "role_code", "kind_code")

# Few values, so that rows share structures, codes and names, or nearly do.
VALUES = {
    "national_id": ("", "right", "8wrong"), "family_name": ("ESSAI", "LE GOFF", "LE\x0bGOFF", " ", "\x04"),
    "given_names": ("Zoé", ""),
    "title_code": ("", "DR"), "profession_code": ("10", "60"), "category_code": ("C", ""),
    "expertise_code": ("", "SM04", "SM26"), "expertise_type_code": ("", "S"), "mode_code": ("", "S", "L"),
    "sector_code": ("", "SA01"), "role_code": ("", "FON-01"), "authority": ("", "Ordre"),
    "technical_id": ("", "R1", "F" + f.finess(1)), "finess": ("", f.finess(1)), "name": ("", "HOPITAL"),
    "city": ("", "Paris"), "street_type": ("", "Rue"), "street_type_code": ("", "R"),
}  # fmt: skip
ROW = st.fixed_dictionaries({name: st.sampled_from(values) for name, values in VALUES.items()})
ENDS = st.sampled_from(["\n", "\r\n", "|\n", "|too|much\n"])
NUMBERS = st.sampled_from([f.rpps(1), f.rpps(2), f.adeli(1), "10800000000", "123"])  # the last two are none
PEOPLE = st.lists(st.tuples(NUMBERS, st.lists(st.tuples(ROW, ENDS), min_size=1, max_size=5)), min_size=1, max_size=6)


class Read(NamedTuple):
    """What the rows of one person say; ``activities`` are (key of the structure, codes)."""

    line: int
    identity: tuple[str, ...]
    activities: list[tuple[str, tuple[str, ...]]]
    expertises: list[tuple[str, ...]]


def written(match: Match, number: str, row: dict[str, str], end: str) -> bytes:
    kind = "8" if len(number) == 11 else "0"
    told = {**row, "id_type": kind, "id": number}
    told["national_id"] = {"right": kind + number}.get(row["national_id"], row["national_id"])
    values = [""] * match.width
    for name, value in told.items():
        values[match.columns[name]] = value
    return ("|".join(values) + end).encode()


def slow(match: Match, rows: list[tuple[int, bytes]]) -> tuple[Read | None, set[int]]:
    """What they say, and the lines set aside."""
    aside, good, line = set[int](), list[tuple[int, dict[str, str]]](), 0
    for number, raw in rows:
        values = raw.decode().rstrip("\r\n").split("|")
        values = ["".join(" " if c < " " else c for c in value) if value.strip("\x04") else "" for value in values]
        told = {name: values[at] for name, at in match.columns.items()} if len(values) == match.width else {}
        line = line or (number if told else 0)  # the first one that could be read, whoever it names
        if told and told["family_name"].strip() and _is_sound(told):
            good.append((number, told))
        else:
            aside.add(number)
    if not good:
        return None, aside
    first = good[0][1]
    activities = [_activity(told) for _, told in good]
    expertises = [tuple(told[n] for n in ("profession_code", "expertise_type_code", "expertise_code"))
                  for _, told in good if told["expertise_code"]]  # fmt: skip
    practised = [found for told, found in zip(good, activities, strict=True) if found[0] or _practises(told[1])]
    identity = tuple(first[name] for name in IDENTITY)
    return Read(line, identity, list(dict.fromkeys(practised)), list(dict.fromkeys(expertises))), aside


def _is_sound(told: dict[str, str]) -> bool:
    sound = {"8": is_rpps, "0": is_adeli}[told["id_type"]](told["id"])
    return sound and told["national_id"] in ("", told["id_type"] + told["id"])


def _practises(told: dict[str, str]) -> bool:
    return any(told[name] for name in PRACTISES)


def _activity(told: dict[str, str]) -> tuple[str, tuple[str, ...]]:
    place = tuple(told.get(name, "") for name in Place._fields)
    named = any(place[:-1])  # the sector alone names no structure
    key = (told["technical_id"] or derived_key(place) or "nameless") if named else ""
    return key, tuple(told[name] for name in (*CODES, "authority"))


def fast(match: Match, people: list[list[tuple[int, bytes]]]) -> tuple[list[Read | None], list[set[int]]]:
    """The same by the reader that imports use, its numbers looked up."""
    problems = Problems("|")
    reader = PeopleReader(PersonParser(match, problems), match, "|", problems, SOURCES)
    found: list[Read | None] = []
    aside: list[set[int]] = []
    for rows in people:
        before = len(problems.rejected)
        said: Any = reader.read(rows[0][1].split(b"|")[0], 1, rows)
        aside.append({r.line for r in problems.rejected[before:]})
        if said is None:
            found.append(None)
            continue
        _, _, line, identity, _, situations, expertises = said
        pairs = list(zip(situations[::2], situations[1::2], strict=True))
        activities = [(_key(reader.news.places, place), reader.news.codes[codes]) for place, codes in pairs]
        found.append(Read(line, identity, activities, [reader.news.codes[n] for n in expertises]))
    return found, aside


def _key(places: list[tuple[Any, ...]], number: int) -> str:
    first = PlaceNumbers().next
    return {NO_PLACE: "", NAMELESS: "nameless"}.get(number) or (places[number - first][2] if number >= first else "")


@given(PEOPLE)
def test_people_are_read_as_an_obvious_reader_reads_them(
    people: list[tuple[str, list[tuple[dict[str, str], str]]]],
) -> None:
    match, line = ACTIVITY.match(CAPTIONS), 1
    files: list[list[tuple[int, bytes]]] = []
    for number, rows in people:
        files.append([(line := line + 1, written(match, number, row, end)) for row, end in rows])
    read, aside = fast(match, files)
    for rows, found, lines in zip(files, read, aside, strict=True):
        assert (found, lines) == slow(match, rows)
