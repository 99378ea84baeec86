"""``python -m bench.explain`` says how a question is answered, and the page that reads it shows what it says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from bench.explain import explained, told
from directory_service.index.directory import Directory
from directory_service.ldap.filters import parse_filter

PAGE = Path("docs/explanation/how-a-search-runs.md")
STEPS = ("asked", "half", "to match", "first")  # of each line: what does not depend on how many people there are


def lines(found: list[str]) -> list[str]:
    return [line for line in found if line.startswith(STEPS)]


def test_the_page_shows_what_it_prints(opened: Directory) -> None:
    shown = re.search(r"^```text\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    assert shown
    assert lines(shown[1].splitlines()) == lines(list(explained(opened, "dupont ma")))


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("(mail=a@b.fr)", "looked up  key ma@b.fr"),
        ("(cn=*dupo*)", "looked up  lists of letters dupo"),
        ("(mail=*dupo*)", "looked up  lists of letters mail:dupo"),
        ("(objectClass=*)", "looked up  nothing: all entries are read"),
    ],
)
def test_look_ups_are_written_as_what_they_find(opened: Directory, asked: str, said: str) -> None:
    assert said in list(explained(opened, asked))


def test_a_filter_is_read_aloud() -> None:
    assert told(parse_filter("(&(sn=a*b)(|(cn=c)(!(mail=d))))")) == "sn is a*b and (cn is c or not (mail is d))"
