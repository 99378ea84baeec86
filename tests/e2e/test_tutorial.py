"""What a newcomer reads is what happens: the blocks of the pages below are run and their output compared.

A ``sh`` block is run by bash, in the order of the page; the ``text`` block after it, if any, is what it printed on
standard output, where ``…`` stands for anything on the line, and a line of ``…`` alone for any lines.  A block that
serves goes on in the background and is shown up to its readiness.  Ports are replaced by free ones.
``REWRITE_PAGES=1 make docs`` puts what was printed into the pages, dates and builds as ``…``: read the difference.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from e2e.installation import ANNUAIRE, Installation, installation
from pages import shows, steps

ROOT = Path(__file__).parent.parent.parent
PAGES = ["docs/tutorial/first-steps.md"]
PAGES += [f"docs/howto/{name}.md" for name in ("daily-import", "undo-an-import", "white-list", "review", "tls")]
PAGES += [f"docs/howto/{name}.md" for name in ("verify", "check-a-receipt", "publish-mailboxes")]
PORTS = {"1389": "ANNUAIRE_LDAP_PORT", "1636": "ANNUAIRE_LDAPS_PORT", "8080": "ANNUAIRE_HTTP_PORT"}
READY = "Ctrl-C arrête.\n"
# Instants, days and builds.
_VOLATILE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ|\d\d/\d\d/\d{4}|\d{8}T\d{6}Z(?:\.\d+)?|\d{14}Z")


class Reader:
    """Somebody who types a page, block by block."""

    def __init__(self, here: Installation) -> None:
        env = {name: value for name, value in here.env.items() if name != "ANNUAIRE_DATA"}
        self.here, self.env = here, env | {"PATH": f"{Path(ANNUAIRE).parent}:{os.environ['PATH']}"}
        self.serving: subprocess.Popen[bytes] | None = None

    def type(self, block: str) -> str:
        """Runs the block; what it printed on standard output, as a page would show it."""
        out, err = (self.here.folder / name for name in ("block.out", "block.err"))
        command = ["bash", "-euo", "pipefail", "-c", self._here(block)]
        with out.open("wb") as stdout, err.open("wb") as stderr:
            process = subprocess.Popen(
                command, env=self.env, cwd=self.here.folder, stdout=stdout, stderr=stderr, start_new_session=True
            )
        if re.search("annuaire serve|make run", block):
            self.serving = process
            self._wait_ready(out)
        else:
            assert process.wait(300) == 0, block + out.read_text() + err.read_text()
        return self._elsewhere(out.read_text(encoding="utf-8"))

    def _wait_ready(self, out: Path) -> None:
        assert self.serving
        deadline = time.monotonic() + 600
        while READY not in out.read_text(encoding="utf-8"):
            failed = out.read_text() + out.with_suffix(".err").read_text()
            assert self.serving.poll() is None and time.monotonic() < deadline, failed
            time.sleep(0.1)

    def _here(self, block: str) -> str:
        for written, name in PORTS.items():
            block = re.sub(rf"\b{written}\b", self.env[name], block)
        return re.sub(r"^make (\w+)", rf"make -s -C {ROOT} \1 DATA={self.here.folder}/var", block, flags=re.MULTILINE)

    def _elsewhere(self, printed: str) -> str:
        printed = printed.replace(f"{self.here.folder}/", "…/").replace("…/var", "var")
        for written, name in PORTS.items():
            printed = re.sub(rf"\b{self.env[name]}\b", written, printed)
        return printed

    def close(self) -> None:
        if self.serving:
            os.killpg(self.serving.pid, signal.SIGINT)  # Ctrl-C
            self.serving.wait(60)


@pytest.fixture
def reader(tmp_path: Path) -> Iterator[Reader]:
    reader = Reader(installation(tmp_path))
    try:
        yield reader
    finally:
        reader.close()


@pytest.mark.timeout(900)
@pytest.mark.parametrize("name", PAGES)
def test_the_page_shows_what_happens(reader: Reader, name: str) -> None:
    follow(reader, name)


@pytest.mark.timeout(900)
def test_the_readme_and_the_http_pages_show_what_happens(reader: Reader) -> None:
    """The examples of the latter are what the sample of ``make run`` answers."""
    follow(reader, "README.md")
    found = [step for path in sorted((ROOT / "docs/reference").glob("http-*.md")) for step in steps(path)]
    assert len(found) > 5 and reader.serving
    for block, shown in found:
        printed = reader.type(block)
        assert shown and shows(shown, printed), f"{block}--- shown\n{shown}--- printed\n{printed}"


def follow(reader: Reader, name: str) -> None:
    """Types what a page says, block by block."""
    path = ROOT / name
    page = path.read_text(encoding="utf-8")
    for block, shown in steps(path):
        printed = reader.type(block)
        if shown is None or shows(shown, printed):
            continue
        assert "REWRITE_PAGES" in os.environ, f"{block}--- shown\n{shown}--- printed\n{printed}"
        page = page.replace(f"{block}```\n\n```text\n{shown}", f"{block}```\n\n```text\n{_settled(printed)}")
        path.write_text(page, encoding="utf-8")


def _settled(printed: str) -> str:
    return "".join(line.rstrip() + "\n" for line in _VOLATILE.sub("…", printed).strip().splitlines())
