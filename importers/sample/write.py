"""Writes the extracts of a made-up country: the one place of this package that touches files and processes.

The country is made once as columns of numbers; slices of it are then told in parallel and written in order, so that
memory holds the columns and a few slices of text, whatever the size.
"""

from __future__ import annotations

import multiprocessing
import os
import zipfile
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, fields
from datetime import date, timedelta
from pathlib import Path
from typing import BinaryIO

import numpy as np

from directory_service.errors import InvalidInput
from importers.cat18.columns import CAT18_COLUMNS
from importers.progress import Progress, silent
from importers.sample.country import LAST_DAY, MOST_PEOPLE, make_country
from importers.sample.defects import spoil
from importers.sample.headers import (
    DIPLOMA_HEADER,
    EXPERTISE_HEADER,
    MAILBOX_HEADER,
    OLD_ACTIVITY_COLUMNS,
    PERSON_HEADER,
)
from importers.sample.rows import Lines, RowWriter
from importers.sample.trust import FOLDER, LIST, write_trust

# Who is who, one person a line; lists are joined by commas, nothing is quoted.
#   adeli: last number first; national_ids: every idNat_PS; birth_name: what older files may call her
#   status: active, vanished (left the RPPS), adeli-only, mailbox-only (in no registry)
#   faces: files that speak of her today, among rpps, adeli, cat18, mssante
#   link, what ties the ADELI number to the RPPS one: table (link table), same-structure (name, profession and
#   structure or former id), shared-mailbox (the address stands under ADELI in CAT18, under RPPS in MSSanté), hidden
#   (name and profession at best), missing (its line of the link table was left out), adeli-only (nothing yet)
TRUTH_HEADER = (
    "person;rpps;adeli;national_ids;family;given;birth_name;civility;profession;status;faces;link;addresses;"
    "closed_addresses;arrived_day"
)
BASE = date(2026, 8, 25)  # of day 0: when the real mailbox extract was measured
LAST_SEED = 2**32 - 1  # larger ones are past 64 bits once multiplied
_SLICE = 20_000  # people: 10 MB of text
_PARALLEL_FROM = 60_000  # people; below, starting processes costs more than it saves

_NAMES = {
    "activity": "PS_LibreAcces_Personne_activite_{stamp}.txt",
    "diploma": "PS_LibreAcces_Dipl_AutExerc_{stamp}.txt",
    "expertise": "PS_LibreAcces_SavoirFaire_{stamp}.txt",
    "mailbox": "Extraction_Correspondance_MSSante_{stamp}.txt",
    "adeli": "PS_LibreAcces_Personne_activite_ADELI_{stamp}.txt",
    "cat18": "ExtractionMonoTable_CAT18_ToutePopulation_201806010606.csv",
    "links": "Correspondance_ADELI_RPPS_{stamp}.csv",
    "truth": "truth.csv",
}
_HEADERS = {
    "activity": PERSON_HEADER,
    "diploma": DIPLOMA_HEADER,
    "expertise": EXPERTISE_HEADER,
    "mailbox": MAILBOX_HEADER,
    "adeli": "|".join(PERSON_HEADER.split("|")[:OLD_ACTIVITY_COLUMNS]),
    "cat18": ";".join(f'"{caption}"' for _, caption in CAT18_COLUMNS),
    "links": "N° ADELI;N° RPPS",
    "truth": TRUTH_HEADER,
}
_ENCODINGS = {"links": "iso-8859-1"}
_ZIPS = {
    "PS_LibreAcces_{stamp}.zip": ("activity", "diploma", "expertise"),
    "Extraction_Correspondance_MSSante_{stamp}.zip": ("mailbox",),
}


@dataclass(frozen=True, slots=True)
class SampleSummary:
    """What was written.  ``rows``: file name ► rows, headers not counted."""

    folder: Path
    people: int
    day: int
    stamp: str
    rows: dict[str, int]
    defects: int


@dataclass(frozen=True, slots=True)
class _Told:
    """One slice: bytes, rows and defects of each file."""

    data: dict[str, bytes]
    rows: dict[str, int]
    defects: dict[str, list[tuple[int, str]]]


class _Teller:
    """Tells one slice; copied into each process by ``fork``, so that nothing big is ever sent there."""

    def __init__(self, writer: RowWriter, people: int, seed: int, day: int, rate: float) -> None:
        self._writer, self._people, self._rate = writer, people, rate
        self._seed = (seed, day)

    def slices(self) -> list[tuple[int, int]]:
        return [(a, min(a + _SLICE, self._people)) for a in range(0, self._people, _SLICE)] or [(0, 0)]

    def tell(self, bounds: tuple[int, int]) -> _Told:
        lines = self._writer.lines(*bounds)
        if bounds[1] == self._people:
            lines.mailbox.extend(self._writer.organization_lines())
        data, rows, defects = {}, {}, {}
        for rank, name in enumerate(f.name for f in fields(Lines)):
            rng = np.random.default_rng([*self._seed, 99, rank, bounds[0]])
            told, defects[name] = spoil(name, getattr(lines, name), self._rate, rng)
            rows[name] = len(told)
            data[name] = ("\n".join(told) + "\n").encode(_ENCODINGS.get(name, "utf-8")) if told else b""
        return _Told(data, rows, defects)


