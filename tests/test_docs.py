"""The docs say what the code does: reference pages are the code's own, every setting, command and target that a page
names exists, and every link leads somewhere.  Pages that show a session are run by ``tests/e2e/test_tutorial.py``."""

from __future__ import annotations

import re
from pathlib import Path

import click
import pytest

from directory_service.accesslog import FIELDS
from directory_service.cli import annuaire
from directory_service.errors import AnnuaireError
from directory_service.index.onebox.tiers import TIERS
from directory_service.ldap.limits import NAMES
from directory_service.matching.addresses import AddressState
from directory_service.matching.description import FIELDS as LINE
from directory_service.matching.judging import Outcome as Meant
from directory_service.settings import describe
from directory_service.trust.verdicts import REASONS, Outcome
from tools import reference

ROOT = Path(__file__).parent.parent
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
_LINK = re.compile(r"\]\((?!https?:|mailto:|#)([^)#]+)(?:#[^)]*)?\)")
_TARGET = re.compile(r"`make ([a-z]+)")
_COMMAND = re.compile(r"`annuaire ((?:[a-z]+(?: |`)?)+)")
_SETTING = re.compile(r"ANNUAIRE_[A-Z_]+[A-Z]")
_FOLDERS = ("bench", "contrib", "directory_service", "docs", "fuzz", "importers", "ldap_schema", "tests", "tools")
# Not settings: they steer the command itself.
_OTHER_VARIABLES = {"ANNUAIRE_DEBUG"}


@pytest.mark.parametrize("path", reference.pages(), ids=lambda p: p.name)
def test_reference_pages_are_what_the_code_says(path: Path) -> None:
    assert path.read_text(encoding="utf-8") == reference.pages()[path], "run `make reference`"


def test_the_tutorial_does_not_begin_on_what_the_readme_left() -> None:
    """`make run` fills ``var`` of the clone, and the breaker refuses the tutorial's country in its place."""
    opening = (ROOT / "docs/tutorial/first-steps.md").read_text(encoding="utf-8").partition("\n## ")[0]
    assert "Stop `make run`" in opening and re.search("mkdir (\\S+) && cd \\1`", opening)


def test_every_exit_code_is_explained() -> None:
    def codes(error: type[AnnuaireError]) -> set[int]:
        return {error.exit_code}.union(*map(codes, error.__subclasses__()))

    assert codes(AnnuaireError) <= reference.EXIT_CODES.keys()


