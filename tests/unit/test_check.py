"""The first pass over an extract against an obvious one."""

from __future__ import annotations

import hashlib
from itertools import groupby
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from importers import extract
from importers.check import Checked, check
from importers.sample.headers import DIPLOMA_HEADER

WIDTH = len(DIPLOMA_HEADER.split("|"))
NUMBERS = st.sampled_from(["8|10000000017", "8|1", "0|1", '"8|1', "|", "8"])
ROWS = st.lists(st.builds("{}|{}".format, NUMBERS, st.sampled_from(["", "é", "x" * 40])) | st.just(""), max_size=30)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("extracts")


def slow_check(data: bytes) -> Checked:
    lines = data.split(b"\n")[1:-1]
    values = [line.split(b"|") for line in lines]
    keys = [v[0] + v[1] for v in values if len(v) > 1]
    return Checked(
        sha256=hashlib.sha256(data).hexdigest(),
        rows=len(lines),
        grouped=len([key for key, _ in groupby(keys)]) == len(set(keys)),
        kinds={key.lstrip(b'"')[:1] for key in keys},
    )


@settings(deadline=None)  # files are written
@given(rows=ROWS, block=st.integers(1, 200))
def test_it_learns_what_an_obvious_pass_learns(folder: Path, rows: list[str], block: int) -> None:
    """Whatever the size of the blocks, which rows and letters straddle."""
    last = "8|2" + "|" * (WIDTH - 2)  # whole, or the file is refused
    data = ("\n".join([DIPLOMA_HEADER, *rows, last]) + "\n").encode()
    path = folder / "a.txt"
    path.write_bytes(data)
    (file,), _ = extract.recognise(path)
    assert check(file, block=block) == slow_check(data)