_teller: _Teller | None = None  # set just before the processes part; read by them only


def _tell(bounds: tuple[int, int]) -> _Told:
    assert _teller is not None
    return _teller.tell(bounds)


def write_sample(
    folder: Path, *, people: int = 5000, seed: int = 1, day: int = 0, defects: float = 0.0, as_zip: bool = False,
    variants: float = 0.0, base: date = BASE, processes: int | None = None, progress: Progress = silent,
) -> SampleSummary:  # fmt: skip
    """Writes every extract of ``day`` into ``folder`` (made if need be), with ``truth.csv`` and, when there are
    ``defects`` (a rate between 0 and 1), ``defects.csv``: file, line (the header is line 1), kind.  The white list and
    its anchor are in ``confiance`` below it, where the import of the folder does not look.

    ``variants``: share of the people of the ADELI file whom it tells of otherwise, for each of: family name, given
    names, place of work, line in the link table (``importers.sample.variants``).
    ``people``: persons on day 0 (1,700,000 gives the national volumes).  ``base``: date of day 0, in file names only.
    ``processes``: 0 stays in this one; the bytes are the same.

    Raises InvalidInput past ``MOST_PEOPLE``, ``LAST_SEED`` or ``LAST_DAY``: numbers would come twice.
    """
    for what, value, most in (("people", people, MOST_PEOPLE), ("seed", seed, LAST_SEED), ("day", day, LAST_DAY)):
        if not 0 <= value <= most:
            raise InvalidInput(f"un nombre de 0 à {most} est attendu", where=f"--{what}")
    folder.mkdir(parents=True, exist_ok=True)
    stamp = f"{base + timedelta(days=day):%Y%m%d}0606"
    paths = {name: folder / pattern.format(stamp=stamp) for name, pattern in _NAMES.items()}
    progress("Population", 0, people)
    country = make_country(people, seed, day)
    total = len(country.people.ids)
    teller = _Teller(RowWriter(country, variants), total, seed, day, defects)
    rows, found = _write_files(paths, teller, _workers(people, processes), total, progress)
    if defects > 0:
        _write_defects(folder / "defects.csv", found)
    names = {path.name: rows[name] for name, path in paths.items()}
    names[f"{FOLDER}/{LIST}"] = write_trust(folder, country, base + timedelta(days=day))
    if as_zip:
        _zip(folder, paths, stamp)
    return SampleSummary(folder, total, day, stamp, names, len(found))


def _workers(people: int, processes: int | None) -> int:
    if processes is not None:
        return processes
    return min(4, os.cpu_count() or 1) if people >= _PARALLEL_FROM else 0


def _write_files(
    paths: dict[str, Path], teller: _Teller, processes: int, total: int, progress: Progress
) -> tuple[dict[str, int], list[tuple[str, int, str]]]:
    rows, found, done = dict.fromkeys(paths, 0), [], 0
    with ExitStack() as stack:
        files: dict[str, BinaryIO] = {n: stack.enter_context(p.open("wb")) for n, p in paths.items()}
        for name, file in files.items():
            file.write(f"{_HEADERS[name]}\n".encode(_ENCODINGS.get(name, "utf-8")))
        for (start, stop), told in zip(teller.slices(), _told(teller, processes), strict=True):
            for name, data in told.data.items():
                found += [(paths[name].name, rows[name] + index + 2, kind) for index, kind in told.defects[name]]
                files[name].write(data)
                rows[name] += told.rows[name]
            done += stop - start
            progress("Écriture des extractions", done, total)
    return rows, found


def _told(teller: _Teller, processes: int) -> Iterator[_Told]:
    """Every slice in order, told here or by so many processes."""
    global _teller
    if processes < 1:
        yield from map(teller.tell, teller.slices())
        return
    _teller = teller
    try:
        with multiprocessing.get_context("fork").Pool(processes) as pool:
            yield from pool.imap(_tell, teller.slices())
            pool.close()
            pool.join()
    finally:
        _teller = None


def _write_defects(path: Path, found: list[tuple[str, int, str]]) -> None:
    lines = [f"{file};{line};{kind}" for file, line, kind in sorted(found)]
    path.write_text("\n".join(["file;line;kind", *lines]) + "\n", encoding="utf-8")


def _zip(folder: Path, paths: dict[str, Path], stamp: str) -> None:
    """As published: one archive for the three RPPS texts, one for the mailboxes."""
    for pattern, names in _ZIPS.items():
        with zipfile.ZipFile(
            folder / pattern.format(stamp=stamp), "w", zipfile.ZIP_DEFLATED, compresslevel=6
        ) as archive:
            for name in names:
                archive.write(paths[name], paths[name].name)
                paths[name].unlink()
