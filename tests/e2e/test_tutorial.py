"""What a newcomer reads is what happens: the blocks of the tutorial, and README's two commands, are run and compared.

A ``sh`` block is run by bash, in the order of the page; the ``text`` block after it, if any, is what it printed, where
``…`` stands for anything on the line, and a line of ``…`` alone for any lines.  A block with ``annuaire serve`` goes on
in the background, and is shown up to its readiness.  Ports are replaced by free ones.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from e2e.installation import ANNUAIRE, Installation, Server, installation

ROOT = Path(__file__).parent.parent.parent
_BLOCK = re.compile(r"^```(sh|text)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
PORTS = {"1389": "ANNUAIRE_LDAP_PORT", "8080": "ANNUAIRE_HTTP_PORT"}


def steps(page: Path) -> list[tuple[str, str | None]]:
    """Each command block with what it should print."""
    blocks = _BLOCK.findall(page.read_text(encoding="utf-8"))
    following = [*blocks[1:], ("", "")]
    return [(b[1], n[1] if n[0] == "text" else None) for b, n in zip(blocks, following, strict=True) if b[0] == "sh"]


def pattern(shown: str) -> re.Pattern[str]:
    def line(text: str) -> str:
        return r"(?:.*\n)*?" if text == "…" else re.escape(text).replace("…", ".*") + r"\n"

    return re.compile("".join(map(line, shown.splitlines())) or r"\s*")


def assert_shown(shown: str, printed: str) -> None:
    normal = "".join(line.rstrip() + "\n" for line in printed.strip().splitlines())
    shown = shown.strip() + "\n"
    assert pattern(shown).fullmatch(normal), f"--- shown\n{shown}\n--- printed\n{normal}"


def with_ports(text: str, here: Installation) -> str:
    for written, name in PORTS.items():
        text = re.sub(rf"\b{written}\b", here.env[name], text)
    return text


class Reader:
    """Somebody who types a page, block by block."""

    def __init__(self, here: Installation) -> None:
        bin_folder = str(Path(ANNUAIRE).parent)
        env = {name: value for name, value in here.env.items() if name not in ("ANNUAIRE_DATA", "ANNUAIRE_WORKERS")}
        self.here, self.env = here, env | {"PATH": f"{bin_folder}:{os.environ['PATH']}"}
        self.servers: list[Server] = []

    def type(self, block: str) -> str:
        command = ["bash", "-euo", "pipefail", "-c", with_ports(block, self.here)]
        log = self.here.folder / f"block-{len(list(self.here.folder.glob('block-*')))}.log"
        with log.open("wb") as stream:
            process = subprocess.Popen(
                command, env=self.env, cwd=self.here.folder, stdout=stream, stderr=subprocess.STDOUT
            )
        if re.search("annuaire serve|make run", block):
            self.servers.append(Server(process, log))
            self.servers[-1].wait_for("Ctrl-C arrête.\n", 240)
        else:
            assert process.wait(120) == 0, log.read_text()
        return log.read_text(encoding="utf-8")

    def close(self) -> None:
        for server in self.servers:
            assert server.stop() == 0


@pytest.fixture
def reader(tmp_path: Path) -> Iterator[Reader]:
    reader = Reader(installation(tmp_path))
    try:
        yield reader
    finally:
        reader.close()


@pytest.mark.parametrize("page", ["docs/tutorial/first-steps.md", "docs/howto/daily-import.md"])
def test_the_page_does_what_it_says(reader: Reader, page: str) -> None:
    for block, shown in steps(ROOT / page):
        printed = reader.type(block)
        if shown is not None:
            assert_shown(with_ports(shown, reader.here), printed)