def _anchors(page: Path) -> set[str]:
    """As GitHub makes them of headings: lower case, spaces as hyphens, no punctuation."""
    text = re.sub(r"^```.*?^```$", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    heads = re.findall(r"^#+ (.*)$", re.sub(r"\]\([^)]*\)", "]", text), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", head.lower()).strip().replace(" ", "-") for head in heads}


@pytest.mark.parametrize("page", PAGES, ids=lambda p: str(p.relative_to(ROOT)))
def test_a_link_into_a_page_meets_a_heading(page: Path) -> None:
    links = re.findall(r"\]\((?!https?:)([^)#]*)#([^)]+)\)", page.read_text(encoding="utf-8"))
    there = [(page.parent / name if name else page, anchor) for name, anchor in links]
    assert [(str(to), anchor) for to, anchor in there if to.suffix == ".md" and anchor not in _anchors(to)] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda p: str(p.relative_to(ROOT)))
def test_a_page_names_only_what_exists(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert [link for link in _LINK.findall(text) if not (page.parent / link).exists()] == []
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    assert set(_TARGET.findall(text)) <= targets
    assert set(_SETTING.findall(text)) <= {s.env for s in describe()} | _OTHER_VARIABLES
    assert {words.split()[0].rstrip("`") for words in _COMMAND.findall(text)} <= annuaire.commands.keys()


def test_the_index_of_decisions_has_each_of_them_once() -> None:
    folder = ROOT / "docs" / "decisions"
    listed = re.findall(
        r"^\| \[(\d{4})\]\((\1-[\w-]+\.md)\) \|", (folder / "README.md").read_text("utf-8"), re.MULTILINE
    )
    assert sorted(name for _, name in listed) == sorted(page.name for page in folder.glob("[0-9]*.md"))


@pytest.mark.parametrize("page", PAGES, ids=lambda p: str(p.relative_to(ROOT)))
def test_the_files_that_a_page_names_are_there_and_its_tables_are_tables(page: Path) -> None:
    """A table is a header, a rule under it, and rows of as many cells: a line astray is shown as text."""
    text = re.sub(r"^```.*?^```$", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    named = re.findall(rf"`((?:{'|'.join(_FOLDERS)})/[\w./-]+\.[a-z]+)`", text)
    assert [name for name in named if not (ROOT / name).exists()] == []
    for table in re.findall(r"(?:^\|.*\n)+", text, re.MULTILINE):
        cells = [len(re.findall(r"(?<!\\)\|", line)) for line in table.splitlines()]
        assert re.match(r"\|.*\n\|[-| ]+\|\n", table) and len(set(cells)) == 1, table


def test_the_page_of_metrics_and_logs_names_each_of_them_with_its_meaning() -> None:
    """And none that does not exist."""
    text = (ROOT / "docs" / "reference" / "observability.md").read_text(encoding="utf-8")
    rows = set(re.findall(r"^\| `([a-z_]+)` \| ([^|\n]+) \|$", text, re.MULTILINE))
    assert FIELDS.items() | NAMES.items() <= rows
    assert {name for name, _ in rows} == FIELDS.keys() | NAMES.keys()
    named = set(re.findall(r"^\| `(annuaire_[a-z_]+)` \|", text, re.MULTILINE))
    source = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "directory_service").rglob("*.py"))
    assert named == set(re.findall(r'(?:Counter|Gauge|Histogram|_gauge)\(\s*"(annuaire_[a-z_]+)"', source))


def test_the_page_of_verdicts_has_a_row_for_each_verdict_and_reason_and_no_other() -> None:
    text = (ROOT / "docs" / "reference" / "verdicts.md").read_text(encoding="utf-8")

    def rows(title: str) -> list[str]:
        section = text.partition(f"\n## {title}\n")[2].partition("\n## ")[0]
        return re.findall(r"^\| `([a-z_]+)` \|", section, re.MULTILINE)

    assert rows("Verdicts") == [str(outcome) for outcome in Outcome]
    assert sorted(rows("Reasons")) == sorted(REASONS)


def _first_column(page: str, title: str) -> list[str]:
    """The code words that begin the rows of a section."""
    text = (ROOT / "docs" / "reference" / page).read_text(encoding="utf-8")
    rows = re.findall(r"^\| (`.*?) \|", text.partition(f"\n## {title}\n")[2].partition("\n## ")[0], re.MULTILINE)
    return [word for row in rows for word in re.findall(r"`([a-z_]+)`", row)]


def test_the_pages_of_search_and_matching_have_the_words_of_the_code_and_no_other() -> None:
    assert _first_column("search.md", "Order") == [tier.name for tier in TIERS]
    heads = ["state", "outcome"]
    assert sorted(_first_column("matching.md", "What is answered")) == sorted([*heads, *AddressState, *Meant])
    assert set(_first_column("matching.md", "What a line may say")) == set(LINE)


def test_alerts_name_metrics_that_exist() -> None:
    told = (ROOT / "docs" / "reference" / "observability.md").read_text(encoding="utf-8")
    page = (ROOT / "docs" / "howto" / "run-in-production.md").read_text(encoding="utf-8")
    used = {name.removesuffix("_bucket") for name in re.findall(r"annuaire_[a-z_]+", page)}
    assert {name for name in used if f"`{name}`" not in told} == set()


def _commands(group: click.Group, path: str = "annuaire") -> list[tuple[str, click.Command]]:
    found = []
    for name, command in group.commands.items():
        found.append((f"{path} {name}", command))
        if isinstance(command, click.Group):
            found += _commands(command, f"{path} {name}")
    return found


@pytest.mark.parametrize(("path", "command"), _commands(annuaire), ids=lambda v: v if isinstance(v, str) else "")
def test_every_command_explains_itself_and_speaks_json(path: str, command: click.Command) -> None:
    assert command.help
    options = [p for p in command.params if isinstance(p, click.Option)]
    assert all(p.help for p in options)
    assert isinstance(command, click.Group) or "machine" in {p.name for p in options}
