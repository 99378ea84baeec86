"""``python -m bench.explain`` says how a question is answered, and the page that reads it shows what it says."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
import web_world

from bench.explain import explained, told
from directory_service.index.directory import Directory
from directory_service.ldap.filters import parse_filter

PAGE = Path("docs/explanation/how-a-search-runs.md")
STEPS = ("asked", "half", "to match", "first")  # of each line: what does not depend on how many people there are


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Directory]:
    opened, _ = web_world.build_world(tmp_path_factory.mktemp("index"))
    with closing(opened):
        yield opened


def lines(found: list[str]) -> list[str]:
    return [line for line in found if line.startswith(STEPS)]


def test_the_page_shows_what_it_prints(directory: Directory) -> None:
    shown = re.search(r"^```text\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    assert shown
    assert lines(shown[1].splitlines()) == lines(list(explained(directory, "dupont ma")))


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("(mail=a@b.fr)", "looked up  key ma@b.fr"),
        ("(cn=*dupo*)", "looked up  lists of letters dupo"),
        ("(mail=*dupo*)", "looked up  lists of letters mail:dupo"),
        ("(objectClass=*)", "looked up  nothing: all entries are read"),
    ],
)
def test_look_ups_are_written_as_what_they_find(directory: Directory, asked: str, said: str) -> None:
    assert said in list(explained(directory, asked))


def test_a_filter_is_read_aloud() -> None:
    assert told(parse_filter("(&(sn=a*b)(|(cn=c)(!(mail=d))))")) == "sn is a*b and (cn is c or not (mail is d))"
