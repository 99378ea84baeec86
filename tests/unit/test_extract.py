"""``lines.groups`` against an obvious reading of the same bytes."""

from __future__ import annotations

import csv
import io
from collections import defaultdict
from pathlib import Path

import factories as f
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from directory_service.errors import ImportRefused
from importers import extract, lines
from importers.check import check
from importers.sample.headers import DIPLOMA_HEADER

Groups = dict[bytes, list[tuple[int, bytes]]]

KEYS = st.sampled_from(["8|10000000017", "8|1", "0|1", "8|", "|", '"8|"2'])
TEXTS = st.text(st.characters(exclude_characters="\n\r\x1f", codec="utf-8"), max_size=5)
ROWS = st.lists(
    st.one_of(
        st.builds("{}|{}{}".format, KEYS, TEXTS, st.sampled_from(["", "\r"])),
        st.sampled_from(["", "8", "\r"]),  # too short to have a key
    ),
    min_size=1,
    max_size=30,
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("extracts")


def read(path: Path, *, grouped: bool) -> Groups:
    (file,), _ = extract.recognise(path)
    found: Groups = defaultdict(list)
    for key, rows in lines.groups(file, "utf-8", grouped):
        assert key not in found or key == b"", "each key once"
        found[key] += [(number, raw.rstrip(b"\r\n")) for number, raw in rows]
    return {key: sorted(rows) for key, rows in found.items()}


def slow_groups(text: str) -> Groups:
    """Columns 1 and 2 make the key; what has not both has none."""
    found: Groups = defaultdict(list)
    for number, line in enumerate(text.split("\n")[:-1], 1):
        values = line.split("|")
        if number > 1:
            key = values[0] + values[1] if len(values) > 1 else ""
            found[key.encode()].append((number, line.rstrip("\r").encode()))
    return dict(found)


@settings(deadline=None)  # files are written
@given(rows=ROWS)
def test_scattered_rows_come_together(folder: Path, rows: list[str]) -> None:
    text = "\n".join([DIPLOMA_HEADER, *rows]) + "\n"
    path = folder / "scattered.txt"
    path.write_bytes(text.encode())
    assert read(path, grouped=False) == slow_groups(text)


@settings(deadline=None)  # files are written
@given(rows=ROWS, short=st.sampled_from(["", "8"]), at=st.integers(0, 30))
def test_rows_that_stand_together_come_as_they_stand(folder: Path, rows: list[str], short: str, at: int) -> None:
    rows = sorted(rows, key=lambda row: "".join(row.rstrip("\r").split("|")[:2]))
    rows.insert(at, short)  # amid the rows of a record, it parts nothing
    last = "8|9" + "|" * (len(DIPLOMA_HEADER.split("|")) - 2)  # whole, or the file is refused
    text = "\n".join([DIPLOMA_HEADER, *rows, last]) + "\n"
    path = folder / "grouped.txt"
    path.write_bytes(text.encode())
    (file,), _ = extract.recognise(path)
    assert check(file).grouped
    assert read(path, grouped=True) == slow_groups(text)


@settings(deadline=None)  # files are written
@given(rows=st.lists(st.lists(st.text(st.characters(exclude_characters="\x00\r\x1f", codec="utf-8"), max_size=6),
                              min_size=2, max_size=2), min_size=1, max_size=20))  # fmt: skip
def test_quoted_values_are_those_of_the_csv_module(folder: Path, rows: list[list[str]]) -> None:
    out = io.StringIO(newline="")
    csv.writer(out, delimiter=";", quoting=csv.QUOTE_ALL, lineterminator="\n").writerows(rows)
    path = folder / "links.csv"
    path.write_bytes((f.LINK_HEADER + "\n" + out.getvalue()).encode())
    (file,), _ = extract.recognise(path)
    found = [raw.decode().split(extract.SEPARATOR) for _, raw in lines.rows(file, "utf-8")]
    assert found == [[value.replace("\n", " ") for value in row] for row in rows]


@pytest.mark.parametrize("row", [1, 2, 3, 4, 9])
def test_a_quote_never_closed_refuses_the_file_whichever_row_has_it(tmp_path: Path, row: int) -> None:
    """pandas passes over one in the first rows, and with it over all that follows: a file of nothing, accepted."""
    path = f.write_links(tmp_path / "links.csv", [(f.adeli(n), f.rpps(n)) for n in range(9)])
    text = path.read_bytes().split(b"\r\n")
    text[row] = b'"' + text[row]
    path.write_bytes(b"\r\n".join(text))
    (file,), _ = extract.recognise(path)
    with pytest.raises(ImportRefused, match="guillemet jamais refermé après la ligne"):
        list(lines.rows(file, "utf-8"))
