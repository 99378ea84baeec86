"""Documentation pages read by the tests: their fenced blocks, and whether a command printed what a page shows."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

DOCS = Path(__file__).parent.parent / "docs"
_BLOCK = re.compile(r"^```(\w+)(?: ([^\n]+))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)


class Block(NamedTuple):
    """A fenced block: its language, the file that it is the content of ("" for none), its text."""

    language: str
    file: str
    text: str


def blocks(path: Path) -> list[Block]:
    return [Block(*found) for found in _BLOCK.findall(path.read_text(encoding="utf-8"))]


def steps(path: Path) -> list[tuple[str, str | None]]:
    """Each ``sh`` block with the ``text`` block after it, which is what it should print."""
    every = blocks(path)
    following = [*every[1:], Block("", "", "")]
    pairs = zip(every, following, strict=True)
    return [(b.text, n.text if n.language == "text" and not n.file else None) for b, n in pairs if b.language == "sh"]


def shows(shown: str, printed: str) -> bool:
    """Whether ``printed`` is what ``shown`` says: ``…`` is anything on the line, alone on its line any lines."""

    def line(text: str) -> str:
        return r"(?:.*\n)*?" if text == "…" else re.escape(text).replace("…", ".*") + r"\n"

    normal = "".join(line.rstrip() + "\n" for line in printed.strip().splitlines())
    return re.fullmatch("".join(map(line, shown.strip().splitlines())), normal) is not None
